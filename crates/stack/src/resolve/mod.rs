//! From a template to resources with every value in place: parameters, names, references.
//!
//! Pure: account, region, endpoint and entropy come in as a [`Context`], and what exists already as a [`StackState`],
//! so that made-up names stay the same from one change to the next. All mistakes found are reported together.

mod inputs;
mod queue;
mod shape;
mod value;
mod workloads;

use crate::state::{Output, OutputPiece, ParameterValue, PhysicalId, Resource, StackState};
use crate::template::diagnostic::{Position, Report, TemplateErrors};
use crate::template::expression::Expression;
use crate::template::node::Key;
use crate::template::schema::ResourceType;
use crate::template::{DeletionPolicy, OutputDeclaration, ResourceDeclaration, Template};
use crate::text::Text;
use crate::workload::{WorkloadProblem, WorkloadSpec};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use value::{Scope, Value, ValueKind, describe};

/// Where a stack is deployed.
#[derive(Debug, Clone)]
pub struct Context {
    /// 12 digits.
    pub account_id: String,
    /// A region name such as `us-east-1`.
    pub region: String,
    /// Base URL of the queue service as workloads reach it, such as `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// Name of the stack: `[a-zA-Z][-a-zA-Z0-9]*`, at most 128.
    pub stack_name: StackName,
    /// Fresh randomness for this deployment: made-up names and a new stack's id come from it.
    pub entropy: [u8; 16],
    /// What the programs that run as workloads say to a specification. Their own rules (names of columns, kinds of
    /// databases, …) are theirs; asking them here gives their answer a line in the template.
    pub check_workload: fn(&WorkloadSpec) -> Result<(), WorkloadProblem>,
}

/// The name of a stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StackName(String);

/// The text is no stack name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a stack name: use 1 to 128 letters, digits and hyphens, beginning with a letter")]
pub struct InvalidStackName(String);

impl StackName {
    /// Checks CloudFormation's rule for stack names.
    ///
    /// # Errors
    /// [`InvalidStackName`] when it does not hold.
    pub fn new(name: impl Into<String>) -> Result<StackName, InvalidStackName> {
        let name = name.into();
        let first = name.starts_with(|character: char| character.is_ascii_alphabetic());
        let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if first && rest && name.len() <= 128 { Ok(StackName(name)) } else { Err(InvalidStackName(name)) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A template with every value in place: what is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedTemplate {
    pub(crate) stack_id: Option<String>,
    pub(crate) parameters: BTreeMap<String, ParameterValue>,
    /// Each resource after those it needs.
    pub(crate) resources: Vec<ResolvedResource>,
    pub(crate) outputs: BTreeMap<String, Output>,
}

impl ResolvedTemplate {
    /// What is wanted of a stack that shall be deleted: nothing.
    pub fn nothing() -> ResolvedTemplate {
        ResolvedTemplate {
            stack_id: None,
            parameters: BTreeMap::new(),
            resources: Vec::new(),
            outputs: BTreeMap::new(),
        }
    }

    /// The resources by logical id, each after those it needs.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Resource)> {
        self.resources.iter().map(|resource| (resource.logical_id.as_str(), &resource.resource))
    }
}

/// One resource with every value in place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResolvedResource {
    pub(crate) logical_id: String,
    pub(crate) resource: Resource,
    pub(crate) deletion_policy: DeletionPolicy,
    pub(crate) depends_on: Vec<String>,
    pub(crate) name_generated: bool,
}

/// Resolves `template` with the values `given` on the command line, for a stack that is now `current`.
///
/// # Errors
/// All mistakes found: undeclared, missing or refused parameters, values that don't fit their property, two resources
/// with one name.
pub fn resolve(
    template: &Template,
    given: &BTreeMap<String, String>,
    current: &StackState,
    context: &Context,
) -> Result<ResolvedTemplate, TemplateErrors> {
    let mut report = Report::default();
    let parameters = inputs::values(template, given, &current.parameters, &mut report);
    let stack_id = current.stack_id.clone().unwrap_or_else(|| stack_id(context));
    let scope = Scope {
        declarations: &template.parameters,
        parameters,
        resources: BTreeMap::new(),
        account_id: &context.account_id,
        region: &context.region,
        endpoint: &context.endpoint,
        stack_name: context.stack_name.as_str(),
        stack_id: &stack_id,
    };
    let mut resolver = Resolver { template, current, context, scope, report, names: BTreeMap::new() };
    let resources = template.resources.iter().filter_map(|resource| resolver.resource(resource)).collect();
    let outputs = template.outputs.iter().filter_map(|output| resolver.output(output)).collect();
    let Resolver { scope, report, .. } = resolver;
    let parameters = scope.parameters;
    report
        .finish(&template.file, ResolvedTemplate { stack_id: Some(stack_id), parameters, resources, outputs })
}

fn stack_id(context: &Context) -> String {
    let Context { account_id, region, stack_name, entropy, .. } = context;
    let hex: String = entropy.iter().map(|byte| format!("{byte:02x}")).collect();
    let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    format!("arn:aws:cloudformation:{region}:{account_id}:stack/{}/{uuid}", stack_name.as_str())
}

struct Resolver<'a> {
    template: &'a Template,
    current: &'a StackState,
    context: &'a Context,
    scope: Scope<'a>,
    report: Report,
    /// Physical names in use, with the resource that has each.
    names: BTreeMap<PhysicalId, &'a str>,
}

