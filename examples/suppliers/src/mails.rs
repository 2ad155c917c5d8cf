//! The mails about applications: their templates, how each stands, and telling open pages when that changes.
//!
//! Oyez queues, sends and tries again; nothing of it is kept here.

use std::collections::BTreeSet;

use oyez::{
    DeliveryFilter, Oyez,
    deliveries::Changes,
    protocol::{
        TemplateName, Timestamp, UserId,
        api::{
            deliveries::{DeliveryState, DeliveryView, Medium},
            publish::{Audiences, EventRequest},
            templates::TemplateRequest,
        },
    },
};
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::{application::ApplicationId, notice, refusal::Refusal, sink::Sink};

/// Mails that an application's page lists.
const MOST_LISTED: u32 = 30;

/// What each type's mail is made of: subject, text, MJML.
const TEMPLATES: [(&str, [&str; 3]); 5] = [
    (
        "application_received",
        [
            include_str!("../templates/email/application_received/subject.txt"),
            include_str!("../templates/email/application_received/text.txt"),
            include_str!("../templates/email/application_received/body.mjml"),
        ],
    ),
    (
        "documents_requested",
        [
            include_str!("../templates/email/documents_requested/subject.txt"),
            include_str!("../templates/email/documents_requested/text.txt"),
            include_str!("../templates/email/documents_requested/body.mjml"),
        ],
    ),
    (
        "status_changed",
        [
            include_str!("../templates/email/status_changed/subject.txt"),
            include_str!("../templates/email/status_changed/text.txt"),
            include_str!("../templates/email/status_changed/body.mjml"),
        ],
    ),
    (
        "application_approved",
        [
            include_str!("../templates/email/application_approved/subject.txt"),
            include_str!("../templates/email/application_approved/text.txt"),
            include_str!("../templates/email/application_approved/body.mjml"),
        ],
    ),
    (
        notice::ANNOUNCEMENT,
        [
            include_str!("../templates/email/announcement/subject.txt"),
            include_str!("../templates/email/announcement/text.txt"),
            include_str!("../templates/email/announcement/body.mjml"),
        ],
    ),
];

/// What is known of mails. Cheap to clone.
#[derive(Clone)]
pub struct Mails {
    oyez: Oyez,
    sink: Sink,
}

/// How many mails stand where.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct MailCounts {
    /// The mail server took them.
    pub sent: u64,
    /// Wait, or are tried again.
    pub on_their_way: u64,
    /// Will not arrive.
    pub failed: u64,
}

/// A mail as the application's page shows it.
#[derive(Debug, Clone, Serialize)]
pub struct MailView {
    /// What it is about, for people.
    pub subject: &'static str,
    /// `queued`, `retrying`, `sent`, `delivered`, `failed`, `bounced` or `skipped`.
    pub state: &'static str,
    /// How many attempts were made.
    pub attempts: u32,
    /// Why the last attempt failed, or why it was not sent.
    pub reason: Option<String>,
    /// When it was planned.
    pub at: Timestamp,
}

impl Mails {
    /// Mails that Oyez sends; those of the demo land in the sink's folder.
    pub fn new(oyez: Oyez, sink: Sink) -> Self {
        Self { oyez, sink }
    }

    /// Gives Oyez the templates. One that it cannot read stops the start, with part and line.
    pub async fn put_templates(&self) -> anyhow::Result<()> {
        for (kind, [subject, text, html]) in TEMPLATES {
            let template = TemplateRequest {
                locale: None,
                subject: Some(subject.trim_end().into()),
                text: Some(text.into()),
                html: Some(html.into()),
            };
            self.oyez.templates().put(&TemplateName::new(kind)?, Medium::Email, template).await?;
        }
        Ok(())
    }

    /// The mails about an application, the newest first.
    pub async fn of(&self, application: ApplicationId) -> Result<Vec<MailView>, Refusal> {
        let user = Some(application.user_id());
        let filter = DeliveryFilter { user, medium: Some(Medium::Email), ..DeliveryFilter::default() };
        let deliveries = self.oyez.deliveries().list(&filter, None, MOST_LISTED).await?;
        Ok(deliveries.iter().map(view).collect())
    }

    /// How many mails stand where.
    pub async fn counts(&self) -> Result<MailCounts, Refusal> {
        let mut counts = MailCounts::default();
        for one in self.oyez.deliveries().counts().await? {
            if one.medium != Medium::Email {
                continue;
            }
            match one.state {
                DeliveryState::Waiting | DeliveryState::Queued | DeliveryState::Retrying => {
                    counts.on_their_way += one.count;
                }
                DeliveryState::Sent | DeliveryState::Delivered => counts.sent += one.count,
                DeliveryState::Failed | DeliveryState::Bounced => counts.failed += one.count,
                DeliveryState::Skipped => {}
            }
        }
        Ok(counts)
    }

    /// Removes old messages of the demo. Returns how many.
    pub async fn clean_up(&self, now: Timestamp) -> anyhow::Result<u64> {
        self.sink.clean_up(now).await
    }

    /// Tells reviewers' open pages of each change until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut changes = self.oyez.deliveries().watch();
        loop {
            let heard = tokio::select! {
                heard = next(&mut changes) => heard,
                () = shutdown.cancelled() => return,
            };
            let Some(heard) = heard else { return };
            if let Err(error) = self.oyez.event(heard).await {
                tracing::warn!(%error, "open pages were not told of a mail");
            }
        }
    }
}

/// What pages are told of the next changes; none when nothing changes any more.
async fn next(changes: &mut Receiver<Changes>) -> Option<EventRequest> {
    let mut applications: BTreeSet<i64> = BTreeSet::new();
    match changes.recv().await {
        Ok(deliveries) => applications.extend(deliveries.iter().filter_map(|one| application(&one.user))),
        // More than we could follow: pages look at all they show.
        Err(RecvError::Lagged(_)) => {}
        Err(RecvError::Closed) => return None,
    }
    Some(EventRequest {
        to: Audiences::One(notice::reviewers()),
        kind: "mail_updated".into(),
        data: json!({"applications": applications}).as_object().cloned(),
    })
}

/// The application whose applicant this user is.
fn application(user: &UserId) -> Option<i64> {
    user.as_str().strip_prefix("supplier-")?.parse().ok()
}

fn view(delivery: &DeliveryView) -> MailView {
    let subject = match delivery.kind.as_deref() {
        Some("application_received") => "Application received",
        Some("documents_requested") => "Documents requested",
        Some("status_changed") => "Status changed",
        Some("application_approved") => "Approved, with credentials",
        Some(notice::ANNOUNCEMENT) => "Announcement",
        _ => "Other",
    };
    let state = match delivery.state {
        // Nothing of ours waits for a time of its own.
        DeliveryState::Waiting => DeliveryState::Queued.as_str(),
        other => other.as_str(),
    };
    let skipped = delivery.reason.map(|reason| format!("not sent: {}", reason.as_str().replace('_', " ")));
    let error = delivery.error.clone().filter(|_| delivery.state != DeliveryState::Sent);
    MailView {
        subject,
        state,
        attempts: delivery.attempt,
        reason: skipped.or(error),
        at: delivery.created_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_mailed_has_its_template() {
        let named: Vec<_> = TEMPLATES.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(named, notice::MAILS);
    }
}
