//! The outputs of a stack, for people.

use millpond_stack::MASK;
use serde_json::{Value, json};

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

/// What the answer that brought a stack up tells and `now`, the stack as it is shown later, does not: secrets that were
/// made. All that was told, when nothing is known of later.
pub(super) fn secrets(now: &Value, brought: &Value) -> Value {
    let later = |name: &Value| now["outputs"].as_array()?.iter().find(|output| output["name"] == *name);
    let is_secret = |told: &&Value| {
        told["value"] != MASK && later(&told["name"]).is_none_or(|later| later["value"] == MASK)
    };
    let told = brought["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    json!({ "outputs": told.iter().filter(is_secret).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::secrets;

    #[test]
    fn only_what_is_not_shown_later_is_a_secret() {
        let output = |name, value| json!({ "name": name, "value": value });
        let now = json!({ "outputs": [output("Url", "http://new"), output("Secret", "****"), output("Old", "****")] });
        let brought = json!({ "outputs": [output("Url", "http://old"), output("Secret", "s3cret"), output("Old", "****")] });
        assert_eq!(secrets(&now, &brought)["outputs"], json!([output("Secret", "s3cret")]));
        let unknown = secrets(&json!(null), &brought);
        assert_eq!(unknown["outputs"], json!([output("Url", "http://old"), output("Secret", "s3cret")]));
    }
}
