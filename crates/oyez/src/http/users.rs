//! `/api/v1/users`: the application says who its users are.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    ErrorCode, RoleName, UserId,
    api::{
        session::Ticket,
        users::{MAX_USERS, User, UserRequest, UsersRequest},
    },
};
use oyez_store::{UserFilter, UserProfile};
use serde::Deserialize;

use super::{
    Http,
    access::Caller,
    body::{Json, Query, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    paging::{self, page},
    refusal::{Answer, Refusal},
};
use crate::auth::{Scope, Secret};

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let users = Access::Scope(Scope::Users);
    table
        .add(
            Endpoint::put("/api/v1/users/{id}", "users", "Make or change a user")
                .describe(
                    "What is absent stays, an empty text clears. `roles` replaces the roles the application set \
                     before; live connections follow at once.",
                )
                .access(users)
                .body::<UserRequest>()
                .answers::<User>(200, "The user as it is now."),
            put_user,
        )
        .add(
            Endpoint::put("/api/v1/users", "users", "Make or change up to 1,000 users")
                .describe("All or none.")
                .access(users)
                .body::<UsersRequest>()
                .answers_page::<User>("The users as they are now, in the order given."),
            put_users,
        )
        .add(
            Endpoint::get("/api/v1/users", "users", "List users")
                .access(users)
                .query("role", "Only holders of this role.")
                .query("disabled", "`true` or `false`.")
                .query("search", "Only users whose id, name or e-mail contains this.")
                .paged()
                .answers_page::<User>("Users by id."),
            list_users,
        )
        .add(
            Endpoint::get("/api/v1/users/{id}", "users", "Read a user")
                .describe("Users may read themselves.")
                .access(users)
                .answers::<User>(200, "The user."),
            get_user,
        )
        .add(
            Endpoint::delete("/api/v1/users/{id}", "users", "Erase a user")
                .describe("Removes all that is known of them, inbox included, and ends their connections.")
                .access(users)
                .answers_nothing("Nothing is left."),
            delete_user,
        )
        .add(
            Endpoint::post("/api/v1/users/{id}/disable", "users", "Shut a user out")
                .describe("Sessions end, and live connections at once.")
                .access(users)
                .answers_nothing("The user is shut out."),
            disable_user,
        )
        .add(
            Endpoint::post("/api/v1/users/{id}/enable", "users", "Let a user in again")
                .access(users)
                .answers_nothing("The user may log in again."),
            enable_user,
        )
        .add(
            Endpoint::post("/api/v1/users/{id}/ticket", "users", "Get a ticket for one live connection of a user")
                .describe("For an application whose pages hold no token: `?ticket=…`, good once, for a minute.")
                .access(users)
                .answers::<Ticket>(200, "The ticket."),
            ticket,
        )
}

pub(super) fn shown(user: oyez_store::User) -> User {
    let mut roles: Vec<RoleName> = user.roles.into_iter().chain(user.token_roles.iter().cloned()).collect();
    roles.sort();
    roles.dedup();
    User {
        id: user.id,
        name: user.name,
        email: user.email,
        locale: user.locale,
        time_zone: user.time_zone,
        roles,
        token_roles: user.token_roles,
        disabled: user.disabled,
        has_password: user.has_password,
        created_at: user.created_at,
    }
}

async fn put_user(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<UserId>,
    Json(request): Json<UserRequest>,
) -> Answer {
    caller.require(Scope::Users)?;
    let password = request.password.map(Secret::new);
    let profile = UserProfile {
        id: id.clone(),
        name: request.name,
        email: request.email,
        locale: request.locale,
        time_zone: request.time_zone,
        roles: request.roles,
    };
    // Hashed first: a password that is refused must not leave half a change behind.
    let hash = match password {
        Some(password) => Some(state.auth().hash_password(&profile, password).await?),
        None => None,
    };
    let mut user = state.users().put(profile).await?;
    if let Some(hash) = hash {
        state.auth().set_password_hash(&id, hash).await?;
        user.has_password = true;
    }
    Ok(json(StatusCode::OK, &shown(user)))
}

async fn put_users(State(state): State<Http>, caller: Caller, Json(request): Json<UsersRequest>) -> Answer {
    caller.require(Scope::Users)?;
    let count = request.users.len();
    if count == 0 || count > MAX_USERS {
        let detail = format!("\"users\" must name 1 to {MAX_USERS} users, not {count}");
        return Err(Refusal::at("users", detail));
    }
    let profiles = request.users.into_iter().map(|entry| UserProfile {
        id: entry.id,
        name: entry.name,
        email: entry.email,
        locale: entry.locale,
        time_zone: entry.time_zone,
        roles: entry.roles,
    });
    let users = state.users().put_all(profiles.collect()).await?;
    let users: Vec<User> = users.into_iter().map(shown).collect();
    Ok(json(StatusCode::OK, &oyez_protocol::api::page::Page { data: users, next_cursor: None }))
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    role: Option<RoleName>,
    #[serde(default)]
    disabled: Option<bool>,
    #[serde(default)]
    search: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

async fn list_users(State(state): State<Http>, caller: Caller, Query(query): Query<ListQuery>) -> Answer {
    caller.require(Scope::Users)?;
    let paging = paging::PageQuery { cursor: query.cursor, limit: query.limit };
    let (limit, after) = (paging.limit()?, paging.after()?);
    let search = query.search.filter(|search| !search.is_empty());
    let filter = UserFilter { role: query.role, disabled: query.disabled, search };
    let users = state.users().list(after.as_ref(), limit + 1, &filter).await?;
    let users: Vec<User> = users.into_iter().map(shown).collect();
    Ok(json(StatusCode::OK, &page(users, limit, |user| user.id.to_string())))
}

async fn get_user(State(state): State<Http>, caller: Caller, Segments(id): Segments<UserId>) -> Answer {
    if !caller.is_user(&id) {
        caller.require(Scope::Users)?;
    }
    let user = state.users().get(&id).await?;
    Ok(json(StatusCode::OK, &shown(user)))
}

async fn delete_user(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<UserId>,
) -> Answer<StatusCode> {
    caller.require(Scope::Users)?;
    let erased = state.users().erase(&id).await?;
    state.auth().forget(&id);
    if erased {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::new(ErrorCode::NotFound, format!("there is no user {id}")))
}

async fn disable_user(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<UserId>,
) -> Answer<StatusCode> {
    caller.require(Scope::Users)?;
    state.users().disable(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn enable_user(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<UserId>,
) -> Answer<StatusCode> {
    caller.require(Scope::Users)?;
    state.users().enable(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn ticket(State(state): State<Http>, caller: Caller, Segments(id): Segments<UserId>) -> Answer {
    caller.require(Scope::Users)?;
    let issued = state.auth().issue_ticket_for(&id).await?;
    let answer = Ticket { ticket: issued.ticket.reveal().to_owned(), expires_at: issued.expires_at };
    Ok(json(StatusCode::OK, &answer))
}
