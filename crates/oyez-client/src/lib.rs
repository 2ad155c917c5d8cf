//! Rust client of Oyez: publish, enqueue, and run jobs over HTTP.
//!
//! ```no_run
//! use oyez_client::{Client, Context, Job, JobError, Worker};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Upload {
//!     transaction: u64,
//! }
//!
//! impl Job for Upload {
//!     const KIND: &'static str = "upload";
//! }
//!
//! # async fn example() -> Result<(), oyez_client::Error> {
//! let client = Client::new("http://127.0.0.1:8000", "oyez_sk_…")?;
//! client.enqueue(&oyez_client::request(&Upload { transaction: 602 })?).await?;
//!
//! Worker::new(client, "host-1")
//!     .concurrency(10)
//!     .handle(|context: Context, upload: Upload| async move {
//!         context.step("Upload", 1, 2).await?;
//!         let document = context.checkpoint("Upload", async { Ok::<_, JobError>(upload.transaction * 7) }).await?;
//!         context.step("Import", 2, 2).await?;
//!         Ok(oyez_client::Done::with(&document)?)
//!     })
//!     .run(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
//!     .await
//! # }
//! ```
//!
//! In reading order: [`client`] is a connection with its patience, [`calls`] what can be asked, [`attempt`] what is
//! reported of a job, [`worker`] the loop that claims jobs and runs their handlers, [`error`] what can go wrong.

pub mod attempt;
pub mod calls;
pub mod client;
pub mod error;
mod pause;
pub mod worker;

pub use attempt::Attempt;
pub use calls::request;
pub use client::Client;
pub use error::{Error, Refusal};
pub use oyez_protocol as protocol;
pub use worker::{Context, Done, Job, JobError, Worker};
