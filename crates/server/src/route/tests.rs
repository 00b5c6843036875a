//! Which request goes where.

use millpond_core::name::Region;

use super::{Route, route};

#[test]
fn aws_calls_come_on_the_root_and_on_queue_paths() {
    assert_eq!(route("POST", "/", false), Route::Aws { queue: None });
    assert_eq!(route("GET", "/", false), Route::Aws { queue: None });
    for path in ["/000000000000/jobs", "/000000000000/jobs/", "/queue/eu-west-1/000000000000/jobs"] {
        let Route::Aws { queue: Some(queue) } = route("POST", path, false) else { panic!("{path}") };
        assert_eq!((queue.account.to_string().as_str(), queue.name.as_str()), ("000000000000", "jobs"));
        let region = queue.region.as_ref().map(Region::as_str);
        assert_eq!(region, path.starts_with("/queue").then_some("eu-west-1"));
    }
}

#[test]
fn a_browser_that_opens_the_root_is_sent_to_the_console() {
    assert_eq!(route("GET", "/", true), Route::ToConsole);
    assert_eq!(route("GET", "/console", false), Route::ToConsole);
    assert_eq!(route("GET", "/console/", true), Route::Console);
}

#[test]
fn what_is_not_there_goes_nowhere() {
    for path in [
        "/x",
        "/000000000000/jobs//",
        "/queue/EU/000000000000/jobs",
        "/000/jobs",
        "/000000000000/no good",
        "/console/x",
        "/a/b/c/d/e",
    ] {
        assert_eq!(route("POST", path, false), Route::Nowhere, "{path}");
    }
    assert_eq!(route("POST", "/health", false), Route::Nowhere);
}

#[test]
fn our_own_calls_have_a_prefix() {
    assert_eq!(route("GET", "/_millpond/v1/queues", false), Route::Own("queues".into()));
}
