//! The closing lines of both runners are counted, and nothing else is.

use super::Counts;

fn read(lines: &[&str]) -> Counts {
    let mut counts = Counts::default();
    for line in lines {
        counts.read(line);
    }
    counts
}

#[test]
fn libtest_lines_add_up() {
    let counts = read(&[
        "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.50s",
    ]);
    assert_eq!(counts, Counts { passed: 15, failed: 2, skipped: 1 });
}

#[test]
fn pytest_lines_count_errors_as_failures() {
    let framed = read(&["=== 1 failed, 5 passed, 2 skipped, 1 error in 71.20s (0:01:11) ==="]);
    assert_eq!(framed, Counts { passed: 5, failed: 2, skipped: 2 });
    assert_eq!(read(&["7 passed in 0.12s"]), Counts { passed: 7, ..Counts::default() });
}

#[test]
fn other_lines_count_nothing() {
    let counts = read(&[
        "running 12 tests",
        "collected 5 items",
        "conformance/test_batch.py ..... [100%]",
        "a test that says 5 passed in the middle",
        "12 messages passed in 3.0s",
        "no tests ran in 0.01s",
    ]);
    assert_eq!(counts, Counts::default());
}

#[test]
fn the_closing_line_names_skipped_tests_only_when_there_are_some() {
    assert_eq!(Counts { passed: 3, failed: 0, skipped: 0 }.to_string(), "3 passed, 0 failed");
    assert_eq!(Counts { passed: 3, failed: 1, skipped: 2 }.to_string(), "3 passed, 1 failed, 2 skipped");
}
