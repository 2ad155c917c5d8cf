//! The use cases: report, move, comment, read. Each decides with the pure modules, then writes the change and the
//! notifications it calls for in one transaction.
//!
//! It never talks to Oyez: the outbox row is the promise, `relay` keeps it.

mod directory;

use std::sync::Arc;

use oyez::protocol::{Timestamp, api::publish::NotificationRequest};
use oyez_core::clock::Clock;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;
use tokio::sync::Notify;

use crate::{
    access,
    database::{
        Database, outbox, people, projects,
        tickets::{self, NewTicket, TicketFilter},
    },
    life_cycle::{Move, Standing, Status},
    login, notice,
    people::{Mention, Person, PersonId, Role},
    refusal::{self, Refusal},
    ticket::{Category, Entry, Priority, ProjectId, Ticket, TicketId},
};

/// The application's use cases. Clones share the database.
#[derive(Debug, Clone)]
pub struct Desk {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    /// Rung after each commit that left something in the outbox.
    pub(crate) promised: Arc<Notify>,
}

/// What a client reports.
#[derive(Debug, Clone)]
pub struct Report {
    /// Where it happened.
    pub project: ProjectId,
    /// One line.
    pub title: String,
    /// The whole story.
    pub description: String,
    /// How much it hurts.
    pub priority: Priority,
    /// What kind of trouble.
    pub category: Category,
}

/// A move with what it needs.
#[derive(Debug, Clone)]
pub enum Step {
    /// Acknowledge.
    Open,
    /// Say who works on it; replaces who did.
    Assign(Vec<PersonId>),
    /// Begin.
    Start,
    /// Be done.
    Finish,
    /// Accept.
    Approve,
    /// Send back, with the reason.
    Reject(String),
}

impl Step {
    fn name(&self) -> Move {
        match self {
            Self::Open => Move::Open,
            Self::Assign(_) => Move::Assign,
            Self::Start => Move::Start,
            Self::Finish => Move::Finish,
            Self::Approve => Move::Approve,
            Self::Reject(_) => Move::Reject,
        }
    }
}

/// The caller's name for one submission; the same name again does nothing and answers the same.
#[derive(Debug, Clone)]
pub struct SubmissionKey(String);

impl SubmissionKey {
    /// Takes a key of 1 to 128 characters.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        refusal::line("Idempotency-Key", text, 128).map(Self)
    }
}

impl Desk {
    /// A desk on this database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, promised: Arc::default() }
    }

    /// Writes a new ticket and tells the admins.
    pub async fn report(
        &self,
        person: &Person,
        report: &Report,
        key: Option<&SubmissionKey>,
    ) -> Result<Ticket, Refusal> {
        let now = self.clock.now();
        let title = refusal::line("title", &report.title, 200)?;
        let description = refusal::text("description", &report.description, 10_000)?;
        let mut tx = self.database.write().await?;
        let seen = Seen::check(&mut tx, person, key, &format!("report {report:?}")).await?;
        if let Seen::Before(ticket) = seen {
            return find(&mut tx, ticket).await;
        }
        let project = projects::get(&mut tx, report.project).await?.ok_or(Refusal::NotFound("project"))?;
        access::may_report(person, projects::is_member(&mut tx, project.id, person.id).await?)?;
        let new = NewTicket {
            project: project.id,
            title: &title,
            description: &description,
            priority: report.priority,
            category: report.category,
            created_by: person.id,
            watch_topic: &format!("ticket-{}", login::secret()),
        };
        let id = tickets::insert(&mut tx, &new, now).await?;
        let ticket = find(&mut tx, id).await?;
        tickets::add_entry(&mut tx, id, person.id, "created", "", now).await?;
        outbox::insert(&mut tx, &notice::created(&ticket), now).await?;
        seen.remember(&mut tx, person, id, now).await?;
        tx.commit().await?;
        self.promised.notify_one();
        Ok(ticket)
    }

    /// Makes a move and tells those it concerns.
    pub async fn step(
        &self,
        person: &Person,
        id: TicketId,
        step: &Step,
        key: Option<&SubmissionKey>,
    ) -> Result<Ticket, Refusal> {
        let now = self.clock.now();
        let mut tx = self.database.write().await?;
        let seen = Seen::check(&mut tx, person, key, &format!("step {id} {step:?}")).await?;
        if let Seen::Before(ticket) = seen {
            return find(&mut tx, ticket).await;
        }
        let mut ticket = find(&mut tx, id).await?;
        access::may_move(person, &ticket, step.name())?;
        let standing = Standing { status: ticket.status, assigned: !ticket.assigned_to.is_empty() };
        ticket.status = standing.after(step.name())?.status;
        let (entry, said, told) = match step {
            Step::Open => {
                ticket.opened_at = Some(now);
                ("opened", String::new(), Some(notice::opened(&ticket)))
            }
            Step::Assign(ids) => {
                let told = assign(&mut tx, &mut ticket, ids).await?;
                let names: Vec<_> = ticket.assigned_to.iter().map(|one| one.name.as_str()).collect();
                ("assigned", names.join(", "), told)
            }
            Step::Start => {
                ticket.started_at = Some(now);
                ("started", String::new(), Some(notice::started(&ticket)))
            }
            Step::Finish => {
                ticket.resolved_at = Some(now);
                ("finished", String::new(), Some(notice::finished(&ticket)))
            }
            Step::Approve => {
                ticket.closed_at = Some(now);
                ("approved", String::new(), Some(notice::approved(&ticket)))
            }
            Step::Reject(reason) => {
                let reason = refusal::text("reason", reason, 2_000)?;
                ticket.rejection_comment = Some(reason.clone());
                ticket.resolved_at = None;
                let told = notice::rejected(&ticket, &reason);
                ("rejected", reason, Some(told))
            }
        };
        tickets::update(&mut tx, &ticket).await?;
        tickets::add_entry(&mut tx, id, person.id, entry, &said, now).await?;
        if let Some(told) = told {
            outbox::insert(&mut tx, &told, now).await?;
        }
        seen.remember(&mut tx, person, id, now).await?;
        tx.commit().await?;
        self.promised.notify_one();
        Ok(ticket)
    }

    /// Says something about a ticket.
    pub async fn comment(
        &self,
        person: &Person,
        id: TicketId,
        body: &str,
        key: Option<&SubmissionKey>,
    ) -> Result<Ticket, Refusal> {
        let now = self.clock.now();
        let body = refusal::text("body", body, 4_000)?;
        let mut tx = self.database.write().await?;
        let seen = Seen::check(&mut tx, person, key, &format!("comment {id} {body}")).await?;
        let ticket = find(&mut tx, id).await?;
        if let Seen::Before(_) = seen {
            return Ok(ticket);
        }
        access::may_see(person, &ticket)?;
        tickets::add_entry(&mut tx, id, person.id, "commented", &body, now).await?;
        seen.remember(&mut tx, person, id, now).await?;
        tx.commit().await?;
        Ok(ticket)
    }

    /// A ticket and its timeline, for somebody it concerns.
    pub async fn ticket(&self, person: &Person, id: TicketId) -> Result<(Ticket, Vec<Entry>), Refusal> {
        let mut connection = self.database.pool().acquire().await?;
        let ticket = find(&mut connection, id).await?;
        access::may_see(person, &ticket)?;
        let entries = tickets::entries(&mut connection, id).await?;
        Ok((ticket, entries))
    }

    /// Which tickets a person may see, the newest first.
    pub fn visible_to(person: &Person) -> TicketFilter {
        TicketFilter {
            of: (!person.is(Role::Admin)).then_some(person.id),
            worked_on: person.is(Role::Developer),
            status: None,
            before: None,
            limit: 50,
        }
    }

    /// The moves this person can make with this ticket now.
    pub fn moves_for(person: &Person, ticket: &Ticket) -> Vec<Move> {
        let standing = Standing { status: ticket.status, assigned: !ticket.assigned_to.is_empty() };
        let mut moves = standing.possible();
        moves.retain(|step| access::may_move(person, ticket, *step).is_ok());
        moves
    }

    /// Forgets submissions that nobody will repeat any more.
    pub async fn purge(&self) -> Result<(), Refusal> {
        const DAY_SECONDS: i64 = 24 * 3600;
        let until = self.clock.now().plus_seconds(-DAY_SECONDS);
        Ok(tickets::purge_submissions(self.database.pool(), until).await?)
    }

    /// How many of the tickets a person may see stand where, in life order.
    pub async fn counts(&self, person: &Person) -> Result<Vec<(Status, i64)>, Refusal> {
        let counts = tickets::count_by_status(self.database.pool(), Self::visible_to(person)).await?;
        Ok(Status::ALL
            .into_iter()
            .map(|status| (status, counts.get(&status).copied().unwrap_or(0)))
            .collect())
    }
}

