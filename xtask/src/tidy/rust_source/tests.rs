//! Code, comments and strings are told apart, and functions measured, where naive scanners go wrong.

use super::{Function, RustSource, words};

fn code(text: &str) -> String {
    RustSource::scan(text).code
}

#[test]
fn comments_are_not_code_and_code_is_no_comment() {
    let source = RustSource::scan("a(); // b\n/* c /* d */ e */ f();\n/// g\n");
    assert_eq!(source.code.split_whitespace().collect::<Vec<_>>(), ["a();", "f();"]);
    for word in ["b", "c", "d", "e", "g"] {
        assert_eq!(words(&source.comments, word).count(), 1, "{word}");
    }
    assert_eq!(words(&source.comments, "a").count(), 0);
}

#[test]
fn string_contents_are_blank() {
    assert_eq!(code(r#"f("todo // x", b"\"y")"#).replace(' ', ""), r#"f("",b"")"#);
    assert_eq!(code(r##"f(r#"a " b"#, 1)"##).replace(' ', ""), r##"f(r#""#,1)"##);
    assert_eq!(code("br\"\\\"; g()").replace(' ', ""), "br\"\";g()");
}

#[test]
fn lifetimes_are_code_and_characters_are_not() {
    assert_eq!(code("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
    assert_eq!(code(r"['{', '\'', '\n']").replace(' ', ""), "['','','']");
    assert_eq!(code("r#type + for_r\"x\"").replace(' ', ""), "r#type+for_r\"\"");
}

#[test]
fn lines_stay_in_their_place() {
    let text = "/* a\nb */ let c = \"d\ne\"; // f\ng();\n";
    let source = RustSource::scan(text);
    assert_eq!(source.code.matches('\n').count(), text.matches('\n').count());
    assert_eq!(source.code.lines().nth(3), Some("g();"));
}

#[test]
fn functions_are_measured_by_their_braces() {
    let text = "trait T { fn none(&self) -> [u8; 4]; }\n\
                fn one() { let x = '{'; }\n\
                fn three<F: Fn(u8)>(f: F) -> [u8; 2]\n{\n    // } \"\n}\n";
    let functions = RustSource::scan(text).functions();
    let expected = [("one", 2, 1), ("three", 3, 4)];
    let found: Vec<_> =
        functions.iter().map(|found| (found.name.as_str(), found.line, found.lines)).collect();
    assert_eq!(found, expected);
}

#[test]
fn function_pointers_are_no_functions() {
    assert_eq!(RustSource::scan("struct S { check: fn(&str) -> u8 }\n").functions(), []);
}

#[test]
fn functions_in_test_modules_are_known() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nmod more;\nfn c() {}\n";
    let in_tests: Vec<_> = RustSource::scan(text).functions().into_iter().filter(|f| f.in_test).collect();
    assert_eq!(in_tests, [Function { name: "b".to_owned(), line: 4, lines: 1, in_test: true }]);
}
