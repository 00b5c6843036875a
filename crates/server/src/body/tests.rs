//! Bodies that stall, against those that come.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep};

use super::{BodyError, BodyIntake, Room};

const KIB: usize = 1024;
const HERE: &str = "127.0.0.1";
const AWAY: &str = "192.0.2.1";

/// Pieces, each after a time; `None` at the end never comes.
struct Slow {
    pieces: VecDeque<(u64, Option<usize>)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Slow {
    fn new(pieces: impl IntoIterator<Item = (u64, usize)>) -> Self {
        let pieces = pieces.into_iter().map(|(millis, bytes)| (millis, Some(bytes))).collect();
        Self { pieces, sleep: None }
    }

    fn stalling(bytes: usize) -> Self {
        let mut slow = Self::new([(0, bytes)]);
        slow.pieces.push_back((u64::MAX, None));
        slow
    }
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some((millis, piece)) = self.pieces.front().copied() else { return Poll::Ready(None) };
        let Some(bytes) = piece else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(millis))));
        if sleep.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.sleep = None;
        self.pieces.pop_front();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'a'; bytes])))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }
}

type Read = Result<(Bytes, Room), BodyError>;

fn intake(total: usize) -> &'static BodyIntake {
    Box::leak(Box::new(BodyIntake::new(total, 1024 * KIB, Duration::from_secs(30))))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn read(intake: &'static BodyIntake, body: Slow, from: &str) -> JoinHandle<Read> {
    tokio::spawn(intake.read(body, address(from)))
}

async fn length(intake: &BodyIntake, body: Slow, from: &str) -> Result<usize, BodyError> {
    intake.read(body, address(from)).await.map(|(bytes, _room)| bytes.len())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_with_much_room_loses_it_at_once() {
    let intake = intake(4096 * KIB);
    let begun = Instant::now();
    assert_eq!(length(intake, Slow::stalling(512 * KIB), HERE).await, Err(BodyError::Stalled));
    // The first look sees what came at first, the second that nothing did since.
    assert!(begun.elapsed() <= Duration::from_secs(5), "{:?}", begun.elapsed());
    let trickle = Slow::new([(0, 512 * KIB)].into_iter().chain((0..1_000).map(|_| (100, KIB))));
    assert_eq!(length(intake, trickle, HERE).await, Err(BodyError::Stalled));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_steadily_or_is_small_has_its_time() {
    let intake = intake(4096 * KIB);
    let steady = Slow::new((0..100).map(|_| (100, 8 * KIB)));
    assert_eq!(length(intake, steady, HERE).await, Ok(800 * KIB));
    assert_eq!(length(intake, Slow::new([(0, KIB), (25_000, KIB)]), HERE).await, Ok(2 * KIB));
    let never = BodyError::TooSlow { secs: 30 };
    assert_eq!(length(intake, Slow::stalling(KIB), HERE).await, Err(never));
}

#[tokio::test(start_paused = true)]
async fn stalled_bodies_make_room_for_one_that_comes() {
    let intake = intake(1024 * KIB);
    let from = |number: usize| format!("192.0.2.{number}");
    // Each holds as little as no rate is asked for, and together they hold everything.
    let stalled: Vec<_> =
        (0..16).map(|number| read(intake, Slow::stalling(64 * KIB), &from(number))).collect();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(length(intake, Slow::new([(0, KIB)]), HERE).await, Err(BodyError::Crowded), "all are young");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(length(intake, Slow::new([(0, KIB)]), HERE).await, Ok(KIB));
    assert_eq!(length(intake, Slow::new([(0, 64 * KIB), (10, 64 * KIB)]), HERE).await, Ok(128 * KIB));
    sleep(Duration::from_millis(10)).await;
    assert_eq!(stalled.iter().filter(|read| read.is_finished()).count(), 2, "no more than had to");
}

#[tokio::test(start_paused = true)]
async fn the_slowest_loses() {
    let intake = intake(512 * KIB);
    let steady = read(intake, Slow::new((0..28).map(|_| (100, 8 * KIB))), HERE);
    sleep(Duration::from_millis(50)).await;
    let stalled = read(intake, Slow::stalling(60 * KIB), AWAY);
    sleep(Duration::from_millis(2_400)).await;
    // The first of these leaves no room.
    let (_bytes, _room) = intake.read(Slow::new([(0, 250 * KIB)]), address("192.0.2.9")).await.unwrap();
    let (_bytes, _room) = intake.read(Slow::new([(0, 20 * KIB)]), address("192.0.2.9")).await.unwrap();
    assert_eq!(stalled.await.unwrap().map(|_| ()), Err(BodyError::Crowded));
    assert_eq!(steady.await.unwrap().map(|(bytes, _)| bytes.len()), Ok(224 * KIB));
}

#[tokio::test(start_paused = true)]
async fn a_source_has_its_share_and_no_more() {
    let intake = intake(1024 * KIB);
    for (from, share) in [(AWAY, 256 * KIB), (HERE, 512 * KIB)] {
        let slow = |bytes| Slow::new([(0, bytes / 2), (10, bytes / 2)]);
        assert_eq!(length(intake, slow(share), from).await, Ok(share), "{from}");
        assert_eq!(length(intake, slow(share + 2), from).await, Err(BodyError::Crowded), "{from}");
    }
    let (_whole, room) =
        intake.read(Slow::new([(0, 128 * KIB), (10, 128 * KIB)]), address(AWAY)).await.unwrap();
    let more = || Slow::new([(0, KIB), (10, KIB)]);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(length(intake, more(), AWAY).await, Err(BodyError::Crowded), "a whole body keeps its room");
    assert_eq!(length(intake, more(), "192.0.2.2").await, Ok(2 * KIB));
    drop(room);
    assert_eq!(length(intake, more(), AWAY).await, Ok(2 * KIB));
}

#[tokio::test(start_paused = true)]
async fn all_room_comes_back() {
    let intake = intake(256 * KIB);
    for _ in 0..100 {
        let _ = length(intake, Slow::stalling(100 * KIB), HERE).await;
        let ended = read(intake, Slow::stalling(100 * KIB), HERE);
        sleep(Duration::from_millis(10)).await;
        ended.abort();
        let _ = ended.await;
    }
    assert_eq!(length(intake, Slow::new([(0, 256 * KIB)]), HERE).await, Ok(256 * KIB));
}
