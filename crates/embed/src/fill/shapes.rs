//! How each shape comes about.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use millpond_core::message::Receipt;
use millpond_core::name::{AccountId, QueueKey, Region};

use super::messages::Manner;
use super::pipeline::{Pipeline, Shared};
use super::{FillError, Shape};
use crate::queue::Queue;

/// Messages that are in flight at once in a queue: less than the limit of SQS.
const IN_FLIGHT: u64 = 100_000;

/// Leases that last until they are ended.
const LEASE_SECS: u32 = 43_200;

const RETENTION_MAX: std::time::Duration = std::time::Duration::from_secs(14 * 24 * 3600);

/// The first queue, how many queues there are, and how many messages they hold.
type Made = (String, u64, u64);

pub(super) async fn make(pipeline: &mut Pipeline<'_>, shape: Shape, count: u64) -> Result<Made, FillError> {
    let groups = Some(pipeline.shared.groups);
    let plain = Manner::default();
    let fifo = Manner { groups, deduplicated: true, ..plain };
    match shape {
        Shape::Waiting => send_all(pipeline, Queue::named("waiting"), count, plain).await,
        Shape::Delayed => {
            send_all(pipeline, Queue::named("delayed"), count, Manner { delayed: true, ..plain }).await
        }
        Shape::Tenants => {
            send_all(pipeline, Queue::named("tenants"), count, Manner { groups, ..plain }).await
        }
        Shape::FifoGroups => send_all(pipeline, Queue::named("fifo-groups.fifo"), count, fifo).await,
        Shape::Returned => returned(pipeline, count).await,
        Shape::ReturnedOften => returned_often(pipeline, count).await,
        Shape::DeadLetters => dead_letters(pipeline, count).await,
        Shape::Deduplication => deduplication(pipeline, count, fifo).await,
        Shape::Queues => queues(pipeline, count).await,
    }
}

/// Creates a queue and answers its full name.
async fn create(shared: &Shared, queue: &Queue) -> Result<QueueKey, FillError> {
    let (account, region) = (AccountId::DEFAULT, Region::default());
    let made = queue.settings(account, &region).zip(queue.create(account, &region));
    let ((key, _), command) =
        made.ok_or_else(|| FillError::Stuck(format!("{} is no queue's name", queue.name())))?;
    shared.carry_out(command).await?;
    Ok(key)
}

async fn send_all(
    pipeline: &mut Pipeline<'_>,
    queue: Queue,
    count: u64,
    manner: Manner,
) -> Result<Made, FillError> {
    let key = create(&pipeline.shared, &queue).await?;
    send(pipeline, key, 0, count, manner).await?;
    Ok((queue.name().to_owned(), 1, count))
}

/// Sends the messages of so many numbers after `first`.
async fn send(
    pipeline: &mut Pipeline<'_>,
    key: QueueKey,
    first: u64,
    count: u64,
    manner: Manner,
) -> Result<(), FillError> {
    let work = move |shared: Arc<Shared>, numbers: Range<u64>| {
        let key = key.clone();
        async move { shared.send(&key, first + numbers.start..first + numbers.end, manner).await }
    };
    pipeline.step("sent", count, work).await
}

