//! The seven notifications of a ticket's life: whom each is for, its wording and its fields.
//!
//! Web, mobile and Python clients read these; words and fields are fixed. Pure: a ticket in, a request out.

use oyez::protocol::{
    Audience, RoleName, UserId,
    api::publish::{Audiences, NotificationRequest},
};
use serde_json::{Value, json};

use crate::{
    people::{PersonId, Role},
    ticket::Ticket,
};

/// `ticket_created`, to every admin.
pub fn created(ticket: &Ticket) -> NotificationRequest {
    notice(
        "ticket_created",
        vec![admins()],
        format!("New {} priority ticket created: {}", ticket.priority.display(), ticket.title),
        json!({
            "id": ticket.id,
            "title": ticket.title,
            "priority": ticket.priority.as_str(),
            "priority_display": ticket.priority.display(),
            "category": ticket.category.as_str(),
            "status": ticket.status.as_str(),
            "created_by": ticket.created_by.name,
            "project_name": ticket.project.name,
            "created_at": ticket.created_at,
        }),
    )
}

/// `ticket_opened`, to the creator.
pub fn opened(ticket: &Ticket) -> NotificationRequest {
    notice(
        "ticket_opened",
        vec![user(ticket.created_by.id)],
        format!("Your ticket '{}' has been opened and acknowledged by admin", ticket.title),
        json!({
            "id": ticket.id,
            "title": ticket.title,
            "status": ticket.status.as_str(),
            "status_display": ticket.status.display(),
            "opened_at": ticket.opened_at,
        }),
    )
}

/// `ticket_assigned`, to each developer who was not assigned before.
pub fn assigned(ticket: &Ticket, newly: &[PersonId]) -> NotificationRequest {
    let names: Vec<&str> = ticket.assigned_to.iter().map(|developer| developer.name.as_str()).collect();
    notice(
        "ticket_assigned",
        newly.iter().map(|developer| user(*developer)).collect(),
        format!("You have been assigned to ticket: {}", ticket.title),
        json!({
            "id": ticket.id,
            "title": ticket.title,
            "description": ticket.description,
            "priority": ticket.priority.as_str(),
            "priority_display": ticket.priority.display(),
            "category": ticket.category.as_str(),
            "status": ticket.status.as_str(),
            "assigned_to_names": names,
            "created_by": ticket.created_by.name,
            "project_name": ticket.project.name,
            "resolution_due_at": ticket.resolution_due_at,
        }),
    )
}

/// `work_started`, to the creator.
pub fn started(ticket: &Ticket) -> NotificationRequest {
    notice(
        "work_started",
        vec![user(ticket.created_by.id)],
        format!("Work has started on your ticket: {}", ticket.title),
        json!({
            "id": ticket.id,
            "title": ticket.title,
            "status": ticket.status.as_str(),
            "status_display": ticket.status.display(),
            "started_at": ticket.started_at,
        }),
    )
}

/// `work_finished`, to the creator.
pub fn finished(ticket: &Ticket) -> NotificationRequest {
    notice(
        "work_finished",
        vec![user(ticket.created_by.id)],
        format!("Work completed on your ticket '{}'. Please review and approve.", ticket.title),
        json!({
            "id": ticket.id,
            "title": ticket.title,
            "status": ticket.status.as_str(),
            "status_display": ticket.status.display(),
            "resolved_at": ticket.resolved_at,
        }),
    )
}

/// `ticket_approved`, to admins and assigned developers.
pub fn approved(ticket: &Ticket) -> NotificationRequest {
    notice(
        "ticket_approved",
        admins_and_developers(ticket),
        format!("Ticket '{}' has been approved and closed by client", ticket.title),
        json!({
            "id": ticket.id,
            "title": ticket.title,
            "status": ticket.status.as_str(),
            "status_display": ticket.status.display(),
            "closed_at": ticket.closed_at,
            "created_by": ticket.created_by.name,
        }),
    )
}

/// `ticket_rejected`, to admins and assigned developers.
pub fn rejected(ticket: &Ticket, reason: &str) -> NotificationRequest {
    notice(
        "ticket_rejected",
        admins_and_developers(ticket),
        format!("Ticket '{}' has been rejected by client. Reason: {reason}", ticket.title),
        json!({
            "id": ticket.id,
            "title": ticket.title,
            "status": ticket.status.as_str(),
            "status_display": ticket.status.display(),
            "created_by": ticket.created_by.name,
            "rejection_comment": reason,
        }),
    )
}

/// Oyez's name for a person: the decimal id.
pub fn user_id(person: PersonId) -> UserId {
    UserId::new(&person.to_string()).expect("digits make a valid user id")
}

/// Oyez's name for a role: the same word.
pub fn role_name(role: Role) -> RoleName {
    RoleName::new(role.as_str()).expect("our roles are valid role names")
}

fn user(person: PersonId) -> Audience {
    Audience::User(user_id(person))
}

fn admins() -> Audience {
    Audience::Role(role_name(Role::Admin))
}

// Oyez gives each recipient one item, however many of the audiences they are in: an admin who is also an assigned
// developer hears it once.
fn admins_and_developers(ticket: &Ticket) -> Vec<Audience> {
    let developers = ticket.assigned_to.iter().map(|developer| user(developer.id));
    std::iter::once(admins()).chain(developers).collect()
}

fn notice(kind: &str, to: Vec<Audience>, message: String, ticket: Value) -> NotificationRequest {
    NotificationRequest {
        kind: Some(kind.into()),
        data: Some(serde_json::Map::from_iter([("ticket".to_owned(), ticket)])),
        ..NotificationRequest::new(Audiences::Many(to), message)
    }
}

#[cfg(test)]
pub(crate) mod tests;
