//! Parameters: types, constraints, where a value comes from, and that secrets stay hidden.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use millpond_stack::{StackState, plan};
use support::{errors, output, resolve_in, resolve_with, resolved, sink};

fn template(declaration: &str) -> String {
    format!(
        "Parameters:\n  P: {declaration}\nResources:\n  Q: {{Type: AWS::SQS::Queue}}\nOutputs:\n  Out: {{Value: !Join ['|', [!Ref P]]}}\n"
    )
}

fn value(declaration: &str, given: &str) -> Result<String, String> {
    output(&template(declaration), &[("P", given)])
}

#[test]
fn constraints() {
    let refused = [
        ("{Type: String, AllowedValues: [a, b]}", "c", "\"c\" is not one of the allowed values: a, b"),
        ("{Type: String, AllowedPattern: '[a-z]+'}", "ab1", "\"ab1\" does not match the pattern [a-z]+"),
        ("{Type: String, MinLength: 2}", "é", "\"é\" is shorter than 2 characters"),
        ("{Type: String, MaxLength: 2}", "abc", "\"abc\" is longer than 2 characters"),
        ("{Type: Number, MinValue: 2}", "1.5", "\"1.5\" is less than 2"),
        ("{Type: Number, MaxValue: 2}", "3", "\"3\" is more than 2"),
        ("{Type: Number}", "three", "\"three\" is not a number"),
        ("{Type: Number}", "NaN", "\"NaN\" is not a number"),
        (
            "{Type: CommaDelimitedList, AllowedValues: [a, b]}",
            "a,c",
            "\"c\" is not one of the allowed values: a, b",
        ),
        (
            "{Type: String, AllowedPattern: '\\d+', ConstraintDescription: digits only}",
            "x",
            "\"x\" does not match the pattern \\d+ (digits only)",
        ),
        ("{Type: String, NoEcho: true, MinLength: 12}", "hunter2", "**** is shorter than 12 characters"),
    ];
    for (declaration, given, reason) in refused {
        let expected = format!("t.yaml:2:3: the value of parameter P can't be used: {reason}");
        assert_eq!(value(declaration, given).unwrap_err(), expected);
    }
    for (declaration, given) in [
        ("{Type: String, AllowedPattern: 'a|bc', MinLength: 1, MaxLength: 2}", "bc"),
        ("{Type: Number, MinValue: 2, MaxValue: 2}", "2"),
        ("{Type: Number, AllowedValues: [1, 2]}", "2"),
    ] {
        assert_eq!(value(declaration, given).unwrap(), given);
    }
}

#[test]
fn pattern_must_match_the_whole_value() {
    assert!(value("{Type: String, AllowedPattern: 'a|b'}", "ax").is_err());
    assert!(value("{Type: String, AllowedPattern: 'a|b'}", "xb").is_err());
}

#[test]
fn declarations_are_checked() {
    let cases = [
        ("{Default: a}", "t.yaml:2:3: parameter P has no Type; write Type: String"),
        ("{Type: Strin}", "t.yaml:2:13: parameter type Strin is not supported; did you mean String?"),
        (
            "{Type: String, Defalt: a}",
            "t.yaml:2:21: parameter P has an unknown attribute Defalt; did you mean Default?",
        ),
        ("{Type: String, MinLength: a}", "t.yaml:2:32: MinLength must be a number, not \"a\""),
        (
            "{Type: String, MinValue: 1}",
            "t.yaml:2:21: MinValue is for Number parameters; use MinLength and MaxLength",
        ),
        (
            "{Type: Number, MaxLength: 1}",
            "t.yaml:2:21: MaxLength is for String parameters; use MinValue and MaxValue",
        ),
        ("{Type: String, NoEcho: yes}", "t.yaml:2:29: NoEcho must be true or false, not yes"),
        (
            "{Type: Number, Default: x}",
            "t.yaml:2:30: the Default of parameter P can't be used: \"x\" is not a number",
        ),
        ("{Type: String, Default: !Ref Q}", "t.yaml:2:30: Default must be a plain text, not a function"),
    ];
    for (declaration, expected) in cases {
        assert_eq!(errors(&template(declaration)), expected);
    }
    assert!(
        errors(&template("{Type: String, AllowedPattern: '['}"))
            .starts_with("t.yaml:2:37: AllowedPattern is not")
    );
}

