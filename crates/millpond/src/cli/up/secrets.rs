//! Parameters by environment instead of by argument.
//!
//! The value of a parameter may hold a password, and every user of a machine may read the arguments of its processes,
//! but only the same user their environment. So `up` goes on as the same process with other arguments. The service
//! and its workloads get parameters in no other way than by the deployment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::failure::Failure;

/// What stands before a parameter's name.
const PREFIX: &str = "MILLPOND_PARAMETER_";

/// The parameters that the environment gives.
pub(super) fn parameters_of_environment() -> BTreeMap<String, String> {
    let named = |(name, value): (OsString, OsString)| {
        Some((name.to_str()?.strip_prefix(PREFIX)?.to_owned(), value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(named).collect()
}

/// Takes parameters out of the environment of a command that needs none.
pub(super) fn without_parameters(command: &mut Command) {
    for name in parameters_of_environment().keys() {
        command.env_remove(format!("{PREFIX}{name}"));
    }
}

/// Becomes the same command with `parameters` in its environment; returns only why it could not.
pub(super) fn start_again_without_parameters(parameters: &BTreeMap<String, String>) -> Failure {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Failure::from(error),
    };
    let arguments = without_option("--parameter", std::env::args_os().skip(1));
    let environment = parameters.iter().map(|(name, value)| (format!("{PREFIX}{name}"), value));
    let error = Command::new(&program).args(arguments).envs(environment).exec();
    Failure::while_doing(&format!("cannot start {} again", program.display()), &error)
}

/// The arguments without an option that takes a value, in both ways to write it.
fn without_option(option: &str, arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let joined = format!("{option}=");
    let mut kept = Vec::new();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            kept.push(argument);
            kept.extend(arguments);
            break;
        }
        if argument == option {
            // Its value.
            arguments.next();
        } else if !argument.as_encoded_bytes().starts_with(joined.as_bytes()) {
            kept.push(argument);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::without_option;

    #[test]
    fn an_option_goes_with_its_value_and_the_rest_stays_in_order() {
        let given =
            ["up", "--parameter", "A=1", "t.yaml", "--parameter=B=2", "--data", "d", "--", "--parameter"];
        let kept = without_option("--parameter", given.into_iter().map(Into::into));
        assert_eq!(kept, ["up", "t.yaml", "--data", "d", "--", "--parameter"]);
    }
}
