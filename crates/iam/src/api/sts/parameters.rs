//! The parameters of STS requests, and what each may hold.
//!
//! What always holds: all that is wrong with the parameters is told at once, in the words of AWS.

use std::ops::RangeInclusive;

use millpond_wire::error::{ApiError, MALFORMED_INPUT};
use millpond_wire::query::Form;

use super::error::VALIDATION_ERROR;

/// A parameter that is text.
pub(super) struct Parameter {
    name: &'static str,
    /// How the texts of errors call it.
    member: &'static str,
    chars: RangeInclusive<usize>,
    letters: Letters,
}

#[derive(Clone, Copy)]
enum Letters {
    /// Any that XML has.
    Any,
    /// Those of words, and these.
    Word { others: &'static str, pattern: &'static str },
}

const fn parameter(
    name: &'static str,
    member: &'static str,
    chars: RangeInclusive<usize>,
    letters: Letters,
) -> Parameter {
    Parameter { name, member, chars, letters }
}

const NAME: Letters = Letters::Word { others: "+=,.@-", pattern: r"[\w+=,.@-]*" };

pub(super) const ROLE_ARN: Parameter = parameter("RoleArn", "roleArn", 20..=2048, Letters::Any);
pub(super) const ROLE_SESSION_NAME: Parameter = parameter("RoleSessionName", "roleSessionName", 2..=64, NAME);
pub(super) const SOURCE_IDENTITY: Parameter = parameter("SourceIdentity", "sourceIdentity", 2..=64, NAME);
pub(super) const EXTERNAL_ID: Parameter = parameter(
    "ExternalId",
    "externalId",
    2..=1224,
    Letters::Word { others: "+=,.@:/-", pattern: r"[\w+=,.@:\/-]*" },
);
pub(super) const POLICY: Parameter = parameter("Policy", "policy", 1..=2048, Letters::Any);
pub(super) const ENCODED_MESSAGE: Parameter =
    parameter("EncodedMessage", "encodedMessage", 1..=10_240, Letters::Any);
pub(super) const ACCESS_KEY_ID: Parameter =
    parameter("AccessKeyId", "accessKeyId", 16..=128, Letters::Word { others: "", pattern: r"[\w]*" });
pub(super) const MOST_TAGS: usize = 50;
const TAG_KEY_CHARS: RangeInclusive<usize> = 1..=128;
const TAG_VALUE_CHARS: RangeInclusive<usize> = 0..=256;
const TAG_PATTERN: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]";
const POLICY_ARN_CHARS: RangeInclusive<usize> = 20..=2048;
const MOST_POLICY_ARNS: usize = 10;

impl Letters {
    /// The pattern that a text does not fit.
    fn missed_by(self, text: &str) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Word { others, pattern } => {
                let fits =
                    |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || others.contains(letter);
                (!text.chars().all(fits)).then_some(pattern)
            }
        }
    }
}

/// The parameters of one request, with what is wrong with them.
pub(super) struct Reader<'f> {
    form: &'f Form<'f>,
    violations: Vec<String>,
}

impl<'f> Reader<'f> {
    pub(super) const fn new(form: &'f Form<'f>) -> Self {
        Self { form, violations: Vec::new() }
    }

