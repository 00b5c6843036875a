//! The settings of `serve`: flags over file over defaults.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_embed::file::{self, FileSettings};
use millpond_embed::{Identities, Queue, Settings};
use millpond_server::access::{AccessConfig, Enforcement};

use super::Serve;
use crate::cli::access::{check_reach, check_test_controls};
use crate::failure::Failure;
use crate::keys::{self, Keys, Unwritten, Whence};

/// The file that is read when none is named.
const FILE: &str = "./millpond.toml";
const DATA: &str = "./millpond-data";
const PORT: u16 = 4566;

/// What `serve` was told, all together.
#[derive(Clone, Debug)]
pub(super) struct Configured {
    pub(super) settings: Settings,
    pub(super) ready_file: Option<PathBuf>,
    /// Where the root key was found.
    pub(super) root_key: Whence,
    /// The keys that this start has drawn: they are written once the data is known to need no others.
    unwritten: Unwritten,
    /// What becomes of the identities in the data.
    pub(super) identities: Identities,
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
            (self.settings.access.enforcement == Enforcement::Off, "callers are not identified"),
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

    /// The keys to start with, for data that has identities or not, and the files that were made for them. Another master
    /// key than theirs is of no use, and would stand in the way of the right one.
    pub(super) fn keys(&self, has_identities: bool) -> Result<(Arc<AccessConfig>, Vec<PathBuf>), Failure> {
        match self.unwritten.master() {
            Some(path) if has_identities => Err(Failure::new(format!(
                "the master key is missing at {}: the secrets of the identities in the data are sealed with it; put it \
                 back (or into MILLPOND_MASTER_KEY), or give the identities up with `millpond serve --forget-identities`",
                path.display()
            ))),
            _ if self.unwritten.is_empty() => Ok((self.settings.access.clone(), Vec::new())),
            _ => {
                let made = self.unwritten.keep()?;
                // Another start may have been faster.
                let keys = Keys::find_or_draw()?;
                Ok((Arc::new(access_of(keys, self.settings.access.enforcement)), made))
            }
        }
    }

    /// What whoever runs it should know of keys and reach.
    pub(super) fn warnings(&self, made: &[PathBuf], listen: Option<SocketAddr>) -> Vec<String> {
        let (listen, access) = (listen.unwrap_or(self.settings.listen), &self.settings.access);
        let remote = !listen.ip().is_loopback();
        let off = access.enforcement == Enforcement::Off;
        let mut warnings: Vec<String> = (!made.is_empty()).then(|| made_keys(made)).into_iter().collect();
        if off {
            let who =
                if remote { "everyone who reaches" } else { "every program on this machine that reaches" };
            warnings.push(format!(
                "callers are not identified (--auth off): {who} {listen} may do everything; for tests only"
            ));
        } else if remote && self.settings.transport.tls.is_none() {
            warnings.push(format!(
                "{listen} is reached from other machines without TLS: secrets do not travel, but messages can be read on \
                 the way"
            ));
        }
        if !off && remote && access.root.secret_access_key.expose().len() < SECRET_LENGTH_MIN {
            warnings.push(format!(
                "the secret of the root key has under {SECRET_LENGTH_MIN} characters, and {listen} is reached from other \
                 machines: whoever guesses it may do everything"
            ));
        }
        warnings
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
        let queues = self.queues_of(&said);
        let enforcement = self.access.enforcement(&said);
        let off = enforcement == Enforcement::Off;
        let test_controls = self.test_controls.or(said.test_controls).unwrap_or(off && data.is_none());
        check_test_controls(enforcement, test_controls)?;
        let default_listen = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let listen = self.listen.or(said.listen).unwrap_or(default_listen);
        let allow_remote = self.access.allow_remote(&said);
        check_reach(listen, enforcement, allow_remote)?;
        let keys = if off && data.is_none() { Keys::of_the_moment()? } else { Keys::find_or_draw()? };
        let (unwritten, root_key) = (keys.unwritten(), keys.root.whence.clone());
        let access = access_of(keys, enforcement);
        let identities = self.identities(data.is_none())?;
        let defaults = Settings::in_memory();
        let folder = file.as_deref().and_then(Path::parent).unwrap_or_else(|| Path::new("."));
        let transport = self.transport.over(&said.transport, folder, !listen.ip().is_loopback())?;
        let settings = Settings {
            listen,
            allow_remote,
            access: Arc::new(access),
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
            transport,
        };
        Ok(Configured {
            settings,
            ready_file: self.ready_file,
            root_key,
            unwritten,
            identities,
            file,
            queues_of_file,
        })
    }

    fn identities(&self, in_memory: bool) -> Result<Identities, Failure> {
        match (self.forget_identities, in_memory) {
            (false, _) => Ok(Identities::Kept),
            (true, false) => Ok(Identities::GivenUp),
            (true, true) => Err(Failure::usage(
                "what is in memory has no identities of before: leave out --forget-identities, or say where the data is \
                 with --data DIR",
            )),
        }
    }

    /// Those of the file, and those of `--create` that the file does not name.
    fn queues_of(&self, said: &FileSettings) -> Vec<Queue> {
        let mut queues = said.queues.clone();
        for name in &self.create {
            if queues.iter().all(|queue| queue.name() != name.as_str()) {
                queues.push(Queue::named(name.as_str()));
            }
        }
        queues
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

fn access_of(keys: Keys, enforcement: Enforcement) -> AccessConfig {
    AccessConfig { enforcement, root: keys.root.key, master: keys.master.key }
}

/// Guessing a shorter one is not hopeless.
const SECRET_LENGTH_MIN: usize = 16;

/// What is told once, when keys were made.
fn made_keys(made: &[PathBuf]) -> String {
    let lines = made.iter().map(|file| {
        let what = if file.ends_with(keys::ROOT_FILE) {
            "the root key: whoever has it may do everything; your commands use it"
        } else {
            "the master key: the secrets in the data can be read only with it, so keep a copy"
        };
        format!("\n  {}  {what}", file.display())
    });
    format!("keys were made for this user, in files that no one else can read:{}", lines.collect::<String>())
}

fn indented(mistakes: &dyn std::fmt::Display) -> String {
    mistakes.to_string().replace('\n', "\n  ")
}
