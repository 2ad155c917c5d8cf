//! `/api/people` and `/api/projects`: kept by admins; clients see the projects they belong to.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;

use super::Body;
use crate::{
    people::{Person, PersonId, Role},
    ticket::{Project, ProjectId},
    web::{Web, caller::ApiCaller, problem::Problem},
};

#[derive(Debug, Deserialize)]
pub(super) struct PeopleQuery {
    role: Option<Role>,
}

/// `GET /api/people?role=developer`.
pub(super) async fn people(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<Vec<Person>>, Problem> {
    Ok(Json(web.desk.people(&person, query.role).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPersonBody {
    email: String,
    name: String,
    password: String,
    roles: Vec<Role>,
}

/// `POST /api/people`.
pub(super) async fn add_person(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Body(body): Body<NewPersonBody>,
) -> Result<(StatusCode, Json<Person>), Problem> {
    let added = web.add_person(&person, &body.email, &body.name, &body.password, &body.roles).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// `GET /api/projects`: all for admins, one's own for others.
pub(super) async fn projects(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
) -> Result<Json<Vec<Project>>, Problem> {
    Ok(Json(web.desk.projects(&person).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProjectBody {
    name: String,
}

/// `POST /api/projects`.
pub(super) async fn add_project(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Body(body): Body<NewProjectBody>,
) -> Result<(StatusCode, Json<Project>), Problem> {
    Ok((StatusCode::CREATED, Json(web.desk.add_project(&person, &body.name).await?)))
}

/// `PUT /api/projects/{id}/members/{person}`.
pub(super) async fn add_member(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path((project, member)): Path<(i64, i64)>,
) -> Result<StatusCode, Problem> {
    web.desk.add_member(&person, ProjectId(project), PersonId(member)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/projects/{id}/members/{person}`.
pub(super) async fn remove_member(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path((project, member)): Path<(i64, i64)>,
) -> Result<StatusCode, Problem> {
    web.desk.remove_member(&person, ProjectId(project), PersonId(member)).await?;
    Ok(StatusCode::NO_CONTENT)
}
