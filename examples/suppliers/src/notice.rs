//! Who is told what: the four notifications for reviewers, and the mails to applicants and suppliers.
//!
//! Pure: an application in, requests out. Clients read the reviewers' frames; their fields are fixed.

use oyez::protocol::{
    Audience, RoleName, Timestamp, TopicName,
    api::publish::{Audiences, EventRequest, NotificationRequest},
};
use serde_json::{Map, Value, json};

use crate::{
    application::Application,
    document::{Document, DocumentKind},
    life_cycle::Status,
};

/// Types that go out by mail at once, with a template each.
pub const MAILS: [&str; 5] =
    ["application_received", "documents_requested", "status_changed", "application_approved", ANNOUNCEMENT];
/// A word to all suppliers.
pub const ANNOUNCEMENT: &str = "announcement";

/// `new_application`, to reviewers.
pub fn new_application(application: &Application) -> NotificationRequest {
    let message =
        format!("New application {} from {}", application.tracking_code, application.form.company_name);
    for_reviewers("new_application", application, message, json!({}))
}

/// `application_updated`, to reviewers.
pub fn application_updated(application: &Application, by: &str, was: Status) -> NotificationRequest {
    let message =
        format!("Application {} is now {}", application.tracking_code, application.status.display());
    let more = json!({"previous_status": was.as_str(), "updated_by": by});
    for_reviewers("application_updated", application, message, more)
}

/// `document_uploaded`, to reviewers.
pub fn document_uploaded(application: &Application, document: &Document) -> NotificationRequest {
    let kind = document.kind.display();
    let message = format!("{kind} uploaded for {}", application.tracking_code);
    for_reviewers("document_uploaded", application, message, json!({"document": of_document(document)}))
}

/// `document_verified`, to reviewers.
pub fn document_verified(application: &Application, document: &Document) -> NotificationRequest {
    let kind = document.kind.display();
    let message = format!("{kind} verified for {}", application.tracking_code);
    for_reviewers("document_verified", application, message, json!({"document": of_document(document)}))
}

/// The same words for those who only watch the dashboard: live, not kept.
pub fn on_the_dashboard(notice: &NotificationRequest) -> EventRequest {
    let topic = TopicName::new("dashboard").expect("a name");
    let mut data = notice.data.clone().unwrap_or_default();
    data.insert("message".into(), notice.message.clone().into());
    EventRequest {
        to: Audiences::One(Audience::Topic(topic)),
        kind: notice.kind.clone().unwrap_or_default(),
        data: Some(data),
    }
}

/// The same words for reviewers whose pages are open, not kept: for work on many, which would fill every bell.
pub fn only_live(notice: &NotificationRequest) -> EventRequest {
    EventRequest { to: notice.to.clone(), ..on_the_dashboard(notice) }
}

/// Tells the applicant's open status page to look again.
pub fn look_again(application: &Application) -> EventRequest {
    EventRequest {
        to: Audiences::One(Audience::User(application.id.user_id())),
        kind: "application_changed".into(),
        data: map(json!({"tracking_code": application.tracking_code})),
    }
}

/// `application_received`, by mail.
pub fn received(application: &Application, office: &str) -> NotificationRequest {
    let message = format!("We have your application {}", application.tracking_code);
    mail("application_received", application, office, message, json!({}))
}

/// `documents_requested`, by mail.
pub fn documents_requested(
    application: &Application,
    office: &str,
    kinds: &[DocumentKind],
    note: Option<&str>,
) -> NotificationRequest {
    let message = format!("We need documents for your application {}", application.tracking_code);
    let documents: Vec<_> = kinds.iter().map(|kind| kind.display()).collect();
    let more = json!({"documents": documents, "note": note.unwrap_or_default()});
    mail("documents_requested", application, office, message, more)
}

/// `status_changed`, by mail: taken up, or rejected with the reason.
pub fn status_changed(application: &Application, office: &str) -> NotificationRequest {
    let (code, status) = (&application.tracking_code, application.status.display());
    let message = format!("Your application {code} is now {status}");
    let reason = application.rejection_reason.as_deref().filter(|_| application.status == Status::Rejected);
    mail("status_changed", application, office, message, json!({"reason": reason.unwrap_or_default()}))
}

/// How somebody signs in for the first time.
#[derive(Clone)]
pub struct FirstLogin {
    /// Opens one login.
    pub temporary_password: String,
    /// Opens none after this.
    pub expires_at: Timestamp,
}

/// `application_approved`, by mail, with what opens the account once. Of no use when that has run out.
pub fn approved(application: &Application, office: &str, first: &FirstLogin) -> NotificationRequest {
    let message = format!("Welcome: your application {} is approved", application.tracking_code);
    let more = json!({
        "login_url": format!("{office}/login"),
        "email": application.form.email,
        "temporary_password": first.temporary_password,
        "valid_until": spelt(first.expires_at),
    });
    let mut request = mail("application_approved", application, office, message, more);
    request.expires_at = Some(first.expires_at);
    request
}

