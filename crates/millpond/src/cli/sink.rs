//! `millpond sink`: messages of a queue into a table.
//!
//! The database URL may hold a password: given as an argument it leaves the arguments before anything else happens.

use clap::{Args, ValueEnum};
use millpond_sink::{Format, Identifier, SinkConfig, TargetUrl};

use super::{duration, hide_option, in_threads, remark};
use crate::failure::{Failure, Outcome};
use crate::service::Service;
use crate::stop::stop_on_signal;
use crate::workload::run_sink;

/// The variable that gives the database URL, for a user and for this process when it starts itself again.
const URL_VARIABLE: &str = "MILLPOND_DATABASE_URL";

/// Deliver messages of a queue into a table, each one once, until interrupted. Works against Amazon SQS as well.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    millpond sink --queue customers --to sqlite://customers.db \\\n    --table customers --columns name,country\n  \
    MILLPOND_DATABASE_URL=mysql://user:password@127.0.0.1:3306/shop \\\n  \
    millpond sink --queue orders --table orders --columns id,amount --format json\n\n\
    The database URL may hold a password: MILLPOND_DATABASE_URL shows it to no other user; --to shows it in process lists \
    until the sink has taken it out, a moment after its start, and in the shell's history.\n\n\
    Options of a mysql:// URL: ssl-mode, ssl-ca and socket, such as \
    ?ssl-mode=VERIFY_IDENTITY&ssl-ca=/path/ca.pem; docs/sink.md says what they do.")]
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
    /// How a message is read: a CSV record with its fields in the order of the columns, or a JSON object whose keys are
    /// the columns.
    #[arg(long, value_enum, default_value_t = BodyFormat::Csv)]
    format: BodyFormat,
    /// Do not create table and ledger when they are missing.
    #[arg(long)]
    no_create: bool,
    /// The table that remembers which messages have landed.
    #[arg(long, value_name = "NAME", default_value = "millpond_ledger")]
    ledger_table: String,
    /// Long polls in parallel, 1 to 64.
    #[arg(long, value_name = "COUNT", default_value = "4", value_parser = clap::value_parser!(u8).range(1..=64))]
    pollers: u8,
    /// How long a received message is held, 2s to 12h; extended while its batch is open.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = hold, allow_hyphen_values = true)]
    visibility_timeout: i32,
    /// The queue service; by default AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, then the one this user has started, then
    /// Amazon's if a region is set.
    #[arg(long, value_name = "URL", value_parser = crate::endpoint::parse)]
    endpoint: Option<String>,
}

/// How a message body is read.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BodyFormat {
    Csv,
    Json,
}

impl Sink {
    pub(crate) fn run(self) -> Outcome {
        if hide_option::is_given("--to") {
            return Err(hide_option::start_again_without("--to", [(URL_VARIABLE, &self.database_url)]));
        }
        let config = self.config()?;
        in_threads(async move {
            let service = Service::of_queue_or_amazon(self.endpoint.as_deref(), &self.queue).await?;
            remark(&format!("queue service  {}", service.describe()));
            run_sink(config, service.sqs(), stop_on_signal(), |_| {}).await
        })
    }

    fn config(&self) -> Result<SinkConfig, Failure> {
        let name = |option: &str, text: &str| {
            Identifier::new(text).map_err(|error| Failure::usage(format!("{option}: {error}")))
        };
        let columns =
            Identifier::list(&self.columns).map_err(|error| Failure::usage(format!("--columns: {error}")))?;
        let format = match self.format {
            BodyFormat::Csv => Format::Csv,
            BodyFormat::Json => Format::Json,
        };
        let target =
            TargetUrl::parse(&self.database_url).map_err(|error| Failure::usage(error.to_string()))?;
        let mut config = SinkConfig::new(&self.queue, target, name("--table", &self.table)?, columns, format);
        config.create = !self.no_create;
        config.ledger_table = name("--ledger-table", &self.ledger_table)?;
        config.pollers = self.pollers.into();
        config.visibility_timeout_secs = self.visibility_timeout.unsigned_abs();
        config.check().map_err(|error| Failure::usage(error.to_string()))?;
        Ok(config)
    }
}

/// How long a received message is held.
fn hold(text: &str) -> Result<i32, String> {
    duration::up_to(text, 2, 43_200)
}
