//! How many batches a second become durable: one owner, batches of 64 KiB, a given number in flight.
//!
//! `cargo run --release -p millpond-log --example sync_rate -- [SECONDS] [BATCH_BYTES] [IN_FLIGHT]`
//!
//! Prints the log's figures, with the owner waiting for the oldest batch whenever enough are in flight. It writes
//! into a fresh directory under `target` of the current directory, and removes it.

#![allow(clippy::print_stdout, clippy::disallowed_methods)] // A program whose output is its purpose.

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use bytes::Bytes;
use millpond_log::{Log, LogConfig, LogId, Progress, RealDisk, SegmentLog, SubmitError, Waker};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let argument = |at: usize, default: u64| arguments.get(at).copied().unwrap_or(default);
    let time = Duration::from_secs(argument(0, 3));
    let payload = Bytes::from(vec![0x6d; usize::try_from(argument(1, 64 * 1024 - 64))?]);
    let in_flight_max = argument(2, 1);

    let directory = std::env::current_dir()?.join("target").join(format!("sync-rate-{}", std::process::id()));
    let disk = Arc::new(RealDisk::open(&directory)?);
    let (wake, woken) = channel();
    let waker: Waker = Arc::new(move || wake.send(()).unwrap_or_default());
    let (mut log, _) = SegmentLog::open_threaded(disk, LogConfig::default(), LogId([1; 16]), &waker)?;
    let reader = log.reader();
    let half_of_budget = reader.usage().budget_bytes / 2;

    let begun = Instant::now();
    while begun.elapsed() < time {
        let Progress::Durable(durable) = log.poll() else { return Err("the log has died".into()) };
        let tail = log.bounds().tail;
        let waits = tail.0 - durable.next().0 >= in_flight_max;
        if !waits {
            match log.submit(tail, payload.clone()) {
                Ok(()) => continue,
                Err(SubmitError::Full(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        woken.recv()?;
        if durable.0 % 256 == 0 && reader.usage().used_bytes > half_of_budget {
            log.trim(durable)?;
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let stats = reader.stats();
    let mean_micros = stats.sync_total_micros / stats.syncs.max(1);
    println!("batches          {:>10.0} /s", stats.batches as f64 / took);
    println!("payload          {:>10.1} MiB/s", stats.payload_bytes as f64 / took / f64::from(1 << 20));
    println!("batches a sync   {:>10.1}", stats.batches as f64 / stats.groups.max(1) as f64);
    println!("sync, mean       {mean_micros:>10} us");
    println!("sync, slowest    {:>10} us", stats.sync_max_micros);
    println!("rolls            {:>10}", stats.rolls);
    println!("zero-filled      {:>10}", stats.zero_filled_segments);
    println!("recycled         {:>10}", stats.recycled_segments);
    drop(log);
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
