//! The pages. Pure: values in, HTML out.
//!
//! All text goes through the template macro, which escapes it. A page works without scripts, loads nothing from
//! elsewhere, and holds no inline script or style, so that the content security policy can forbid them. Links are
//! relative, so that a proxy can serve the form under any path that ends in a slash.

use maud::{DOCTYPE, Markup, html};

use crate::{
    config::FormConfig,
    decode::Input,
    field::{Field, FieldKind, SUBMISSION_ID_FIELD},
    submission::{MessageId, SubmissionKey},
    validate::shows_in_input,
};

/// What stands above the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Nothing.
    None,
    /// Some fields have errors.
    Errors,
    /// The queue did not confirm; trying again may help.
    Unavailable,
    /// The queue does not take entries until someone acts.
    Refused,
}

/// The page with the form.
pub(crate) struct FormPage<'a> {
    pub(crate) config: &'a FormConfig,
    pub(crate) key: &'a SubmissionKey,
    /// What the visitor gave, one for each field; empty for an empty form.
    pub(crate) inputs: &'a [Input],
    /// What is wrong with it, one for each field; empty when nothing is.
    pub(crate) errors: &'a [Option<String>],
    pub(crate) notice: Notice,
}

impl FormPage<'_> {
    pub(crate) fn render(&self) -> String {
        let title = match self.notice {
            Notice::None => self.config.title.clone(),
            Notice::Errors => format!("Error: {}", self.config.title),
            Notice::Unavailable | Notice::Refused => format!("Not sent: {}", self.config.title),
        };
        let again = self.notice == Notice::Unavailable;
        let content = html! {
            h1 { (self.config.title) }
            @if !self.config.description.is_empty() { p.lead { (self.config.description) } }
            (self.notice())
            form method="post" accept-charset="utf-8" {
                // Browsers restore hidden values after a reload unless told not to; that would revive an old id.
                input type="hidden" name=(SUBMISSION_ID_FIELD) value=(self.key) autocomplete="off";
                @for (index, field) in self.config.fields.iter().enumerate() { (self.field(index, field)) }
                button type="submit" {
                    @if again { "Try again" } @else { (self.config.submit_label) }
                }
            }
        };
        document(&title, &content)
    }

    fn error(&self, index: usize) -> Option<&str> {
        self.errors.get(index).and_then(Option::as_deref)
    }

    fn notice(&self) -> Markup {
        match self.notice {
            Notice::None => html! {},
            Notice::Errors => html! {
                div.notice.bad role="alert" {
                    h2 { "Please check your entry" }
                    ul {
                        @for (index, field) in self.config.fields.iter().enumerate() {
                            @if let Some(error) = self.error(index) {
                                li { a href={ "#" (element_id(field)) } { (field.label) } ": " (error) }
                            }
                        }
                    }
                }
            },
            Notice::Unavailable => html! {
                div.notice.bad role="alert" tabindex="-1" autofocus {
                    h2 { "Your entry could not be confirmed" }
                    p { "The service that takes entries does not answer at the moment. What you wrote is still here." }
                    p { "Please try again in a moment. Sending it again unchanged is safe: it counts once." }
                }
            },
            Notice::Refused => html! {
                div.notice.bad role="alert" tabindex="-1" autofocus {
                    h2 { "Your entry was not sent" }
                    p {
                        "This form is not set up correctly, and the people who run it have to put that right. "
                        "What you wrote is still here."
                    }
                }
            },
        }
    }

    fn field(&self, index: usize, field: &Field) -> Markup {
        let error = self.error(index);
        let first_error = error.is_some() && (0..index).all(|earlier| self.error(earlier).is_none());
        let control = Control {
            field,
            id: element_id(field),
            input: self.inputs.get(index).unwrap_or(&Input::Absent),
            error_id: error.map(|_| format!("{}-error", element_id(field))),
            autofocus: first_error,
        };
        let label = html! {
            label for=(control.id) {
                (field.label)
                @if !field.required && field.kind != FieldKind::Checkbox { span.optional { " (optional)" } }
            }
        };
        html! {
            div.field.invalid[error.is_some()] {
                @if field.kind == FieldKind::Checkbox {
                    div.check { (control.render()) (label) }
                } @else {
                    (label)
                }
                @if let (Some(error), Some(id)) = (error, &control.error_id) { p.error id=(id) { (error) } }
                @if field.kind != FieldKind::Checkbox { (control.render()) }
            }
        }
    }
}

