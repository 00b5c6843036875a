//! `millpond keys`: where the keys of a service lie, and another root key.
//!
//! It prints no secret. `millpond env` does, for a shell.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{remark, say};
use crate::failure::{DONE, Outcome};
use crate::keys::{self, Place, Whence};
use crate::note::{self, Note};

/// Where the root key and the master key lie, and another root key.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Show where they are; no secret is shown.
    #[command(after_help = "Examples:\n  millpond keys show\n  millpond keys show --json")]
    Show(Show),
    /// Write another root key into its file. A service that runs goes on with the old one until it is started again.
    #[command(
        after_help = "Examples:\n  millpond keys rotate\n\nA root key of the environment is changed there."
    )]
    Rotate(Rotate),
}

/// Options of `show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

/// Options of `rotate`.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Keys {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Show(show) => show.run(),
            Self::Rotate(rotate) => rotate.run(),
        }
    }
}

impl Show {
    fn run(self) -> Outcome {
        let (root, id) = match keys::root_key(None)? {
            Some(found) => (Some(found.whence), Some(found.key.access_key_id)),
            None => (None, None),
        };
        let master = keys::master_place()?;
        if self.json {
            let from =
                |whence: Option<&Whence>| whence.map_or(Value::Null, |whence| json!(whence.to_string()));
            let master = master.found.then_some(&master.whence);
            say(&json!({
                "root_key": { "access_key_id": id, "from": from(root.as_ref()) },
                "master_key": { "from": from(master) },
            })
            .to_string());
            return Ok(DONE);
        }
        let root = match (root, id) {
            (Some(whence), Some(id)) => format!("{id}, from {whence}"),
            _ => "none yet; `millpond serve` makes one".to_owned(),
        };
        say(&format!("root key    {root}\nmaster key  {}", described(&master)));
        Ok(DONE)
    }
}

fn described(place: &Place) -> String {
    if place.found {
        format!("from {}", place.whence)
    } else {
        "none yet; `millpond serve` makes one".to_owned()
    }
}

impl Rotate {
    fn run(self) -> Outcome {
        let (key, path) = keys::rotate_root_key()?;
        if self.json {
            say(&json!({ "access_key_id": key.access_key_id, "file": path }).to_string());
        } else {
            say(&format!("the root key is {} now, in {}", key.access_key_id, path.display()));
        }
        let holds = |note: &&Note| note.enforced && note.root_key.as_ref() == Some(&path);
        let running: Vec<String> = note::living().iter().filter(holds).map(Note::describe).collect();
        if !running.is_empty() {
            remark(&format!(
                "what runs goes on with the old key, and refuses your commands until it is started again: {}",
                running.join(", ")
            ));
        }
        Ok(DONE)
    }
}
