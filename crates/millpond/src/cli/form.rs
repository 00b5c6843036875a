//! `millpond form`: a web form in front of a queue.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use millpond_form::{BindError, Field, FieldKind, FormConfig, Format};

use super::{in_threads, listen, remark, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;
use crate::stop::stop_on_signal;

/// Serve a web form whose entries become messages, until interrupted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond form --queue customers --field name --field country\n  \
    millpond form --queue orders --field item --field amount:number \\\n    \
    --field notes:textarea? --message-format json\n  \
    millpond form --queue jobs --field what --listen localhost:8080 --next-free-port\n  \
    millpond form --config form.json\n\n\
    A field is NAME, NAME:TYPE or NAME:TYPE?; `?` makes it optional. Types: text, email, number, tel, url, date, \
    textarea, checkbox, select(A|B|C). docs/form.md has the keys of a configuration file.")]
pub(crate) struct Form {
    /// A JSON file with the form's configuration.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["queue", "fields", "title", "message_format"])]
    config: Option<PathBuf>,
    /// The queue, by name or URL.
    #[arg(long, required_unless_present = "config")]
    queue: Option<String>,
    /// A field of the form; may be repeated.
    #[arg(long = "field", value_name = "NAME[:TYPE][?]", id = "fields", required_unless_present = "config")]
    fields: Vec<String>,
    /// The heading of the page.
    #[arg(long)]
    title: Option<String>,
    /// How an entry is written into its message: csv or json.
    #[arg(long, value_name = "FORMAT", value_parser = ["csv", "json"])]
    message_format: Option<String>,
    /// Where to listen; by default 127.0.0.1:8080, or the next free port.
    #[arg(long, value_name = "HOST:PORT", value_parser = listen::address)]
    listen: Option<SocketAddr>,
    /// When the port is in use, take the next free one.
    #[arg(long)]
    next_free_port: bool,
    /// The queue service; by default AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, then the one this user has started, then
    /// Amazon's if a region is set.
    #[arg(long, value_name = "URL", value_parser = crate::endpoint::parse)]
    endpoint: Option<String>,
}

impl Form {
    pub(crate) fn run(self) -> Outcome {
        let config = self.configuration()?;
        in_threads(async move {
            let service = Service::of_queue_or_amazon(self.endpoint.as_deref(), &config.queue).await?;
            let bound = millpond_form::bind(config).await.map_err(|error| match error {
                BindError::InUse(address) => Failure::new(format!(
                    "{address} is in use by another program; stop that one, choose another --listen, or add \
                     --next-free-port"
                )),
                other => other.into(),
            })?;
            remark(&format!("queue service  {}", service.describe()));
            if let Some(wanted) = bound.moved_from() {
                remark(&format!("{wanted} is in use; the next free port was taken"));
            }
            say(&format!("form  http://{}/", bound.addr()));
            let mut stop = stop_on_signal();
            let stopped = async move {
                // An error means that no one can ask any more, which is as good as being asked.
                let _ = stop.wait_for(|stop| *stop).await;
            };
            millpond_form::serve(bound, service.sqs(), stopped).await;
            Ok(DONE)
        })
    }

    fn configuration(&self) -> Result<FormConfig, Failure> {
        let mut config = match (&self.config, &self.queue) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    Failure::while_doing(&format!("cannot read {}", file.display()), &error)
                })?;
                FormConfig::from_json(&text)
                    .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?
            }
            (None, queue) => {
                let fields = self.fields.iter().map(|text| field(text)).collect::<Result<Vec<_>, _>>()?;
                let mut config = FormConfig::new(queue.as_deref().unwrap_or_default(), fields);
                config.allow_port_search = self.listen.is_none();
                config
            }
        };
        if let Some(title) = &self.title {
            config.title.clone_from(title);
        }
        if let Some(format) = &self.message_format {
            config.format = if format == "json" { Format::Json } else { Format::Csv };
        }
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        config.allow_port_search |= self.next_free_port;
        config.check().map_err(|error| Failure::usage(error.to_string()))?;
        Ok(config)
    }
}

/// Reads `NAME`, `NAME:TYPE` or `NAME:TYPE?`.
fn field(text: &str) -> Result<Field, Failure> {
    let (text, required) = text.strip_suffix('?').map_or((text, true), |text| (text, false));
    let (name, kind) = text.split_once(':').unwrap_or((text, "text"));
    let kind = match kind {
        "text" => FieldKind::Text,
        "email" => FieldKind::Email,
        "number" => FieldKind::Number,
        "tel" => FieldKind::Tel,
        "url" => FieldKind::Url,
        "date" => FieldKind::Date,
        "textarea" => FieldKind::TextArea,
        "checkbox" => FieldKind::Checkbox,
        other => match other.strip_prefix("select(").and_then(|rest| rest.strip_suffix(')')) {
            Some(options) => FieldKind::Select { options: options.split('|').map(str::to_owned).collect() },
            None => {
                return Err(Failure::usage(format!(
                    "--field {text}: there is no type `{other}`; use text, email, number, tel, url, date, textarea, \
                     checkbox or select(A|B|C)"
                )));
            }
        },
    };
    let mut field = Field::new(name, kind);
    field.required = required;
    Ok(field)
}
