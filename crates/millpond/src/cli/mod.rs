//! What a user types, and which file answers.

mod access;
mod account;
mod backup;
mod bench;
mod check;
mod clock;
mod completions;
mod console;
mod duration;
mod env;
mod form;
mod hide_option;
mod kept;
mod keys;
mod listen;
mod outputs;
mod pairs;
mod queue;
mod queue_settings;
mod queues;
mod quotas;
mod receive;
mod redrive;
mod repair;
mod reset;
mod restore;
mod rows;
mod send;
mod serve;
mod sink;
mod stacks;
mod transport;
mod up;
mod why;
mod workloads;

use clap::{Args, Parser, Subcommand};

use crate::failure::Outcome;
use crate::log_lines::{self, Verbosity};
use crate::stop::asked_to_stop;
use crate::terminal::{remark, say};

/// A durable queue that speaks the Amazon SQS API, and the small platform around it.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing there (an empty queue), 4 a service stopped\n\
                  because its disk fails.\n\n\
                  Start here:\n  millpond up                        the example: form, queue, database\n  \
                  millpond serve                     just the queue service\n  \
                  eval \"$(millpond env)\"             point any AWS SDK at it",
    max_term_width = 120
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring up a whole architecture from a template: queues, forms, sinks.
    Up(up::Up),
    /// Run the queue service.
    Serve(serve::Serve),
    /// Deliver messages of a queue into a table.
    Sink(sink::Sink),
    /// Serve a web form whose entries become messages.
    Form(form::Form),
    /// Send a message.
    Send(send::Send),
    /// Receive messages.
    Receive(receive::Receive),
    /// Show all queues with their counts.
    Queues(queues::Queues),
    /// Create, change, remove, purge or show a queue, or redrive its dead letters.
    #[command(
        subcommand,
        after_help = "Examples:\n  millpond queue create jobs\n  millpond queue set jobs --visibility-timeout 60s\n  \
                      millpond queue redrive failed"
    )]
    Queue(queue::Queue),
    /// For tests: take away all queues with their messages.
    Reset(reset::Reset),
    /// Show whether messages expire by their retention, or confirm the clock after a jump; put it forward in tests.
    Clock(clock::Clock),
    /// Show the rows that a sink has landed.
    Rows(rows::Rows),
    /// Show stacks: what belongs to each, and their outputs.
    Stacks(stacks::List),
    /// Take a stack away: its workloads, its queues and their messages.
    Down(stacks::Down),
    /// Show workloads.
    Ps(workloads::Ps),
    /// Stop a workload.
    Stop(workloads::Stop),
    /// Start a workload that was stopped.
    Start(workloads::Start),
    /// Show what workloads have written.
    Logs(workloads::Logs),
    /// Put load on an SQS endpoint and report rate and latency.
    #[command(
        subcommand,
        after_help = "Examples:\n  millpond bench send\n  millpond bench send --ceiling\n  millpond bench round-trip --batch 10 --rate 1000"
    )]
    Bench(bench::Bench),
    /// Print the settings that point any AWS SDK at the service.
    Env(env::Env),
    /// Tell whether someone may do something, and which policy decides.
    Why(why::Why),
    /// Save what can be read of a damaged data directory into a new one.
    Repair(repair::Repair),
    /// Take a backup of a service that runs, or of a data directory.
    Backup(backup::Backup),
    /// Bring a backup back as a new data directory.
    Restore(restore::Restore),
    /// Check that a data directory is sound; nothing in it is changed.
    Check(check::Check),
    /// Make another account, or show those there are.
    #[command(
        subcommand,
        after_help = "Examples:\n  millpond account create 111122223333\n  millpond account list"
    )]
    Account(account::Account),
    /// Show where the keys of a service lie, or make another root key.
    #[command(subcommand, after_help = "Examples:\n  millpond keys show\n  millpond keys rotate")]
    Keys(keys::Keys),
    /// Print an address that leads a browser to the console.
    Console(console::Console),
    /// Print a completion script for a shell.
    Completions(completions::Completions),
    /// What the supervisor starts.
    #[command(hide = true)]
    Workload {
        /// Kind and name, for those who read process lists.
        labels: Vec<String>,
    },
}

/// Options of every client command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    /// The service to talk to; by default AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, then the one this user has started.
    #[arg(long, value_name = "URL", global = true, value_parser = crate::endpoint::parse)]
    pub(crate) endpoint: Option<String>,
    /// Print JSON for scripts.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Cli {
    pub(crate) fn run(self) -> Outcome {
        match self.command {
            Command::Up(up) => up.run(),
            Command::Serve(serve) => serve.run(),
            Command::Sink(sink) => sink.run(),
            Command::Form(form) => form.run(),
            Command::Send(send) => in_runtime(send.run()),
            Command::Receive(receive) => in_runtime(receive.run()),
            Command::Queues(queues) => in_runtime(queues.run()),
            Command::Queue(queue) => in_runtime(queue.run()),
            Command::Reset(reset) => in_runtime(reset.run()),
            Command::Clock(clock) => in_runtime(clock.run()),
            Command::Rows(rows) => in_runtime(rows.run()),
            Command::Stacks(stacks) => in_runtime(stacks.run()),
            Command::Down(down) => in_runtime(down.run()),
            Command::Ps(ps) => in_runtime(ps.run()),
            Command::Stop(stop) => in_runtime(stop.run()),
            Command::Start(start) => in_runtime(start.run()),
            Command::Logs(logs) => in_runtime(logs.run()),
            Command::Bench(bench) => bench.run(),
            Command::Env(env) => env.run(),
            Command::Why(why) => in_runtime(why.run()),
            Command::Repair(repair) => repair.run(),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
            Command::Check(check) => check.run(),
            Command::Account(account) => in_runtime(account.run()),
            Command::Keys(keys) => keys.run(),
            Command::Console(console) => in_runtime(console.run()),
            Command::Completions(completions) => completions.run(),
            Command::Workload { .. } => crate::workload::run(),
        }
    }
}

fn in_runtime(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    // Connections that a client keeps open are of no use to anyone now.
    runtime.shutdown_background();
    outcome
}

fn in_threads(work: impl Future<Output = Outcome>) -> Outcome {
    log_lines::start(Verbosity::Work);
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(work)
}
