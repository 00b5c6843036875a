//! The outputs of a stack, for people.

use millpond_stack::MASK;
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

/// The stack as it is now, with the secrets that were told once, when it was brought up.
pub(super) fn with_secrets(stack: &Value, brought: &Value) -> Value {
    let mut stack = stack.clone();
    let told = brought["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    for output in stack["outputs"].as_array_mut().into_iter().flatten() {
        if let Some(told) = told.iter().find(|told| told["name"] == output["name"] && output["value"] == MASK)
        {
            output["value"] = told["value"].clone();
        }
    }
    stack
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::with_secrets;

    #[test]
    fn a_secret_that_was_told_is_shown_and_nothing_else_of_before() {
        let output = |name, value| json!({ "name": name, "value": value });
        let now = json!({ "outputs": [output("Url", "http://new"), output("Secret", "****"), output("Old", "****")] });
        let brought = json!({ "outputs": [output("Url", "http://old"), output("Secret", "s3cret"), output("Old", "****")] });
        let shown = with_secrets(&now, &brought);
        assert_eq!(
            shown["outputs"],
            json!([output("Url", "http://new"), output("Secret", "s3cret"), output("Old", "****")])
        );
    }
}
