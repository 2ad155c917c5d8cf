//! Carries out what clients ask for, and says how it went: one function per command.

use oyez_core::access::{Person, is_own};
use oyez_protocol::{
    BoardName, ErrorCode, JobId, Seq, TopicName, UserId,
    frame::{
        client::{ClientFrame, Command, MarkAction, Selection},
        server,
    },
};
use oyez_store::{InboxFilter, InboxStatus};
use serde_json::{Map, Value, value::RawValue};

use super::{Shared, greet::sorted};
use crate::{
    hub::{Answer, Effect, Grant},
    jobs::JobsError,
};

/// Why a command is refused: a stable code and a sentence.
type Refused = (ErrorCode, String);
/// The fields of an `ack`, and what changes on the connection.
type Done = (Map<String, Value>, Effect);

/// Carries out one command of a user's connection.
pub(super) async fn carry_out(shared: &Shared, user: &UserId, frame: ClientFrame) -> Answer {
    let reference = frame.reference.as_deref();
    let outcome = match frame.command {
        Command::History { before, limit } => {
            return match history(shared, user, reference, before, limit).await {
                Ok(frame) => Answer { frames: vec![frame], effect: Effect::None },
                Err(refused) => refuse(reference, &refused),
            };
        }
        Command::Mark { action, selection } => mark(shared, user, action, selection).await,
        Command::Subscribe { topic } => subscribe(shared, user, topic).await,
        Command::Signal { topic, name, data } => signal(shared, user, &topic, &name, &data).await,
        Command::Auth { token } => auth(shared, user, &token).await,
        Command::CancelJob { job_id } => cancel_job(shared, user, &job_id).await,
        // The session answers these itself.
        Command::Ping { .. } | Command::Unsubscribe { .. } => Ok((Map::new(), Effect::None)),
    };
    match outcome {
        Ok((result, effect)) => Answer { frames: vec![server::ack(reference, &result)], effect },
        Err(refused) => refuse(reference, &refused),
    }
}

fn refuse(reference: Option<&RawValue>, (code, message): &Refused) -> Answer {
    if *code == ErrorCode::Internal {
        tracing::error!(%message, "a command failed");
    }
    Answer { frames: vec![server::error(reference, *code, message)], effect: Effect::None }
}

async fn mark(
    shared: &Shared,
    user: &UserId,
    action: MarkAction,
    selection: Selection,
) -> Result<Done, Refused> {
    let change =
        shared.inboxes.mark(user, action, selection).await.map_err(|error| (error.code(), told(&error)))?;
    let mut result = Map::new();
    result.insert("unread".into(), change.unread.into());
    result.insert("unseen".into(), change.unseen.into());
    result.insert("up_to_seq".into(), change.seq.0.into());
    Ok((result, Effect::None))
}

async fn cancel_job(shared: &Shared, user: &UserId, job: &str) -> Result<Done, Refused> {
    let refused = |error: JobsError| (error.code(), told(&error));
    let unknown = || (ErrorCode::NotFound, "there is no such job of yours".to_owned());
    let record = match job.parse::<JobId>() {
        Ok(job) => shared.jobs.get(job).await,
        Err(_) => return Err(unknown()),
    };
    // Somebody else's job is as good as none.
    let record = match record {
        Ok(record) if record.user.as_ref() == Some(user) => record,
        Ok(_) | Err(JobsError::NotFound(_)) => return Err(unknown()),
        Err(error) => return Err(refused(error)),
    };
    let changed = shared.jobs.cancel(record.id).await.map_err(refused)?;
    let mut result = Map::new();
    result.insert("job_id".into(), changed.id.to_string().into());
    result.insert("state".into(), changed.state.as_str().into());
    Ok((result, Effect::None))
}

