//! The resource types as data: properties with their kinds and limits, and the attributes `Fn::GetAtt` can ask for.
//!
//! Property names and kinds of `AWS::SQS::Queue` are those of the CloudFormation registry; ranges are those of the
//! SQS service. What the queue service itself does not take yet is still passed to it: the service refuses it, by name.

/// A resource type of a template.
#[derive(Debug)]
pub(crate) struct TypeSchema {
    pub(crate) name: &'static str,
    pub(crate) resource_type: ResourceType,
    pub(crate) properties: &'static [PropertySchema],
    /// What `Fn::GetAtt` can ask for.
    pub(crate) attributes: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceType {
    Queue,
    Form,
    Sink,
}

/// Stands for a type that is missing or unknown, which was reported: so the rest of the template can still be checked.
/// No template that has one is ever resolved.
pub(crate) static UNKNOWN: TypeSchema =
    TypeSchema { name: "", resource_type: ResourceType::Queue, properties: &[], attributes: &[] };

impl TypeSchema {
    /// Whether it says anything about properties and attributes.
    pub(crate) fn is_known(&self) -> bool {
        !self.name.is_empty()
    }
}

#[derive(Debug)]
pub(crate) struct PropertySchema {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// What a property takes.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    /// Text that may be made of `NoEcho` parameters, and is masked wherever it is shown.
    SecretText,
    /// A whole number between both, inclusive.
    Integer(i64, i64),
    Boolean,
    OneOf(&'static [&'static str]),
    /// A list with at most so many items.
    List(&'static Kind, usize),
    Object(&'static [PropertySchema]),
}

const fn optional(name: &'static str, kind: Kind) -> PropertySchema {
    PropertySchema { name, kind, required: false }
}

const fn required(name: &'static str, kind: Kind) -> PropertySchema {
    PropertySchema { name, kind, required: true }
}

/// Every type a template may use.
pub(crate) static TYPES: [TypeSchema; 3] = [
    TypeSchema {
        name: "AWS::SQS::Queue",
        resource_type: ResourceType::Queue,
        properties: QUEUE_PROPERTIES,
        attributes: &["Arn", "QueueName", "QueueUrl"],
    },
    TypeSchema {
        name: "Millpond::Web::Form",
        resource_type: ResourceType::Form,
        properties: FORM_PROPERTIES,
        attributes: &["Url"],
    },
    TypeSchema {
        name: "Millpond::Sink::Table",
        resource_type: ResourceType::Sink,
        properties: SINK_PROPERTIES,
        attributes: &["Table"],
    },
];

static QUEUE_PROPERTIES: &[PropertySchema] = &[
    optional("ContentBasedDeduplication", Kind::Boolean),
    optional("DeduplicationScope", Kind::OneOf(&["queue", "messageGroup"])),
    optional("DelaySeconds", Kind::Integer(0, 900)),
    optional("FifoQueue", Kind::Boolean),
    optional("FifoThroughputLimit", Kind::OneOf(&["perQueue", "perMessageGroupId"])),
    optional("KmsDataKeyReusePeriodSeconds", Kind::Integer(60, 86_400)),
    optional("KmsMasterKeyId", Kind::Text),
    optional("MaximumMessageSize", Kind::Integer(1024, 1_048_576)),
    optional("MessageRetentionPeriod", Kind::Integer(60, 1_209_600)),
    optional("QueueName", Kind::Text),
    optional("ReceiveMessageWaitTimeSeconds", Kind::Integer(0, 20)),
    optional("RedriveAllowPolicy", Kind::Object(REDRIVE_ALLOW_POLICY)),
    optional("RedrivePolicy", Kind::Object(REDRIVE_POLICY)),
    optional("SqsManagedSseEnabled", Kind::Boolean),
    optional("Tags", Kind::List(&Kind::Object(TAG), 50)),
    optional("VisibilityTimeout", Kind::Integer(0, 43_200)),
];

static REDRIVE_ALLOW_POLICY: &[PropertySchema] = &[
    optional("redrivePermission", Kind::OneOf(&["allowAll", "denyAll", "byQueue"])),
    optional("sourceQueueArns", Kind::List(&Kind::Text, 10)),
];

static REDRIVE_POLICY: &[PropertySchema] =
    &[required("deadLetterTargetArn", Kind::Text), optional("maxReceiveCount", Kind::Integer(1, 1000))];

static TAG: &[PropertySchema] = &[required("Key", Kind::Text), required("Value", Kind::Text)];

/// What each attribute goes back to when a template no longer sets it (SQS defaults; an empty text removes it).
pub(crate) static QUEUE_ATTRIBUTE_DEFAULTS: [(&str, &str); 13] = [
    ("ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "queue"),
    ("DelaySeconds", "0"),
    ("FifoThroughputLimit", "perQueue"),
    ("KmsDataKeyReusePeriodSeconds", "300"),
    ("KmsMasterKeyId", ""),
    ("MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "345600"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("RedriveAllowPolicy", ""),
    ("RedrivePolicy", ""),
    ("SqsManagedSseEnabled", "true"),
    ("VisibilityTimeout", "30"),
];

static FORM_PROPERTIES: &[PropertySchema] = &[
    optional("Description", Kind::Text),
    required("Fields", Kind::List(&Kind::Object(FIELD), 100)),
    optional("Format", Kind::OneOf(&["csv", "json"])),
    optional("Listen", Kind::Text),
    optional("Name", Kind::Text),
    required("Queue", Kind::Text),
    optional("SubmitLabel", Kind::Text),
    optional("Title", Kind::Text),
];

static FIELD: &[PropertySchema] = &[
    optional("Label", Kind::Text),
    optional("MaxLength", Kind::Integer(1, 1_048_576)),
    required("Name", Kind::Text),
    optional("Options", Kind::List(&Kind::Text, 1000)),
    optional("Placeholder", Kind::Text),
    optional("Required", Kind::Boolean),
    optional(
        "Type",
        Kind::OneOf(&["text", "email", "number", "tel", "url", "date", "textarea", "select", "checkbox"]),
    ),
];

static SINK_PROPERTIES: &[PropertySchema] = &[
    required("Columns", Kind::List(&Kind::Text, 1000)),
    optional("Create", Kind::Boolean),
    required("DatabaseUrl", Kind::SecretText),
    optional("Format", Kind::OneOf(&["csv", "json"])),
    optional("Name", Kind::Text),
    optional("Pollers", Kind::Integer(1, 64)),
    required("Queue", Kind::Text),
    required("Table", Kind::Text),
];
