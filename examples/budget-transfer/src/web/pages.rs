//! The pages, rendered on the server; the scripts in `static/` only keep them fresh.

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use minijinja::{context, value::Serde};
use oyez::protocol::UserId;
use serde::Deserialize;

use super::{
    Web,
    caller::{Signed, SignedForm},
    fields::Fields,
    problem::{PageError, status},
    templates,
    views::{DetailView, TransferView},
};
use crate::{
    desk::{Finding, PAGE},
    draft::{Typed, TypedLine},
    refusal::Refusal,
    simulator::Fault,
    transfer::TransferId,
};

/// How many rows the form has without a script.
const ROWS: usize = 4;

/// The pages' routes.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/transfers") }))
        .route("/transfers", get(list).post(submit))
        .route("/transfers/new", get(form))
        .route("/transfers/{id}", get(show))
        .route("/transfers/{id}/retry", get(back).post(retry))
        .route("/transfers/{id}/cancel", get(back).post(cancel))
        .route("/transfers/{id}/settle", get(back).post(settle))
        .route("/frames", get(frames))
        .route("/frames/faults", get(|| async { Redirect::to("/frames") }).post(switch))
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    before: Option<i64>,
}

/// `GET /transfers?before=`.
async fn list(
    State(web): State<Web>,
    Signed(owner): Signed,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, PageError> {
    let page = web.desk.list(&owner, query.before.map(TransferId)).await?;
    let full = i64::try_from(page.len()).is_ok_and(|count| count == PAGE);
    let next = page.last().filter(|_| full).map(|overview| overview.transfer.id.0);
    let views: Vec<_> = page.iter().map(TransferView::new).collect();
    Ok(templates::page("transfers.html", &owner, context! { transfers => Serde(&views), next })?)
}

/// `GET /transfers/{id}`.
async fn show(
    State(web): State<Web>,
    Signed(owner): Signed,
    Path(id): Path<i64>,
) -> Result<Html<String>, PageError> {
    detail(&web, &owner, TransferId(id), None).await
}

/// A transfer's page, after a refused form with what was refused.
async fn detail(
    web: &Web,
    owner: &UserId,
    id: TransferId,
    refused: Option<&Refusal>,
) -> Result<Html<String>, PageError> {
    let detail = web.desk.show(owner, id).await?;
    let view = DetailView::new(&detail);
    let error = refused.map(Refusal::to_string);
    Ok(templates::page("transfer.html", owner, context! { transfer => Serde(&view), refused => error })?)
}

/// `GET /transfers/new`.
async fn form(State(web): State<Web>, Signed(owner): Signed) -> Result<Html<String>, PageError> {
    let today = web.desk.now().to_string()[..10].to_owned();
    let typed = Typed { date: today, currency: "USD".into(), ..Typed::default() };
    blank(&web, &owner, &typed, None).await
}

async fn blank(
    web: &Web,
    owner: &UserId,
    typed: &Typed,
    refused: Option<&Refusal>,
) -> Result<Html<String>, PageError> {
    let books = web.desk.books().await?;
    let accounts: Vec<_> = books.accounts.values().collect();
    let mut periods: Vec<_> = books.periods.values().collect();
    periods.sort_by_key(|period| std::cmp::Reverse(period.first));
    let rows = typed.lines.len().max(ROWS);
    let lines: Vec<_> = (0..rows).map(|index| typed.lines.get(index).cloned().unwrap_or_default()).collect();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| {
            let TypedLine { account, debit, credit, description } = line;
            context! { account, debit, credit, description }
        })
        .collect();
    let complaints = match refused {
        Some(Refusal::NotBookable(complaints)) => complaints.clone(),
        Some(other) => vec![other.to_string()],
        None => Vec::new(),
    };
    let Typed { description, period, date, currency, .. } = typed;
    let content = context! {
        accounts => Serde(&accounts), periods => Serde(&periods),
        description, period, date, currency, lines, complaints,
    };
    Ok(templates::page("new.html", owner, content)?)
}