async fn subscribe(shared: &Shared, user: &UserId, topic: TopicName) -> Result<Done, Refused> {
    let standing = shared.store.standing(user).await.map_err(|error| (error.code(), told(&error)))?;
    let roles = sorted(standing.roles.iter().chain(&standing.token_roles));
    let person = Person { user, roles: &roles };
    if let Some(board) = BoardName::of_topic(&topic) {
        let board = board.map_err(|error| (ErrorCode::Invalid, error.to_string()))?;
        return watch(shared, person, &topic, board).await;
    }
    let is_member = standing.topics.contains(&topic);
    if !shared.rules.may_subscribe(person, &topic, is_member) {
        if is_own(&topic) {
            let message = format!("the topic {topic} is for holders of an admin role (auth.admin_roles)");
            return Err((ErrorCode::Forbidden, message));
        }
        return Err((ErrorCode::Forbidden, format!("the topic {topic} is for its members")));
    }
    let nobody = Person { user, roles: &[] };
    let grant = if is_own(&topic) {
        Grant::Admin
    } else if is_member {
        Grant::Member
    } else if shared.rules.may_subscribe(nobody, &topic, false) {
        Grant::Open
    } else {
        Grant::Role
    };
    let mut result = Map::new();
    result.insert("topic".into(), topic.as_str().into());
    Ok((result, Effect::Subscribed(topic, grant)))
}

/// A board is heard like a topic: `board:<name>`.
async fn watch(
    shared: &Shared,
    person: Person<'_>,
    topic: &TopicName,
    board: BoardName,
) -> Result<Done, Refused> {
    let may = shared.boards.may_watch(person, &board).await.map_err(|error| (error.code(), told(&error)))?;
    if !may {
        return Err((ErrorCode::Forbidden, format!("the board {board} is not for your roles")));
    }
    let mut result = Map::new();
    result.insert("topic".into(), topic.as_str().into());
    Ok((result, Effect::Watches(board)))
}

async fn signal(
    shared: &Shared,
    user: &UserId,
    topic: &TopicName,
    name: &str,
    data: &Map<String, Value>,
) -> Result<Done, Refused> {
    let standing = shared.store.standing(user).await.map_err(|error| (error.code(), told(&error)))?;
    let roles = sorted(standing.roles.iter().chain(&standing.token_roles));
    let sent = shared.signals.send(Person { user, roles: &roles }, topic, name, data).await;
    sent.map_err(|error| (error.code(), told(&error)))?;
    Ok((Map::new(), Effect::None))
}

async fn auth(shared: &Shared, user: &UserId, token: &str) -> Result<Done, Refused> {
    let principal = shared.auth.verify_token(token).await.map_err(|error| (error.code, error.to_string()))?;
    if principal.id != *user {
        return Err((
            ErrorCode::Forbidden,
            "the token belongs to another user: open a new connection".into(),
        ));
    }
    if let Some(claimed) = principal.token_roles {
        shared.users.set_token_roles(user, claimed).await.map_err(|error| (error.code(), told(&error)))?;
    }
    let mut result = Map::new();
    result.insert("expires_at".into(), principal.expires_at.map_or(Value::Null, |at| at.to_string().into()));
    let expires_at = principal.expires_at.filter(|_| !shared.options.keep_expired);
    Ok((result, Effect::Renewed { expires_at, session: principal.session }))
}

/// `ack` with the items, newest first, and where the next page begins.
async fn history(
    shared: &Shared,
    user: &UserId,
    reference: Option<&RawValue>,
    before: Option<Seq>,
    limit: u32,
) -> Result<String, Refused> {
    let filter = InboxFilter { status: InboxStatus::Active, kind: None, before, limit };
    let items = shared.inboxes.page(user, &filter).await.map_err(|error| (error.code(), told(&error)))?;
    let next = if items.len() < limit as usize { None } else { items.last().map(|item| item.seq) };
    let mut frame =
        String::with_capacity(items.iter().map(|item| item.tail.len() + 100).sum::<usize>() + 100);
    frame.push_str(r#"{"type":"ack","ref":"#);
    frame.push_str(reference.map_or("null", RawValue::get));
    frame.push_str(r#","items":["#);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            frame.push(',');
        }
        item.push_json(&mut frame);
    }
    frame.push_str(r#"],"next_before":"#);
    frame.push_str(&next.map_or_else(|| "null".into(), |seq| seq.to_string()));
    frame.push('}');
    Ok(frame)
}

/// What a client is told of a failure.
fn told(error: &impl std::error::Error) -> String {
    error.to_string()
}
