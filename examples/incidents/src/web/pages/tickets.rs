//! Pages of tickets: the list, one ticket with its timeline, the report form, and the forms' posts.

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use minijinja::{Value, context, value::Serde};
use serde::Deserialize;

use crate::{
    desk::{Desk, Report, Step, SubmissionKey},
    life_cycle::Status,
    people::{Person, PersonId, Role},
    refusal::Refusal,
    ticket::{Category, Priority, ProjectId, TicketId},
    web::{
        Web,
        caller::{Signed, SignedForm},
        fields::Fields,
        problem::PageError,
        templates::Templates,
        views::{DetailView, TicketView},
        watch,
    },
};

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    status: String,
    before: Option<i64>,
}

/// `GET /tickets?status=&before=`.
pub(super) async fn list(
    State(web): State<Web>,
    Signed { person, csrf }: Signed,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, PageError> {
    let status = Status::parse(&query.status);
    let filter = crate::database::tickets::TicketFilter {
        status,
        before: query.before.map(TicketId),
        ..Desk::visible_to(&person)
    };
    let tickets = web.desk.tickets(filter).await?;
    let counts = web.desk.counts(&person).await?;
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    let counts: Vec<Value> = counts
        .into_iter()
        .map(|(one, count)| context! { status => one.as_str(), display => one.display(), count })
        .collect();
    let now = web.desk.now();
    let next = tickets.last().filter(|_| tickets.len() == 50).map(|ticket| ticket.id.0);
    let views: Vec<_> = tickets.iter().map(|ticket| TicketView::new(ticket, &person, now)).collect();
    let content = context! {
        tickets => Serde(&views),
        counts, total, next,
        status => status.map(Status::as_str),
    };
    Ok(Templates.page("tickets.html", &person, &csrf, content)?)
}

/// `GET /tickets/{id}`.
pub(super) async fn show(
    State(web): State<Web>,
    Signed { person, csrf }: Signed,
    Path(id): Path<i64>,
) -> Result<Html<String>, PageError> {
    detail(&web, &person, &csrf, TicketId(id), None).await
}

/// A ticket's page, after a refused form with what was refused.
async fn detail(
    web: &Web,
    person: &Person,
    csrf: &str,
    id: TicketId,
    refused: Option<(&Refusal, &Fields)>,
) -> Result<Html<String>, PageError> {
    let (ticket, timeline) = web.desk.ticket(person, id).await?;
    let developers =
        if person.is(Role::Admin) { web.desk.people(person, Some(Role::Developer)).await? } else { vec![] };
    let view = DetailView { ticket: TicketView::new(&ticket, person, web.desk.now()), timeline: &timeline };
    let content = context! {
        ticket => Serde(&view),
        watch => ticket.watch_topic,
        stages => Status::ALL.map(|one| (one.as_str(), one.display())),
        assigned_ids => ticket.assigned_to.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        developers => Serde(developers),
        error => refused.map(|(refusal, _)| refusal.to_string()),
        // What was typed is not lost when a form is refused.
        draft => refused.map_or("", |(_, fields)| fields.one("body")),
        reason => refused.map_or("", |(_, fields)| fields.one("reason")),
    };
    Ok(Templates.page("ticket.html", person, csrf, content)?)
}

/// `GET /tickets/new`.
pub(super) async fn report_form(
    State(web): State<Web>,
    Signed { person, csrf }: Signed,
) -> Result<Html<String>, PageError> {
    blank(&web, &person, &csrf, None).await
}

async fn blank(
    web: &Web,
    person: &Person,
    csrf: &str,
    refused: Option<(&Refusal, &Fields)>,
) -> Result<Html<String>, PageError> {
    let projects = web.desk.own_projects(person).await?;
    let was = |name: &str| refused.map_or("", |(_, fields)| fields.one(name)).to_owned();
    let content = context! {
        projects => Serde(projects),
        error => refused.map(|(refusal, _)| refusal.to_string()),
        title => was("title"), description => was("description"),
        project => was("project"), priority => was("priority"), category => was("category"),
    };
    Ok(Templates.page("report.html", person, csrf, content)?)
}

/// The form's own name: sent twice, it is carried out once.
fn key(fields: &Fields) -> Result<SubmissionKey, Refusal> {
    SubmissionKey::new(fields.one("submission"))
}

/// `POST /tickets`.
pub(super) async fn report(
    State(web): State<Web>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Response, PageError> {
    let invalid = |field| Refusal::Invalid { field, message: "choose one of the list".into() };
    let read = || -> Result<(Report, SubmissionKey), Refusal> {
        let report = Report {
            project: ProjectId(fields.one("project").parse().map_err(|_| invalid("project"))?),
            title: fields.one("title").into(),
            description: fields.one("description").into(),
            priority: Priority::parse(fields.one("priority")).ok_or_else(|| invalid("priority"))?,
            category: Category::parse(fields.one("category")).ok_or_else(|| invalid("category"))?,
        };
        Ok((report, key(&fields)?))
    };
    let reported = match read() {
        Ok((report, key)) => web.desk.report(&person, &report, Some(&key)).await,
        Err(refusal) => Err(refusal),
    };
    match reported {
        Ok(ticket) => Ok(Redirect::to(&format!("/tickets/{}", ticket.id)).into_response()),
        Err(refusal @ Refusal::Invalid { .. }) => {
            let page = blank(&web, &person, fields.one("csrf"), Some((&refusal, &fields))).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// The ticket that an address names, whatever stands behind it.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    id: i64,
}

/// `GET` on an address that a ticket's forms are sent to, opened by hand or by going back: leads to the ticket.
pub(super) async fn back(Path(Named { id }): Path<Named>) -> Redirect {
    Redirect::to(&format!("/tickets/{id}"))
}

/// `POST /tickets/{id}/comments`.
pub(super) async fn comment(
    State(web): State<Web>,
    Path(id): Path<i64>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Response, PageError> {
    let key = key(&fields)?;
    let done = web.desk.comment(&person, TicketId(id), fields.one("body"), Some(&key)).await;
    answer(&web, &person, &fields, TicketId(id), done).await
}

/// `POST /tickets/{id}/{open | assign | start | finish | approve | reject}`.
pub(super) async fn step(
    State(web): State<Web>,
    Path((id, step)): Path<(i64, String)>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Response, PageError> {
    let step = match step.as_str() {
        "open" => Step::Open,
        "assign" => {
            Step::Assign(fields.all("developer").filter_map(|id| id.parse().ok()).map(PersonId).collect())
        }
        "start" => Step::Start,
        "finish" => Step::Finish,
        "approve" => Step::Approve,
        "reject" => Step::Reject(fields.one("reason").into()),
        _ => return Err(Refusal::NotFound("move").into()),
    };
    let key = key(&fields)?;
    let done = web.desk.step(&person, TicketId(id), &step, Some(&key)).await;
    answer(&web, &person, &fields, TicketId(id), done).await
}

/// Back to the ticket, with a sentence about what was refused.
async fn answer(
    web: &Web,
    person: &Person,
    fields: &Fields,
    id: TicketId,
    done: Result<crate::ticket::Ticket, Refusal>,
) -> Result<Response, PageError> {
    match done {
        Ok(ticket) => {
            watch::changed(web, &ticket).await;
            Ok(Redirect::to(&format!("/tickets/{}", ticket.id)).into_response())
        }
        Err(refusal @ (Refusal::Invalid { .. } | Refusal::WrongMove(_))) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::CONFLICT);
            let page = detail(web, person, fields.one("csrf"), id, Some((&refusal, fields))).await?;
            Ok((status, page).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}
