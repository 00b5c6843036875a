//! A template as it is written: text to sections, every part with its line and column.
//!
//! Whatever is unknown (section, type, attribute, function, name) is an error with its place and what is known
//! instead; nothing is ignored but `Metadata`, which CloudFormation defines to have no effect. Reads text only: no
//! files, no values of parameters.

pub(crate) mod diagnostic;
pub(crate) mod expression;
mod json;
pub(crate) mod node;
pub(crate) mod parameter;
mod property_names;
mod references;
pub(crate) mod schema;
pub(crate) mod suggest;
mod yaml;

use crate::resource::TYPES;
use diagnostic::{Position, Report, TemplateErrors};
use expression::Expression;
use node::{Entry, Key, Node, NodeKind, TEMPLATE_BYTES_MAX, expect_map, expect_text};
use parameter::ParameterDeclaration;
use schema::TypeSchema;
use std::collections::BTreeSet;
use suggest::hint;

/// Most resources in a template, and most parameters and outputs (CloudFormation quotas).
const RESOURCES_MAX: usize = 500;
const PARAMETERS_MAX: usize = 200;
const OUTPUTS_MAX: usize = 200;

/// A template that was read and whose names all refer to something, without a cycle.
#[derive(Debug, Clone)]
pub struct Template {
    pub(crate) file: String,
    pub(crate) description: Option<String>,
    pub(crate) parameters_position: Position,
    pub(crate) parameters: Vec<ParameterDeclaration>,
    /// In an order in which each resource comes after those it needs.
    pub(crate) resources: Vec<ResourceDeclaration>,
    pub(crate) outputs: Vec<OutputDeclaration>,
    /// Names of parameters and resources that are there but could not be read, which was reported: what refers to them
    /// is no second mistake. Empty in every template that a caller gets.
    unread: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct ResourceDeclaration {
    pub(crate) logical_id: String,
    pub(crate) position: Position,
    pub(crate) schema: &'static TypeSchema,
    pub(crate) properties: Vec<(Key, Expression)>,
    pub(crate) depends_on: Vec<(String, Position)>,
    pub(crate) deletion_policy: DeletionPolicy,
}

impl ResourceDeclaration {
    /// The logical ids of all resources it needs first, by reference or `DependsOn`.
    pub(crate) fn needs<'a>(&'a self, resources: &'a [ResourceDeclaration]) -> Vec<(&'a str, Position)> {
        let mut needs: Vec<(&str, Position)> =
            self.depends_on.iter().map(|(id, position)| (id.as_str(), *position)).collect();
        for (_, expression) in &self.properties {
            expression.references(&mut |reference| {
                if resources.iter().any(|resource| resource.logical_id == reference.name) {
                    needs.push((reference.name, reference.position));
                }
            });
        }
        needs
    }
}

/// What happens to a resource when it leaves the template (`DeletionPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum DeletionPolicy {
    /// It is deleted; CloudFormation's default.
    #[default]
    Delete,
    /// It stays, and the stack no longer knows it.
    Retain,
}

#[derive(Debug, Clone)]
pub(crate) struct OutputDeclaration {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) value: Expression,
}

const SECTIONS: [&str; 6] =
    ["AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Resources", "Outputs"];
const UNSUPPORTED_SECTIONS: [&str; 5] = ["Mappings", "Conditions", "Rules", "Transform", "Hooks"];
const RESOURCE_ATTRIBUTES: [&str; 5] = ["Type", "Properties", "DependsOn", "DeletionPolicy", "Metadata"];
const OUTPUT_ATTRIBUTES: [&str; 2] = ["Description", "Value"];

impl Template {
    /// Reads a template, YAML or JSON (text that begins with `{` is JSON). `file` is the name that errors show.
    ///
    /// # Errors
    /// All mistakes found, each with line and column; a mistake in the syntax hides what comes after it.
    pub fn parse(file: &str, text: &str) -> Result<Template, TemplateErrors> {
        let mut report = Report::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > TEMPLATE_BYTES_MAX {
            let message =
                format!("the template has {} bytes; at most {TEMPLATE_BYTES_MAX} are allowed", text.len());
            report.error(Position::START, message);
            return report.finish(file, Template::empty(file));
        }
        let read = if text.trim_start().starts_with('{') { json::read(text) } else { yaml::read(text) };
        let root = match read {
            Ok(root) => root,
            Err(diagnostic) => {
                report.error(diagnostic.position, diagnostic.message);
                return report.finish(file, Template::empty(file));
            }
        };
        let (mut template, all_sections_read) = sections(file, &root, &mut report);
        if all_sections_read {
            property_names::check(&template, &mut report);
            references::check(&template, &mut report);
            references::order(&mut template.resources, &mut report);
        }
        report.finish(file, template)
    }

