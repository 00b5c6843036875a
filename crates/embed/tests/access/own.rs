//! Our own API, the figures and the console: only for who may.

use crate::support::{
    ACCOUNT, Keys, Request, allow, arn, enforced, put_policy, queue_policy, set_queue_policy, user,
};

#[test]
fn each_call_takes_its_action() {
    let pond = enforced();
    let root = Keys::root();
    let jane = user(&pond, &root, "jane", None);
    for (method, path, action, status) in [
        ("GET", "queues", "ListQueues", 200),
        ("GET", "queues/000000000000/us-east-1/jobs", "DescribeQueue", 200),
        ("GET", "clock", "GetClock", 200),
        ("GET", "status", "GetStatus", 200),
        ("GET", "accounts", "ListAccounts", 200),
        ("GET", "workloads", "ListWorkloads", 404),
        ("POST", "workloads/w/start", "StartWorkload", 404),
        ("POST", "workloads/w/stop", "StopWorkload", 404),
        ("GET", "stacks", "ListStacks", 404),
        ("POST", "stacks/s", "DeployStack", 404),
        ("DELETE", "stacks/s", "DeleteStack", 404),
        ("GET", "rows/r", "ListRows", 404),
        ("POST", "clock/confirm", "ConfirmClock", 200),
        // The controls for tests are never there where callers are identified.
        ("POST", "reset", "Reset", 403),
        ("POST", "clock/advance", "AdvanceClock", 403),
    ] {
        let request = Request::own(method, path, "{}");
        let denied = request.signed(pond.endpoint(), &jane);
        let text = format!(
            "{{\"error\":\"User: arn:aws:iam::{ACCOUNT}:user/jane is not authorized to perform: millpond:{action}"
        );
        denied.refused(403, &text);
        put_policy(&pond, &root, "jane", &allow(&format!("millpond:{action}"), "*"));
        let reply = request.signed(pond.endpoint(), &jane);
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
        assert!(!reply.body.contains("not authorized"), "{path}: {}", reply.body);
        put_policy(&pond, &root, "jane", &allow("sqs:*", "*"));
    }
    Request::own("GET", "nothing", "").signed(pond.endpoint(), &jane).refused(404, "no such call");
    Request::own("GET", "nothing", "").unsigned(pond.endpoint()).refused(403, "\"error\"");
}

