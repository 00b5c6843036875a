//! How a long-running command learns that it is to end.
//!
//! From the moment that these functions return no signal ends the process by itself: one that comes before anyone waits
//! is not lost.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Waits for Ctrl-C or a polite kill.
pub(crate) fn asked_to_stop() -> impl Future<Output = ()> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [interrupt, terminate, hangup] = kinds.map(|kind| signal(kind).ok());
    async move {
        tokio::select! {
            () = comes(interrupt) => {}
            () = comes(terminate) => {}
            () = comes(hangup) => {}
        }
    }
}

/// Without a handler the signal ends the process by itself.
async fn comes(signals: Option<Signal>) {
    match signals {
        Some(mut signals) => drop(signals.recv().await),
        None => std::future::pending().await,
    }
}

/// Turns true when the process is asked to end.
pub(crate) fn stop_on_signal() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    let asked = asked_to_stop();
    tokio::spawn(async move {
        asked.await;
        // Without a receiver everything has ended already.
        let _ = stop.send(true);
    });
    stopped
}
