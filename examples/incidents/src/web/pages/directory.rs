//! Pages for admins: who there is, which projects, and who belongs to them.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use minijinja::{context, value::Serde};

use crate::{
    people::{Person, PersonId, Role},
    refusal::Refusal,
    ticket::ProjectId,
    web::{
        Web,
        caller::{Signed, SignedForm},
        fields::Fields,
        problem::PageError,
        templates::Templates,
    },
};

/// `GET /people`.
pub(super) async fn people(
    State(web): State<Web>,
    Signed { person, csrf }: Signed,
) -> Result<Html<String>, PageError> {
    people_page(&web, &person, &csrf, None).await
}

async fn people_page(
    web: &Web,
    person: &Person,
    csrf: &str,
    refused: Option<(&Refusal, &Fields)>,
) -> Result<Html<String>, PageError> {
    let people = web.desk.people(person, None).await?;
    let was = |name: &str| refused.map_or("", |(_, fields)| fields.one(name)).to_owned();
    let content = context! {
        people => Serde(people),
        all_roles => Role::ALL.map(Role::as_str),
        error => refused.map(|(refusal, _)| refusal.to_string()),
        name => was("name"), email => was("email"),
    };
    Ok(Templates.page("people.html", person, csrf, content)?)
}

/// `POST /people`.
pub(super) async fn add_person(
    State(web): State<Web>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Response, PageError> {
    let roles: Vec<Role> = fields.all("role").filter_map(Role::parse).collect();
    let (email, name, password) = (fields.one("email"), fields.one("name"), fields.one("password"));
    match web.add_person(&person, email, name, password, &roles).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(refusal @ (Refusal::Invalid { .. } | Refusal::Conflict(_))) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::CONFLICT);
            let page = people_page(&web, &person, fields.one("csrf"), Some((&refusal, &fields))).await?;
            Ok((status, page).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// `GET /projects`.
pub(super) async fn projects(
    State(web): State<Web>,
    Signed { person, csrf }: Signed,
) -> Result<Html<String>, PageError> {
    let clients = web.desk.people(&person, Some(Role::Client)).await?;
    let projects: Vec<_> = web
        .desk
        .members(&person)
        .await?
        .into_iter()
        .map(|(project, members)| {
            let belongs = |client: &&Person| members.iter().any(|member| member.id == client.id);
            let others: Vec<&Person> = clients.iter().filter(|client| !belongs(client)).collect();
            context! {
                id => project.id.0,
                name => project.name,
                others => Serde(&others),
                members => Serde(&members),
            }
        })
        .collect();
    Ok(Templates.page("projects.html", &person, &csrf, context! { projects })?)
}

/// `POST /projects`.
pub(super) async fn add_project(
    State(web): State<Web>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Redirect, PageError> {
    web.desk.add_project(&person, fields.one("name")).await?;
    Ok(Redirect::to("/projects"))
}

/// `POST /projects/{id}/members`: `add` or `remove` names a person.
pub(super) async fn change_members(
    State(web): State<Web>,
    Path(project): Path<i64>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Redirect, PageError> {
    let id = |name: &str| fields.one(name).parse().ok().map(PersonId);
    if let Some(member) = id("add") {
        web.desk.add_member(&person, ProjectId(project), member).await?;
    }
    if let Some(member) = id("remove") {
        web.desk.remove_member(&person, ProjectId(project), member).await?;
    }
    Ok(Redirect::to("/projects"))
}