#[test]
fn missing_and_undeclared_values() {
    let text = template("{Type: String}");
    assert_eq!(
        resolve_with(&text, &[]).unwrap_err(),
        "t.yaml:2:3: parameter P has no value and no Default; give one with --parameter P=VALUE"
    );
    assert_eq!(
        resolve_with(&text, &[("P", "x"), ("DatabseUrl", "y")]).unwrap_err(),
        "t.yaml:1:1: parameter DatabseUrl was given, but the template does not declare it; known: P"
    );
    assert_eq!(
        errors("Parameters: {Q: {Type: String, Default: a}}\nResources: {Q: {Type: AWS::SQS::Queue}}\n"),
        "t.yaml:2:13: Q is both a parameter and a resource; rename one"
    );
}

#[test]
fn given_values_stay_and_defaults_follow_the_template() {
    let text = |default: &str| {
        format!(
            "Parameters:\n  P: {{Type: String, Default: {default}}}\n  R: {{Type: String, Default: {default}}}\nResources:\n  Q: {{Type: AWS::SQS::Queue}}\nOutputs:\n  Out: {{Value: !Sub '${{P}} ${{R}}'}}\n"
        )
    };
    let first = resolve_with(&text("one"), &[("P", "given")]).unwrap();
    let first = plan(&StackState::default(), &first).unwrap();
    let state = StackState { parameters: first.parameters().clone(), ..StackState::default() };
    let second = plan(&state, &resolve_in(&state, &text("two"), &[]).unwrap()).unwrap();
    assert_eq!(second.outputs()["Out"].render(&support::Nothing), "given two");
    assert!(second.parameters()["P"].given && !second.parameters()["R"].given);
}

const SECRET: &str = "Parameters:\n  Password: {Type: String, NoEcho: true}\nResources:\n  S:\n    Type: Millpond::Sink::Table\n    \
                      Properties: {Queue: 'http://q', Table: t, Columns: [a], DatabaseUrl: !Sub 'mysql://u:${Password}@h/d'}\n\
                      Outputs:\n  Out: {Value: !Sub 'x ${Password}'}\n";

#[test]
fn secrets_are_never_shown() {
    let resolved = resolve_with(SECRET, &[("Password", "hunter2")]).unwrap();
    assert_eq!(sink(&resolved, "S").database_url.expose(), "mysql://u:hunter2@h/d");
    let planned = plan(&StackState::default(), &resolved).unwrap();
    let shown = format!("{resolved:?} {planned:?} {}", planned.outputs()["Out"].render(&support::Nothing));
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(planned.outputs()["Out"].render(&support::Nothing), "****");
}

#[test]
fn a_secret_is_not_kept_for_a_template_that_could_show_it() {
    let first =
        plan(&StackState::default(), &resolve_with(SECRET, &[("Password", "hunter2")]).unwrap()).unwrap();
    let state = StackState { parameters: first.parameters().clone(), ..StackState::default() };
    let open = SECRET.replace(", NoEcho: true", "");
    let refused = resolve_in(&state, &open, &[]).unwrap_err();
    assert!(refused.contains("parameter Password was given when it had NoEcho"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
    assert!(resolve_in(&state, SECRET, &[]).is_ok());
    assert!(resolve_in(&state, &open, &[("Password", "another")]).is_ok());
}

#[test]
fn secrets_survive_in_what_is_stored() {
    let resolved = resolve_with(SECRET, &[("Password", "hunter2")]).unwrap();
    let sink = sink(&resolved, "S");
    let stored = serde_json::to_string(&sink).unwrap();
    let again: millpond_stack::SinkSpec = serde_json::from_str(&stored).unwrap();
    assert_eq!(again, sink);
    assert!(again.database_url.is_secret());
}

#[test]
fn secrets_can_not_become_names() {
    let text = "Parameters:\n  P: {Type: String, NoEcho: true, Default: x}\nResources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: !Sub 'q-${P}'}\n";
    assert_eq!(
        errors(text),
        "t.yaml:6:29: QueueName can't use the NoEcho parameter P, because it is shown in lists; only DatabaseUrl can"
    );
}

#[test]
fn comma_delimited_lists_are_lists() {
    let text = "Parameters:\n  Columns: {Type: CommaDelimitedList, Default: 'name, country'}\nResources:\n  S:\n    Type: Millpond::Sink::Table\n    \
                Properties: {Queue: 'http://q', Table: t, Columns: !Ref Columns, DatabaseUrl: 'sqlite://a.db'}\n";
    assert_eq!(sink(&resolved(text), "S").columns, ["name", "country"]);
}