/// The element that takes a field's value.
struct Control<'a> {
    field: &'a Field,
    id: String,
    input: &'a Input,
    error_id: Option<String>,
    autofocus: bool,
}

impl Control<'_> {
    fn render(&self) -> Markup {
        match &self.field.kind {
            FieldKind::TextArea => self.text_area(),
            FieldKind::Select { options } => self.select(options),
            FieldKind::Checkbox => self.checkbox(),
            _ => self.line(),
        }
    }

    fn text(&self) -> &str {
        match self.input {
            Input::Text(text) => text,
            _ => "",
        }
    }

    fn invalid(&self) -> Option<&'static str> {
        self.error_id.as_ref().map(|_| "true")
    }

    fn line(&self) -> Markup {
        // What a browser would not show in the proper input, and so lose, is kept in a plain one.
        let shown = shows_in_input(&self.field.kind, self.text());
        let (kind, mode, complete) = match self.field.kind {
            FieldKind::Number if shown => ("number", None, None),
            FieldKind::Number => ("text", Some("decimal"), None),
            FieldKind::Date if shown => ("date", None, None),
            FieldKind::Email => ("email", None, Some("email")),
            FieldKind::Tel => ("tel", None, Some("tel")),
            FieldKind::Url => ("url", None, Some("url")),
            _ => ("text", None, None),
        };
        let step = (kind == "number").then_some("any");
        let length = self.field.length_limit().filter(|_| kind != "number");
        html! {
            input type=(kind) id=(self.id) name=(self.field.name) value=(self.text()) step=[step] inputmode=[mode]
                autocomplete=[complete] maxlength=[length] placeholder=[self.field.placeholder.as_deref()]
                required[self.field.required] aria-invalid=[self.invalid()]
                aria-describedby=[self.error_id.as_deref()] autofocus[self.autofocus];
        }
    }

    fn text_area(&self) -> Markup {
        html! {
            textarea id=(self.id) name=(self.field.name) rows="5" maxlength=[self.field.length_limit()]
                placeholder=[self.field.placeholder.as_deref()] required[self.field.required]
                aria-invalid=[self.invalid()] aria-describedby=[self.error_id.as_deref()]
                autofocus[self.autofocus] {
                // Browsers drop one line ending right after the tag.
                "\n" (self.text())
            }
        }
    }

    fn select(&self, options: &[String]) -> Markup {
        let empty = self.field.placeholder.as_deref().unwrap_or("Choose…");
        html! {
            select id=(self.id) name=(self.field.name) required[self.field.required]
                aria-invalid=[self.invalid()] aria-describedby=[self.error_id.as_deref()]
                autofocus[self.autofocus] {
                option value="" { (empty) }
                @for option in options {
                    option value=(option) selected[option == self.text()] { (option) }
                }
            }
        }
    }

    fn checkbox(&self) -> Markup {
        html! {
            input type="checkbox" id=(self.id) name=(self.field.name) value="on"
                checked[*self.input == Input::Flag(true)] required[self.field.required]
                aria-invalid=[self.invalid()] aria-describedby=[self.error_id.as_deref()]
                autofocus[self.autofocus];
        }
    }
}

/// The page after an entry was accepted.
pub(crate) fn thanks(message_id: &MessageId) -> String {
    let content = html! {
        h1 { "Thank you" }
        div.notice.good role="status" {
            p { "Your entry has been received and safely stored." }
        }
        dl { dt { "Reference" } dd { code { (message_id) } } }
        p { a href="./" { "Send another entry" } }
    };
    document("Thank you", &content)
}

/// A page with one message, for requests that lead nowhere.
pub(crate) fn message(title: &str, text: &str) -> String {
    let content = html! {
        h1 { (title) }
        p { (text) }
        p { a href="./" { "To the form" } }
    };
    document(title, &content)
}

fn element_id(field: &Field) -> String {
    format!("field-{}", field.name)
}

fn document(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="form.css";
                script src="form.js" defer {}
            }
            body { main { (content) } }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests;
