//! Word for word what existing clients read.

use super::*;
use crate::{
    life_cycle::Status,
    people::{Mention, Person},
    ticket::{Category, Priority, Project, ProjectId, TicketId},
};
use oyez::protocol::Timestamp;

pub(crate) fn person(id: i64, roles: &[Role]) -> Person {
    Person {
        id: PersonId(id),
        email: format!("p{id}@x.example"),
        name: format!("P{id}"),
        roles: roles.to_vec(),
    }
}

/// Ticket 41 "T" of person 3, assigned to person 2, resolved.
pub(crate) fn ticket() -> Ticket {
    let at = |seconds| Timestamp::from_millis(1_790_000_000_000).plus_seconds(seconds);
    Ticket {
        id: TicketId(41),
        project: Project { id: ProjectId(1), name: "Shop".into() },
        title: "T".into(),
        description: "D".into(),
        priority: Priority::High,
        category: Category::Bug,
        status: Status::Resolved,
        created_by: Mention { id: PersonId(3), name: "Carla".into() },
        assigned_to: vec![Mention { id: PersonId(2), name: "Dev".into() }],
        created_at: at(0),
        resolution_due_at: Priority::High.resolution_due_at(at(0)),
        opened_at: Some(at(10)),
        started_at: Some(at(20)),
        resolved_at: Some(at(30)),
        closed_at: None,
        rejection_comment: None,
        watch_topic: "ticket-x".into(),
    }
}

fn parts(request: NotificationRequest) -> (Vec<String>, String, String, Value) {
    let to = request.to.as_slice().iter().map(ToString::to_string).collect();
    let mut data = request.data.unwrap();
    assert_eq!(data.len(), 1, "only `ticket` stands beside the envelope");
    (to, request.kind.unwrap(), request.message, data.remove("ticket").unwrap())
}

#[test]
fn a_new_ticket_is_told_to_admins() {
    let ticket = Ticket { status: Status::New, ..ticket() };
    let (to, kind, message, fields) = parts(created(&ticket));
    assert_eq!((to, kind.as_str()), (vec!["role:admin".to_owned()], "ticket_created"));
    assert_eq!(message, "New High priority ticket created: T");
    assert_eq!(
        fields,
        json!({"id": 41, "title": "T", "priority": "HIGH", "priority_display": "High", "category": "BUG",
               "status": "NEW", "created_by": "Carla", "project_name": "Shop",
               "created_at": ticket.created_at.to_string()})
    );
}

#[test]
fn the_creator_hears_of_opening_and_work() {
    let opened_ticket = Ticket { status: Status::Opened, ..ticket() };
    let (to, kind, message, fields) = parts(opened(&opened_ticket));
    assert_eq!((to, kind.as_str()), (vec!["user:3".to_owned()], "ticket_opened"));
    assert_eq!(message, "Your ticket 'T' has been opened and acknowledged by admin");
    assert_eq!(
        fields,
        json!({"id": 41, "title": "T", "status": "OPENED", "status_display": "Opened",
               "opened_at": opened_ticket.opened_at})
    );

    let working = Ticket { status: Status::InProgress, ..ticket() };
    let (to, kind, message, fields) = parts(started(&working));
    assert_eq!((to, kind.as_str()), (vec!["user:3".to_owned()], "work_started"));
    assert_eq!(message, "Work has started on your ticket: T");
    assert_eq!(
        fields,
        json!({"id": 41, "title": "T", "status": "IN_PROGRESS", "status_display": "In Progress",
               "started_at": working.started_at})
    );

    let (to, kind, message, fields) = parts(finished(&ticket()));
    assert_eq!((to, kind.as_str()), (vec!["user:3".to_owned()], "work_finished"));
    assert_eq!(message, "Work completed on your ticket 'T'. Please review and approve.");
    assert_eq!(
        fields,
        json!({"id": 41, "title": "T", "status": "RESOLVED", "status_display": "Resolved",
               "resolved_at": ticket().resolved_at})
    );
}

#[test]
fn an_assignment_is_told_to_the_new_developers_only() {
    let mut ticket = Ticket { status: Status::Opened, ..ticket() };
    ticket.assigned_to.push(Mention { id: PersonId(5), name: "Eve".into() });
    let (to, kind, message, fields) = parts(assigned(&ticket, &[PersonId(5)]));
    assert_eq!((to, kind.as_str()), (vec!["user:5".to_owned()], "ticket_assigned"));
    assert_eq!(message, "You have been assigned to ticket: T");
    assert_eq!(
        fields,
        json!({"id": 41, "title": "T", "description": "D", "priority": "HIGH", "priority_display": "High",
               "category": "BUG", "status": "OPENED", "assigned_to_names": ["Dev", "Eve"],
               "created_by": "Carla", "project_name": "Shop",
               "resolution_due_at": ticket.resolution_due_at})
    );
}

#[test]
fn the_verdict_is_told_to_admins_and_developers() {
    let closed = Ticket { status: Status::Closed, closed_at: Some(ticket().created_at), ..ticket() };
    let (to, kind, message, fields) = parts(approved(&closed));
    assert_eq!((to, kind.as_str()), (vec!["role:admin".to_owned(), "user:2".to_owned()], "ticket_approved"));
    assert_eq!(message, "Ticket 'T' has been approved and closed by client");
    assert_eq!(
        fields,
        json!({"id": 41, "title": "T", "status": "CLOSED", "status_display": "Closed",
               "closed_at": closed.closed_at, "created_by": "Carla"})
    );

    let back = Ticket { status: Status::InProgress, ..ticket() };
    let (to, kind, message, fields) = parts(rejected(&back, "R"));
    assert_eq!((to, kind.as_str()), (vec!["role:admin".to_owned(), "user:2".to_owned()], "ticket_rejected"));
    assert_eq!(message, "Ticket 'T' has been rejected by client. Reason: R");
    assert_eq!(
        fields,
        json!({"id": 41, "title": "T", "status": "IN_PROGRESS", "status_display": "In Progress",
               "created_by": "Carla", "rejection_comment": "R"})
    );
}
