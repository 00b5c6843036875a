//! Reads the parameters of one request and gathers what is wrong with them.

use millpond_wire::call::Parameters;
use millpond_wire::error::{ApiError, MALFORMED_INPUT};
use millpond_wire::query::Form;
use serde::Deserialize;

use super::IAM;
use super::error::VALIDATION_ERROR;
use super::page::Page;
use super::parameters::{MARKER, Parameter, Wrong};
use crate::identity::limits;

/// The parameters of one request.
pub(super) struct Reader<'f> {
    form: &'f Form<'f>,
    violations: Vec<String>,
    refused: Option<ApiError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GivenTags {
    #[serde(default)]
    tags: Vec<GivenTag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GivenTag {
    key: Option<String>,
    value: Option<String>,
}

impl<'f> Reader<'f> {
    pub(super) fn new(form: &'f Form<'f>) -> Self {
        Self { form, violations: Vec::new(), refused: None }
    }

    pub(super) fn optional(&mut self, parameter: &Parameter) -> Option<String> {
        let text = self.form.text(parameter.name)?;
        self.check(&member(parameter.name), parameter, text);
        Some(text.to_owned())
    }

    pub(super) fn required(&mut self, parameter: &Parameter) -> String {
        let given = self.optional(parameter);
        if given.is_none() {
            self.violated(&member(parameter.name), "Member must not be null");
        }
        given.unwrap_or_default()
    }

    pub(super) fn number(&mut self, name: &str, range: &std::ops::RangeInclusive<u32>) -> Option<u32> {
        let text = self.form.text(name)?;
        let Ok(number) = text.parse::<i64>() else {
            self.refuse(MALFORMED_INPUT.because("STRING_VALUE can not be converted to an Integer"));
            return None;
        };
        let (least, most) = (range.start(), range.end());
        if number < i64::from(*least) {
            let text = format!("Member must have value greater than or equal to {least}");
            self.violated(&member(name), &text);
        } else if number > i64::from(*most) {
            let text = format!("Member must have value less than or equal to {most}");
            self.violated(&member(name), &text);
        }
        u32::try_from(number).ok()
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.form.text(name) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                self.refuse(MALFORMED_INPUT.because("STRING_VALUE can not be converted to a Boolean"));
                false
            }
        }
    }

    pub(super) fn page(&mut self) -> Page {
        let marker = self.optional(&MARKER);
        let most = self.number("MaxItems", &limits::PAGE_ITEMS).unwrap_or(limits::DEFAULT_PAGE_ITEMS);
        match Page::new(marker.as_deref(), most) {
            Some(page) => page,
            None => {
                self.refuse(VALIDATION_ERROR.because("Invalid Marker."));
                Page::first(most)
            }
        }
    }

    /// The tags, in the order they were given.
    pub(super) fn tags(&mut self) -> Vec<(String, String)> {
        let given = self.given_tags().tags;
        if given.len() > limits::TAGS {
            self.violated("tags", &too_long(limits::TAGS));
            return Vec::new();
        }
        let mut tags = Vec::new();
        for (at, GivenTag { key, value }) in (1..).zip(given) {
            let mut part = |name: &str, text: Option<String>, most: usize, least: usize| {
                let place = format!("tags.{at}.member.{name}");
                let Some(text) = text else {
                    self.violated(&place, "Member must not be null");
                    return String::new();
                };
                let chars = text.chars().count();
                if chars > most {
                    self.violated(&place, &too_long(most));
                } else if chars < least {
                    self.violated(&place, &too_short(least));
                } else if !is_of_tag(&text) {
                    let times = if least == 0 { '*' } else { '+' };
                    let text =
                        format!("Member must satisfy regular expression pattern: {TAG_LETTERS}{times}");
                    self.violated(&place, &text);
                }
                text
            };
            let key = part("key", key, limits::TAG_KEY_CHARS, 1);
            tags.push((key, part("value", value, limits::TAG_VALUE_CHARS, 0)));
        }
        tags
    }

    pub(super) fn tag_keys(&mut self) -> Vec<String> {
        let keys = self.given_tags().tag_keys;
        if keys.len() > limits::TAGS {
            self.violated("tagKeys", &too_long(limits::TAGS));
        }
        let fits =
            |key: &String| (1..=limits::TAG_KEY_CHARS).contains(&key.chars().count()) && is_of_tag(key);
        if !keys.iter().all(fits) {
            let (long, short) = (too_long(limits::TAG_KEY_CHARS), too_short(1));
            let text = format!(
                "Member must satisfy constraint: [{long}, {short}, Member must satisfy regular expression pattern: \
                 {TAG_LETTERS}+, Member must not be null]"
            );
            self.violated("tagKeys", &text);
        }
        keys
    }

    fn given_tags(&mut self) -> GivenTags {
        Parameters::Query(self.form).decode(&IAM, "").unwrap_or_else(|error| {
            self.refuse(error);
            GivenTags { tags: Vec::new(), tag_keys: Vec::new() }
        })
    }

    /// What was read, if nothing is wrong with it.
    pub(super) fn finish<T>(self, read: T) -> Result<T, ApiError> {
        let Self { violations, refused, .. } = self;
        if violations.is_empty() {
            return refused.map_or(Ok(read), Err);
        }
        let (count, all) = (violations.len(), violations.join("; "));
        let errors = if count == 1 { "error" } else { "errors" };
        Err(VALIDATION_ERROR.because(format!("{count} validation {errors} detected: {all}")))
    }

    fn check(&mut self, place: &str, parameter: &Parameter, text: &str) {
        let chars = text.chars().count();
        if chars > *parameter.chars.end() {
            self.violated(place, &too_long(*parameter.chars.end()));
        }
        if chars < *parameter.chars.start() {
            self.violated(place, &too_short(*parameter.chars.start()));
        }
        match parameter.letters.check(text) {
            Ok(()) => {}
            Err(Wrong::Constraint(text)) => self.violated(place, &text),
            Err(Wrong::Sentence(text)) => {
                self.refuse(
                    VALIDATION_ERROR.because(format!("The specified value for {place} is invalid. {text}")),
                );
            }
        }
    }

    fn violated(&mut self, place: &str, constraint: &str) {
        self.violations.push(format!("Value at '{place}' failed to satisfy constraint: {constraint}"));
    }

    fn refuse(&mut self, error: ApiError) {
        self.refused.get_or_insert(error);
    }
}

const TAG_LETTERS: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]";

fn is_of_tag(text: &str) -> bool {
    text.chars().all(|letter| {
        letter.is_alphanumeric()
            || (letter.is_whitespace() && !letter.is_control())
            || "_.:/=+-@".contains(letter)
    })
}

fn too_long(most: usize) -> String {
    format!("Member must have length less than or equal to {most}")
}

fn too_short(least: usize) -> String {
    format!("Member must have length greater than or equal to {least}")
}

/// The name of a parameter as errors write it: `userName`.
fn member(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
