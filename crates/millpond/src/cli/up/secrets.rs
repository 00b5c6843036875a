//! Parameters by environment instead of by argument.
//!
//! The value of a parameter may hold a password, so none stays among the arguments of `up`. The service and its
//! workloads get parameters in no other way than by the deployment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;

use crate::cli::hide_option;
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
    let environment = parameters.iter().map(|(name, value)| (format!("{PREFIX}{name}"), value));
    hide_option::start_again_without("--parameter", environment)
}
