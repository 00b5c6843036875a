//! `millpond up`: a whole architecture from one template.
//!
//! It starts `serve` if none answers, deploys the template, shows how things are and what waits, and starts `serve` again
//! when it dies. Ctrl-C stops what it has started: workloads first, then the service.

mod child;
mod secrets;
mod summary;
mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use millpond_stack::{StackName, Template};
use serde_json::{Value, json};

use super::access::AccessOptions;
use super::{listen, remark, say};
use crate::api::ApiError;
use crate::failure::{DONE, Failure, Outcome};
use crate::note::{self, Note};
use crate::service::Service;
use crate::stop::stop_on_signal;
use crate::terminal::{complain, quoted};
use child::{Ready, ServeChild};

const EXAMPLE: &str = include_str!("../../../../examples/customers/template.yaml");
const EXAMPLE_NAME: &str = "customers";
const DATA: &str = "./millpond-data";
const LISTEN: &str = "127.0.0.1:4566";

/// Bring up what a template describes, and keep it up until interrupted.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond up\n  millpond up my.yaml --parameter DatabaseUrl=sqlite:///srv/shop.db\n  \
    MILLPOND_PARAMETER_DatabaseUrl=mysql://user:password@127.0.0.1/shop millpond up\n  \
    millpond up --data /srv/millpond --listen 127.0.0.1:0\n\n\
    Without a template the built-in example `customers` is brought up: a web form, a queue, and a sink that delivers into a \
    SQLite database.\n\n\
    A parameter that was given once is kept. The environment variable MILLPOND_PARAMETER_NAME gives the parameter NAME \
    without showing it in process lists.\n\n\
    Stacks stay until `millpond down`: what earlier templates brought starts again too. `millpond stacks` shows them."
)]
pub(crate) struct Up {
    /// A CloudFormation template, YAML or JSON.
    template: Option<PathBuf>,
    /// What the stack is called; by default as the template's file, without its ending.
    #[arg(long, value_name = "NAME", value_parser = parse_stack)]
    stack: Option<String>,
    /// Where queues, messages and workloads are kept.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// Where the queue service listens.
    #[arg(long, value_name = "HOST:PORT", default_value = LISTEN, value_parser = listen::address)]
    listen: SocketAddr,
    /// A value for a parameter of the template; may be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    access: AccessOptions,
    #[arg(long, hide = true, num_args = 0..=1)]
    tls: Option<Option<String>>,
    #[arg(long, hide = true)]
    tls_cert: Option<String>,
    #[arg(long, hide = true)]
    tls_key: Option<String>,
}

fn parse_stack(text: &str) -> Result<String, String> {
    StackName::new(text).map(|name| name.as_str().to_owned()).map_err(|error| error.to_string())
}

impl Up {
    pub(crate) fn run(self) -> Outcome {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(self.up())
    }

