//! The pages as HTML: the whole of each against a file, and that no text of a visitor or operator becomes markup.
//!
//! After an intended change, run with `UPDATE_GOLDEN=1` and read the difference.

use std::{fs, path::PathBuf};

use super::*;

fn config() -> FormConfig {
    let mut fields = vec![
        Field::new("name", FieldKind::Text),
        Field::new("email", FieldKind::Email),
        Field::new("amount", FieldKind::Number),
        Field::new("phone", FieldKind::Tel),
        Field::new("site", FieldKind::Url),
        Field::new("notes", FieldKind::TextArea),
        Field::new("country", FieldKind::Select { options: vec!["UK".to_owned(), "New Zealand".to_owned()] }),
        Field::new("newsletter", FieldKind::Checkbox),
        Field::new("birthday", FieldKind::Date),
    ];
    fields[0].required = true;
    fields[0].placeholder = Some("Jane Doe".to_owned());
    fields[6].required = true;
    let mut config = FormConfig::new("customers", fields);
    config.title = "New customer".to_owned();
    config.description = "We answer within a day.".to_owned();
    config
}

fn inputs() -> Vec<Input> {
    let text = |text: &str| Input::Text(text.to_owned());
    let odd = "\"><script>alert('&')</script>";
    vec![
        text(odd),
        text("jane"),
        text("twelve"),
        text("1"),
        text("https://a"),
        text(&format!("\n</textarea>{odd}")),
        text("New Zealand"),
        Input::Flag(true),
        text("31.1.2026"),
    ]
}

fn render(inputs: &[Input], errors: &[Option<String>], notice: Notice) -> String {
    let key = SubmissionKey::from_entropy([0xab; 16]);
    FormPage { config: &config(), key: &key, inputs, errors, notice }.render()
}

fn errors() -> Vec<Option<String>> {
    let mut errors = vec![None; 9];
    errors[1] = Some("Write an email address such as name@example.com.".to_owned());
    errors[7] = Some("Tick this <box>.".to_owned());
    errors
}

/// One element a line, so that differences can be read.
fn assert_golden(name: &str, html: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/page/golden").join(name);
    let lines = html.replace("><", ">\n<") + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &lines).unwrap();
    }
    assert_eq!(lines, fs::read_to_string(&path).unwrap_or_default(), "{name}");
}

#[test]
fn pages_are_as_recorded() {
    assert_golden("empty.html", &render(&[], &[], Notice::None));
    assert_golden("errors.html", &render(&inputs(), &errors(), Notice::Errors));
    assert_golden("unavailable.html", &render(&inputs(), &[], Notice::Unavailable));
    assert_golden("refused.html", &render(&inputs(), &[], Notice::Refused));
    assert_golden("thanks.html", &thanks(&MessageId("5fea7756-0ea4-451a-a703-a558b933e274".to_owned())));
    assert_golden("message.html", &message("Nothing here", "There is <no> page."));
}

#[test]
fn no_text_becomes_markup() {
    let mut config = config();
    let odd = "'\"><script>x</script>&amp;";
    config.title = odd.to_owned();
    config.description = odd.to_owned();
    config.submit_label = odd.to_owned();
    config.fields[0].label = odd.to_owned();
    config.fields[0].placeholder = Some(odd.to_owned());
    config.fields[6].kind = FieldKind::Select { options: vec![odd.to_owned()] };
    let key = SubmissionKey::from_entropy([0; 16]);
    let errors: Vec<_> = vec![Some(odd.to_owned()); 9];
    let inputs = vec![Input::Text(odd.to_owned()); 9];
    let page =
        FormPage { config: &config, key: &key, inputs: &inputs, errors: &errors, notice: Notice::Errors };
    let pages = [page.render(), thanks(&MessageId(odd.to_owned())), message(odd, odd)];
    for html in pages {
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("&lt;script&gt;x&lt;/script&gt;&amp;amp;"), "{html}");
        assert!(
            !html.contains(" style=") && !html.contains("javascript:") && !html.contains(" onclick"),
            "{html}"
        );
    }
}

#[test]
fn the_first_error_has_the_focus_and_every_error_is_linked() {
    let html = render(&inputs(), &errors(), Notice::Errors);
    assert_eq!(html.matches(" autofocus").count(), 1);
    assert!(html.contains("id=\"field-email\" name=\"email\" value=\"jane\""));
    let email = html.split("<input").find(|tag| tag.contains("id=\"field-email\"")).unwrap();
    let email = email.split('>').next().unwrap();
    assert!(email.contains(" autofocus") && email.contains("aria-invalid=\"true\""), "{email}");
    assert!(
        email.contains("aria-describedby=\"field-email-error\"") && html.contains("id=\"field-email-error\"")
    );
    assert!(html.contains("href=\"#field-email\"") && html.contains("href=\"#field-newsletter\""));
}

#[test]
fn values_that_a_browser_would_drop_are_kept() {
    let html = render(&inputs(), &[], Notice::Unavailable);
    assert!(html.contains("type=\"text\" id=\"field-amount\" name=\"amount\" value=\"twelve\""));
    assert!(html.contains("type=\"text\" id=\"field-birthday\" name=\"birthday\" value=\"31.1.2026\""));
    assert!(html.contains(">\n\n&lt;/textarea&gt;"), "the line ending at the start of a text area stays");
    assert!(html.contains("value=\"New Zealand\" selected"));
}
