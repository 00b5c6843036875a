//! How a long-running command learns that it is to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Waits for Ctrl-C or a polite kill.
pub(crate) async fn asked_to_stop() {
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signals) => drop(signals.recv().await),
            // Without a handler the signal ends the process by itself.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

/// Turns true when the process is asked to end.
pub(crate) fn stop_on_signal() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        asked_to_stop().await;
        // Without a receiver everything has ended already.
        let _ = stop.send(true);
    });
    stopped
}