/// `POST /transfers`.
async fn submit(
    State(web): State<Web>,
    SignedForm { owner, fields }: SignedForm,
) -> Result<Response, PageError> {
    let typed = typed(&fields);
    let submitted = match typed.read() {
        Ok(draft) => web.desk.submit(&owner, &draft, Some(fields.one("submission"))).await,
        Err(refusal) => Err(refusal),
    };
    match submitted {
        Ok(transfer) => Ok(Redirect::to(&format!("/transfers/{}", transfer.id)).into_response()),
        Err(refusal @ (Refusal::Invalid { .. } | Refusal::NotBookable(_))) => {
            Ok((status(&refusal), blank(&web, &owner, &typed, Some(&refusal)).await?).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// The form's rows; those that were left empty do not count.
fn typed(fields: &Fields) -> Typed {
    let column = |name| fields.all(name).map(str::to_owned).collect::<Vec<_>>();
    let (accounts, debits) = (column("account"), column("debit"));
    let (credits, descriptions) = (column("credit"), column("line_description"));
    let cell = |column: &[String], row: usize| column.get(row).cloned().unwrap_or_default();
    let lines = (0..accounts.len()).map(|row| TypedLine {
        account: cell(&accounts, row),
        debit: cell(&debits, row),
        credit: cell(&credits, row),
        description: cell(&descriptions, row),
    });
    let is_used = |line: &TypedLine| {
        [&line.account, &line.debit, &line.credit].into_iter().any(|cell| !cell.trim().is_empty())
    };
    Typed {
        description: fields.one("description").into(),
        period: fields.one("period").into(),
        date: fields.one("date").into(),
        currency: fields.one("currency").into(),
        lines: lines.filter(is_used).collect(),
    }
}

/// An address that a transfer's forms are sent to, opened by hand or by going back: leads to the transfer.
async fn back(Path(id): Path<i64>) -> Redirect {
    Redirect::to(&format!("/transfers/{id}"))
}

/// `POST /transfers/{id}/retry`.
async fn retry(
    State(web): State<Web>,
    Path(id): Path<i64>,
    SignedForm { owner, .. }: SignedForm,
) -> Result<Response, PageError> {
    let done = web.desk.retry(&owner, TransferId(id)).await;
    answer(&web, &owner, TransferId(id), done).await
}

/// `POST /transfers/{id}/cancel`.
async fn cancel(
    State(web): State<Web>,
    Path(id): Path<i64>,
    SignedForm { owner, .. }: SignedForm,
) -> Result<Response, PageError> {
    let done = web.desk.cancel(&owner, TransferId(id)).await;
    answer(&web, &owner, TransferId(id), done).await
}

/// `POST /transfers/{id}/settle`: `finding` is `found` (with `number`) or `not_there`.
async fn settle(
    State(web): State<Web>,
    Path(id): Path<i64>,
    SignedForm { owner, fields }: SignedForm,
) -> Result<Response, PageError> {
    let finding = match fields.one("finding") {
        "not_there" => Finding::NotThere,
        _ => Finding::Found(fields.one("number").into()),
    };
    let done = web.desk.settle(&owner, TransferId(id), &finding).await;
    answer(&web, &owner, TransferId(id), done).await
}

/// Back to the transfer, with a sentence about what was refused.
async fn answer(
    web: &Web,
    owner: &UserId,
    id: TransferId,
    done: Result<(), Refusal>,
) -> Result<Response, PageError> {
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/transfers/{id}")).into_response()),
        Err(refusal @ (Refusal::Invalid { .. } | Refusal::Conflict(_))) => {
            Ok((status(&refusal), detail(web, owner, id, Some(&refusal)).await?).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// `GET /frames`: the raw frames as they come, and the simulator's switches.
async fn frames(State(web): State<Web>, Signed(owner): Signed) -> Result<Html<String>, PageError> {
    let simulator = web.simulator.as_ref().map(|simulator| {
        let mut report = simulator.report();
        // The latest calls first, and no more than a page of them.
        if let Some(calls) = report["calls"].as_array_mut() {
            calls.reverse();
            calls.truncate(40);
        }
        report
    });
    Ok(templates::page("frames.html", &owner, context! { simulator => Serde(&simulator) })?)
}

/// `POST /frames/faults`: switches a fault of the simulator on or off.
async fn switch(
    State(web): State<Web>,
    SignedForm { fields, .. }: SignedForm,
) -> Result<Redirect, PageError> {
    let simulator = web.simulator.as_ref().ok_or(Refusal::NotFound("simulator"))?;
    let fault = Fault::parse(fields.one("fault")).ok_or(Refusal::NotFound("fault"))?;
    match fields.one("turn") {
        "once" => simulator.fail(fault, Some(1)),
        "on" => simulator.fail(fault, None),
        _ => simulator.clear(fault),
    }
    Ok(Redirect::to("/frames"))
}