    /// The text of the section `Description`.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Name and description of each parameter, in the order of the file.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.description.as_deref()))
    }

    fn empty(file: &str) -> Template {
        Template {
            file: file.to_owned(),
            description: None,
            parameters_position: Position::START,
            parameters: Vec::new(),
            resources: Vec::new(),
            outputs: Vec::new(),
            unread: BTreeSet::new(),
        }
    }
}

/// The template, and whether each section could be read: else names in it may only seem to be missing.
fn sections(file: &str, root: &Node, report: &mut Report) -> (Template, bool) {
    let mut template = Template::empty(file);
    let mut all_read = true;
    let mut has_resources = false;
    for Entry { key, value } in expect_map(root, "a template", report).unwrap_or_default() {
        match key.text.as_str() {
            "AWSTemplateFormatVersion" => format_version(value, report),
            "Description" => {
                template.description = expect_text(value, "Description", report).map(str::to_owned)
            }
            "Metadata" => {}
            "Parameters" => {
                template.parameters_position = key.position;
                let read = section(value, "Parameters", PARAMETERS_MAX, report, parameter::read);
                all_read &= read.is_some();
                (template.parameters, template.unread) = sorted_out(read, template.unread);
            }
            "Resources" => {
                has_resources = true;
                let read = section(value, "Resources", RESOURCES_MAX, report, resource);
                all_read &= read.is_some();
                (template.resources, template.unread) = sorted_out(read, template.unread);
                if let NodeKind::Map(entries) = &value.kind
                    && entries.is_empty()
                {
                    report.error(value.position, "Resources is empty; a template has at least one resource");
                }
            }
            "Outputs" => {
                let read = section(value, "Outputs", OUTPUTS_MAX, report, output);
                template.outputs = read.unwrap_or_default().into_iter().filter_map(Result::ok).collect();
            }
            name => {
                all_read = false;
                unknown_section(name, key.position, report);
            }
        }
    }
    if !has_resources && matches!(root.kind, NodeKind::Map(_)) {
        report.error(root.position, "the template has no section Resources");
    }
    (template, all_read && has_resources)
}

fn unknown_section(name: &str, position: Position, report: &mut Report) {
    let message = if UNSUPPORTED_SECTIONS.contains(&name) {
        format!("the section {name} is not supported yet; known: {}", SECTIONS.join(", "))
    } else {
        format!("there is no section {name}{}", hint(name, SECTIONS))
    };
    report.error(position, message);
}

/// What was read of a section, and the names of what was not, added to `unread`.
fn sorted_out<T>(
    read: Option<Vec<Result<T, String>>>,
    mut unread: BTreeSet<String>,
) -> (Vec<T>, BTreeSet<String>) {
    let mut declarations = Vec::new();
    for entry in read.unwrap_or_default() {
        match entry {
            Ok(declaration) => declarations.push(declaration),
            Err(name) => drop(unread.insert(name)),
        }
    }
    (declarations, unread)
}

fn format_version(node: &Node, report: &mut Report) {
    if let Some(version) = expect_text(node, "AWSTemplateFormatVersion", report)
        && version != "2010-09-09"
    {
        report.error(node.position, format!("AWSTemplateFormatVersion must be 2010-09-09, not {version}"));
    }
}

/// The entries of a section, each with an alphanumeric name, read by `read`, or the names of those that could not be
/// read; `None` when the section could not be. What is missing was reported.
fn section<T>(
    node: &Node,
    what: &str,
    entries_max: usize,
    report: &mut Report,
    read: impl Fn(&Entry, &mut Report) -> Option<T>,
) -> Option<Vec<Result<T, String>>> {
    let entries = expect_map(node, &format!("the section {what}"), report)?;
    if entries.len() > entries_max {
        report.error(
            node.position,
            format!("{what} has {} entries; at most {entries_max} are allowed", entries.len()),
        );
        return None;
    }
    for Entry { key, .. } in entries {
        let alphanumeric = key.text.chars().all(|character| character.is_ascii_alphanumeric());
        if !alphanumeric || key.text.is_empty() || key.text.len() > 255 {
            let message = format!("the name \"{}\" in {what} must be 1 to 255 letters and digits", key.text);
            report.error(key.position, message);
        }
    }
    let entry = |entry: &Entry| read(entry, report).ok_or_else(|| entry.key.text.clone());
    Some(entries.iter().map(entry).collect())
}

