//! AWS Query: parameters to requests, and replies to XML.
//!
//! A request is a flat list of parameters, `MessageAttribute.1.Value.DataType=String`; a reply is XML. Lists and maps
//! are *flattened*: their items carry a name of their own instead of the member's. A service gives those names once, in
//! the table of its [`QueryService`]; everything else follows from the same types that AWS JSON uses. A service whose
//! table is empty flattens nothing: the items of its lists stand below `member`, `Tags.member.1.Key=a`, and the entries of
//! its maps below `entry`, with a `key` and a `value`.
//!
//! What always holds: decoding never panics, and what it does is bounded by the number of parameters; a structure is
//! never deeper than its type; parameters that a request does not have are ignored, but one that spells a flattened
//! list or map the long way is refused, since it would be lost.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html> and
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html>.
//!
//! Suggested reading order: this file, [`form`], `decode`, `xml`, `reply`.

mod decode;
pub mod form;
mod reply;
mod xml;

use std::borrow::Cow;

pub(crate) use decode::decode;
pub use form::Form;
pub(crate) use reply::{error_json, error_xml, reply_json, reply_xml};
pub use xml::escape;

/// What the codec must know of a service that the types do not tell.
#[derive(Debug)]
pub struct QueryService {
    /// The XML namespace of its replies.
    pub namespace: &'static str,
    /// The names of its flattened lists and maps, in requests and replies.
    pub flattened: &'static [Flattened],
}

/// One row of the table: the member that the types have, and how its items are called.
#[derive(Debug)]
pub struct Flattened {
    member: &'static str,
    element: Element,
    kind: Kind,
    in_json: Option<InJson>,
}

#[derive(Clone, Copy, Debug)]
enum Element {
    Named(&'static str),
    /// The action's name and this.
    OfAction(&'static str),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    List,
    Map { key: &'static str, value: &'static str },
}

#[derive(Clone, Copy, Debug)]
struct InJson {
    name: &'static str,
    action: &'static str,
}

impl QueryService {
    /// A service that flattens no list and no map.
    #[must_use]
    pub const fn unflattened(namespace: &'static str) -> Self {
        Self { namespace, flattened: &[] }
    }

    const fn flattens(&self) -> bool {
        !self.flattened.is_empty()
    }
}

/// The element of the items of lists that are not flattened.
const MEMBER: &str = "member";
/// The elements of the entries of maps that are not flattened.
const ENTRY: (&str, &str, &str) = ("entry", "key", "value");

impl Flattened {
    /// A list whose items are called `element`.
    #[must_use]
    pub const fn list(member: &'static str, element: &'static str) -> Self {
        Self { member, element: Element::Named(element), kind: Kind::List, in_json: None }
    }

    /// A list whose items are called after the action: its name and `suffix`.
    #[must_use]
    pub const fn list_of_action(member: &'static str, suffix: &'static str) -> Self {
        Self { member, element: Element::OfAction(suffix), kind: Kind::List, in_json: None }
    }

    /// A map whose entries are called `element` and hold their name in `key` and their value in `value`.
    #[must_use]
    pub const fn map(
        member: &'static str,
        element: &'static str,
        key: &'static str,
        value: &'static str,
    ) -> Self {
        Self { member, element: Element::Named(element), kind: Kind::Map { key, value }, in_json: None }
    }

    /// The same row for a list that JSON replies call `name`, and that is `null` in those of `action` when it is empty.
    #[must_use]
    pub const fn in_json(self, name: &'static str, action: &'static str) -> Self {
        Self { in_json: Some(InJson { name, action }), ..self }
    }

    fn element(&self, action: &str) -> Cow<'static, str> {
        match self.element {
            Element::Named(name) => Cow::Borrowed(name),
            Element::OfAction(suffix) => Cow::Owned(format!("{action}{suffix}")),
        }
    }

    fn is_element(&self, action: &str, name: &str) -> bool {
        match self.element {
            Element::Named(element) => name == element,
            Element::OfAction(suffix) => name.strip_prefix(action) == Some(suffix),
        }
    }
}

/// The names that count for one call.
#[derive(Clone, Copy, Debug)]
struct Names<'a> {
    service: &'static QueryService,
    action: &'a str,
}

impl Names<'_> {
    fn row(self, member: &str) -> Option<&'static Flattened> {
        self.service.flattened.iter().find(|row| row.member == member)
    }
}
