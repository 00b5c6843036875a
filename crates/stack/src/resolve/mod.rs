//! From a template to resources with every value in place: parameters, names, references.
//!
//! Pure: account, region, endpoint and entropy come in as a [`Context`], and what exists already as a [`StackState`],
//! so that made-up names stay the same from one change to the next. All mistakes found are reported together.

mod inputs;
mod shape;
mod value;

use crate::resource::{PhysicalId, Place, PolicyUse, Resource, own_role};
use crate::state::{Output, OutputPiece, ParameterValue, StackState};
use crate::template::diagnostic::{Position, Report, TemplateErrors};
use crate::template::expression::Expression;
use crate::template::node::Key;
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
    /// What whoever knows policies says to a document, which is JSON: why it is refused.
    pub check_policy: fn(PolicyUse, &str) -> Result<(), String>,
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
        place: Place {
            account_id: &context.account_id,
            region: &context.region,
            endpoint: &context.endpoint,
        },
        stack_name: context.stack_name.as_str(),
        stack_id: &stack_id,
    };
    let (names, resolved) = (BTreeMap::new(), Vec::new());
    let mut resolver = Resolver { template, current, context, scope, report, names, resolved };
    for declaration in &template.resources {
        // What could not be read was reported.
        let _ = resolver.resource(declaration);
    }
    let outputs = template.outputs.iter().filter_map(|output| resolver.output(output)).collect();
    let Resolver { scope, report, resolved: resources, .. } = resolver;
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

pub(crate) struct Resolver<'a> {
    template: &'a Template,
    pub(crate) current: &'a StackState,
    pub(crate) context: &'a Context,
    pub(crate) scope: Scope<'a>,
    pub(crate) report: Report,
    /// Physical names in use, with the resource that has each.
    names: BTreeMap<PhysicalId, String>,
    /// The resources so far, each after those it needs.
    resolved: Vec<ResolvedResource>,
}

/// The properties of one resource, for the reader of its type.
pub(crate) struct Properties<'a> {
    pub(crate) logical_id: &'a str,
    pub(crate) position: Position,
    /// As written, with positions.
    values: Vec<(Key, Value)>,
    /// In the shape of the schema.
    pub(crate) shaped: serde_json::Map<String, serde_json::Value>,
    deletion_policy: DeletionPolicy,
}

/// One step into a property.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Within<'a> {
    /// The value of a key of a map.
    Key(&'a str),
    /// An item of a list, from 0.
    Item(usize),
}

impl Properties<'_> {
    /// A property that is a text.
    pub(crate) fn text(&self, property: &str) -> Option<String> {
        self.shaped.get(property).and_then(serde_json::Value::as_str).map(str::to_owned)
    }

    /// Where a value is written; where the innermost one around it is, when it is not.
    pub(crate) fn position_at(&self, path: &[Within<'_>]) -> Position {
        let Some((Within::Key(property), path)) = path.split_first() else { return self.position };
        let written = self.values.iter().find(|(key, _)| key.text == *property);
        let Some((_, outermost)) = written else { return self.position };
        let mut value = outermost;
        for step in path {
            let inside = match (step, &value.kind) {
                (Within::Key(name), ValueKind::Map(entries)) => {
                    entries.iter().find(|(key, _)| key.text == *name).map(|(_, value)| value)
                }
                (Within::Item(index), ValueKind::List(items)) => items.get(*index),
                _ => None,
            };
            match inside {
                Some(inside) => value = inside,
                None => break,
            }
        }
        value.position
    }

    /// Where a property is written; where the resource is, when it is not.
    pub(crate) fn position_of(&self, property: &str) -> Position {
        self.position_at(&[Within::Key(property)])
    }

    /// Where an entry of a property that is a map is written; where the property is, when it is not.
    pub(crate) fn position_inside(&self, property: &str, entry: &str) -> Position {
        self.position_at(&[Within::Key(property), Within::Key(entry)])
    }

    /// Where an item of a property that is a list is written.
    pub(crate) fn item_position(&self, property: &str, index: usize) -> Position {
        self.position_at(&[Within::Key(property), Within::Item(index)])
    }
}

/// The property `Tags`, by key.
pub(crate) fn tags(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    let items = properties.shaped.get("Tags").and_then(serde_json::Value::as_array);
    for item in items.into_iter().flatten() {
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        if tags.insert(text("Key"), text("Value")).is_some() {
            let message = format!("Tags has the key {} twice", text("Key"));
            resolver.report.error(properties.position_of("Tags"), message);
        }
    }
    tags
}

impl<'a> Resolver<'a> {
    fn resource(&mut self, declaration: &'a ResourceDeclaration) -> Option<()> {
        let ResourceDeclaration { logical_id, schema, deletion_policy, .. } = declaration;
        let properties = self.properties(declaration)?;
        let (resource, name_generated) = (schema.read)(&properties, self)?;
        if let Resource::Workload(workload) = &resource
            && let Err(WorkloadProblem { property, message }) = (self.context.check_workload)(workload)
        {
            let position = property.map_or(properties.position, |property| properties.position_of(property));
            self.report.error(position, format!("{logical_id}: {message}"));
        }
        self.claim(&properties, logical_id, &resource);
        self.scope.resources.insert(logical_id.clone(), resource.clone());
        let needs = declaration.needs(&self.template.resources).into_iter();
        let mut depends_on: Vec<String> = needs.map(|(id, _)| id.to_owned()).collect();
        let own_role = own_role::logical_id(logical_id);
        depends_on.extend(self.resolved.iter().any(|other| other.logical_id == own_role).then_some(own_role));
        depends_on.sort();
        depends_on.dedup();
        self.resolved.push(ResolvedResource {
            logical_id: logical_id.clone(),
            resource,
            deletion_policy: *deletion_policy,
            depends_on,
            name_generated,
        });
        Some(())
    }

    fn properties(&mut self, declaration: &'a ResourceDeclaration) -> Option<Properties<'a>> {
        let ResourceDeclaration { logical_id, position, schema, deletion_policy, .. } = declaration;
        let evaluate = |(key, expression): &(Key, Expression)| {
            Some((key.clone(), self.scope.evaluate(expression, &mut self.report)?))
        };
        let values: Vec<_> = declaration.properties.iter().map(evaluate).collect();
        let mut values: Vec<(Key, Value)> = values.into_iter().collect::<Option<_>>()?;
        values.retain(|(_, value)| !matches!(value.kind, ValueKind::NoValue));
        let shaped = shape::object(schema.properties, &values, schema.name, *position, &mut self.report)?;
        let (position, deletion_policy) = (*position, *deletion_policy);
        Some(Properties { logical_id, position, values, shaped, deletion_policy })
    }

    /// Two resources can't be the same physical thing.
    fn claim(&mut self, properties: &Properties<'_>, logical_id: &str, resource: &Resource) {
        let physical_id = resource.physical_id();
        if let Some(other) = self.names.insert(physical_id.clone(), logical_id.to_owned()) {
            let position = properties.position_of(resource.described().name_property());
            self.report
                .error(position, format!("{other} and {logical_id} are both {physical_id}; rename one"));
        }
    }

    /// Adds what a workload needs and no one wrote: its role.
    pub(crate) fn imply(&mut self, properties: &Properties<'_>, resource: Resource) {
        let logical_id = own_role::logical_id(properties.logical_id);
        self.claim(properties, &logical_id, &resource);
        self.resolved.push(ResolvedResource {
            logical_id,
            resource,
            deletion_policy: properties.deletion_policy,
            depends_on: Vec::new(),
            name_generated: false,
        });
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
    pub(crate) fn suffix(&self, logical_id: &str) -> String {
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