fn check_attributes(
    entries: &[Entry],
    what: &str,
    known: &[&str],
    unsupported: &[&str],
    report: &mut Report,
) {
    for Entry { key, .. } in entries {
        let name = key.text.as_str();
        if unsupported.contains(&name) {
            report.error(
                key.position,
                format!("{name} of {what} is not supported yet; known: {}", known.join(", ")),
            );
        } else if !known.contains(&name) {
            let hint = hint(name, known.iter().copied());
            report.error(key.position, format!("{what} has an unknown attribute {name}{hint}"));
        }
    }
}

fn resource(entry: &Entry, report: &mut Report) -> Option<ResourceDeclaration> {
    let logical_id = entry.key.text.clone();
    let what = format!("resource {logical_id}");
    let attributes = expect_map(&entry.value, &what, report)?;
    let unsupported = ["Condition", "CreationPolicy", "UpdatePolicy", "UpdateReplacePolicy"];
    check_attributes(attributes, &what, &RESOURCE_ATTRIBUTES, &unsupported, report);
    let attribute =
        |name: &str| attributes.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value);
    let properties = attribute("Properties").map(|node| properties(node, &what, report)).unwrap_or_default();
    let depends_on = attribute("DependsOn").map(|node| depends_on(node, report)).unwrap_or_default();
    let deletion_policy =
        attribute("DeletionPolicy").map(|node| deletion_policy(node, report)).unwrap_or_default();
    let schema = match attribute("Type") {
        Some(node) => resource_type(node, report),
        None => {
            report.error(entry.key.position, format!("{what} has no Type"));
            &schema::UNKNOWN
        }
    };
    let position = entry.key.position;
    Some(ResourceDeclaration { logical_id, position, schema, properties, depends_on, deletion_policy })
}

fn resource_type(node: &Node, report: &mut Report) -> &'static TypeSchema {
    let Some(name) = expect_text(node, "Type", report) else { return &schema::UNKNOWN };
    TYPES.into_iter().find(|schema| schema.name == name).unwrap_or_else(|| {
        let known = TYPES.iter().map(|schema| schema.name);
        report.error(node.position, format!("there is no resource type {name}{}", hint(name, known)));
        &schema::UNKNOWN
    })
}

fn properties(node: &Node, what: &str, report: &mut Report) -> Vec<(Key, Expression)> {
    let entries = expect_map(node, &format!("Properties of {what}"), report).unwrap_or_default();
    let read = |entry: &Entry| Some((entry.key.clone(), expression::read(&entry.value, report)?));
    entries.iter().filter_map(read).collect()
}

fn depends_on(node: &Node, report: &mut Report) -> Vec<(String, Position)> {
    let items = match (&node.tag, &node.kind) {
        (None, NodeKind::List(items)) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let read =
        |item: &Node| Some((expect_text(item, "a name in DependsOn", report)?.to_owned(), item.position));
    items.iter().filter_map(read).collect()
}

fn deletion_policy(node: &Node, report: &mut Report) -> DeletionPolicy {
    match expect_text(node, "DeletionPolicy", report) {
        Some("Retain") => DeletionPolicy::Retain,
        Some("Delete") | None => DeletionPolicy::Delete,
        Some(other) => {
            report.error(node.position, format!("DeletionPolicy must be Delete or Retain, not {other}"));
            DeletionPolicy::Delete
        }
    }
}

fn output(entry: &Entry, report: &mut Report) -> Option<OutputDeclaration> {
    let name = entry.key.text.clone();
    let what = format!("output {name}");
    let attributes = expect_map(&entry.value, &what, report)?;
    check_attributes(attributes, &what, &OUTPUT_ATTRIBUTES, &["Condition", "Export"], report);
    let attribute =
        |name: &str| attributes.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value);
    let description =
        attribute("Description").and_then(|node| expect_text(node, "Description", report)).map(str::to_owned);
    let Some(value) = attribute("Value") else {
        report.error(entry.key.position, format!("{what} has no Value"));
        return None;
    };
    let value = expression::read(value, report)?;
    Some(OutputDeclaration { name, description, value })
}