    async fn up(self) -> Outcome {
        if self.tls.is_some() || self.tls_cert.is_some() || self.tls_key.is_some() {
            return Err(Failure::usage(
                "`millpond up` takes TLS from ./millpond.toml: tls = \"self-signed\", or tls_cert and tls_key, in [service].\n  \
                 Or start `millpond serve` with --tls in a second terminal; `up` then uses that service",
            ));
        }
        let parameters = self.given_parameters()?;
        if !self.parameters.is_empty() {
            return Err(secrets::start_again_without_parameters(&parameters));
        }
        let (template, deployment) = self.deployment(&parameters)?;
        let stack = self.stack_name();
        let (mut child, ready, service) = self.service().await?;
        let mut stop = stop_on_signal();
        let brought = async {
            let brought = service.call("POST", &format!("stacks/{stack}"), Some(&deployment)).await?;
            if let Some(secrets) = summary::secrets(&service, &stack, &brought).await {
                say(&secrets);
            }
            Ok(summary::settled(&service).await)
        };
        let brought = tokio::select! {
            brought = brought => brought,
            _ = stop.wait_for(|stop| *stop) => Err(Failure::new("interrupted")),
        };
        let workloads = match (brought, &mut child) {
            (Ok(workloads), _) => workloads,
            (Err(failure), None) => return Err(failure),
            (Err(failure), Some(child)) => {
                // The reason comes first: what follows is only the end of the service.
                complain(&failure);
                child.stop().await;
                return Ok(ExitCode::FAILURE);
            }
        };
        let shown = summary::Summary {
            ready: &ready,
            stack: &stack,
            started: child.is_some(),
            again: self.again(&ready),
            takes_database_url: template.parameters().any(|(name, _)| name == "DatabaseUrl"),
        };
        say(&shown.text(&service, &workloads).await);
        let Some(mut child) = child else {
            remark(&summary::left_running(&ready));
            return Ok(DONE);
        };
        let mut watch = watch::Watch::of(&workloads);
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                ended = child.ended() => self.restart(&mut child, &ready, &ended).await?,
                () = tokio::time::sleep(Duration::from_secs(1)) => watch.look(&service).await,
            }
        }
        watch.clear();
        remark("stopping …");
        child.stop().await;
        Ok(DONE)
    }

    /// At the address it had, which is not the one asked for when any free port was.
    async fn restart(&self, child: &mut ServeChild, before: &Ready, ended: &str) -> Result<(), Failure> {
        remark(&format!("the queue service has ended ({ended}); starting it again"));
        let listen = SocketAddr::new(self.listen.ip(), before.address()?.port());
        let (fresh, ready) = ServeChild::start(listen, &self.data, self.access).await?;
        *child = fresh;
        remark(&format!("the queue service is back at {}", ready.endpoint));
        Ok(())
    }

    /// The service that answers already, or a new one.
    async fn service(&self) -> Result<(Option<ServeChild>, Ready, Service), Failure> {
        let endpoint = self.expected_endpoint();
        if self.listen.port() != 0 {
            let service = Service::find(Some(&endpoint)).await?;
            match service.try_call("GET", "status", None).await {
                Ok(_) => return Ok((None, self.running(endpoint)?, service)),
                Err(ApiError::Refused { code: Some(code), message, .. }) => {
                    return Err(Failure::new(format!(
                        "at {endpoint} a service runs already, and refuses: {}",
                        service.with_advice(message, Some(&code))
                    )));
                }
                Err(_) => {}
            }
        }
        let (child, ready) = ServeChild::start(self.listen, &self.data, self.access).await?;
        // Whoever starts a service is at home there, whatever keys the environment holds for elsewhere.
        let service = Service::of_note(&ready.note()).await?;
        Ok((Some(child), ready, service))
    }

    /// Where a service would be that runs already: its note says whether it speaks TLS.
    fn expected_endpoint(&self) -> String {
        let address = listen::reachable(self.listen).to_string();
        let is_there = |note: &Note| note.endpoint.rsplit("://").next() == Some(address.as_str());
        let noted = note::living().into_iter().find(is_there).map(|note| note.endpoint);
        noted.unwrap_or_else(|| format!("http://{address}"))
    }

    /// What runs already, if it has the data that was asked for.
    fn running(&self, endpoint: String) -> Result<Ready, Failure> {
        let note = note::at(&endpoint);
        let wanted = self.data.canonicalize().or_else(|_| std::path::absolute(&self.data))?;
        match note {
            Some(note) if note.data.as_os_str().is_empty() => Err(Failure::new(format!(
                "at {endpoint} a service runs already that keeps everything in memory, and so has no stacks\n  \
                 For a service of its own, add --listen 127.0.0.1:0; to end the other, kill {}",
                note.pid
            ))),
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
    fn deployment(&self, parameters: &BTreeMap<String, String>) -> Result<(Template, Value), Failure> {
        let (file, template) = match &self.template {
            None => (format!("{EXAMPLE_NAME} (built in)"), EXAMPLE.to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::while_doing(&format!("cannot read the template {}", path.display()), &error)
                })?;
                (path.display().to_string(), text)
            }
        };
        let parsed = Template::parse(&file, &template)?;
        Ok((parsed, json!({ "file": file, "template": template, "parameters": parameters })))
    }

    fn given_parameters(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut parameters = secrets::parameters_of_environment();
        for parameter in &self.parameters {
            let (name, value) = parameter
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("--parameter takes NAME=VALUE, not `{parameter}`")))?;
            parameters.insert(name.to_owned(), value.to_owned());
        }
        Ok(parameters)
    }

    /// The command that brings this stack up again from anywhere, on the service that runs now.
    fn again(&self, ready: &Ready) -> String {
        let absolute =
            |path: &Path| quoted(&path.canonicalize().unwrap_or(path.to_owned()).display().to_string());
        let mut command = format!("{} up", summary::program());
        if let Some(template) = &self.template {
            command.push_str(&format!(" {}", absolute(template)));
        }
        if let Some(stack) = &self.stack {
            command.push_str(&format!(" --stack {stack}"));
        }
        command.push_str(&format!(" --data {}", absolute(&self.data)));
        match ready.endpoint.rsplit("://").next() {
            Some(address) if address != LISTEN => command.push_str(&format!(" --listen {address}")),
            _ => {}
        }
        for argument in self.access.arguments() {
            command.push_str(&format!(" {}", argument.to_string_lossy()));
        }
        command
    }

    /// The name that was given, the example's, or the template's file name as far as it can be one.
    fn stack_name(&self) -> String {
        if let Some(stack) = &self.stack {
            return stack.clone();
        }
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
