//! `/api/v1/inbox`: a user reads and marks what they have. An item has the fields of its live frame.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use oyez_core::inbox::StoredItem;
use oyez_protocol::{
    ErrorCode, NotificationId, Seq,
    api::inbox::{Changes, Counts, Item, MarkRequest, PatchRequest},
    frame::{
        client::{MAX_MARK_IDS, Selection},
        server::InboxChange,
    },
};
use oyez_store::{InboxFilter, InboxStatus};
use serde::Deserialize;

use super::{
    Http,
    body::{Json, Query, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json, paging,
    refusal::{Answer, Refusal},
};
use crate::{auth::extract::User, inbox::ItemPatch};

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    table
        .add(
            Endpoint::get("/api/v1/inbox", "inbox", "List the items")
                .describe("Newest first. `next_cursor` goes into `before` or `cursor` of the next call.")
                .access(Access::User)
                .query("status", "`active` (default: not archived), `unread`, `unseen`, `read`, `archived` or `all`")
                .query("type", "Only this type.")
                .query("before", "Only items with a smaller `seq`.")
                .paged()
                .answers_page::<Item>("Items, newest first."),
            list,
        )
        .add(
            Endpoint::get("/api/v1/inbox/counts", "inbox", "Count what is unread and unseen")
                .access(Access::User)
                .answers::<Counts>(200, "Exact counts."),
            counts,
        )
        .add(
            Endpoint::get("/api/v1/inbox/changes", "inbox", "List what landed since a position")
                .describe(
                    "Oldest first: how a client without a live stream catches up. With `reset: true` the position \
                     means nothing here, and the client starts over with what `data` holds.",
                )
                .access(Access::User)
                .query("after_seq", "The newest position the client has; 0 or absent: from the beginning.")
                .query("epoch", "The `epoch` in which that position counts; another one starts over.")
                .query("limit", "1 to 200, default 50.")
                .answers::<Changes>(200, "Items, oldest first."),
            changes,
        )
        .add(
            Endpoint::get("/api/v1/inbox/{id}", "inbox", "Read one item")
                .access(Access::User)
                .answers::<Item>(200, "The item."),
            one,
        )
        .add(
            Endpoint::patch("/api/v1/inbox/{id}", "inbox", "Mark one item")
                .access(Access::User)
                .body::<PatchRequest>()
                .answers::<Item>(200, "The item as it is now."),
            patch,
        )
        .add(
            Endpoint::post("/api/v1/inbox/mark", "inbox", "Mark many items")
                .describe("Idempotent. The change reaches all live connections of the user.")
                .access(Access::User)
                .body::<MarkRequest>()
                .answers::<InboxChange>(200, "The exact counts now, and what changed."),
            mark,
        )
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    status: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    before: Option<u64>,
    #[serde(default)]
    cursor: Option<u64>,
    #[serde(default)]
    limit: Option<u32>,
}

async fn list(State(state): State<Http>, User(user): User, Query(query): Query<ListQuery>) -> Answer {
    let limit = paging::limit(query.limit)?;
    let status = match query.status.as_deref() {
        None | Some("" | "active") => InboxStatus::Active,
        Some("all") => InboxStatus::All,
        Some("unread") => InboxStatus::Unread,
        Some("unseen") => InboxStatus::Unseen,
        Some("read") => InboxStatus::Read,
        Some("archived") => InboxStatus::Archived,
        Some(_) => {
            let detail = "\"status\" must be active, unread, unseen, read, archived or all";
            return Err(Refusal::at("status", detail));
        }
    };
    let filter = InboxFilter {
        status,
        kind: query.kind.filter(|kind| !kind.is_empty()),
        before: query.before.or(query.cursor).map(Seq),
        limit: limit + 1,
    };
    let mut items = state.inboxes().page(&user.id, &filter).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|item| item.seq);
    let mut body = String::with_capacity(64 + items.len() * 320);
    body.push_str("{\"data\":");
    push_items(&mut body, &items);
    push_cursor(&mut body, next);
    body.push('}');
    Ok(raw(body))
}

