//! The outputs of a stack, for people.

use serde_json::Value;

use crate::table::printable;

/// A line for each output of a stack: name, value, description, aligned.
pub(super) fn lines(stack: &Value) -> Vec<String> {
    let outputs = stack["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |output: &Value, name: &str| output[name].as_str().map(printable).unwrap_or_default();
    let widest =
        |name: &str| outputs.iter().map(|output| text(output, name).chars().count()).max().unwrap_or(0);
    let (name_width, value_width) = (widest("name"), widest("value"));
    let line = |output: &Value| {
        let (name, value, description) =
            (text(output, "name"), text(output, "value"), text(output, "description"));
        let line = format!("{name:<name_width$}  {value:<value_width$}  {description}");
        line.trim_end().to_owned()
    };
    outputs.iter().map(line).collect()
}
