//! Log lines for people: the time to the second in UTC, a word for what is no mere information, and the text.
//!
//! `MILLPOND_LOG` asks for more, in the language of `tracing` filters. What the AWS SDK warns of in passing is left out
//! otherwise: what comes of it is told by whoever called it.

use std::fmt;
use std::io::IsTerminal as _;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What is written when `MILLPOND_LOG` says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// What is not as it should be.
    Warnings,
    /// And what a worker has done.
    Work,
}

/// Starts to write log lines to standard error.
pub(crate) fn start(verbosity: Verbosity) {
    let default = match verbosity {
        Verbosity::Warnings => "warn,aws_config=off,aws_smithy_runtime=off",
        Verbosity::Work => {
            "warn,aws_config=off,aws_smithy_runtime=off,millpond=info,millpond_form=info,millpond_sink=info"
        }
    };
    let filter = EnvFilter::try_from_env("MILLPOND_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .event_format(ForPeople)
        .with_writer(std::io::stderr)
        .init();
}

struct ForPeople;

impl<S, N> FormatEvent<S, N> for ForPeople
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let word = match *event.metadata().level() {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            Level::INFO => "",
            Level::DEBUG => "debug: ",
            Level::TRACE => "trace: ",
        };
        write!(writer, "{} {word}", now()?)?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Such as `2026-11-21 15:47:53Z`.
fn now() -> Result<String, fmt::Error> {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text))?;
    let to_the_second = text.split('.').next().unwrap_or_default();
    Ok(format!("{}Z", to_the_second.replace('T', " ")))
}