async fn counts(State(state): State<Http>, User(user): User) -> Answer {
    let standing = state.inboxes().counts(&user.id).await?;
    let counts = Counts {
        unread: standing.unread,
        unseen: standing.unseen,
        seq: standing.head,
        epoch: state.store().epoch().clone(),
    };
    Ok(json(StatusCode::OK, &counts))
}

#[derive(Deserialize)]
struct ChangesQuery {
    #[serde(default)]
    after_seq: Option<u64>,
    #[serde(default)]
    epoch: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

async fn changes(State(state): State<Http>, User(user): User, Query(query): Query<ChangesQuery>) -> Answer {
    let limit = paging::limit(query.limit)?;
    let epoch = state.store().epoch();
    let foreign = query.epoch.as_deref().is_some_and(|asked| !asked.is_empty() && asked != &*epoch.0);
    let after = if foreign { Seq::ZERO } else { Seq(query.after_seq.unwrap_or(0)) };
    let changes = state.inboxes().changes(&user.id, after, limit).await?;
    let items = &changes.page.items;
    let mut body = String::with_capacity(128 + items.len() * 320);
    body.push_str("{\"data\":");
    push_items(&mut body, items);
    push_cursor(&mut body, items.last().filter(|_| changes.has_more).map(|item| item.seq));
    let rest = serde_json::json!({
        "seq": changes.page.head, "epoch": epoch, "reset": changes.reset || foreign,
    });
    let rest = rest.to_string();
    body.push(',');
    body.push_str(rest.trim_start_matches('{'));
    Ok(raw(body))
}

async fn one(State(state): State<Http>, User(user): User, Segments(id): Segments<NotificationId>) -> Answer {
    let item = state.inboxes().item(&user.id, id).await?;
    let mut body = String::new();
    item.push_json(&mut body);
    Ok(raw(body))
}

async fn patch(
    State(state): State<Http>,
    User(user): User,
    Segments(id): Segments<NotificationId>,
    Json(request): Json<PatchRequest>,
) -> Answer {
    let patch = ItemPatch { seen: request.seen, read: request.read, archived: request.archived };
    let item = state.inboxes().patch(&user.id, id, patch).await?;
    let mut body = String::new();
    item.push_json(&mut body);
    Ok(raw(body))
}

async fn mark(State(state): State<Http>, User(user): User, Json(request): Json<MarkRequest>) -> Answer {
    let selection = selection(&request)?;
    let change = state.inboxes().mark(&user.id, request.action, selection).await?;
    Ok(json(StatusCode::OK, &*change))
}

fn selection(request: &MarkRequest) -> Result<Selection, Refusal> {
    match (&request.ids, request.all, request.up_to_seq) {
        (Some(ids), None | Some(false), None) if (1..=MAX_MARK_IDS).contains(&ids.len()) => {
            Ok(Selection::Ids(ids.clone()))
        }
        (Some(ids), None | Some(false), None) => {
            let detail = format!("\"ids\" must name 1 to {MAX_MARK_IDS} items, not {}", ids.len());
            Err(Refusal::at("ids", detail))
        }
        (None, Some(true), up_to) => Ok(Selection::All { up_to }),
        (None, None, Some(up_to)) => Ok(Selection::All { up_to: Some(up_to) }),
        _ => {
            let detail = "say which items: either \"ids\", or \"all\": true (with \"up_to_seq\")";
            Err(Refusal::new(ErrorCode::Invalid, detail))
        }
    }
}

fn push_items(body: &mut String, items: &[StoredItem]) {
    body.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        item.push_json(body);
    }
    body.push(']');
}

fn push_cursor(body: &mut String, next: Option<Seq>) {
    body.push_str(",\"next_cursor\":");
    match next {
        Some(seq) => body.push_str(&format!("\"{seq}\"")),
        None => body.push_str("null"),
    }
}

fn raw(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
