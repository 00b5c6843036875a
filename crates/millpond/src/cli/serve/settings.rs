//! The settings of `serve`: flags over file over defaults.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use millpond_embed::file::{self, FileSettings};
use millpond_embed::{Queue, Settings};

use super::Serve;
use crate::failure::Failure;

/// The file that is read when none is named.
const FILE: &str = "./millpond.toml";
const DATA: &str = "./millpond-data";
const PORT: u16 = 4566;

/// What `serve` was told, all together.
#[derive(Clone, Debug)]
pub(super) struct Configured {
    pub(super) settings: Settings,
    pub(super) ready_file: Option<PathBuf>,
    file: Option<PathBuf>,
    queues_of_file: usize,
}

impl Configured {
    /// One line for people: the file, and what is unlike the default.
    pub(super) fn described(&self) -> Option<String> {
        let file = self.file.as_ref().map(|file| {
            let noun = if self.queues_of_file == 1 { "queue" } else { "queues" };
            format!("{} ({} {noun})", file.display(), self.queues_of_file)
        });
        let Settings { auto_create, aws_pacing, test_controls, .. } = self.settings;
        let on = [
            (auto_create, "unknown queues are created"),
            (aws_pacing, "waiting rules of Amazon SQS"),
            (test_controls, "test controls"),
        ];
        let parts: Vec<String> = file
            .into_iter()
            .chain(on.iter().filter(|(on, _)| *on).map(|(_, what)| (*what).to_owned()))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl Serve {
    /// Reads the file and puts the flags over it.
    pub(super) fn configured(self) -> Result<Configured, Failure> {
        let (file, said) = match self.read_file()? {
            Some((file, said)) => (Some(file), said),
            None => (None, FileSettings::default()),
        };
        let queues_of_file = said.queues.len();
        let data = self.data_of(&said, file.as_deref());
        let mut queues = said.queues;
        for name in &self.create {
            if queues.iter().all(|queue| queue.name() != name.as_str()) {
                queues.push(Queue::named(name.as_str()));
            }
        }
        let test_controls = self.test_controls.or(said.test_controls).unwrap_or(data.is_none());
        let default_listen = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let defaults = Settings::in_memory();
        let settings = Settings {
            listen: self.listen.or(said.listen).unwrap_or(default_listen),
            allow_remote: defaults.allow_remote,
            access: defaults.access,
            data,
            region: self.region.or(said.region).unwrap_or(defaults.region),
            account: self.account_id.or(said.account).unwrap_or(defaults.account),
            auto_create: self.auto_create.or(said.auto_create).unwrap_or(false),
            aws_pacing: self.aws_pacing.or(said.aws_pacing).unwrap_or(false),
            test_controls,
            update_queues: self.update_queues.or(said.update_queues).unwrap_or(false),
            queues,
            quotas: self.quotas.over(said.quotas),
            limits: defaults.limits,
            transport: defaults.transport,
        };
        Ok(Configured { settings, ready_file: self.ready_file, file, queues_of_file })
    }

    fn read_file(&self) -> Result<Option<(PathBuf, FileSettings)>, Failure> {
        // In a folder that can't be looked into there is no file that was meant.
        if self.config.is_none() && fs::metadata(FILE).is_err() {
            return Ok(None);
        }
        let path = self.config.clone().unwrap_or_else(|| FILE.into());
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                return Err(Failure::while_doing(&format!("cannot read {}", path.display()), &error));
            }
        };
        let said = file::parse(&path.display().to_string(), &text)
            .map_err(|error| Failure::new(format!("the settings can't be used\n  {}", indented(&error))))?;
        Ok(Some((path, said)))
    }

    /// The directory; none in memory.
    fn data_of(&self, said: &FileSettings, file: Option<&Path>) -> Option<PathBuf> {
        if self.data.is_some() {
            return self.data.clone();
        }
        if self.in_memory || said.in_memory == Some(true) {
            return None;
        }
        let folder = file.and_then(Path::parent).unwrap_or_else(|| Path::new("."));
        Some(said.data.as_ref().map_or_else(|| DATA.into(), |data| folder.join(data)))
    }
}

fn indented(mistakes: &dyn std::fmt::Display) -> String {
    mistakes.to_string().replace('\n', "\n  ")
}
