//! The dashboard, work on many, and the scheduled tasks.

use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use minijinja::{Value, context, value::Serde};

use super::{key, mendable, refused};
use crate::{
    dashboard::Dashboard,
    people::{Person, Role},
    refusal::Refusal,
    statistics,
    web::{
        Web,
        caller::{SignedForm, Staff},
        fields::Fields,
        problem::PageError,
        templates,
    },
};

/// Bars of the chart are this high, in units of its picture.
const CHART_HEIGHT: u64 = 100;

/// `GET /office`: the board as it is now; the script keeps it current.
pub(super) async fn dashboard(
    State(web): State<Web>,
    Staff { person, csrf }: Staff,
) -> Result<Html<String>, PageError> {
    let board = statistics::board(&web.desk.counts().await?, web.desk.now());
    let mails = web.mails.counts().await?;
    let outbox = web.desk.outbox().await?;
    let content = context! {
        chart => chart(&board),
        board => Serde(board),
        mails => Serde(mails),
        outbox => Serde(outbox),
    };
    Ok(templates::page("dashboard.html", &person, &csrf, content)?)
}

/// The chart's bars with their places: a template does no arithmetic.
fn chart(board: &serde_json::Map<String, serde_json::Value>) -> Vec<Value> {
    let months: &[serde_json::Value] = board["monthly"].as_array().map_or(&[], Vec::as_slice);
    let count = |month: &serde_json::Value, key: &str| month[key].as_u64().unwrap_or(0);
    let most = months.iter().map(|month| count(month, "applications").max(count(month, "approved"))).max();
    let most = most.unwrap_or(0).max(1);
    let height = |count: u64| (count * CHART_HEIGHT).div_ceil(most);
    let bar = |(place, month): (usize, &serde_json::Value)| {
        let (came, approved) = (count(month, "applications"), count(month, "approved"));
        let (came_height, approved_height) = (height(came), height(approved));
        context! {
            month => month["month"].as_str(), label => month["label"].as_str(), came, approved,
            x => place * 40, came_height, approved_height,
            came_y => CHART_HEIGHT - came_height, approved_y => CHART_HEIGHT - approved_height,
        }
    };
    months.iter().enumerate().map(bar).collect()
}

/// `POST /office/refresh`: the refresh button. Asks for the same job as the schedule does.
pub(super) async fn refresh(
    State(web): State<Web>,
    SignedForm { person, .. }: SignedForm,
) -> Result<Response, PageError> {
    crate::access::may_review(&person)?;
    web.oyez.boards().refresh(&Dashboard::board()).await?;
    Ok(Redirect::to("/office").into_response())
}

/// `GET /office/bulk`: announcements and bulk approvals.
pub(super) async fn bulk(
    State(web): State<Web>,
    Staff { person, csrf }: Staff,
) -> Result<Html<String>, PageError> {
    bulk_page(&web, &person, &csrf, None).await
}

async fn bulk_page(
    web: &Web,
    person: &Person,
    csrf: &str,
    refused: Option<(&Refusal, &Fields)>,
) -> Result<Html<String>, PageError> {
    let bulks = web.desk.bulks(person).await?;
    let suppliers = web.desk.counts().await?.suppliers;
    let was = |name: &str| refused.map_or("", |(_, fields)| fields.one(name)).to_owned();
    let content = context! {
        bulks => Serde(&bulks),
        suppliers,
        mails => Serde(web.mails.counts().await?),
        error => refused.map(|(refusal, _)| refusal.to_string()),
        title => was("title"), body => was("body"),
    };
    Ok(templates::page("bulk.html", person, csrf, content)?)
}

/// `POST /office/announcements`.
pub(super) async fn announce(
    State(web): State<Web>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Response, PageError> {
    let (title, body) = (fields.one("title"), fields.one("body"));
    let asked = match key(&fields) {
        Ok(key) => web.desk.announce(&person, title, body, Some(&key)).await,
        Err(refusal) => Err(refusal),
    };
    match asked {
        Ok(id) => Ok(Redirect::to(&format!("/office/bulk#bulk-{id}")).into_response()),
        Err(refusal) if mendable(&refusal) => {
            let page = bulk_page(&web, &person, fields.one("csrf"), Some((&refusal, &fields))).await?;
            Ok(refused(&refusal, page))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// `GET /office/tasks`.
pub(super) async fn tasks(
    State(web): State<Web>,
    Staff { person, csrf }: Staff,
) -> Result<Html<String>, PageError> {
    let tasks = web.tasks.list(&person).await?;
    let content = context! {
        tasks => Serde(&tasks),
        outbox => Serde(web.desk.outbox().await?),
        mails => Serde(web.mails.counts().await?),
        may_steer => person.role == Role::Admin,
    };
    Ok(templates::page("tasks.html", &person, &csrf, content)?)
}

/// `POST /office/tasks/{name}/{run | pause | resume}`.
pub(super) async fn steer(
    State(web): State<Web>,
    Path((name, deed)): Path<(String, String)>,
    SignedForm { person, .. }: SignedForm,
) -> Result<Response, PageError> {
    match deed.as_str() {
        "run" => web.tasks.run_now(&person, &name).await?,
        "pause" => web.tasks.pause(&person, &name, true).await?,
        "resume" => web.tasks.pause(&person, &name, false).await?,
        _ => return Err(Refusal::NotFound("deed").into()),
    }
    Ok(Redirect::to("/office/tasks").into_response())
}