async fn returned(pipeline: &mut Pipeline<'_>, count: u64) -> Result<Made, FillError> {
    let queues = count.div_ceil(IN_FLIGHT);
    let name =
        |index: u64| if queues == 1 { "returned".to_owned() } else { format!("returned-{}", index + 1) };
    for index in 0..queues {
        let first = index * IN_FLIGHT;
        let here = IN_FLIGHT.min(count - first);
        let key = create(&pipeline.shared, &Queue::named(name(index))).await?;
        send(pipeline, key.clone(), first, here, Manner::default()).await?;
        let held = Arc::new(Mutex::new(Vec::new()));
        let hold = {
            let (key, held) = (key.clone(), Arc::clone(&held));
            move |shared: Arc<Shared>, numbers: Range<u64>| {
                let (key, held) = (key.clone(), Arc::clone(&held));
                async move {
                    let count = numbers.end - numbers.start;
                    let keep = |receipts: Vec<Receipt>| {
                        held.lock().unwrap_or_else(PoisonError::into_inner).extend(receipts);
                        std::future::ready(Ok(()))
                    };
                    shared.receive_exactly(&key, count, LEASE_SECS, keep).await
                }
            }
        };
        pipeline.step("received", here, hold).await?;
        let held: Arc<[Receipt]> = held.lock().unwrap_or_else(PoisonError::into_inner).as_slice().into();
        let give_back = move |shared: Arc<Shared>, numbers: Range<u64>| {
            let (key, held) = (key.clone(), Arc::clone(&held));
            async move { shared.give_back(&key, &held[numbers.start as usize..numbers.end as usize]).await }
        };
        pipeline.step("come back", here, give_back).await?;
    }
    Ok((name(0), queues, count))
}

async fn returned_often(pipeline: &mut Pipeline<'_>, count: u64) -> Result<Made, FillError> {
    const RECEIVES: u64 = 3;
    let queue = Queue::named("returned-often");
    let key = create(&pipeline.shared, &queue).await?;
    send(pipeline, key.clone(), 0, count, Manner::default()).await?;
    let work = move |shared: Arc<Shared>, numbers: Range<u64>| {
        let key = key.clone();
        async move {
            // Without a lease they are back as soon as they are received.
            let nothing = |_| std::future::ready(Ok(()));
            shared.receive_exactly(&key, numbers.end - numbers.start, 0, nothing).await
        }
    };
    pipeline.step("received", RECEIVES * count, work).await?;
    Ok((queue.name().to_owned(), 1, count))
}

async fn dead_letters(pipeline: &mut Pipeline<'_>, count: u64) -> Result<Made, FillError> {
    let target = Queue::named("dead-letters").retention(RETENTION_MAX);
    let source =
        Queue::named("dead-letters-source").retention(RETENTION_MAX).dead_letter_queue("dead-letters", 1);
    let target_key = create(&pipeline.shared, &target).await?;
    let key = create(&pipeline.shared, &source).await?;
    let work = {
        let key = key.clone();
        move |shared: Arc<Shared>, numbers: Range<u64>| {
            let key = key.clone();
            async move {
                let count = numbers.end - numbers.start;
                shared.send(&key, numbers, Manner::default()).await?;
                // Back at once, they are dead letters for the next receive.
                let nothing = |_| std::future::ready(Ok(()));
                shared.receive_exactly(&key, count, 0, nothing).await
            }
        }
    };
    pipeline.step("sent and received", count, work).await?;
    pipeline.shared.bury(&key, &target_key, count).await?;
    Ok((target.name().to_owned(), 2, count))
}

async fn deduplication(pipeline: &mut Pipeline<'_>, count: u64, manner: Manner) -> Result<Made, FillError> {
    let queue = Queue::named("deduplication.fifo");
    let key = create(&pipeline.shared, &queue).await?;
    let work = move |shared: Arc<Shared>, numbers: Range<u64>| {
        let key = key.clone();
        async move {
            let count = numbers.end - numbers.start;
            shared.send(&key, numbers, manner).await?;
            let delete = |receipts| shared.delete(&key, receipts);
            shared.receive_exactly(&key, count, LEASE_SECS, delete).await
        }
    };
    pipeline.step("sent, received and deleted", count, work).await?;
    Ok((queue.name().to_owned(), 1, 0))
}

async fn queues(pipeline: &mut Pipeline<'_>, count: u64) -> Result<Made, FillError> {
    let name = |number: u64| format!("queues-{number}");
    let work = move |shared: Arc<Shared>, numbers: Range<u64>| async move {
        for number in numbers {
            create(&shared, &Queue::named(name(number))).await?;
        }
        Ok(())
    };
    pipeline.step("created", count, work).await?;
    Ok((name(0), count, 0))
}
