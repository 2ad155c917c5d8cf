//! What is measured, one file per question.

mod audience;
mod boards;
mod connect;
mod digests;
mod fanout;
mod jobs;
mod mail;
mod publish;
mod resume;
mod slow;
mod start;
mod unicast;

use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::{
    generator::Generator,
    message,
    report::Report,
    server::{Server, Setup, user},
};

/// All that a scenario needs, and where its figures go.
pub(crate) struct Run {
    pub(crate) setup: Setup,
    pub(crate) quick: bool,
    /// How many files a process may open here.
    pub(crate) files: u64,
    pub(crate) report: Report,
}

impl Run {
    /// The length of a window: `whole` seconds, or a short one.
    fn seconds(&self, whole: f64) -> f64 {
        if self.quick { whole.min(1.5) } else { whole }
    }

    /// A number of things: `whole`, or a tenth.
    fn count(&self, whole: usize) -> usize {
        if self.quick { whole / 10 } else { whole }
    }
}

/// A scenario, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Start,
    Connect,
    Hold,
    Fanout,
    Compressed,
    Unicast,
    Publish,
    Audience,
    Resume,
    Slow,
    Jobs,
    Boards,
    Mail,
    Digests,
}

impl Scenario {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 14] = [
        Self::Start,
        Self::Connect,
        Self::Hold,
        Self::Fanout,
        Self::Compressed,
        Self::Unicast,
        Self::Publish,
        Self::Audience,
        Self::Resume,
        Self::Slow,
        Self::Jobs,
        Self::Boards,
        Self::Mail,
        Self::Digests,
    ];

    pub(crate) fn select(names: &[String]) -> anyhow::Result<Vec<Self>> {
        if names.iter().any(|name| name == "all") {
            return Ok(Self::ALL.to_vec());
        }
        names
            .iter()
            .map(|name| {
                Self::ALL.into_iter().find(|scenario| scenario.name() == name).with_context(|| {
                    let known = Self::ALL.map(Self::name).join(", ");
                    format!("no scenario {name:?}: expected all, {known}")
                })
            })
            .collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Connect => "connect",
            Self::Hold => "hold",
            Self::Fanout => "fanout",
            Self::Compressed => "compressed",
            Self::Unicast => "unicast",
            Self::Publish => "publish",
            Self::Audience => "audience",
            Self::Resume => "resume",
            Self::Slow => "slow",
            Self::Jobs => "jobs",
            Self::Boards => "boards",
            Self::Mail => "mail",
            Self::Digests => "digests",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Start => "Start and rest",
            Self::Connect => "10,000 connections",
            Self::Hold => "100,000 connections",
            Self::Fanout => "Fan-out",
            Self::Compressed => "Compressed fan-out",
            Self::Unicast => "One publish, one recipient",
            Self::Publish => "Durable publishes",
            Self::Audience => "A large audience",
            Self::Resume => "Everybody comes back at once",
            Self::Slow => "One slow client among 1,000",
            Self::Jobs => "Jobs",
            Self::Boards => "Boards",
            Self::Mail => "E-mail",
            Self::Digests => "Digests",
        }
    }

    pub(crate) fn run(self, run: &mut Run) -> anyhow::Result<()> {
        match self {
            Self::Start => start::measure(run),
            Self::Connect => connect::measure(run),
            Self::Hold => connect::hold(run),
            Self::Fanout => fanout::measure(run),
            Self::Compressed => fanout::measure_compressed(run),
            Self::Unicast => unicast::measure(run),
            Self::Publish => publish::measure(run),
            Self::Audience => audience::measure(run),
            Self::Resume => resume::measure(run),
            Self::Slow => slow::measure(run),
            Self::Jobs => jobs::measure(run),
            Self::Boards => boards::measure(run),
            Self::Mail => mail::measure(run),
            Self::Digests => digests::measure(run),
        }
    }
}

/// A stamp that every window takes for an earlier one's.
const NO_STAMP: u64 = 1;
/// Longest wait for one answer: an audience of 100,000 takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// Users named in one publish.
const NAMED_AT_ONCE: usize = 1_000;

/// Makes users `bench-0` to `bench-<count>` known, with one item each.
fn make_users(server: &Server, generator: &mut Generator, count: usize) -> anyhow::Result<()> {
    for first in (0..count).step_by(NAMED_AT_ONCE) {
        let users = (first..count.min(first + NAMED_AT_ONCE)).map(user);
        generator.request(&message::notification_for_each(&server.key, users, NO_STAMP), PATIENCE)?;
    }
    Ok(())
}

/// Publishes one notification to everyone, and checks how many that is.
fn publish_to_everyone(
    server: &Server,
    generator: &mut Generator,
    stamp: u64,
    recipients: usize,
) -> anyhow::Result<()> {
    let answer = generator.request(&message::notification(&server.key, "everyone", stamp), PATIENCE)?;
    let expected = format!(r#""recipients":{recipients}"#);
    if !answer.contains(&expected) {
        bail!("expected {expected}, the answer is {answer}");
    }
    Ok(())
}
