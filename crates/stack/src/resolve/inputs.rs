//! The values of parameters: given now, given before, or the default, in this order.
//!
//! A value given once stays until another is given, as with `aws cloudformation deploy`; a default is always the one
//! that the template has now.

use crate::state::ParameterValue;
use crate::template::Template;
use crate::template::diagnostic::Report;
use crate::template::parameter::ParameterDeclaration;
use crate::template::suggest::hint;
use crate::text::Text;
use std::collections::BTreeMap;

pub(super) fn values(
    template: &Template,
    given: &BTreeMap<String, String>,
    previous: &BTreeMap<String, ParameterValue>,
    report: &mut Report,
) -> BTreeMap<String, ParameterValue> {
    for name in given.keys() {
        if !template.parameters.iter().any(|declaration| declaration.name == *name) {
            let known = template.parameters.iter().map(|declaration| declaration.name.as_str());
            let message = format!(
                "parameter {name} was given, but the template does not declare it{}",
                hint(name, known)
            );
            report.error(template.parameters_position, message);
        }
    }
    let value = |declaration: &ParameterDeclaration| {
        Some((declaration.name.clone(), value(declaration, given, previous, report)?))
    };
    template.parameters.iter().filter_map(value).collect()
}

fn value(
    declaration: &ParameterDeclaration,
    given: &BTreeMap<String, String>,
    previous: &BTreeMap<String, ParameterValue>,
    report: &mut Report,
) -> Option<ParameterValue> {
    let name = &declaration.name;
    let kept = previous.get(name).filter(|value| value.given).map(|value| &value.value);
    // Whoever may change the template could print it.
    if !declaration.no_echo && !given.contains_key(name) && matches!(kept, Some(Text::Secret { .. })) {
        let message = format!(
            "parameter {name} was given when it had NoEcho, so it isn't kept without; give it again with --parameter {name}=VALUE"
        );
        report.error(declaration.position, message);
        return None;
    }
    let kept = kept.map(Text::expose);
    let chosen = given.get(name).map(String::as_str).or(kept);
    let Some(value) = chosen.or(declaration.default.as_deref()) else {
        let message =
            format!("parameter {name} has no value and no Default; give one with --parameter {name}=VALUE");
        report.error(declaration.position, message);
        return None;
    };
    if let Err(reason) = declaration.check(value) {
        report.error(declaration.position, format!("the value of parameter {name} can't be used: {reason}"));
        return None;
    }
    let value = value.to_owned();
    let value = if declaration.no_echo { Text::Secret { secret: value } } else { Text::Plain(value) };
    Some(ParameterValue { value, given: chosen.is_some() })
}
