//! Supplier applications: a small, complete application that embeds Oyez as a library.
//!
//! Companies apply to become suppliers and follow their application; reviewers ask for documents, verify them, approve
//! or reject, and watch a dashboard that keeps itself current; admins approve and announce to a thousand at once.
//! The application has its own tables, logins and pages; Oyez carries notifications, mails, jobs, schedules and the
//! board.
//!
//! In reading order:
//! - [`application`], [`document`] and [`people`]: the words. [`life_cycle`]: which moves exist. [`access`]: who may
//!   make them. [`notice`]: who is told what. [`statistics`]: what the dashboard shows. All pure.
//! - [`database`]: the application's own SQLite file. [`files`]: uploaded documents on disk.
//! - [`desk`]: the use cases; each writes its change and what it promises to tell ([`errand`]) in one transaction.
//! - [`relay`]: tells Oyez. [`dashboard`]: keeps the board current. [`bulk`]: work on many. [`tasks`]: what runs by
//!   schedule. [`mails`]: how the mails stand. [`sink`]: the demo's mailbox.
//! - [`login`]: passwords, sessions, visits. [`limits`]: how often. [`refusal`]: every way to say no.
//! - [`web`]: the JSON API and the pages. [`app`]: joins everything. [`demo`]: something to look at.

pub mod access;
pub mod app;
pub mod application;
pub mod bulk;
pub mod dashboard;
pub mod database;
pub mod demo;
pub mod desk;
pub mod document;
pub mod errand;
pub mod files;
pub mod life_cycle;
pub mod limits;
pub mod login;
pub mod mails;
pub mod notice;
pub mod people;
pub mod refusal;
pub mod relay;
pub mod sink;
pub mod statistics;
pub mod tasks;
pub mod web;
