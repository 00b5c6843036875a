//! What policies allow: of users, of queues, across accounts, in both protocols.

use crate::support::{
    ACCOUNT, Keys, OTHER, Request, allow, arn, enforced, iam, in_both, put_policy, queue_policy, send,
    set_queue_policy, sts, user,
};

const ANYONE: &str = "\"*\"";

#[test]
fn a_user_may_what_its_policy_says_and_nothing_else() {
    let pond = enforced();
    let jane = user(&pond, &Keys::root(), "jane", Some(&allow("sqs:SendMessage", &arn("jobs"))));
    let more = [("QueueUrl", pond.url("jobs")), ("MessageBody", "hello".to_owned())];
    let send: Vec<(&str, &str)> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for reply in in_both(&pond, &jane, "SendMessage", &send) {
        reply.ok();
    }
    let denied = |action: &str, queue: &str| {
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/jane is not authorized to perform: sqs:{action} on resource: {} \
             because no identity-based policy allows the sqs:{action} action",
            arn(queue)
        )
    };
    for reply in in_both(&pond, &jane, "ReceiveMessage", &send[..1]) {
        reply.refused(403, &denied("receivemessage", "jobs"));
    }
    // A bare name, a queue that is not there, and one that would be new.
    for reply in in_both(&pond, &jane, "ReceiveMessage", &[("QueueUrl", "jobs")]) {
        reply.refused(403, &denied("receivemessage", "jobs"));
    }
    for reply in in_both(&pond, &jane, "GetQueueUrl", &[("QueueName", "nowhere")]) {
        reply.refused(403, &denied("getqueueurl", "nowhere"));
    }
    for reply in in_both(&pond, &jane, "CreateQueue", &[("QueueName", "new")]) {
        reply.refused(403, &denied("createqueue", "new"));
    }
    for reply in in_both(&pond, &jane, "ListQueues", &[]) {
        reply.refused(403, &denied("listqueues", ""));
    }
    let by_path = Request::form("sqs", "/000000000000/jobs", "Action=PurgeQueue");
    by_path.signed(pond.endpoint(), &jane).refused(403, "<Code>AccessDenied</Code>");
}

