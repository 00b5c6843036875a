//! One sink from start to end: checks queue and database, starts the tasks, and ends them in order.
//!
//! Nothing is received before both checks have passed. At the end the pollers stop first, then what they received is
//! written or given back, then the last deletes leave.

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::Client;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use crate::{
    condition::Condition,
    config::SinkConfig,
    context::{Context, stopped},
    error::SinkError,
    event::{Event, Reporter, Summary, Tally},
    heartbeat,
    hold::Hold,
    poller::Poller,
    queue::{Queue, QueueError},
    settle::{self, Settler},
    target::{FailureClass, Layout, MysqlTarget, SqliteTarget, Target, TargetError, TargetKind},
    writer::Writer,
};

/// How long a sink that is to end may take to finish what it has begun. What is left returns to the queue when its
/// visibility timeout ends.
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// What a task of a sink ends with.
type TaskEnd = Result<(), SinkError>;

/// Runs a sink until `stop` becomes true, or its sender is gone, or waiting can't help any more.
///
/// Outages, of the database or of the queue service and also at the start, are waited out and told to `reporter`.
/// Dropping the future ends the sink at once, as a crash would: nothing is lost and nothing lands twice.
///
/// # Errors
/// `SinkError::Configuration` when the configuration, the queue, the table, the ledger or the rights don't fit;
/// found at the start, before any message is received.
pub async fn run(
    config: SinkConfig,
    client: Client,
    stop: watch::Receiver<bool>,
    reporter: impl Reporter,
) -> Result<Summary, SinkError> {
    config.check()?;
    let reporter: Arc<dyn Reporter> = Arc::new(reporter);
    let layout = Arc::new(Layout::of(&config));
    let writers = config.writers;
    match config.target.0.clone() {
        TargetKind::Sqlite(path) => {
            let target = SqliteTarget::new(path, layout);
            run_into(config, client, stop, reporter, vec![target]).await
        }
        TargetKind::Mysql { server, .. } => {
            let target = || MysqlTarget::new((*server).clone(), Arc::clone(&layout));
            let targets = std::iter::repeat_with(target).take(writers).collect();
            run_into(config, client, stop, reporter, targets).await
        }
    }
}

/// Runs a sink with one writer for each target; there is at least one.
async fn run_into<T: Target>(
    config: SinkConfig,
    client: Client,
    stop: watch::Receiver<bool>,
    reporter: Arc<dyn Reporter>,
    mut targets: Vec<T>,
) -> Result<Summary, SinkError> {
    let start = Start { config: &config, client: &client, reporter: &*reporter };
    let checked = tokio::select! {
        biased;
        () = stopped(stop.clone()) => return Ok(Summary::default()),
        checked = async { tokio::try_join!(start.queue(), start.database(&mut targets)) } => checked,
    };
    let (queue, created) = checked?;
    reporter.report(&Event::Started {
        queue_arn: queue.arn().to_owned(),
        target: config.target.to_string(),
        table: config.table.to_string(),
        created,
    });
    let context = Arc::new(Context {
        hold: Hold::new(config.held_messages, config.held_bytes),
        config,
        queue,
        database_condition: Condition::new(),
        queue_condition: Condition::new(),
        tally: Tally::default(),
        reporter,
        stop: watch::Sender::new(false),
    });
    let mut tasks = spawn(&context, targets);
    let outcome = tokio::select! {
        () = stopped(stop) => Ok(()),
        outcome = first_failure(&mut tasks) => outcome,
    };
    context.end();
    let rest = tokio::time::timeout(STOP_DEADLINE, first_failure(&mut tasks)).await.unwrap_or(Ok(()));
    outcome.and(rest).map(|()| context.tally.summary())
}

/// The checks before the first receive.
struct Start<'a> {
    config: &'a SinkConfig,
    client: &'a Client,
    reporter: &'a dyn Reporter,
}

