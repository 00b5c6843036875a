//! The text of the live line.

use super::*;

#[test]
fn the_line_says_where_the_run_is_and_what_has_failed() {
    let tick = |errors| ProgressTick {
        label: "product 3/10",
        elapsed: Duration::from_millis(3020),
        total: Duration::from_secs(12),
        requests_per_sec: 21_954.4,
        errors,
    };
    assert_eq!(line(&tick(0)), "product 3/10: 3 of 12 s, 21954 requests/s");
    assert_eq!(line(&tick(7)), "product 3/10: 3 of 12 s, 21954 requests/s, 7 errors");
}
