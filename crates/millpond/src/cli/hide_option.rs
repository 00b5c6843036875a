//! Goes on as the same process, with the value of an option in the environment instead of in the arguments.
//!
//! Every user of a machine may read the arguments of its processes, but only the same user their environment. So a
//! command whose option may hold a secret starts itself again without it: the process id, the standard streams and the
//! parent stay. It hides nothing of the moment before, nor of a shell's history.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::failure::Failure;

/// Whether this process was started with `option` (`--name`) among its arguments.
pub(super) fn is_given(option: &str) -> bool {
    without_option(option, arguments()).len() < arguments().count()
}

/// Becomes the same command without `option`, with `environment` added; returns only why it could not.
pub(super) fn start_again_without<N: AsRef<OsStr>, V: AsRef<OsStr>>(
    option: &str,
    environment: impl IntoIterator<Item = (N, V)>,
) -> Failure {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Failure::from(error),
    };
    let error = Command::new(&program).args(without_option(option, arguments())).envs(environment).exec();
    Failure::while_doing(&format!("cannot start {} again", program.display()), &error)
}

fn arguments() -> impl Iterator<Item = OsString> {
    std::env::args_os().skip(1)
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

    #[test]
    fn an_option_that_begins_alike_stays() {
        let kept =
            without_option("--to", ["--to", "a", "--token", "b", "--to=c"].into_iter().map(Into::into));
        assert_eq!(kept, ["--token", "b"]);
    }
}
