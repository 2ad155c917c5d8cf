//! Incident tickets: a small, complete application that embeds Oyez as a library.
//!
//! Clients report incidents, admins open and assign them, developers work on them, clients approve or reject the
//! work. Everybody concerned hears of each step at once, and finds it in the bell when they come back. The
//! application has its own tables, logins and pages; Oyez carries the notifications.
//!
//! In reading order:
//! - [`people`] and [`ticket`]: the words. [`life_cycle`]: which moves exist. [`access`]: who may make them.
//!   [`notice`]: who is told what. All pure.
//! - [`database`]: the application's own SQLite file.
//! - [`desk`]: the use cases; each writes its change and its notifications in one transaction.
//! - [`relay`]: hands the written notifications to Oyez.
//! - [`login`]: passwords and sessions. [`refusal`]: every way to say no.
//! - [`web`]: the JSON API and the pages. [`app`]: joins everything. [`demo`]: something to look at.

pub mod access;
pub mod app;
pub mod database;
pub mod demo;
pub mod desk;
pub mod life_cycle;
pub mod login;
pub mod notice;
pub mod people;
pub mod refusal;
pub mod relay;
pub mod ticket;
pub mod web;
