//! `/api/v1/topics/{name}/members`: who belongs to a topic.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{TopicName, UserId, api::topics::Member};

use super::{
    Http,
    access::Caller,
    body::{Query, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    paging::{PageQuery, page},
    refusal::Answer,
};
use crate::auth::Scope;

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let users = Access::Scope(Scope::Users);
    table
        .add(
            Endpoint::put("/api/v1/topics/{name}/members/{user}", "topics", "Make a user a member")
                .describe("Idempotent. A user nobody knew becomes known.")
                .access(users)
                .answers_nothing("The user is a member."),
            put_member,
        )
        .add(
            Endpoint::delete("/api/v1/topics/{name}/members/{user}", "topics", "End a membership")
                .describe("Idempotent. Live subscriptions end with it.")
                .access(users)
                .answers_nothing("The user is no member."),
            delete_member,
        )
        .add(
            Endpoint::get("/api/v1/topics/{name}/members", "topics", "List the members")
                .access(users)
                .paged()
                .answers_page::<Member>("Members by id."),
            list_members,
        )
}

async fn put_member(
    State(state): State<Http>,
    caller: Caller,
    Segments((topic, user)): Segments<(TopicName, UserId)>,
) -> Answer<StatusCode> {
    caller.require(Scope::Users)?;
    state.users().join(&topic, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_member(
    State(state): State<Http>,
    caller: Caller,
    Segments((topic, user)): Segments<(TopicName, UserId)>,
) -> Answer<StatusCode> {
    caller.require(Scope::Users)?;
    state.users().leave(&topic, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_members(
    State(state): State<Http>,
    caller: Caller,
    Segments(topic): Segments<TopicName>,
    Query(query): Query<PageQuery>,
) -> Answer {
    caller.require(Scope::Users)?;
    let (limit, after) = (query.limit()?, query.after()?);
    let members = state.users().members(&topic, after.as_ref(), limit + 1).await?;
    let members: Vec<Member> = members.into_iter().map(|user_id| Member { user_id }).collect();
    Ok(json(StatusCode::OK, &page(members, limit, |member| member.user_id.to_string())))
}
