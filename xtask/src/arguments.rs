//! Reads the few options that tasks take. An option that a task does not know is refused, never ignored.

/// What a task was asked for: flags that were given, values of `--only`, and bare names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) yes: bool,
    pub(crate) list: bool,
    pub(crate) only: Vec<String>,
    pub(crate) names: Vec<String>,
}

/// Parses arguments of which only the `allowed` ones (`--yes`, `--list`, `--only`, `NAME`) may be used.
pub(crate) fn parse(arguments: &[String], allowed: &[&str]) -> Result<Arguments, String> {
    let mut parsed = Arguments::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let option = if argument.starts_with('-') { argument.as_str() } else { "NAME" };
        if !allowed.contains(&option) {
            return Err(format!("unknown argument `{argument}`; this task takes {allowed:?}"));
        }
        match option {
            "--yes" => parsed.yes = true,
            "--list" => parsed.list = true,
            "--only" => match rest.next() {
                Some(step) => parsed.only.push(step.clone()),
                None => return Err("`--only` needs the name of a step; `--list` shows them".to_owned()),
            },
            _ => parsed.names.push(argument.clone()),
        }
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests;