impl Start<'_> {
    async fn queue(&self) -> Result<Queue, SinkError> {
        let mut user = Condition::new().user();
        let mut attempt = 0;
        loop {
            match Queue::find(self.client, &self.config.queue).await {
                Ok(queue) => {
                    if let Some(after) = user.worked(Instant::now()) {
                        self.reporter.report(&Event::QueueUp { after });
                    }
                    return Ok(queue);
                }
                Err(QueueError::Refused(reason) | QueueError::Missing(reason)) => {
                    return Err(self.queue_refused(&reason));
                }
                Err(QueueError::Unavailable(reason)) if user.failed(Instant::now()) => {
                    let retry_in = self.config.retry.delay(attempt, 1.0);
                    self.reporter.report(&Event::QueueDown { reason, missing: false, retry_in });
                }
                Err(QueueError::Unavailable(_)) => {}
            }
            self.wait(&mut attempt).await;
        }
    }

    async fn wait(&self, attempt: &mut u32) {
        tokio::time::sleep(self.config.retry.delay(*attempt, fastrand::f64())).await;
        *attempt += 1;
    }

    fn queue_refused(&self, reason: &str) -> SinkError {
        SinkError::Configuration(format!(
            "the queue {} can't be used: {reason}. Check its name or URL, the endpoint (AWS_ENDPOINT_URL), the region \
             (AWS_REGION) and the access key; its rights must include GetQueueUrl, GetQueueAttributes, \
             ReceiveMessage, DeleteMessage and ChangeMessageVisibility",
            self.config.queue
        ))
    }

    /// Prepares every target. Returns the tables that were created.
    async fn database<T: Target>(&self, targets: &mut [T]) -> Result<Vec<String>, SinkError> {
        let mut created = Vec::new();
        for target in targets {
            created.extend(self.prepare(target).await?);
        }
        Ok(created)
    }

    async fn prepare<T: Target>(&self, target: &mut T) -> Result<Vec<String>, SinkError> {
        let mut user = Condition::new().user();
        let mut attempt = 0;
        loop {
            match target.prepare().await {
                Ok(created) => {
                    if let Some(after) = user.worked(Instant::now()) {
                        self.reporter.report(&Event::DatabaseUp { after });
                    }
                    return Ok(created);
                }
                // No record is involved yet, so what would be a record's fault is the table's.
                Err(error) if matches!(error.class, FailureClass::Configuration | FailureClass::Poison) => {
                    return Err(database_refused(self.config, &error));
                }
                Err(error) if user.failed(Instant::now()) => {
                    let retry_in = self.config.retry.delay(attempt, 1.0);
                    let reason = self.config.at_target(&error);
                    self.reporter.report(&Event::DatabaseDown { reason, retry_in, held_messages: 0 });
                }
                Err(_) => {}
            }
            self.wait(&mut attempt).await;
        }
    }
}

fn database_refused(config: &SinkConfig, error: &TargetError) -> SinkError {
    SinkError::Configuration(config.at_target(error))
}

fn spawn<T: Target>(context: &Arc<Context>, targets: Vec<T>) -> JoinSet<TaskEnd> {
    let mut tasks = JoinSet::new();
    let (settler, settlements) = Settler::new();
    let mut lanes = Vec::new();
    for target in targets {
        let (lane, incoming) = mpsc::unbounded_channel();
        lanes.push(lane);
        let writer = Writer {
            context: Arc::clone(context),
            target,
            lane: incoming,
            settler: settler.clone(),
            database_user: context.database_condition.user(),
        };
        let shared = Arc::clone(context);
        tasks.spawn(
            async move { writer.run().await.map_err(|error| database_refused(&shared.config, &error)) },
        );
    }
    for _ in 0..context.config.pollers {
        let poller = Poller {
            context: Arc::clone(context),
            lanes: lanes.clone(),
            settler: settler.clone(),
            queue_user: context.queue_condition.user(),
        };
        tasks.spawn(async move {
            poller.run().await;
            Ok(())
        });
    }
    let shared = Arc::clone(context);
    tasks.spawn(async move {
        let timeout = Duration::from_secs(shared.config.visibility_timeout_secs.into());
        let heartbeat = heartbeat::run(shared.queue.clone(), Arc::clone(&shared.hold), timeout);
        // The heartbeat lasts for as long as anything is left to settle.
        tokio::select! {
            () = settle::run(Arc::clone(&shared), settlements) => Ok(()),
            () = heartbeat => Ok(()),
        }
    });
    tasks
}

/// Waits for all tasks, or for the first that fails.
async fn first_failure(tasks: &mut JoinSet<TaskEnd>) -> TaskEnd {
    while let Some(end) = tasks.join_next().await {
        end.map_err(|defect| SinkError::Defect(defect.to_string()))??;
    }
    Ok(())
}
