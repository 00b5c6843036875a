//! AWS Query as Amazon SQS speaks it: replies letter by letter, and what differs from AWS JSON.

use millpond_core::name::{AccountId, QueueName};
use millpond_sqs::QueuePath;
use millpond_wire::protocol::Protocol;
use serde_json::{Value, json};

use crate::service::{Service, url};

const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";
const METADATA: &str =
    "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>";

/// What stands in the reply besides its request id.
fn result(service: &mut Service, action: &str, form: &str) -> String {
    let reply = service.query(action, form);
    let start = format!("<?xml version=\"1.0\"?><{action}Response xmlns=\"{NAMESPACE}\">");
    let end = format!("{METADATA}</{action}Response>");
    let inner = reply.strip_prefix(&start).and_then(|reply| reply.strip_suffix(&end));
    inner.unwrap_or_else(|| panic!("{action} {form}: {reply}")).to_owned()
}

/// Code and message of an error.
fn error(service: &mut Service, action: &str, form: &str) -> (String, String) {
    let reply = service.query(action, form);
    let between = |start: &str, end: &str| {
        let rest = reply.split_once(start).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split_once(end)).unwrap_or_else(|| panic!("{reply}")).0.to_owned()
    };
    let start =
        format!("<?xml version=\"1.0\"?><ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type>");
    assert!(reply.starts_with(&start) && reply.contains("</Message><Detail/></Error><RequestId>"), "{reply}");
    (between("<Code>", "</Code>"), between("<Message>", "</Message>"))
}

fn on_queue(service: &mut Service) {
    service.queue_path = Some(QueuePath {
        account: AccountId::DEFAULT,
        region: None,
        name: QueueName::parse("jobs").unwrap(),
    });
}

#[test]
fn queues_are_created_found_and_listed() {
    let mut service = Service::new();
    let form = "QueueName=jobs&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=40";
    let queue_url = format!("<QueueUrl>{}</QueueUrl>", url("jobs"));
    assert_eq!(
        result(&mut service, "CreateQueue", form),
        format!("<CreateQueueResult>{queue_url}</CreateQueueResult>")
    );
    assert_eq!(
        result(&mut service, "GetQueueUrl", "QueueName=jobs"),
        format!("<GetQueueUrlResult>{queue_url}</GetQueueUrlResult>")
    );
    assert_eq!(
        result(&mut service, "ListQueues", ""),
        format!("<ListQueuesResult>{queue_url}</ListQueuesResult>")
    );
    assert_eq!(result(&mut service, "ListQueues", "QueueNamePrefix=x"), "<ListQueuesResult/>");
    let wanted = "QueueUrl=jobs&AttributeName.1=VisibilityTimeout";
    let attribute = "<Attribute><Name>VisibilityTimeout</Name><Value>40</Value></Attribute>";
    assert_eq!(
        result(&mut service, "GetQueueAttributes", wanted),
        format!("<GetQueueAttributesResult>{attribute}</GetQueueAttributesResult>")
    );
    assert_eq!(result(&mut service, "GetQueueAttributes", "QueueUrl=jobs"), "<GetQueueAttributesResult/>");
}

#[test]
fn a_message_goes_in_and_comes_out() {
    let mut service = Service::with_queue();
    let form = "QueueUrl=jobs&MessageBody=%22a%22%0D%3Cb%3E&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType\
                =String&MessageAttribute.1.Value.StringValue=v&MessageAttribute.2.Name=b&MessageAttribute.2.Value\
                .DataType=Binary&MessageAttribute.2.Value.BinaryValue=AAE%3D";
    let sent = result(&mut service, "SendMessage", form);
    assert!(
        sent.starts_with("<SendMessageResult><MD5OfMessageBody>") && sent.contains("<MessageId>"),
        "{sent}"
    );
    let form = "QueueUrl=jobs&AttributeName.1=ApproximateReceiveCount&MessageAttributeName.1=All";
    let received = result(&mut service, "ReceiveMessage", form);
    let body = "<Body>&quot;a&quot;&#xD;&lt;b&gt;</Body>";
    let attribute = "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>";
    let binary = "<MessageAttribute><Name>b</Name><Value><BinaryValue>AAE=</BinaryValue><DataType>Binary</DataType></Value></MessageAttribute>";
    let string = "<MessageAttribute><Name>n</Name><Value><StringValue>v</StringValue><DataType>String</DataType></Value></MessageAttribute>";
    for part in [body, attribute, binary, string] {
        assert!(received.contains(part), "{part} is not in {received}");
    }
    assert!(received.starts_with("<ReceiveMessageResult><Message><MessageId>"), "{received}");
    assert_eq!(result(&mut service, "ReceiveMessage", "QueueUrl=jobs"), "<ReceiveMessageResult/>");
}

#[test]
fn actions_without_a_result_have_only_metadata() {
    let mut service = Service::with_queue();
    service.send("x");
    let handle = service.receive_handle();
    let of_message = format!("QueueUrl=jobs&ReceiptHandle={handle}");
    let calls = [
        ("ChangeMessageVisibility", format!("{of_message}&VisibilityTimeout=5")),
        ("DeleteMessage", of_message),
        (
            "SetQueueAttributes",
            "QueueUrl=jobs&Attribute.Name=VisibilityTimeout&Attribute.Value=35".to_owned(),
        ),
        ("PurgeQueue", "QueueUrl=jobs".to_owned()),
        ("DeleteQueue", "QueueUrl=jobs".to_owned()),
    ];
    for (action, form) in calls {
        assert_eq!(result(&mut service, action, &form), "", "{action}");
    }
}

