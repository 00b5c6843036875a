//! `millpond up`: a whole architecture from one template.
//!
//! It starts `serve` if none answers, deploys the template, shows how things are, and starts `serve` again when it
//! dies. Ctrl-C stops what it has started: workloads first, then the service.

mod child;
mod secrets;
mod view;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use millpond_stack::Template;
use serde_json::{Value, json};

use super::{asked_to_stop, remark, say};
use crate::api;
use crate::failure::{DONE, Failure, Outcome};
use child::{Ready, ServeChild};

const EXAMPLE: &str = include_str!("../../../../examples/customers/template.yaml");
const EXAMPLE_NAME: &str = "customers";

/// Bring up what a template describes, and keep it up until interrupted.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond up\n  millpond up my.yaml --parameter DatabaseUrl=sqlite:///srv/shop.db\n  \
    millpond up --data /srv/millpond --listen 127.0.0.1:0\n\n\
    Without a template the built-in example `customers` is brought up: a web form, a queue, and a sink that delivers\n\
    into a SQLite database. A parameter given once is kept; MILLPOND_PARAMETER_NAME gives one without showing it in\n\
    process lists."
)]
pub(crate) struct Up {
    /// A CloudFormation template, YAML or JSON.
    template: Option<PathBuf>,
    /// Where queues, messages and workloads are kept.
    #[arg(long, value_name = "DIR", default_value = "./millpond-data")]
    data: PathBuf,
    /// Where the queue service listens.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4566")]
    listen: SocketAddr,
    /// A value for a parameter of the template; may be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

impl Up {
    pub(crate) fn run(self) -> Outcome {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(self.up())
    }

    async fn up(self) -> Outcome {
        let parameters = self.given_parameters()?;
        if !self.parameters.is_empty() {
            return Err(secrets::start_again_without_parameters(&parameters));
        }
        let deployment = self.deployment(&parameters)?;
        let stack = self.stack_name();
        let (mut child, ready) = self.service().await?;
        let deployed = tokio::select! {
            deployed = deploy(&ready.endpoint, &stack, &deployment) => deployed,
            () = asked_to_stop() => Err(Failure::new("interrupted")),
        };
        let deployed = match deployed {
            Ok(deployed) => deployed,
            Err(failure) => {
                if let Some(child) = &mut child {
                    child.stop().await;
                }
                return Err(failure);
            }
        };
        view::wait_until_settled(&ready.endpoint).await;
        say(&view::summary(&ready, &deployed, child.is_some()).await);
        let Some(mut child) = child else {
            remark(&view::left_running(&ready));
            return Ok(DONE);
        };
        let mut status = view::StatusLine::default();
        loop {
            tokio::select! {
                () = asked_to_stop() => break,
                ended = child.ended() => self.restart(&mut child, &ready, &ended).await?,
                () = tokio::time::sleep(Duration::from_secs(1)) => status.show(&ready.endpoint).await,
            }
        }
        status.clear();
        remark("stopping …");
        child.stop().await;
        Ok(DONE)
    }

    /// At the address it had, which is not the one asked for when any free port was.
    async fn restart(&self, child: &mut ServeChild, before: &Ready, ended: &str) -> Result<(), Failure> {
        remark(&format!("the queue service has ended ({ended}); starting it again"));
        let (fresh, ready) = ServeChild::start(before.address()?, &self.data).await?;
        *child = fresh;
        remark(&format!("the queue service is back at {}", ready.endpoint));
        Ok(())
    }

    /// The service that answers already, or a new one.
    async fn service(&self) -> Result<(Option<ServeChild>, Ready), Failure> {
        let endpoint = format!("http://{}", self.listen);
        if self.listen.port() != 0 && api::call(&endpoint, "GET", "status", None).await.is_ok() {
            return Ok((None, self.running(endpoint)?));
        }
        let (child, ready) = ServeChild::start(self.listen, &self.data).await?;
        Ok((Some(child), ready))
    }

    /// What runs already, if it has the data that was asked for.
    fn running(&self, endpoint: String) -> Result<Ready, Failure> {
        let note = crate::note::at(&endpoint);
        let wanted = self.data.canonicalize().or_else(|_| std::path::absolute(&self.data))?;
        match note {
            Some(note) if note.data != wanted => Err(Failure::new(format!(
                "at {endpoint} a service runs already, with other data: {}\n  \
                 To bring this up there, add --data {0}; for a service of its own, add --listen 127.0.0.1:0; \
                 to end the other, kill {}",
                note.data.display(),
                note.pid
            ))),
            note => Ok(Ready::of_running(endpoint, note)),
        }
    }

    /// Mistakes in the template are told before anything is started.
    fn deployment(&self, parameters: &BTreeMap<String, String>) -> Result<Value, Failure> {
        let (file, template) = match &self.template {
            None => (format!("{EXAMPLE_NAME} (built in)"), EXAMPLE.to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::while_doing(&format!("cannot read the template {}", path.display()), &error)
                })?;
                (path.display().to_string(), text)
            }
        };
        Template::parse(&file, &template)?;
        Ok(json!({ "file": file, "template": template, "parameters": parameters }))
    }

    fn given_parameters(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut parameters = secrets::parameters_of_environment();
        for parameter in &self.parameters {
            let (name, value) = parameter
                .split_once('=')
                .ok_or_else(|| Failure::new(format!("--parameter takes NAME=VALUE, not `{parameter}`")))?;
            parameters.insert(name.to_owned(), value.to_owned());
        }
        Ok(parameters)
    }

    /// The example's name, or the template's file name as far as it can be one.
    fn stack_name(&self) -> String {
        let stem = self.template.as_ref().and_then(|path| path.file_stem());
        let Some(stem) = stem.map(|stem| stem.to_string_lossy().into_owned()) else {
            return EXAMPLE_NAME.to_owned();
        };
        let letters = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let name: String = stem.chars().map(letters).collect();
        let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
        if begins_well { name } else { format!("stack-{name}") }
    }
}

async fn deploy(endpoint: &str, stack: &str, deployment: &Value) -> Result<Value, Failure> {
    Ok(api::call(endpoint, "POST", &format!("stacks/{stack}"), Some(deployment)).await?)
}
