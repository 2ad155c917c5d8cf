//! Writes how attempts ended: whatever ended while the last commit went to disk is written together.

use std::{sync::Arc, time::Duration};

use oyez_store::{Ended, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{PAUSE, Shared, pause_after, rest};

/// Ends written in one transaction at most.
const MOST_AT_ONCE: usize = 256;

/// How often ends are tried that the store refuses for what they are.
const MOST_TRIES: u32 = 3;

/// What is handed to the writer of ends.
pub(super) enum Handed {
    /// An attempt ended.
    Ended(Ended),
    /// Answered when all that was handed over before is on disk, or given up.
    Settle(oneshot::Sender<()>),
}

/// Writes until it is told to stop; what was handed over before is written first.
pub(super) async fn run(shared: &Shared, mut handed: mpsc::Receiver<Handed>, shutdown: &CancellationToken) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            count = handed.recv_many(&mut batch, MOST_AT_ONCE) => if count == 0 { return },
            () = shutdown.cancelled() => return,
        }
        let (mut ended, mut settled) = (Vec::with_capacity(batch.len()), Vec::new());
        for one in batch.drain(..) {
            match one {
                Handed::Ended(end) => ended.push(end),
                Handed::Settle(answer) => settled.push(answer),
            }
        }
        if !ended.is_empty() {
            write(shared, ended.into(), shutdown).await;
        }
        for answer in settled {
            // Whoever asked may have gone.
            let _ = answer.send(());
        }
    }
}

/// Tries until the store takes it: ends are fenced, so that saying them twice is safe. Meanwhile those who send wait.
/// One that the store refuses for what it is holds up no other: its lease runs out.
async fn write(shared: &Shared, ended: Arc<[Ended]>, shutdown: &CancellationToken) {
    let (mut pause, mut tries): (Duration, u32) = (PAUSE.0, 0);
    while let Err(error) = shared.deliveries.conclude(Arc::clone(&ended)).await {
        tries += 1;
        if matches!(error, StoreError::Conflict(_) | StoreError::Fault(_)) && tries >= MOST_TRIES {
            match &*ended {
                [one] => {
                    tracing::error!(%error, delivery = %one.id, attempt = one.attempt, "how a delivery ended is left out");
                }
                several => {
                    for one in several {
                        Box::pin(write(shared, Arc::from([one.clone()]), shutdown)).await;
                    }
                }
            }
            return;
        }
        if !rest(pause_after("write how deliveries ended", &error, &mut pause), shutdown).await {
            return;
        }
    }
}