/// The properties of one resource, for the reader of its type.
struct Properties<'a> {
    logical_id: &'a str,
    position: Position,
    /// As written, with positions.
    values: Vec<(Key, Value)>,
    /// In the shape of the schema.
    shaped: serde_json::Map<String, serde_json::Value>,
}

impl Properties<'_> {
    /// Where a property is written; where the resource is, when it is not.
    fn position_of(&self, property: &str) -> Position {
        let written = self.values.iter().find(|(key, _)| key.text == property);
        written.map_or(self.position, |(_, value)| value.position)
    }

    /// Where an entry of a property that is a map is written; where the property is, when it is not.
    fn position_inside(&self, property: &str, entry: &str) -> Position {
        let written = self.values.iter().find(|(key, _)| key.text == property);
        let inside = written.and_then(|(_, value)| match &value.kind {
            ValueKind::Map(entries) => entries.iter().find(|(key, _)| key.text == entry),
            _ => None,
        });
        inside.map_or_else(|| self.position_of(property), |(_, value)| value.position)
    }
}

impl<'a> Resolver<'a> {
    fn resource(&mut self, declaration: &'a ResourceDeclaration) -> Option<ResolvedResource> {
        let ResourceDeclaration { logical_id, position, schema, .. } = declaration;
        let evaluate = |(key, expression): &(Key, Expression)| {
            Some((key.clone(), self.scope.evaluate(expression, &mut self.report)?))
        };
        let values: Vec<_> = declaration.properties.iter().map(evaluate).collect();
        let mut values: Vec<(Key, Value)> = values.into_iter().collect::<Option<_>>()?;
        values.retain(|(_, value)| !matches!(value.kind, ValueKind::NoValue));
        let shaped = shape::object(schema.properties, &values, schema.name, *position, &mut self.report)?;
        let properties = Properties { logical_id, position: *position, values, shaped };
        let (resource, name_generated) = match schema.resource_type {
            ResourceType::Queue => queue::read(&properties, self)?,
            ResourceType::Form => workloads::form(&properties, &mut self.report)?,
            ResourceType::Sink => workloads::sink(&properties, &mut self.report)?,
        };
        if let Resource::Workload(workload) = &resource
            && let Err(WorkloadProblem { property, message }) = (self.context.check_workload)(workload)
        {
            let position = property.map_or(*position, |property| properties.position_of(property));
            self.report.error(position, format!("{logical_id}: {message}"));
        }
        let physical_id = resource.physical_id();
        if let Some(other) = self.names.insert(physical_id.clone(), logical_id) {
            let name_property = if matches!(resource, Resource::Queue(_)) { "QueueName" } else { "Name" };
            let position = properties.position_of(name_property);
            self.report
                .error(position, format!("{other} and {logical_id} are both {physical_id}; rename one"));
        }
        self.scope.resources.insert(logical_id.clone(), resource.clone());
        let mut depends_on: Vec<String> =
            declaration.needs(&self.template.resources).into_iter().map(|(id, _)| id.to_owned()).collect();
        depends_on.sort();
        depends_on.dedup();
        let deletion_policy = declaration.deletion_policy;
        Some(ResolvedResource {
            logical_id: logical_id.clone(),
            resource,
            deletion_policy,
            depends_on,
            name_generated,
        })
    }

    fn output(&mut self, declaration: &OutputDeclaration) -> Option<(String, Output)> {
        let value = self.scope.evaluate(&declaration.value, &mut self.report)?;
        let ValueKind::Text(text) = value.kind else {
            let found = describe(&value.kind);
            let message = format!("the Value of output {} must be a text, not {found}", declaration.name);
            self.report.error(value.position, message);
            return None;
        };
        let pieces = stored_pieces(text.pieces, text.secret_of.is_some());
        let output = Output { description: declaration.description.clone(), pieces };
        Some((declaration.name.clone(), output))
    }

    /// Twelve letters and digits for a made-up name, from this deployment's entropy.
    fn suffix(&self, logical_id: &str) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let digest = Sha256::new().chain_update(self.context.entropy).chain_update(logical_id).finalize();
        digest.iter().take(12).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
    }
}

/// The pieces as they are stored: every text secret when any is.
fn stored_pieces(pieces: Vec<OutputPiece>, secret: bool) -> Vec<OutputPiece> {
    let hide = |piece| match piece {
        OutputPiece::Text(Text::Plain(text)) if secret => OutputPiece::Text(Text::Secret { secret: text }),
        piece => piece,
    };
    pieces.into_iter().map(hide).collect()
}