/// A time as mails say it: `2026-12-01 10:30 UTC`.
fn spelt(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

/// `announcement`, by mail, to these suppliers.
pub fn announcement(to: Vec<Audience>, office: &str, title: &str, body: &str) -> NotificationRequest {
    NotificationRequest {
        kind: Some(ANNOUNCEMENT.into()),
        title: Some(title.to_owned()),
        url: Some("/account".into()),
        data: map(json!({"body": body, "office_url": office})),
        media: Some(vec!["email".into()]),
        ..NotificationRequest::new(Audiences::Many(to), title)
    }
}

/// Those who review.
pub fn reviewers() -> Audience {
    Audience::Role(RoleName::new("reviewer").expect("a name"))
}

fn for_reviewers(kind: &str, application: &Application, message: String, more: Value) -> NotificationRequest {
    let mut data = json!({
        "application": {
            "id": application.id,
            "tracking_code": application.tracking_code,
            "company_name": application.form.company_name,
            "category": application.form.category.as_str(),
            "status": application.status.as_str(),
            "status_display": application.status.display(),
            "submitted_at": application.submitted_at,
        }
    });
    if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
        data.extend(more);
    }
    NotificationRequest {
        kind: Some(kind.to_owned()),
        url: Some(format!("/office/applications/{}", application.id)),
        data: map(data),
        // Reviewers are told on their pages; nobody wants a mail for each.
        media: Some(vec![]),
        ..NotificationRequest::new(reviewers(), message)
    }
}

fn of_document(document: &Document) -> Value {
    json!({
        "id": document.id,
        "name": document.name,
        "kind": document.kind.as_str(),
        "kind_display": document.kind.display(),
        "bytes": document.bytes,
        "uploaded_at": document.uploaded_at,
        "verified_at": document.verified_at,
    })
}

fn mail(
    kind: &str,
    application: &Application,
    office: &str,
    message: String,
    more: Value,
) -> NotificationRequest {
    let mut data = json!({
        "tracking_code": application.tracking_code,
        "company_name": application.form.company_name,
        "contact_name": application.form.contact_name,
        "status": application.status.display(),
        "status_url": format!("{office}/status?code={}", application.tracking_code),
    });
    if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
        data.extend(more);
    }
    NotificationRequest {
        kind: Some(kind.to_owned()),
        url: Some(format!("/status/{}", application.tracking_code)),
        data: map(data),
        media: Some(vec!["email".into()]),
        ..NotificationRequest::new(Audience::User(application.id.user_id()), message)
    }
}

fn map(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::tests::application;

    fn data(request: &NotificationRequest) -> Value {
        Value::Object(request.data.clone().unwrap())
    }

    #[test]
    fn reviewers_read_these_fields() {
        let mut application = application();
        let told = new_application(&application);
        assert_eq!(told.message, "New application GCX-2026-000007 from Acme Ltd");
        assert_eq!(told.to.as_slice(), [reviewers()]);
        let fields = json!({"application": {
            "id": 7, "tracking_code": "GCX-2026-000007", "company_name": "Acme Ltd", "category": "GOODS",
            "status": "PENDING_REVIEW", "status_display": "Pending Review", "submitted_at": application.submitted_at,
        }});
        assert_eq!(data(&told), fields);
        application.status = Status::UnderReview;
        let told = application_updated(&application, "Rita", Status::PendingReview);
        assert_eq!(told.message, "Application GCX-2026-000007 is now Under Review");
        assert_eq!(data(&told)["previous_status"], "PENDING_REVIEW");
        assert_eq!(data(&told)["updated_by"], "Rita");
        let event = on_the_dashboard(&told);
        assert_eq!(event.kind, "application_updated");
        assert_eq!(event.data.unwrap()["message"], "Application GCX-2026-000007 is now Under Review");
    }

    #[test]
    fn mails_go_to_the_applicant_alone_and_only_by_mail() {
        let application = application();
        let first = FirstLogin { temporary_password: "T".into(), expires_at: application.submitted_at };
        let office = "http://o.example";
        for request in [
            received(&application, office),
            documents_requested(&application, office, &[DocumentKind::TradeLicence], Some("please")),
            status_changed(&application, office),
            approved(&application, office, &first),
        ] {
            assert!(MAILS.contains(&request.kind.as_deref().unwrap()), "{request:?}");
            assert_eq!(request.to.as_slice(), [Audience::User(application.id.user_id())]);
            assert_eq!(request.media.as_deref(), Some(&["email".to_owned()][..]));
            assert_eq!(data(&request)["status_url"], "http://o.example/status?code=GCX-2026-000007");
        }
    }

    #[test]
    fn a_mail_with_credentials_is_of_no_use_when_they_have_run_out() {
        let application = application();
        let first = FirstLogin { temporary_password: "T".into(), expires_at: application.submitted_at };
        let request = approved(&application, "", &first);
        assert_eq!(request.expires_at, Some(first.expires_at));
    }
}
