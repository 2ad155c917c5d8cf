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

pub mod books;
pub mod database;
pub mod fbdi;
pub mod oracle;
pub mod simulator;
pub mod transfer;
