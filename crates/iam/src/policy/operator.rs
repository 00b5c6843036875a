//! The operators of conditions, by their names.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

/// An operator with its prefix and suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) over: Over,
    pub(crate) test: TestKind,
    /// `…Not…`: true when no value matches.
    pub(crate) negated: bool,
    /// `…IfExists`.
    pub(crate) if_exists: bool,
}

/// Over which values of a key that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// No prefix.
    Plain,
    /// `ForAllValues:`.
    All,
    /// `ForAnyValue:`.
    Any,
}

/// What an operator compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestKind {
    Text(TextTest),
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Arn,
    Null,
}

/// How texts compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    Equals,
    EqualsIgnoreCase,
    Like,
}

/// How the request's value must stand to the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// The operator of that name; `None` when there is none. Names are spelled exactly.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (over, name) = match name.split_once(':') {
            None => (Over::Plain, name),
            Some(("ForAllValues", rest)) => (Over::All, rest),
            Some(("ForAnyValue", rest)) => (Over::Any, rest),
            Some(_) => return None,
        };
        let (if_exists, name) = name.strip_suffix("IfExists").map_or((false, name), |rest| (true, rest));
        let (test, negated) = test(name)?;
        if if_exists && test == TestKind::Null {
            return None;
        }
        Some(Self { over, test, negated, if_exists })
    }
}

fn test(name: &str) -> Option<(TestKind, bool)> {
    Some(match name {
        "StringEquals" => (TestKind::Text(TextTest::Equals), false),
        "StringNotEquals" => (TestKind::Text(TextTest::Equals), true),
        "StringEqualsIgnoreCase" => (TestKind::Text(TextTest::EqualsIgnoreCase), false),
        "StringNotEqualsIgnoreCase" => (TestKind::Text(TextTest::EqualsIgnoreCase), true),
        "StringLike" => (TestKind::Text(TextTest::Like), false),
        "StringNotLike" => (TestKind::Text(TextTest::Like), true),
        "Bool" => (TestKind::Bool, false),
        "BinaryEquals" => (TestKind::Binary, false),
        "IpAddress" => (TestKind::Address, false),
        "NotIpAddress" => (TestKind::Address, true),
        "ArnEquals" | "ArnLike" => (TestKind::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (TestKind::Arn, true),
        "Null" => (TestKind::Null, false),
        _ => return ordered(name),
    })
}

fn ordered(name: &str) -> Option<(TestKind, bool)> {
    let (kind, order): (fn(Order) -> TestKind, _) = match name.strip_prefix("Numeric") {
        Some(order) => (TestKind::Numeric, order),
        None => (TestKind::Date, name.strip_prefix("Date")?),
    };
    let (order, negated) = match order {
        "Equals" => (Order::Equal, false),
        "NotEquals" => (Order::Equal, true),
        "LessThan" => (Order::Less, false),
        "LessThanEquals" => (Order::LessOrEqual, false),
        "GreaterThan" => (Order::Greater, false),
        "GreaterThanEquals" => (Order::GreaterOrEqual, false),
        _ => return None,
    };
    Some((kind(order), negated))
}
