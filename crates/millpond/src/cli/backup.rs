//! `millpond backup`: a consistent copy of a service that runs, or of the directory of one that does not.
//!
//! What always holds: the file has its name only when it is whole, verified and synced; it is for its user alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use millpond_keep::Directory;
use millpond_keep::backup::{self, NotTaken, Origin};
use millpond_keep::restore::{Verified, verify};
use serde_json::json;

use super::kept::{self, Watched, counted};
use super::{Target, in_runtime, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;
use crate::terminal::quoted;

/// Take a backup: the state of one moment, with everything that was acknowledged before it began. A service that runs
/// goes on meanwhile.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond backup\n  millpond backup --to nightly.backup\n  millpond backup --to /backups\n  \
                        millpond backup --data ./millpond-data --to stopped.backup\n\n\
                        Of a service that runs the caller needs the action millpond:Backup. The backup holds no secret key that \
                        could be read;\nto use its identities keep the master key as well, in another place."
)]
pub(crate) struct Backup {
    /// The file to write, or a directory for a file named after the time [default: .].
    #[arg(long, value_name = "FILE|DIR", default_value = ".")]
    to: PathBuf,
    /// Copy this data directory, which no service uses, instead of asking a service.
    #[arg(long, value_name = "DIR", conflicts_with = "endpoint")]
    data: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

impl Backup {
    pub(crate) fn run(self) -> Outcome {
        let (unfinished, mut file) = Unfinished::begin(&self.to)?;
        match &self.data {
            Some(data) => copy_directory(data, &mut file)?,
            None => in_runtime(copy_service(self.target.endpoint.as_deref(), &mut file)).map(drop)?,
        }
        file.sync_all()?;
        let verified = verify(&unfinished.path, &mut Watched::default())
            .map_err(|error| Failure::new(error.to_string()))?;
        let path = unfinished.finish()?;
        self.tell(&path, &verified);
        Ok(DONE)
    }

    fn tell(&self, path: &Path, verified: &Verified) {
        let Verified { begin, totals, bytes } = verified;
        if self.target.json {
            let told = json!({
                "file": path,
                "bytes": bytes,
                "position": begin.through.0,
                "taken_at_millis": begin.taken_at_millis,
                "queues": totals.queues,
                "messages": totals.messages,
                "documents": totals.documents,
                "batches": totals.batches,
                "damaged_payloads": totals.damaged_payloads,
            });
            say(&told.to_string());
            return;
        }
        say(&format!(
            "{}: {}, position {}; in its rows {} and {}, and {} on top",
            path.display(),
            counted(*bytes, "byte"),
            begin.through,
            counted(totals.queues, "queue"),
            counted(totals.messages, "message"),
            if totals.batches == 1 { "1 batch".to_owned() } else { format!("{} batches", totals.batches) }
        ));
        if totals.damaged_payloads > 0 {
            say(&format!(
                "messages whose bytes were damaged in the source, and are here as they were found: {}; millpond check tells \
                 which",
                totals.damaged_payloads
            ));
        }
        say(&format!("Bring it back with: millpond restore {} NEWDIR", quoted(&path.display().to_string())));
    }
}

fn copy_directory(data: &Path, file: &mut File) -> Result<(), Failure> {
    kept::silence_panics();
    let directory = Directory::open(data).map_err(kept::refused)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let origin = Origin {
        taken_at_millis: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let taken = backup::write_directory(&directory, origin, &mut |piece| file.write_all(&piece));
    taken.map(drop).map_err(|error| match error {
        NotTaken::Sink(error) => Failure::while_doing("the backup could not be written", &error),
        NotTaken::Source(reason) => Failure::new(format!(
            "no backup can be taken of {}: {reason}\n  millpond check {0} tells all that is damaged, and \
             millpond repair saves what can be read",
            data.display()
        )),
    })
}

async fn copy_service(endpoint: Option<&str>, file: &mut File) -> Outcome {
    let service = Service::find(endpoint).await?;
    service.download("backup", |piece| file.write_all(piece)).await?;
    Ok(DONE)
}

/// The file until it is whole. Dropped, it is taken away.
struct Unfinished {
    path: PathBuf,
    place: PathBuf,
}

impl Unfinished {
    fn begin(to: &Path) -> Result<(Self, File), Failure> {
        let place = if to.is_dir() { to.join(name_of_now()) } else { to.to_owned() };
        if place.exists() {
            return Err(Failure::usage(format!(
                "{} is there already: name a file that is not, or a directory",
                place.display()
            )));
        }
        let mut path = place.clone().into_os_string();
        path.push(".partial");
        let path = PathBuf::from(path);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = opened.map_err(|error| {
            let advice = if error.kind() == io::ErrorKind::AlreadyExists {
                ": another backup writes it, or one was interrupted; then remove it"
            } else {
                ""
            };
            Failure::while_doing(&format!("cannot write {}{advice}", path.display()), &error)
        })?;
        Ok((Self { path, place }, file))
    }

    fn finish(self) -> Result<PathBuf, Failure> {
        std::fs::rename(&self.path, &self.place)?;
        let parent = self.place.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(self.place.clone())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It has its name, or is of no use.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Sorted by name, backups are sorted by time.
fn name_of_now() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let date = millpond_iam::date::extended(now.as_secs()).replace(':', "-");
    format!("millpond-{date}.backup")
}
