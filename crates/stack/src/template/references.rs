//! Checks that every name a template uses exists, and puts the resources into the order of their dependencies.
//!
//! The order is stable: resources that don't need each other stay in the order of the file. A cycle is an error that
//! shows its path.

use super::diagnostic::{Position, Report};
use super::expression::Reference;
use super::suggest::hint;
use super::{ResourceDeclaration, Template};

/// The pseudo parameters of CloudFormation that `Ref` and `Fn::Sub` can use.
pub(crate) const PSEUDO_PARAMETERS: [&str; 7] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

pub(super) fn check(template: &Template, report: &mut Report) {
    for parameter in &template.parameters {
        if let Some(resource) = find(&template.resources, &parameter.name) {
            let message = format!("{} is both a parameter and a resource; rename one", parameter.name);
            report.error(resource.position.max(parameter.position), message);
        }
    }
    for resource in &template.resources {
        for (id, position) in &resource.depends_on {
            if find(&template.resources, id).is_none() && !template.unread.contains(id) {
                let known = template.resources.iter().map(|resource| resource.logical_id.as_str());
                report.error(
                    *position,
                    format!("DependsOn names {id}, but there is no such resource{}", hint(id, known)),
                );
            }
        }
        for (_, expression) in &resource.properties {
            expression.references(&mut |reference| check_reference(template, &reference, report));
        }
    }
    for output in &template.outputs {
        output.value.references(&mut |reference| check_reference(template, &reference, report));
    }
}

fn find<'a>(resources: &'a [ResourceDeclaration], id: &str) -> Option<&'a ResourceDeclaration> {
    resources.iter().find(|resource| resource.logical_id == id)
}

fn check_reference(template: &Template, reference: &Reference<'_>, report: &mut Report) {
    let Reference { name, attribute, position } = *reference;
    if template.unread.contains(name) {
        return;
    }
    let resource = find(&template.resources, name);
    let resources = template.resources.iter().map(|resource| resource.logical_id.as_str());
    match (attribute, resource) {
        (Some(_), Some(resource)) if !resource.schema.is_known() => {}
        (Some(attribute), Some(resource)) if !resource.schema.attributes.contains(&attribute) => {
            let hint = hint(attribute, resource.schema.attributes.iter().copied());
            report.error(position, format!("{} has no attribute {attribute}{hint}", resource.schema.name));
        }
        (Some(attribute), None) => {
            let message = format!("{name}.{attribute} refers to {name}, but there is no such resource");
            report.error(position, message + &hint(name, resources));
        }
        (None, None) => {
            let parameters = template.parameters.iter().map(|parameter| parameter.name.as_str());
            let known = resources.chain(parameters.clone());
            let exists = if name.starts_with("AWS::") {
                PSEUDO_PARAMETERS.contains(&name)
            } else {
                parameters.clone().any(|parameter| parameter == name)
            };
            if !exists {
                let hint =
                    if name.starts_with("AWS::") { hint(name, PSEUDO_PARAMETERS) } else { hint(name, known) };
                report.error(position, format!("there is no parameter or resource {name}{hint}"));
            }
        }
        (_, Some(_)) => {}
    }
}

/// Puts resources after those they need. Only when all names exist.
pub(super) fn order(resources: &mut Vec<ResourceDeclaration>, report: &mut Report) {
    let mut walk =
        Walk { resources, marks: vec![Mark::New; resources.len()], path: Vec::new(), sorted: Vec::new() };
    for index in 0..resources.len() {
        if let Err((position, message)) = walk.visit(index) {
            report.error(position, message);
            return;
        }
    }
    let sorted = walk.sorted;
    *resources = sorted.into_iter().map(|index| resources[index].clone()).collect();
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    OnPath,
    Done,
}

struct Walk<'a> {
    resources: &'a [ResourceDeclaration],
    marks: Vec<Mark>,
    path: Vec<usize>,
    sorted: Vec<usize>,
}

impl Walk<'_> {
    /// Depth first; the depth is bounded by the number of resources.
    fn visit(&mut self, index: usize) -> Result<(), (Position, String)> {
        if self.marks[index] == Mark::Done {
            return Ok(());
        }
        self.marks[index] = Mark::OnPath;
        self.path.push(index);
        for (id, position) in self.resources[index].needs(self.resources) {
            let Some(needed) = self.resources.iter().position(|resource| resource.logical_id == id) else {
                continue;
            };
            if self.marks[needed] == Mark::OnPath {
                return Err((position, self.cycle(needed)));
            }
            self.visit(needed)?;
        }
        self.path.pop();
        self.marks[index] = Mark::Done;
        self.sorted.push(index);
        Ok(())
    }

    fn cycle(&self, closing: usize) -> String {
        let on_cycle = self.path.iter().skip_while(|index| **index != closing).chain([&closing]);
        let names: Vec<&str> = on_cycle.map(|index| self.resources[*index].logical_id.as_str()).collect();
        format!(
            "resources need each other in a circle: {}; remove one of these references",
            names.join(" → ")
        )
    }
}
