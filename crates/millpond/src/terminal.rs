//! What is printed: output, remarks beside it, and failures. Readers that have gone away are no error, except where what
//! follows depends on their having read.

use std::io::{IsTerminal, Write as _};
use std::os::fd::AsFd;

use crate::failure::Failure;

/// Prints a line for people or scripts. A reader that has gone away is not an error.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    let _ = out.flush();
}

/// Prints a line that must have reached its reader before anything else is done, such as a message that is then deleted.
///
/// # Errors
/// When the output took not all of it.
pub(crate) fn hand_over(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let line = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    let written = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::while_doing("the output could not be written", &error))
}

/// Prints a remark that is not part of the output.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints why a command failed.
pub(crate) fn complain(failure: &Failure) {
    remark(&format!("millpond: {failure}"));
}

/// How many characters fit on a line; `None` when the output is no terminal, and lines may be as long as they are.
pub(crate) fn width(output: impl AsFd + IsTerminal) -> Option<usize> {
    if !output.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(output);
    let columns = size.map_or(80, |size| usize::from(size.ws_col));
    Some(columns.max(WIDTH_MIN))
}

/// Terminals that say less are not believed.
const WIDTH_MIN: usize = 20;

/// A word that a POSIX shell reads as it is.
pub(crate) fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}
