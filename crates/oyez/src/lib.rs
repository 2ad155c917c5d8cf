//! What Oyez does: the library that an application embeds, and all that the `oyez` binary runs.
//!
//! In the order of the import ladder, lowest first.

pub mod config;
pub mod key_file;
pub mod outbound;
pub mod websocket;

pub mod bus;
pub mod hub;

pub mod auth;
pub mod boards;
pub mod deliveries;
pub mod inbox;
pub mod jobs;
pub mod preferences;
pub mod publish;
pub mod push;
pub mod templates;
pub mod unsubscribe;
pub mod users;
pub mod webhooks;

pub mod caretaker;
pub mod deliver;
pub mod runner;

pub mod console;
pub mod gateway;
pub mod http;

pub mod lifecycle;
pub mod telemetry;

pub mod server;

pub mod cli;

pub use config::Config;
pub use oyez_core::board::{Board, Guard as BoardGuard};
pub use oyez_protocol as protocol;
pub use oyez_store::{DeliveryFilter, Parcel, ParcelItem, ParcelSubject, User, UserProfile};
pub use runner::{Context, Done, Job, JobError};
pub use server::Oyez;
