//! What is printed: output, remarks beside it, and failures. Readers that have gone away are no error, except where what
//! follows depends on their having read. Output that is lost in another way, such as on a full disk, makes the command
//! fail at its end.

use std::io::{ErrorKind, IsTerminal, Write as _};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Whether something that was to be printed is lost.
static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line for people or scripts. A reader that has gone away is not an error.
pub(crate) fn say(text: &str) {
    if let Err(error) = print(text)
        && error.kind() != ErrorKind::BrokenPipe
        && !OUTPUT_LOST.swap(true, Ordering::Relaxed)
    {
        remark(&format!("millpond: the output could not be written: {error}"));
    }
}

/// Whether something that was to be printed is lost, which whoever wanted it has to learn by the exit code.
pub(crate) fn output_is_lost() -> bool {
    OUTPUT_LOST.load(Ordering::Relaxed)
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Prints a line that must have reached its reader before anything else is done, such as a message that is then deleted.
///
/// # Errors
/// When the output took not all of it.
pub(crate) fn hand_over(text: &str) -> Result<(), Failure> {
    print(text).map_err(|error| Failure::while_doing("the output could not be written", &error))
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