async fn find(connection: &mut SqliteConnection, id: TicketId) -> Result<Ticket, Refusal> {
    tickets::get(connection, id).await?.ok_or(Refusal::NotFound("ticket"))
}

/// Replaces the ticket's developers; answers what those who are new to it are told.
async fn assign(
    tx: &mut SqliteConnection,
    ticket: &mut Ticket,
    ids: &[PersonId],
) -> Result<Option<NotificationRequest>, Refusal> {
    let invalid = |message: String| Refusal::Invalid { field: "developer_ids", message };
    let mut developers: Vec<Mention> = Vec::new();
    for id in ids {
        let person = people::get(tx, *id).await?.filter(|person| person.is(Role::Developer));
        let person = person.ok_or_else(|| invalid(format!("{id} is not a developer")))?;
        if !developers.iter().any(|known| known.id == person.id) {
            developers.push(Mention { id: person.id, name: person.name });
        }
    }
    if developers.is_empty() || developers.len() > 20 {
        return Err(invalid("expected 1 to 20 developers".into()));
    }
    let newly: Vec<PersonId> =
        developers.iter().map(|one| one.id).filter(|id| !ticket.is_assigned_to(*id)).collect();
    tickets::set_developers(tx, ticket.id, &developers).await?;
    ticket.assigned_to = developers;
    Ok((!newly.is_empty()).then(|| notice::assigned(ticket, &newly)))
}

/// What is known of a submission key.
enum Seen {
    /// It was carried out and touched this ticket.
    Before(TicketId),
    /// It is new; remember it with this fingerprint.
    Never { key: String, fingerprint: [u8; 32] },
    /// The caller gave none.
    Unnamed,
}

impl Seen {
    async fn check(
        tx: &mut SqliteConnection,
        person: &Person,
        key: Option<&SubmissionKey>,
        what: &str,
    ) -> Result<Self, Refusal> {
        let Some(SubmissionKey(key)) = key else { return Ok(Self::Unnamed) };
        let fingerprint: [u8; 32] = Sha256::digest(what.as_bytes()).into();
        match tickets::find_submission(tx, person.id, key).await? {
            Some((known, ticket)) if known == fingerprint => Ok(Self::Before(ticket)),
            Some(_) => Err(Refusal::KeyReused),
            None => Ok(Self::Never { key: key.clone(), fingerprint }),
        }
    }

    async fn remember(
        &self,
        tx: &mut SqliteConnection,
        person: &Person,
        ticket: TicketId,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        match self {
            Self::Never { key, fingerprint } => {
                tickets::add_submission(tx, person.id, key, fingerprint, ticket, now).await
            }
            Self::Before(_) | Self::Unnamed => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
