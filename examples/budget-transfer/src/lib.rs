//! Budget transfers: a small, complete application whose uploads to Oracle Fusion are durable jobs of Oyez.
//!
//! Submitting a transfer is answered at once. A job of kind `oracle_upload` then takes it through five steps, which
//! its owner watches live: Preparing Data, Upload to UCM, Interface Loader, Journal Import, AutoPost. Whatever
//! crashes, nothing is uploaded or posted twice.
//!
//! In reading order:
//! - [`transfer`]: the words. [`books`]: what may be booked. [`fbdi`]: the document Oracle takes. All pure.
//! - [`database`]: the application's own SQLite file.
//! - [`oracle`]: the client. [`simulator`]: what it talks to unless it is told otherwise.
//! - [`draft`]: reads what was typed. [`desk`]: the use cases. [`relay`]: makes each stored transfer a job, once.
//! - [`upload`]: the job's five steps. [`standing`]: how it stands. [`refusal`]: every way to say no.
//! - [`web`]: the JSON API and the pages. [`app`]: joins everything. [`demo`]: something to begin with.

pub mod app;
pub mod books;
pub mod database;
pub mod demo;
pub mod desk;
pub mod draft;
pub mod fbdi;
pub mod oracle;
pub mod refusal;
pub mod relay;
pub mod simulator;
pub mod standing;
pub mod transfer;
pub mod upload;
pub mod web;
