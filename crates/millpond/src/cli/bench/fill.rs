//! `millpond bench fill`: a data directory with a backlog.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use millpond_embed::fill::{self, FillTick, Shape};
use serde_json::json;

use crate::cli::say;
use crate::failure::{DONE, Outcome};

/// A data directory to make.
#[derive(Debug, Args)]
pub(crate) struct Fill {
    /// A new or empty directory.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// What the backlog looks like.
    #[arg(long, value_name = "SHAPE", value_parser = shape)]
    shape: Shape,
    /// Messages; with `--shape queues` queues.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Bytes of each message.
    #[arg(allow_negative_numbers = true, long, value_name = "BYTES", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    size: u32,
    /// Message groups, where the shape has them; by default a tenth of the messages.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    groups: Option<u64>,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Fill {
    pub(crate) fn run(self) -> Outcome {
        let Self { shape, count, groups, .. } = self;
        let asked = fill::Fill { shape, count, size_bytes: self.size, groups };
        let filled = fill::fill(&self.directory, &asked, &mut progress())?;
        let secs = filled.took.as_secs_f64();
        if self.json {
            let figures = json!({
                "directory": filled.path,
                "shape": shape.name(),
                "count": count,
                "size_bytes": self.size,
                "queue": filled.queue,
                "queues": filled.queues,
                "messages": filled.messages,
                "secs": secs,
                "per_sec": count as f64 / secs,
            });
            say(&figures.to_string());
        } else {
            say(&format!(
                "{}: {} messages in {} queues, the first of them {}, in {secs:.1} s ({:.0}/s)\n\
                 serve it with  millpond serve --data {}",
                filled.path.display(),
                filled.messages,
                filled.queues,
                filled.queue,
                count as f64 / secs,
                crate::terminal::quoted(&filled.path.display().to_string()),
            ));
        }
        Ok(DONE)
    }
}

/// Shows how far it is on one line of standard error, and nothing where that is no terminal.
fn progress() -> impl FnMut(&FillTick) {
    let is_terminal = std::io::stderr().is_terminal();
    move |tick| {
        if is_terminal {
            let line_end = if tick.done >= tick.count { "\n" } else { "" };
            let FillTick { step, done, count, per_sec } = tick;
            // A terminal that is gone must not end the work.
            let _gone =
                write!(std::io::stderr(), "\r\x1b[K{done} of {count} {step}, {per_sec:.0}/s{line_end}");
        }
    }
}

fn shape(text: &str) -> Result<Shape, String> {
    Shape::named(text).ok_or_else(|| format!("the shapes are {}", Shape::ALL.map(Shape::name).join(", ")))
}
