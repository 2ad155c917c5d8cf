//! The list of applications with its filters, and bulk approval from it.

use axum::{
    extract::{Query, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use minijinja::{Value, context, value::Serde};
use serde::Deserialize;

use super::key;
use crate::{
    application::{ApplicationId, Category},
    database::applications::Filter,
    desk::Chosen,
    life_cycle::Status,
    people::Role,
    web::{
        Web,
        caller::{self, SignedForm, Staff},
        problem::PageError,
        templates,
        views::ApplicationView,
    },
};

/// How a list is asked for; words that are unknown let everything through.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ListQuery {
    status: String,
    category: String,
    q: String,
    page: Option<i64>,
}

impl ListQuery {
    /// The filter, and the number of the page.
    pub(in crate::web) fn read(&self) -> (Filter, i64) {
        let filter = Filter {
            status: Status::parse(&self.status),
            category: Category::parse(&self.category),
            text: Some(self.q.trim().chars().take(100).collect()),
        };
        (filter, self.page.unwrap_or(1))
    }
}

/// `GET /office/applications?status=&category=&q=&page=`.
pub(super) async fn list(
    State(web): State<Web>,
    Staff { person, csrf }: Staff,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, PageError> {
    let (filter, number) = query.read();
    let page = web.desk.list(&person, &filter, number).await?;
    let all: i64 = page.counts.iter().map(|(_, count)| count).sum();
    let counts: Vec<Value> = page
        .counts
        .iter()
        .map(|(status, count)| context! { status => status.as_str(), display => status.display(), count })
        .collect();
    let under_review = page.counts.iter().find(|(status, _)| *status == Status::UnderReview);
    let views: Vec<_> = page.applications.iter().map(ApplicationView::new).collect();
    let content = context! {
        applications => Serde(&views),
        counts, all,
        total => page.total, number => page.number, pages => page.pages,
        status => filter.status.map(Status::as_str),
        category => filter.category.map(Category::as_str),
        encoded => caller::form_encode(&query.q),
        q => filter.text,
        under_review => under_review.map_or(0, |(_, count)| *count),
        may_bulk => person.role == Role::Admin,
    };
    Ok(templates::page("applications.html", &person, &csrf, content)?)
}

/// `POST /office/applications/approve`: those that are ticked, or all under review that the filter lets through.
pub(super) async fn approve(
    State(web): State<Web>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Response, PageError> {
    let chosen = if fields.one("all") == "yes" {
        let query = ListQuery {
            category: fields.one("category").into(),
            q: fields.one("q").into(),
            ..ListQuery::default()
        };
        Chosen::Matching(query.read().0)
    } else {
        Chosen::These(fields.all("application").filter_map(|id| id.parse().ok()).map(ApplicationId).collect())
    };
    let id = web.desk.bulk_approve(&person, &chosen, Some(&key(&fields)?)).await?;
    Ok(Redirect::to(&format!("/office/bulk#bulk-{id}")).into_response())
}
