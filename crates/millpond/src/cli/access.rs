//! Whether callers are identified, and who may reach the service: options that `serve` and `up` share.

use std::ffi::OsString;
use std::net::SocketAddr;

use clap::Args;
use millpond_embed::file::FileSettings;
use millpond_server::access::Enforcement;

use crate::failure::Failure;

/// As they are given.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Who may call")]
pub(crate) struct AccessOptions {
    /// Identify callers by their signatures and decide by policies what they may do (on), or take any key and deny nothing
    /// (off), as tests want it [default: on].
    #[arg(long, value_name = "on|off", env = "MILLPOND_AUTH", value_parser = parse_auth)]
    auth: Option<Enforcement>,
    /// Listen beyond this machine although callers are not identified (--auth off): whoever reaches it may do everything.
    #[arg(long, value_name = "YES", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_remote: Option<bool>,
}

fn parse_auth(text: &str) -> Result<Enforcement, String> {
    match text {
        "on" => Ok(Enforcement::On),
        "off" => Ok(Enforcement::Off),
        _ => Err("this is on or off".to_owned()),
    }
}

impl AccessOptions {
    /// Whether callers are identified: as given, else as the file says.
    pub(crate) fn enforcement(self, said: &FileSettings) -> Enforcement {
        self.auth.or(said.auth).unwrap_or(Enforcement::On)
    }

    /// Whether a service that identifies no one may be reached from elsewhere.
    pub(crate) fn allow_remote(self, said: &FileSettings) -> bool {
        self.allow_remote.or(said.allow_remote).unwrap_or(false)
    }

    /// The arguments that give the same to another process.
    pub(crate) fn arguments(self) -> Vec<OsString> {
        let auth = self.auth.map(|auth| if auth == Enforcement::On { "--auth=on" } else { "--auth=off" });
        let remote = self.allow_remote.map(|allow| format!("--allow-remote={allow}"));
        auth.map(OsString::from).into_iter().chain(remote.map(OsString::from)).collect()
    }
}

/// Whether a service may listen there.
pub(crate) fn check_reach(
    listen: SocketAddr,
    enforcement: Enforcement,
    allow_remote: bool,
) -> Result<(), Failure> {
    if listen.ip().is_loopback() || enforcement == Enforcement::On || allow_remote {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{listen} is reached from other machines, and with --auth off whoever reaches the service may do everything.\n  Leave \
         out --auth off, listen at 127.0.0.1, or add --allow-remote if everyone who can reach it is to be trusted"
    )))
}

/// Whether a service may let its callers empty it.
pub(crate) fn check_test_controls(enforcement: Enforcement, test_controls: bool) -> Result<(), Failure> {
    if enforcement == Enforcement::Off || !test_controls {
        return Ok(());
    }
    Err(Failure::usage(
        "test controls take and age the messages of everyone, so they are never possible where callers are identified.\n  \
         Add --auth off for data of tests, or leave out --test-controls (test_controls in the file)",
    ))
}

#[cfg(test)]
mod tests {
    use millpond_server::access::Enforcement::{Off, On};

    use super::{check_reach, check_test_controls};

    #[test]
    fn beyond_this_machine_callers_are_identified_or_it_is_allowed() {
        let (here, there) = ("127.0.0.1:1".parse().unwrap(), "0.0.0.0:1".parse().unwrap());
        assert!(check_reach(here, Off, false).is_ok());
        assert!(check_reach(there, On, false).is_ok());
        assert!(check_reach(there, Off, true).is_ok());
        assert!(check_reach(there, Off, false).unwrap_err().to_string().contains("--allow-remote"));
    }

    #[test]
    fn test_controls_are_for_services_that_identify_no_one() {
        assert!(check_test_controls(Off, true).is_ok());
        assert!(check_test_controls(On, false).is_ok());
        assert!(check_test_controls(On, true).unwrap_err().to_string().contains("--auth off"));
    }
}
