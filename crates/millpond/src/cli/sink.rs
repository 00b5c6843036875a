//! `millpond sink`: messages of a queue into a table.
//!
//! The database URL may hold a password: given as an argument it leaves the arguments before anything else happens.

use clap::{Args, ValueEnum};
use millpond_sink::{Format, Identifier, SinkConfig, TargetUrl};

use super::{hide_option, in_threads};
use crate::failure::{Failure, Outcome};
use crate::note;
use crate::stop::stop_on_signal;
use crate::workload::{report_line, run_sink};

/// The variable that gives the database URL, for a user and for this process when it starts itself again.
const URL_VARIABLE: &str = "MILLPOND_DATABASE_URL";

/// Deliver messages of a queue into a table, each one once, until interrupted. Works against Amazon SQS as well.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    millpond sink --queue customers --to sqlite://customers.db --table customers --columns name,country\n  \
    MILLPOND_DATABASE_URL=mysql://user:password@127.0.0.1:3306/shop \\\n    \
    millpond sink --queue orders --table orders --columns id,amount --format json\n\n\
    The database URL may hold a password: MILLPOND_DATABASE_URL shows it to no other user; --to shows it in process\n\
    lists until the sink has taken it out, a moment after its start, and in the shell's history.\n\n\
    TLS: mysql://…/shop?ssl-mode=VERIFY_IDENTITY&ssl-ca=/path/ca.pem; docs/sink.md has all options.")]
pub(crate) struct Sink {
    /// The queue, by name or URL.
    #[arg(long)]
    queue: String,
    /// The database: sqlite://PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE.
    #[arg(long = "to", value_name = "URL", env = URL_VARIABLE, hide_env_values = true)]
    database_url: String,
    /// The table that rows go to.
    #[arg(long)]
    table: String,
    /// The columns that are filled, in the order of CSV fields.
    #[arg(long, value_name = "NAME,…")]
    columns: String,
    /// How a message is read.
    #[arg(long, value_enum, default_value_t = BodyFormat::Csv)]
    format: BodyFormat,
    /// Do not create table and ledger when they are missing.
    #[arg(long)]
    no_create: bool,
    /// The table that remembers which messages have landed.
    #[arg(long, value_name = "NAME", default_value = "millpond_ledger")]
    ledger_table: String,
    /// Long polls in parallel, 1 to 64.
    #[arg(long, default_value_t = 4)]
    pollers: usize,
    /// Seconds for which a received message is held, extended while its batch is open.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    visibility_timeout: u32,
    /// The queue service; by default as AWS SDKs find it, then the one this user has started.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

/// How a message body is read.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BodyFormat {
    /// One CSV record, its fields in the order of the columns.
    Csv,
    /// One JSON object, its keys the columns.
    Json,
}

impl Sink {
    pub(crate) fn run(self) -> Outcome {
        if hide_option::is_given("--to") {
            return Err(hide_option::start_again_without("--to", [(URL_VARIABLE, &self.database_url)]));
        }
        let config = self.config()?;
        in_threads(async move {
            let client = millpond_sink::connect(self.service()).await;
            run_sink(config, client, stop_on_signal(), report_line).await
        })
    }

    fn config(&self) -> Result<SinkConfig, Failure> {
        let name = |option: &str, text: &str| {
            Identifier::new(text).map_err(|error| Failure::new(format!("{option}: {error}")))
        };
        let columns =
            Identifier::list(&self.columns).map_err(|error| Failure::new(format!("--columns: {error}")))?;
        let format = match self.format {
            BodyFormat::Csv => Format::Csv,
            BodyFormat::Json => Format::Json,
        };
        let target = TargetUrl::parse(&self.database_url)?;
        let mut config = SinkConfig::new(&self.queue, target, name("--table", &self.table)?, columns, format);
        config.create = !self.no_create;
        config.ledger_table = name("--ledger-table", &self.ledger_table)?;
        config.pollers = self.pollers;
        config.visibility_timeout_secs = self.visibility_timeout;
        Ok(config)
    }

    /// What the environment does not name is what `serve` left for this user; without either it is Amazon's.
    fn service(&self) -> millpond_sink::Endpoint {
        let environment =
            ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"].iter().any(|name| std::env::var_os(name).is_some());
        let amazon = self.queue.contains(".amazonaws.com");
        let mut endpoint = millpond_sink::Endpoint { url: self.endpoint.clone(), ..Default::default() };
        if let Some(note) = note::read().filter(|note| {
            let named = self.endpoint.as_ref().is_some_and(|endpoint| *endpoint == note.endpoint);
            named || (self.endpoint.is_none() && !environment && !amazon)
        }) {
            endpoint.url = Some(note.endpoint);
            endpoint.region = Some(note.region);
            let (key, secret) = (note.access_key_id, note.secret_access_key);
            endpoint.keys = Some(millpond_sink::Keys::new(key, secret, None, None, "millpond serve"));
        }
        endpoint
    }
}
