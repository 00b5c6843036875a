//! The properties of queues: every one of the CloudFormation registry becomes the SQS attribute of its name.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{errors, queue, resolved};

#[test]
fn every_property_is_passed_on_as_an_attribute() {
    let text = "Resources:
  D: {Type: AWS::SQS::Queue, Properties: {QueueName: dead.fifo, FifoQueue: true}}
  Q:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: q.fifo
      FifoQueue: true
      ContentBasedDeduplication: True
      DeduplicationScope: messageGroup
      FifoThroughputLimit: perMessageGroupId
      DelaySeconds: 1
      KmsDataKeyReusePeriodSeconds: 60
      KmsMasterKeyId: alias/aws/sqs
      MaximumMessageSize: 1024
      MessageRetentionPeriod: 1209600
      ReceiveMessageWaitTimeSeconds: 20
      RedriveAllowPolicy: {redrivePermission: byQueue, sourceQueueArns: [!GetAtt D.Arn]}
      RedrivePolicy: {deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: \"5\"}
      SqsManagedSseEnabled: false
      VisibilityTimeout: 0
      Tags: [{Key: team, Value: shop}]
";
    let queue = queue(&resolved(text), "Q");
    let arn = "arn:aws:sqs:eu-west-1:012345678901:dead.fifo";
    let allow = format!("{{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"{arn}\"]}}");
    let redrive = format!("{{\"deadLetterTargetArn\":\"{arn}\",\"maxReceiveCount\":5}}");
    let expected = [
        ("ContentBasedDeduplication", "true"),
        ("DeduplicationScope", "messageGroup"),
        ("DelaySeconds", "1"),
        ("FifoQueue", "true"),
        ("FifoThroughputLimit", "perMessageGroupId"),
        ("KmsDataKeyReusePeriodSeconds", "60"),
        ("KmsMasterKeyId", "alias/aws/sqs"),
        ("MaximumMessageSize", "1024"),
        ("MessageRetentionPeriod", "1209600"),
        ("ReceiveMessageWaitTimeSeconds", "20"),
        ("RedriveAllowPolicy", &allow),
        ("RedrivePolicy", &redrive),
        ("SqsManagedSseEnabled", "false"),
        ("VisibilityTimeout", "0"),
    ];
    let attributes: Vec<_> =
        queue.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, expected);
    assert_eq!(queue.tags["team"], "shop");
}

#[test]
fn false_means_a_standard_queue() {
    let text = "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, FifoQueue: false}}}\n";
    assert!(queue(&resolved(text), "Q").attributes.is_empty());
}

#[test]
fn names_are_checked() {
    let at = |properties: &str| {
        errors(&format!("Resources: {{Q: {{Type: AWS::SQS::Queue, Properties: {{{properties}}}}}}}\n"))
    };
    assert_eq!(
        at("QueueName: q, FifoQueue: true"),
        "t.yaml:1:64: the name of a FIFO queue must end in .fifo, but QueueName is \"q\""
    );
    assert_eq!(
        at("QueueName: q.fifo"),
        "t.yaml:1:64: QueueName \"q.fifo\" ends in .fifo, which only a FIFO queue may: add FifoQueue: true, or choose a \
         name without .fifo"
    );
    assert!(at("QueueName: q.q.fifo, FifoQueue: true").contains("letters, digits, hyphens and underscores"));
    assert!(at("QueueName: ''").contains("1 to 80"));
    assert!(at(&format!("QueueName: {}", "q".repeat(81))).contains("1 to 80"));
    assert!(at("Tags: [{Key: a, Value: b}, {Key: a, Value: c}]").contains("Tags has the key a twice"));
}

#[test]
fn a_dead_letter_queue_is_of_the_same_kind() {
    let with = |dead: &str, queue: &str| {
        format!(
            "Resources:
  D: {{Type: AWS::SQS::Queue, Properties: {{{dead}}}}}
  Q:
    Type: AWS::SQS::Queue
    Properties:
      {queue}
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt D.Arn
        maxReceiveCount: 5
"
        )
    };
    let (standard, fifo) = ("QueueName: dead", "QueueName: dead.fifo, FifoQueue: true");
    assert_eq!(
        errors(&with(standard, "FifoQueue: true")),
        "t.yaml:8:30: the dead-letter queue of a FIFO queue must be a FIFO queue too, but dead is a standard queue"
    );
    assert_eq!(
        errors(&with(fifo, "DelaySeconds: 0")),
        "t.yaml:8:30: the dead-letter queue of a standard queue must be a standard queue too, but dead.fifo is a FIFO \
         queue"
    );
    resolved(&with(fifo, "FifoQueue: true"));
    resolved(&with(standard, "DelaySeconds: 0"));
}