#[test]
fn a_batch_takes_the_single_action() {
    let pond = enforced();
    let jane = user(&pond, &Keys::root(), "jane", Some(&allow("sqs:SendMessage", "*")));
    let body =
        format!(r#"{{"QueueUrl":"{}","Entries":[{{"Id":"a","MessageBody":"hello"}}]}}"#, pond.url("jobs"));
    Request::json("SendMessageBatch", &body).signed(pond.endpoint(), &jane).ok();
    let body =
        format!(r#"{{"QueueUrl":"{}","Entries":[{{"Id":"a","ReceiptHandle":"x"}}]}}"#, pond.url("jobs"));
    let denied = Request::json("DeleteMessageBatch", &body).signed(pond.endpoint(), &jane);
    denied.refused(403, "sqs:deletemessage on resource");
}

#[test]
fn a_queue_with_tags_takes_the_right_to_tag() {
    let pond = enforced();
    let root = Keys::root();
    let jane = user(&pond, &root, "jane", Some(&allow("sqs:CreateQueue", "*")));
    Request::json("CreateQueue", r#"{"QueueName":"plain"}"#).signed(pond.endpoint(), &jane).ok();
    let tagged = Request::json("CreateQueue", r#"{"QueueName":"tagged","tags":{"team":"blue"}}"#);
    tagged.signed(pond.endpoint(), &jane).refused(403, "sqs:tagqueue");
    let by_tag = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sqs:CreateQueue","sqs:TagQueue"],
        "Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}}}"#;
    put_policy(&pond, &root, "jane", by_tag);
    tagged.signed(pond.endpoint(), &jane).ok();
    let red = Request::json("CreateQueue", r#"{"QueueName":"red","tags":{"team":"red"}}"#);
    red.signed(pond.endpoint(), &jane).refused(403, "sqs:createqueue");
    let by_resource = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage",
        "Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}}"#;
    put_policy(&pond, &root, "jane", by_resource);
    send(&pond, "tagged").signed(pond.endpoint(), &jane).ok();
    send(&pond, "plain").signed(pond.endpoint(), &jane).refused(403, "sqs:sendmessage");
    // Tags that change count at once.
    let untag = format!(r#"{{"QueueUrl":"{}","TagKeys":["team"]}}"#, pond.url("tagged"));
    Request::json("UntagQueue", &untag).signed(pond.endpoint(), &root).ok();
    send(&pond, "tagged").signed(pond.endpoint(), &jane).refused(403, "sqs:sendmessage");
}

#[test]
fn a_change_of_identities_counts_at_once() {
    let pond = enforced();
    let root = Keys::root();
    let jane = user(&pond, &root, "jane", None);
    send(&pond, "jobs").signed(pond.endpoint(), &jane).refused(403, "no identity-based policy");
    put_policy(&pond, &root, "jane", &allow("sqs:SendMessage", "*"));
    send(&pond, "jobs").signed(pond.endpoint(), &jane).ok();
    iam(&pond, &root, "Action=DeleteUserPolicy&UserName=jane&PolicyName=p").ok();
    send(&pond, "jobs").signed(pond.endpoint(), &jane).refused(403, "no identity-based policy");
    let inactive = format!("Action=UpdateAccessKey&UserName=jane&Status=Inactive&AccessKeyId={}", jane.id);
    iam(&pond, &root, &inactive).ok();
    send(&pond, "jobs").signed(pond.endpoint(), &jane).refused(403, "UnrecognizedClientException");
}

#[test]
fn users_may_call_iam_only_as_their_policy_says() {
    let pond = enforced();
    let jane = user(&pond, &Keys::root(), "jane", Some(&allow("iam:GetUser", "*")));
    iam(&pond, &jane, "Action=GetUser&UserName=jane").ok();
    let denied = iam(&pond, &jane, "Action=CreateUser&UserName=eve");
    denied.refused(
        403,
        "is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::000000000000:user/eve",
    );
    assert_eq!(iam(&pond, &Keys::root(), "Action=GetUser&UserName=eve").status, 404);
}

#[test]
fn a_queue_lets_anonymous_callers_in_and_out_again() {
    let pond = enforced();
    let root = Keys::root();
    set_queue_policy(&pond, &root, "jobs", &queue_policy("Allow", ANYONE, "sqs:SendMessage"));
    send(&pond, "jobs").unsigned(pond.endpoint()).ok();
    let form = "Action=SendMessage&MessageBody=hello";
    Request::form("sqs", "/000000000000/jobs", form).unsigned(pond.endpoint()).ok();
    let receive = Request::form("sqs", "/000000000000/jobs", "Action=ReceiveMessage");
    receive.unsigned(pond.endpoint()).refused(403, "Access to the resource");
    let none = format!(r#"{{"QueueUrl":"{}","Attributes":{{"Policy":""}}}}"#, pond.url("jobs"));
    Request::json("SetQueueAttributes", &none).signed(pond.endpoint(), &root).ok();
    send(&pond, "jobs").unsigned(pond.endpoint()).refused(403, "Access to the resource");
}

#[test]
fn a_queue_denies_whatever_others_allow() {
    let pond = enforced();
    let root = Keys::root();
    let jane = user(&pond, &root, "jane", Some(&allow("sqs:*", "*")));
    let principal = format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:user/jane"}}"#);
    set_queue_policy(&pond, &root, "jobs", &queue_policy("Deny", &principal, "sqs:SendMessage"));
    let denied = send(&pond, "jobs").signed(pond.endpoint(), &jane);
    denied.refused(403, "with an explicit deny in a resource-based policy");
    send(&pond, "jobs").signed(pond.endpoint(), &root).ok();
    let remove = format!(r#"{{"QueueUrl":"{}"}}"#, pond.url("jobs"));
    Request::json("DeleteQueue", &remove).signed(pond.endpoint(), &root).ok();
    Request::json("CreateQueue", r#"{"QueueName":"jobs"}"#).signed(pond.endpoint(), &root).ok();
    send(&pond, "jobs").signed(pond.endpoint(), &jane).ok();
}

#[test]
fn accounts_are_apart_until_both_sides_agree() {
    let pond = enforced();
    let root = Keys::root();
    let created = Request::own("POST", "accounts", &format!(r#"{{"account_id":"{OTHER}"}}"#));
    let created = created.signed(pond.endpoint(), &root).ok();
    let said: serde_json::Value = serde_json::from_str(&created.body).unwrap();
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let other = Keys::new(&text("access_key_id"), &text("secret_access_key"));
    let who = sts(&pond, &other, "Action=GetCallerIdentity").ok();
    assert_eq!(who.element("Arn"), format!("arn:aws:iam::{OTHER}:root"));
    // It has queues of its own.
    let [list, _] = in_both(&pond, &other, "ListQueues", &[]);
    assert!(!list.ok().body.contains("jobs"));
    let listed = Request::own("GET", "queues", "").signed(pond.endpoint(), &other).ok();
    assert!(!listed.body.contains("jobs"), "{}", listed.body);
    let described = Request::own("GET", "queues/000000000000/us-east-1/jobs", "");
    described.signed(pond.endpoint(), &other).refused(403, "millpond:DescribeQueue");
    send(&pond, "jobs").signed(pond.endpoint(), &other).refused(403, "no resource-based policy");
    let principal = format!(r#"{{"AWS":"{OTHER}"}}"#);
    set_queue_policy(&pond, &root, "jobs", &queue_policy("Allow", &principal, "sqs:*"));
    send(&pond, "jobs").signed(pond.endpoint(), &other).ok();
    // A user there takes the word of its own account as well.
    let paul = user(&pond, &other, "paul", None);
    send(&pond, "jobs").signed(pond.endpoint(), &paul).refused(403, "no identity-based policy");
    put_policy(&pond, &other, "paul", &allow("sqs:*", "*"));
    send(&pond, "jobs").signed(pond.endpoint(), &paul).ok();
    // What no policy gives to another account.
    let remove = format!(r#"{{"QueueUrl":"{}"}}"#, pond.url("jobs"));
    let denied = Request::json("DeleteQueue", &remove).signed(pond.endpoint(), &other);
    denied.refused(403, "sqs:deletequeue");
    // And it may nothing with the service itself.
    Request::own("GET", "status", "").signed(pond.endpoint(), &other).refused(403, "millpond:GetStatus");
    Request::own("GET", "accounts", "").signed(pond.endpoint(), &other).refused(403, "millpond:ListAccounts");
}

#[test]
fn conditions_see_the_request() {
    let pond = enforced();
    let root = Keys::root();
    let policy = |key: &str, value: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*",
            "Condition":{{"{}":{{"{key}":"{value}"}}}}}}}}"#,
            if key == "aws:SourceIp" { "IpAddress" } else { "StringLike" }
        )
    };
    let jane = user(&pond, &root, "jane", None);
    for (key, right, wrong) in [
        ("aws:SourceIp", "127.0.0.0/8", "192.0.2.0/24"),
        ("aws:UserAgent", "tests/*", "curl/*"),
        ("aws:Referer", "http://127.0.0.1/", "http://192.0.2.1/"),
        ("aws:RequestedRegion", "us-*", "eu-*"),
        ("aws:SecureTransport", "false", "true"),
        ("aws:CurrentTime", "20??-??-??T??:??:??Z", "19*"),
        ("aws:username", "jane", "paul"),
    ] {
        let request = send(&pond, "jobs").with("user-agent", "tests/1").with("referer", "http://127.0.0.1/");
        put_policy(&pond, &root, "jane", &policy(key, right));
        request.signed(pond.endpoint(), &jane).ok();
        put_policy(&pond, &root, "jane", &policy(key, wrong));
        request.signed(pond.endpoint(), &jane).refused(403, "no identity-based policy");
    }
}

#[test]
fn a_role_is_assumed_and_ends_when_it_is_gone() {
    let pond = enforced();
    let root = Keys::root();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}}}}}"#
    );
    let create = format!(
        "Action=CreateRole&RoleName=worker&AssumeRolePolicyDocument={}",
        crate::support::escaped(&trust)
    );
    iam(&pond, &root, &create).ok();
    let policy = crate::support::escaped(&allow("sqs:*", "*"));
    let put = format!("Action=PutRolePolicy&RoleName=worker&PolicyName=p&PolicyDocument={policy}");
    iam(&pond, &root, &put).ok();
    let jane = user(&pond, &root, "jane", Some(&allow("sts:AssumeRole", "*")));
    let assume = format!(
        "Action=AssumeRole&RoleSessionName=s1&RoleArn={}",
        crate::support::escaped(&format!("arn:aws:iam::{ACCOUNT}:role/worker"))
    );
    let session = sts(&pond, &jane, &assume).ok().keys();
    send(&pond, "jobs").signed(pond.endpoint(), &session).ok();
    let limited = format!("{assume}&Policy={}", crate::support::escaped(&allow("sqs:ReceiveMessage", "*")));
    let limited = sts(&pond, &jane, &limited).ok().keys();
    send(&pond, "jobs").signed(pond.endpoint(), &limited).refused(403, "no session policy allows");
    iam(&pond, &root, "Action=DeleteRolePolicy&RoleName=worker&PolicyName=p").ok();
    send(&pond, "jobs").signed(pond.endpoint(), &session).refused(403, "assumed-role/worker/s1");
    iam(&pond, &root, "Action=DeleteRole&RoleName=worker").ok();
    send(&pond, "jobs").signed(pond.endpoint(), &session).refused(403, "UnrecognizedClientException");
}

#[test]
fn moving_messages_takes_what_it_does_to_both_queues() {
    let pond = enforced();
    let root = Keys::root();
    Request::json("CreateQueue", r#"{"QueueName":"dead"}"#).signed(pond.endpoint(), &root).ok();
    let redrive = format!(r#"{{\"deadLetterTargetArn\":\"{}\",\"maxReceiveCount\":\"1\"}}"#, arn("dead"));
    let body =
        format!(r#"{{"QueueUrl":"{}","Attributes":{{"RedrivePolicy":"{redrive}"}}}}"#, pond.url("jobs"));
    Request::json("SetQueueAttributes", &body).signed(pond.endpoint(), &root).ok();
    let jane = user(&pond, &root, "jane", Some(&allow("sqs:*", &arn("dead"))));
    let back = Request::json("StartMessageMoveTask", &format!(r#"{{"SourceArn":"{}"}}"#, arn("dead")));
    back.signed(pond.endpoint(), &jane)
        .refused(403, "sqs:sendmessage on resource: arn:aws:sqs:us-east-1:000000000000:jobs");
    let there = format!(r#"{{"SourceArn":"{}","DestinationArn":"{}"}}"#, arn("dead"), arn("jobs"));
    let there = Request::json("StartMessageMoveTask", &there);
    there.signed(pond.endpoint(), &jane).refused(403, "sqs:sendmessage");
    put_policy(&pond, &root, "jane", &allow("sqs:St*", "*"));
    there.signed(pond.endpoint(), &jane).refused(403, "sqs:receivemessage");
    put_policy(&pond, &root, "jane", &allow("sqs:*", "*"));
    back.signed(pond.endpoint(), &jane).ok();
}

#[test]
fn a_tag_of_a_session_replaces_the_roles_in_whatever_case() {
    let pond = enforced();
    let root = Keys::root();
    let escaped = crate::support::escaped;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":["sts:AssumeRole","sts:TagSession"]}}}}"#
    );
    let create = format!(
        "Action=CreateRole&RoleName=worker&Tags.member.1.Key=Team&Tags.member.1.Value=red&AssumeRolePolicyDocument={}",
        escaped(&trust)
    );
    iam(&pond, &root, &create).ok();
    let red = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/Team":"red"}}}}"#;
    let put = format!("Action=PutRolePolicy&RoleName=worker&PolicyName=p&PolicyDocument={}", escaped(red));
    iam(&pond, &root, &put).ok();
    let jane = user(&pond, &root, "jane", Some(&allow("sts:*", "*")));
    let role = escaped(&format!("arn:aws:iam::{ACCOUNT}:role/worker"));
    let assume = format!("Action=AssumeRole&RoleSessionName=s1&RoleArn={role}");
    let session = sts(&pond, &jane, &assume).ok().keys();
    send(&pond, "jobs").signed(pond.endpoint(), &session).ok();
    let tagged = format!("{assume}&Tags.member.1.Key=TEAM&Tags.member.1.Value=blue");
    let session = sts(&pond, &jane, &tagged).ok().keys();
    send(&pond, "jobs").signed(pond.endpoint(), &session).refused(403, "AccessDenied");
}

#[test]
fn a_session_is_limited_by_no_policy_of_another_account() {
    let pond = enforced();
    let root = Keys::root();
    let escaped = crate::support::escaped;
    let made = Request::own("POST", "accounts", &format!(r#"{{"account_id":"{OTHER}"}}"#));
    let made: serde_json::Value =
        serde_json::from_str(&made.signed(pond.endpoint(), &root).ok().body).unwrap();
    let key = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let other = Keys::new(&key("access_key_id"), &key("secret_access_key"));
    let policy = escaped(&allow("sqs:*", "*"));
    for keys in [&root, &other] {
        let create = format!("Action=CreatePolicy&PolicyName=p&PolicyDocument={policy}");
        iam(&pond, keys, &create).ok();
    }
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"sts:AssumeRole"}}}}"#
    );
    let create = format!("Action=CreateRole&RoleName=worker&AssumeRolePolicyDocument={}", escaped(&trust));
    iam(&pond, &root, &create).ok();
    let jane = user(&pond, &root, "jane", Some(&allow("sts:*", "*")));
    let assume = |policy: &str| {
        let role = escaped(&format!("arn:aws:iam::{ACCOUNT}:role/worker"));
        let policy = escaped(policy);
        let body =
            format!("Action=AssumeRole&RoleSessionName=s1&RoleArn={role}&PolicyArns.member.1.arn={policy}");
        sts(&pond, &jane, &body)
    };
    assume(&format!("arn:aws:iam::{ACCOUNT}:policy/p")).ok();
    assume("arn:aws:iam::aws:policy/AmazonSQSFullAccess").ok();
    assume(&format!("arn:aws:iam::{OTHER}:policy/p")).refused(404, "was not found");
}

#[test]
fn a_receive_that_waits_delivers_nothing_to_who_may_not_receive_any_more() {
    for deletes in [false, true] {
        let pond = enforced();
        let root = Keys::root();
        // The queue's policy would let in anyone who proves to be someone.
        if deletes {
            set_queue_policy(&pond, &root, "jobs", &queue_policy("Allow", "\"*\"", "sqs:*"));
        }
        let jane = user(&pond, &root, "jane", Some(&allow("sqs:*", "*")));
        let receive = |secs| {
            let body = format!(r#"{{"QueueUrl":"{}","WaitTimeSeconds":{secs}}}"#, pond.url("jobs"));
            Request::json("ReceiveMessage", &body)
        };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| receive(20).signed(pond.endpoint(), &jane));
            let waits = || {
                Request::get("/metrics").unsigned(pond.endpoint()).ok().body.contains("millpond_waiters 1")
            };
            while !waits() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
            if deletes {
                let delete = format!("Action=DeleteAccessKey&UserName=jane&AccessKeyId={}", jane.id);
                iam(&pond, &root, &delete).ok();
            } else {
                put_policy(&pond, &root, "jane", &allow("sqs:SendMessage", "*"));
            }
            send(&pond, "jobs").signed(pond.endpoint(), &root).ok();
            let reply = waiting.join().unwrap();
            assert_eq!(reply.status, 403, "{}", reply.body);
            assert!(!reply.body.contains("ReceiptHandle"), "{}", reply.body);
        });
        let given_back = receive(5).signed(pond.endpoint(), &root).ok();
        assert!(given_back.body.contains("ReceiptHandle"), "{}", given_back.body);
    }
}

#[test]
fn messages_go_back_to_no_queue_that_their_mover_may_not_send_to() {
    let pond = enforced();
    let root = Keys::root();
    let set_redrive = |queue: &str, policy: &str| {
        let url = pond.url(queue);
        let body = format!(r#"{{"QueueUrl":"{url}","Attributes":{{"RedrivePolicy":"{policy}"}}}}"#);
        Request::json("SetQueueAttributes", &body).signed(pond.endpoint(), &root).ok();
    };
    let redrive = format!(r#"{{\"deadLetterTargetArn\":\"{}\",\"maxReceiveCount\":\"1\"}}"#, arn("dead"));
    for queue in ["dead", "other"] {
        let body = format!(r#"{{"QueueName":"{queue}"}}"#);
        Request::json("CreateQueue", &body).signed(pond.endpoint(), &root).ok();
    }
    set_redrive("jobs", &redrive);
    send(&pond, "jobs").signed(pond.endpoint(), &root).ok();
    for _ in 0..2 {
        let receive = format!(r#"{{"QueueUrl":"{}","VisibilityTimeout":0}}"#, pond.url("jobs"));
        Request::json("ReceiveMessage", &receive).signed(pond.endpoint(), &root).ok();
    }
    // The letter came from `jobs`; now another queue is the source.
    set_redrive("other", &redrive);
    set_redrive("jobs", "");
    let two = [arn("dead"), arn("other")];
    let policy = allow("sqs:*", &two[0]).replace(&format!("\"{}\"", two[0]), &format!("{two:?}"));
    let jane = user(&pond, &root, "jane", Some(&policy));
    let back = Request::json("StartMessageMoveTask", &format!(r#"{{"SourceArn":"{}"}}"#, two[0]));
    back.signed(pond.endpoint(), &jane)
        .refused(403, "sqs:sendmessage on resource: arn:aws:sqs:us-east-1:000000000000:jobs");
    put_policy(&pond, &root, "jane", &allow("sqs:*", "*"));
    back.signed(pond.endpoint(), &jane).ok();
}

#[test]
fn a_queue_is_created_on_call_only_by_who_may_create_it() {
    let pond = millpond_embed::Millpond::builder().enforced().auto_create().start_in_memory().unwrap();
    let root = Keys::root();
    let jane = user(&pond, &root, "jane", Some(&allow("sqs:SendMessage", "*")));
    send(&pond, "new").signed(pond.endpoint(), &jane).refused(400, "QueueDoesNotExist");
    put_policy(&pond, &root, "jane", &allow("sqs:*", "*"));
    send(&pond, "new").signed(pond.endpoint(), &jane).ok();
}