#[test]
fn batches_have_entries_of_their_own_names() {
    let mut service = Service::with_queue();
    let sent = "QueueUrl=jobs&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x\
                &SendMessageBatchRequestEntry.3.Id=b&SendMessageBatchRequestEntry.3.MessageBody=";
    let reply = result(&mut service, "SendMessageBatch", sent);
    let refused = "<BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault><Code>MissingParameter</Code>\
         <Message>The request must contain the parameter SendMessageBatchRequestEntry.2.MessageBody.</Message>\
         </BatchResultErrorEntry></SendMessageBatchResult>";
    let start = "<SendMessageBatchResult><SendMessageBatchResultEntry><Id>a</Id><MD5OfMessageBody>9dd4e461268c8034f5c8564e155c67a6";
    assert!(reply.starts_with(start) && reply.ends_with(refused), "{reply}");

    let handle = service.receive_handle();
    for (action, more) in
        [("ChangeMessageVisibilityBatch", "VisibilityTimeout=9"), ("DeleteMessageBatch", "x=")]
    {
        let entry = format!("{action}RequestEntry.1");
        let form = format!("QueueUrl=jobs&{entry}.Id=a&{entry}.ReceiptHandle={handle}&{entry}.{more}");
        let entry = format!("<{action}ResultEntry><Id>a</Id></{action}ResultEntry>");
        assert_eq!(result(&mut service, action, &form), format!("<{action}Result>{entry}</{action}Result>"));
    }
    for action in ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"] {
        let text = format!("There should be at least one {action}RequestEntry in the request.");
        let code = "AWS.SimpleQueueService.EmptyBatchRequest".to_owned();
        assert_eq!(error(&mut service, action, "QueueUrl=jobs&Entries="), (code, text));
    }
}

#[test]
fn errors_have_query_codes() {
    let mut service = Service::with_queue();
    let cases = [
        (
            "GetQueueUrl",
            "QueueName=none",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist for this wsdl version.",
        ),
        (
            "ReceiveMessage",
            "QueueUrl=http%3A%2F%2Fh%2F12%2Fjobs",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist for this wsdl version.",
        ),
        (
            "SendMessage",
            "QueueUrl=jobs&MessageBody=",
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ),
        (
            "SendMessage",
            "QueueUrl=jobs&MessageBody=%ff",
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ),
        (
            "ReceiveMessage",
            "QueueUrl=jobs&MaxNumberOfMessages=11",
            "InvalidParameterValue",
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            "ReceiveMessage",
            "QueueUrl=jobs&MaxNumberOfMessages=x",
            "MalformedInput",
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            "ReceiveMessage",
            "QueueUrl=jobs&MessageAttributeNames.member.1=All",
            "MalformedInput",
            "Start of list found where not expected",
        ),
        (
            "DeleteMessage",
            "QueueUrl=jobs&ReceiptHandle=%22",
            "ReceiptHandleIsInvalid",
            "The input receipt handle &quot;&quot;&quot; is not a valid receipt handle.",
        ),
        ("Foobar", "", "InvalidAction", "The action Foobar is not valid for this endpoint."),
    ];
    for (action, form, code, text) in cases {
        assert_eq!(error(&mut service, action, form), (code.to_owned(), text.to_owned()), "{action} {form}");
    }
}

#[test]
fn an_action_that_is_none_is_not_repeated_at_length() {
    let (_, text) = error(&mut Service::new(), &"x".repeat(10_000), "");
    assert_eq!(text.len(), "The action  is not valid for this endpoint.".len() + 80);
}

#[test]
fn the_path_names_the_queue_and_a_parameter_overrides_it() {
    let mut service = Service::with_queue();
    on_queue(&mut service);
    assert_eq!(result(&mut service, "ReceiveMessage", ""), "<ReceiveMessageResult/>");
    let (code, _) = error(&mut service, "ReceiveMessage", "QueueUrl=other");
    assert_eq!(code, "AWS.SimpleQueueService.NonExistentQueue");
}

#[test]
fn actions_about_no_queue_are_not_valid_on_the_path_of_one() {
    let mut service = Service::with_queue();
    on_queue(&mut service);
    for (action, form) in [("ListQueues", ""), ("CreateQueue", "QueueName=jobs")] {
        let text = format!("The action {action} is not valid for this endpoint.");
        assert_eq!(error(&mut service, action, form), ("InvalidAction".to_owned(), text));
    }
    let unchanged = service.call("ListQueues", b"{}");
    assert!(unchanged.is_ok(), "AWS JSON goes to any path");
}

#[test]
fn json_is_answered_to_who_accepts_it() {
    let mut service = Service::with_queue();
    let mut read = |action: &str, form: &str| -> Value {
        let reply = service.query_as(action, form, Protocol::QueryJson);
        serde_json::from_str(&reply).unwrap()
    };
    let metadata = json!({ "RequestId": "00000000-0000-0000-0000-000000000000" });
    let response = json!({ "ReceiveMessageResult": { "messages": null }, "ResponseMetadata": metadata });
    assert_eq!(read("ReceiveMessage", "QueueUrl=jobs"), json!({ "ReceiveMessageResponse": response }));
    read("SendMessage", "QueueUrl=jobs&MessageBody=x");
    let reply = read("ReceiveMessage", "QueueUrl=jobs&AttributeName=ApproximateReceiveCount");
    let message = &reply["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"][0];
    assert_eq!(message["Body"], "x");
    assert_eq!(message["Attributes"], json!([{ "Name": "ApproximateReceiveCount", "Value": "1" }]));
    let error = json!({
        "Code": "AWS.SimpleQueueService.NonExistentQueue",
        "Message": "The specified queue does not exist for this wsdl version.",
        "Type": "Sender",
    });
    assert_eq!(read("ReceiveMessage", "QueueUrl=none")["Error"], error);
}
