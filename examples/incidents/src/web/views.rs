//! Tickets and timelines as the API and the pages show them.

use oyez::protocol::Timestamp;
use serde::Serialize;

use crate::{
    desk::Desk,
    life_cycle::{Move, Status},
    people::{Mention, Person},
    ticket::{Category, Entry, Priority, Project, Ticket, TicketId},
};

/// A ticket, with what the person who looks at it may do.
#[derive(Debug, Serialize)]
pub(super) struct TicketView<'a> {
    id: TicketId,
    project: &'a Project,
    title: &'a str,
    description: &'a str,
    priority: Priority,
    priority_display: &'static str,
    category: Category,
    category_display: &'static str,
    status: Status,
    status_display: &'static str,
    created_by: &'a Mention,
    assigned_to: &'a [Mention],
    created_at: Timestamp,
    resolution_due_at: Timestamp,
    is_overdue: bool,
    opened_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    rejection_comment: Option<&'a str>,
    moves: Vec<Move>,
}

impl<'a> TicketView<'a> {
    /// The ticket as this person sees it now.
    pub(super) fn new(ticket: &'a Ticket, person: &Person, now: Timestamp) -> Self {
        let waits = !matches!(ticket.status, Status::Resolved | Status::Closed);
        Self {
            id: ticket.id,
            project: &ticket.project,
            title: &ticket.title,
            description: &ticket.description,
            priority: ticket.priority,
            priority_display: ticket.priority.display(),
            category: ticket.category,
            category_display: ticket.category.display(),
            status: ticket.status,
            status_display: ticket.status.display(),
            created_by: &ticket.created_by,
            assigned_to: &ticket.assigned_to,
            created_at: ticket.created_at,
            resolution_due_at: ticket.resolution_due_at,
            is_overdue: waits && ticket.resolution_due_at < now,
            opened_at: ticket.opened_at,
            started_at: ticket.started_at,
            resolved_at: ticket.resolved_at,
            closed_at: ticket.closed_at,
            rejection_comment: ticket.rejection_comment.as_deref(),
            moves: Desk::moves_for(person, ticket),
        }
    }
}

/// A ticket with its timeline.
#[derive(Debug, Serialize)]
pub(super) struct DetailView<'a> {
    #[serde(flatten)]
    pub(super) ticket: TicketView<'a>,
    pub(super) timeline: &'a [Entry],
}
