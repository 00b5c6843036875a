//! Patterns against what their words say, and the parts of ARNs.

use std::borrow::Cow;

use proptest::prelude::*;

use super::{Atom, Budget, Case, Pattern, Resolve, Syntax, arn_parts, glob, key};

const WILD: Syntax = Syntax { wildcards: true, variables: false };

fn atoms(text: &str) -> Box<[Atom]> {
    match Pattern::compile(text, WILD) {
        Ok(Pattern::Fixed(atoms)) => atoms,
        other => panic!("{other:?}"),
    }
}

struct NoValues(Budget);

impl Resolve for NoValues {
    fn resolve(&self, _key: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn budget(&self) -> &Budget {
        &self.0
    }
}

/// As the words say it: a star stands for nothing, or for a character and a star.
fn plainly(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) if plainly(rest, text) => true,
        (['*', ..], [_, later @ ..]) => plainly(pattern, later),
        (['?', rest @ ..], [_, later @ ..]) => plainly(rest, later),
        ([wanted, rest @ ..], [found, later @ ..]) if wanted == found => plainly(rest, later),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_matches_as_its_words_say(pattern in "[abä*?]{0,8}", text in "[abä*?]{0,10}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = plainly(&chars(&pattern), &chars(&text));
        prop_assert_eq!(glob(&atoms(&pattern), &text, Case::Counts, &Budget::new()), expected);
        let shouted = text.to_uppercase();
        prop_assert_eq!(glob(&atoms(&pattern), &shouted, Case::Ignored, &Budget::new()), expected);
        let compiled = Pattern::compile(&pattern, WILD).expect("a pattern");
        prop_assert_eq!(compiled.matches(&text, Case::Counts, &NoValues(Budget::new())).is_yes(), expected);
        prop_assert_eq!(compiled.matches(&shouted, Case::Ignored, &NoValues(Budget::new())).is_yes(), expected);
    }

    #[test]
    fn the_parts_of_an_arn_together_are_the_arn(text in "[a:*]{0,12}") {
        let whole = atoms(&text);
        let Some(parts) = arn_parts(&whole) else {
            prop_assert!(text.matches(':').count() < 5);
            return Ok(());
        };
        let shown: Vec<String> = parts.iter().map(|part| part.iter().map(shown).collect()).collect();
        let plain: String = whole.iter().map(self::shown).collect();
        prop_assert_eq!(shown.join(":"), plain);
    }
}

fn shown(atom: &Atom) -> &str {
    match atom {
        Atom::Text(text) => text,
        Atom::One => "?",
        Atom::Many => "*",
    }
}

#[test]
fn many_stars_take_no_longer_than_text_times_pattern() {
    let pattern = "a*".repeat(500) + "b";
    assert!(!glob(&atoms(&pattern), &"a".repeat(10_000), Case::Counts, &Budget::new()));
}

#[test]
fn a_pattern_that_would_take_minutes_spends_the_budget_and_matches_nothing() {
    let (pattern, text) = ("*".to_owned() + &"a?".repeat(1_500) + "b*", "a".repeat(380_000));
    let budget = Budget::new();
    assert!(!glob(&atoms(&pattern), &text, Case::Counts, &budget));
    assert!(budget.is_spent());
    assert!(!glob(&atoms("*"), "", Case::Counts, &budget), "and nothing matches behind it");
}

#[test]
fn the_value_of_a_variable_is_paid_for_each_time_it_is_copied() {
    struct Long(Budget, String);
    impl Resolve for Long {
        fn resolve(&self, _key: &str) -> Option<Cow<'_, str>> {
            Some(Cow::Borrowed(&self.1))
        }

        fn budget(&self) -> &Budget {
            &self.0
        }
    }
    let syntax = Syntax { wildcards: true, variables: true };
    let pattern = Pattern::compile(&"${a:b}".repeat(1_000), syntax).expect("a pattern");
    let values = Long(Budget::new(), "a".repeat(2_048));
    assert!(!pattern.matches("a", Case::Counts, &values).is_yes());
    assert!(values.0.is_spent());
}

#[test]
fn keys_are_lower_case_up_to_a_slash() {
    assert_eq!(&*key("AWS:PrincipalTag/Team/X"), "aws:principaltag/Team/X");
    assert_eq!(&*key("aws:SourceIp"), "aws:sourceip");
}