    /// The text of a parameter as it was sent.
    pub(super) fn raw(&self, name: &str) -> Option<&'f str> {
        self.form.text(name)
    }

    pub(super) fn optional(&mut self, parameter: &Parameter) -> Option<String> {
        let text = self.raw(parameter.name)?;
        self.check(parameter.member, text, &parameter.chars, parameter.letters);
        Some(text.to_owned())
    }

    pub(super) fn required(&mut self, parameter: &Parameter) -> String {
        let given = self.optional(parameter);
        if given.is_none() {
            self.null(parameter.member);
        }
        given.unwrap_or_default()
    }

    /// `DurationSeconds`.
    pub(super) fn duration_secs(&mut self, range: &RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.raw("DurationSeconds") else { return Ok(None) };
        let number: i64 = text
            .parse()
            .map_err(|_| MALFORMED_INPUT.because("STRING_VALUE can not be converted to an Integer"))?;
        // A number below zero is below the range as well.
        let secs = u64::try_from(number).unwrap_or_default();
        let wrong = match range {
            range if secs < *range.start() => Some(("greater", range.start())),
            range if secs > *range.end() => Some(("less", range.end())),
            _ => None,
        };
        if let Some((side, bound)) = wrong {
            let text = format!("Member must have value {side} than or equal to {bound}");
            self.violated("durationSeconds", Some(&number.to_string()), &text);
        }
        Ok(Some(secs))
    }

    /// `Tags.member.N.Key` and `.Value`, in the order of their numbers.
    pub(super) fn tags(&mut self) -> Vec<(String, String)> {
        let mut tags = Vec::new();
        for number in 1..=MOST_TAGS + 1 {
            let part = |part: &str| self.form.text(&format!("Tags.member.{number}.{part}"));
            let (key, value) = (part("Key"), part("Value"));
            if key.is_none() && value.is_none() {
                break;
            }
            let place = |part: &str| format!("tags.{number}.member.{part}");
            for (part, text, chars) in [("key", key, TAG_KEY_CHARS), ("value", value, TAG_VALUE_CHARS)] {
                match text {
                    Some(text) => self.check_of_tag(&place(part), text, &chars),
                    None => self.null(&place(part)),
                }
            }
            tags.push((key.unwrap_or_default().to_owned(), value.unwrap_or_default().to_owned()));
        }
        self.check_count("tags", tags.len(), MOST_TAGS);
        tags
    }

    /// `TransitiveTagKeys.member.N`.
    pub(super) fn transitive_tag_keys(&mut self) -> Vec<String> {
        let keys = self.list("TransitiveTagKeys.member.", "", MOST_TAGS);
        for (number, key) in (1..).zip(&keys) {
            self.check_of_tag(&format!("transitiveTagKeys.{number}.member"), key, &TAG_KEY_CHARS);
        }
        self.check_count("transitiveTagKeys", keys.len(), MOST_TAGS);
        keys
    }

    /// `PolicyArns.member.N.arn`.
    pub(super) fn policy_arns(&mut self) -> Vec<String> {
        let arns = self.list("PolicyArns.member.", ".arn", MOST_POLICY_ARNS);
        for (number, arn) in (1..).zip(&arns) {
            let place = format!("policyArns.{number}.member.arn");
            self.check(&place, arn, &POLICY_ARN_CHARS, Letters::Any);
        }
        self.check_count("policyArns", arns.len(), MOST_POLICY_ARNS);
        arns
    }

    /// The items of a list, one more than there may be at most.
    fn list(&self, before: &str, after: &str, most: usize) -> Vec<String> {
        let item = |number| self.form.text(&format!("{before}{number}{after}")).map(str::to_owned);
        (1..=most + 1).map_while(item).collect()
    }

    fn check(&mut self, place: &str, text: &str, chars: &RangeInclusive<usize>, letters: Letters) {
        let count = text.chars().count();
        if count < *chars.start() {
            let bound = format!("Member must have length greater than or equal to {}", chars.start());
            self.violated(place, Some(text), &bound);
        } else if count > *chars.end() {
            let bound = format!("Member must have length less than or equal to {}", chars.end());
            self.violated(place, Some(text), &bound);
        }
        if let Some(pattern) = letters.missed_by(text) {
            let fits = format!("Member must satisfy regular expression pattern: {pattern}");
            self.violated(place, Some(text), &fits);
        }
    }

    fn check_of_tag(&mut self, place: &str, text: &str, chars: &RangeInclusive<usize>) {
        self.check(place, text, chars, Letters::Any);
        // Letters, separators and numbers; `char` has no class for separators other than white space.
        let fits = |letter: char| {
            letter.is_alphanumeric()
                || (letter.is_whitespace() && !letter.is_control())
                || "_.:/=+-@".contains(letter)
        };
        if !text.chars().all(fits) {
            let times = if *chars.start() == 0 { '*' } else { '+' };
            let fits = format!("Member must satisfy regular expression pattern: {TAG_PATTERN}{times}");
            self.violated(place, Some(text), &fits);
        }
    }

    fn check_count(&mut self, place: &str, count: usize, most: usize) {
        if count > most {
            let bound = format!("Member must have length less than or equal to {most}");
            self.violated(place, Some("[…]"), &bound);
        }
    }

    fn null(&mut self, place: &str) {
        self.violated(place, None, "Member must not be null");
    }

    fn violated(&mut self, place: &str, value: Option<&str>, constraint: &str) {
        let value = value.map_or_else(|| "null".to_owned(), |value| format!("'{value}'"));
        self.violations
            .push(format!("Value {value} at '{place}' failed to satisfy constraint: {constraint}"));
    }

    /// Nothing was wrong so far, or all that was.
    pub(super) fn told(&self) -> Result<(), ApiError> {
        let count = self.violations.len();
        if count == 0 {
            return Ok(());
        }
        let (errors, all) = (if count == 1 { "error" } else { "errors" }, self.violations.join("; "));
        Err(VALIDATION_ERROR.because(format!("{count} validation {errors} detected: {all}")))
    }
}