#[test]
fn why_explains_for_anyone_who_is_named() {
    let pond = enforced();
    let root = Keys::root();
    user(&pond, &root, "jane", Some(&allow("sqs:SendMessage", &arn("jobs"))));
    let ask = |action: &str, principal: &str| {
        let resource = arn("jobs");
        let body = format!(r#"{{"action":"{action}","resource":"{resource}","as":"{principal}"}}"#);
        Request::own("POST", "why", &body).signed(pond.endpoint(), &root)
    };
    let jane = format!("arn:aws:iam::{ACCOUNT}:user/jane");
    let allowed = ask("sqs:SendMessage", &jane).ok();
    assert!(allowed.body.contains("\"allowed\":true"), "{}", allowed.body);
    let denied = ask("sqs:ReceiveMessage", &jane).ok();
    assert!(denied.body.contains("\"allowed\":false"), "{}", denied.body);
    assert!(ask("sqs:SendMessage", "anonymous").ok().body.contains("\"allowed\":false"));
    set_queue_policy(&pond, &root, "jobs", &queue_policy("Allow", "\"*\"", "sqs:SendMessage"));
    assert!(ask("sqs:SendMessage", "anonymous").ok().body.contains("\"allowed\":true"));
    ask("sqs:SendMessage", "arn:aws:iam::000000000000:user/nobody").refused(400, "there is no user");
}

#[test]
fn the_region_of_a_signature_evades_no_policy() {
    let pond = enforced();
    let root = Keys::root();
    let deny = |rest: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"millpond:*",{rest}}}]}}"#
        )
    };
    let jane =
        user(&pond, &root, "jane", Some(&deny(r#""Resource":"arn:aws:millpond:us-east-1:*:workload/*""#)));
    for region in ["us-east-1", "eu-west-1"] {
        let start = Request { region, ..Request::own("POST", "workloads/w/start", "{}") };
        start
            .signed(pond.endpoint(), &jane)
            .refused(403, "arn:aws:millpond:us-east-1:000000000000:workload/w");
    }
    let in_region = r#""Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#;
    put_policy(&pond, &root, "jane", &deny(in_region));
    for region in ["us-east-1", "eu-west-1"] {
        let status = Request { region, ..Request::own("GET", "status", "") };
        status.signed(pond.endpoint(), &jane).refused(403, "millpond:GetStatus");
    }
}

#[test]
fn what_is_held_against_policies_is_short() {
    let pond = enforced();
    let root = Keys::root();
    let long = "a".repeat(2_049);
    let (head, tail) = (r#"{"action":"sqs:SendMessage","context":{"aws:UserAgent":"#, "}}");
    for context in [format!("\"{long}\""), format!("[\"a\",\"{long}\"]")] {
        let why = Request::own("POST", "why", &format!("{head}{context}{tail}"));
        why.signed(pond.endpoint(), &root).refused(400, "2048 bytes");
    }
    let agent = Request::json("ListQueues", "{}").with("user-agent", &"a".repeat(380_000));
    assert!([400, 431].contains(&agent.signed(pond.endpoint(), &root).status));
    Request::json("ListQueues", "{}")
        .with("referer", &long)
        .signed(pond.endpoint(), &root)
        .refused(400, "2048 bytes");
}

#[test]
fn figures_are_for_this_machine_and_for_who_may() {
    let pond = enforced();
    let root = Keys::root();
    Request::json("ListQueues", "{}").signed(pond.endpoint(), &Keys::new("x", "x")).refused(403, "");
    let jane = user(&pond, &root, "jane", None);
    Request::json("ListQueues", "{}").signed(pond.endpoint(), &jane).refused(403, "");
    let figures = Request::get("/metrics").unsigned(pond.endpoint()).ok();
    for line in [
        "millpond_authentication_failures_total{kind=\"unknown_key\"} 1",
        "millpond_denials_total{action=\"sqs:ListQueues\"} 1",
    ] {
        assert!(figures.body.lines().any(|found| found == line), "{line} is not in {}", figures.body);
    }
    Request::get("/metrics").signed(pond.endpoint(), &jane).refused(403, "millpond:GetMetrics");
    Request::get("/metrics").signed(pond.endpoint(), &root).ok();
    for name in ["x-forwarded-for", "X-Forwarded-Proto", "forwarded"] {
        let passed_on = Request::get("/metrics").with(name, "for=192.0.2.1");
        passed_on.unsigned(pond.endpoint()).refused(403, "MissingAuthenticationToken");
    }
    let away = Request { host: Some("queue.example"), ..Request::get("/metrics") };
    away.unsigned(pond.endpoint()).refused(403, "not a local name");
}

#[test]
fn the_console_shows_a_caller_what_it_may_see() {
    let pond = enforced();
    let root = Keys::root();
    let closed = Request::get("/console/").unsigned(pond.endpoint()).refused(403, "millpond console");
    assert!(!closed.body.contains("jobs"));
    let enter = |keys: &Keys| {
        let opened = Request::own("POST", "console-sessions", "{}").signed(pond.endpoint(), keys).ok();
        let said: serde_json::Value = serde_json::from_str(&opened.body).unwrap();
        assert_eq!(said["expires_in_secs"], 60);
        let url = said["url"].as_str().unwrap().to_owned();
        let path = url.strip_prefix(pond.endpoint()).unwrap().to_owned();
        let entered = Request::get(&path).unsigned(pond.endpoint());
        assert_eq!(entered.status, 303, "{}", entered.body);
        // It opens once.
        Request::get(&path).unsigned(pond.endpoint()).refused(403, "millpond console");
        let line = entered.head.lines().find(|line| line.starts_with("set-cookie: ")).unwrap().to_owned();
        for part in ["httponly", "samesite=strict", "path=/console/", "max-age=43200"] {
            assert!(line.contains(part), "{line}");
        }
        line.trim_start_matches("set-cookie: ").split(';').next().unwrap().to_owned()
    };
    let cookie = enter(&root);
    let page = Request::get("/console/").with("cookie", &cookie).unsigned(pond.endpoint()).ok();
    assert!(page.body.contains("jobs"));
    let jane = user(&pond, &root, "jane", None);
    let cookie = enter(&jane);
    let page = Request::get("/console/").with("cookie", &cookie).unsigned(pond.endpoint()).ok();
    assert!(!page.body.contains("jobs</td>") && page.body.contains("millpond:ListQueues"), "{}", page.body);
    put_policy(&pond, &root, "jane", &allow("millpond:ListQueues", "*"));
    let page = Request::get("/console/").with("cookie", &cookie).unsigned(pond.endpoint()).ok();
    assert!(page.body.contains("jobs</td>"));
    let forged = cookie.replace(['0', '1'], "2");
    let page = Request::get("/console/").with("cookie", &forged).unsigned(pond.endpoint());
    page.refused(403, "millpond console");
    // A cookie is no key.
    Request::own("GET", "queues", "").with("cookie", &cookie).unsigned(pond.endpoint()).refused(403, "error");
}
