//! Lands drafts that arrived together, in a number of statements that does not depend on how many there are.
//!
//! What the statements need is read first, positions are counted here, then everything is written at once. All of it
//! happens under the writer's lock, so nothing changes in between.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

pub(crate) use oyez_core::notification::Draft;
use oyez_core::{delivery::Medium, fallback::Notice, notification::Landed};
use oyez_protocol::{Audience, NotificationId, Seq, UserId};
use uuid::Uuid;

use super::PublishOutcome;
use crate::{
    deliveries::plan,
    engine::{Row, Statement, args, json, sql},
    error::StoreError,
    idempotency::REMEMBERED_SECONDS,
    writer::Tx,
};

/// Members of a role or topic up to which a draft is written whole, together with others. Larger audiences go in chunks.
const SMALL_GROUP: usize = 2_000;
/// Items of groups in one transaction; drafts beyond go in chunks.
const ROOM: usize = 16_000;

/// How many items of an inbox are placed at once. Each user's turn comes at other positions, so that a publish to
/// everyone places those of a few users and not of all.
pub(super) const PLACED_TOGETHER: i64 = 32;

/// What became of a draft.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Landing {
    /// Nothing is left to do.
    Done(PublishOutcome),
    /// It is stored, its recipients get it in chunks.
    Begun { num: i64, id: NotificationId, replayed: bool },
}

/// A draft after its statements ran.
pub(crate) struct Written {
    pub(crate) landing: Landing,
    /// To be announced once it is committed.
    pub(crate) landed: Option<Landed>,
}

/// What a landing runs. Each statement has its price even where it does nothing, so those that few need are apart.
struct Statements {
    lookup: Statement,
    write: Statement,
    /// Remembers idempotency keys and places fresh items too.
    write_more: Statement,
}

/// In a transaction that is open, and stays so.
const WITHIN: Statements = Statements {
    lookup: sql!("publish/lookup"),
    write: sql!("publish/write"),
    write_more: sql!("publish/write", "publish/remember", "inbox/place"),
};
const BEGINNING: Statements = Statements { lookup: sql!("tx/begin", "publish/lookup"), ..WITHIN };
const WHOLE: Statements = Statements {
    write: sql!("publish/write", "tx/commit"),
    write_more: sql!("publish/write", "publish/remember", "inbox/place", "tx/commit"),
    ..BEGINNING
};

/// Lands drafts in a transaction that begins here, and ends here when `commit` is set.
pub(crate) async fn land_together(
    tx: &mut Tx,
    drafts: &[&Draft],
    commit: bool,
) -> Result<Vec<Written>, StoreError> {
    land(tx, drafts, if commit { &WHOLE } else { &BEGINNING }).await
}

/// Lands one draft in the transaction that is open.
pub(crate) async fn land_one(tx: &mut Tx, draft: &Draft) -> Result<Written, StoreError> {
    let mut written = land(tx, &[draft], &WITHIN).await?;
    written.pop().ok_or_else(|| StoreError::Fault("a draft without a result".into()))
}

impl Tx {
    /// Lands notifications for few recipients together with other changes: as many statements for many as for one.
    /// Returns where each landed, in their order, to be announced after the commit; `None` when nobody has it now.
    pub async fn land(&mut self, drafts: &[&Draft]) -> Result<Vec<Option<Landed>>, StoreError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let written = land(self, drafts, &WITHIN).await?;
        Ok(written.into_iter().map(|written| written.landed).collect())
    }
}

async fn land(tx: &mut Tx, drafts: &[&Draft], statements: &Statements) -> Result<Vec<Written>, StoreError> {
    let mut known = Known::read(tx, drafts, statements.lookup).await?;
    let mut earlier = recall(tx, drafts).await?;
    known.read_groups(tx, drafts).await?;
    known.add_users(tx, drafts).await?;

    let mut rows = Rows::default();
    let mut written = Vec::with_capacity(drafts.len());
    // By position in `written`: notifications that may be delivered, and the numbers of those who have them now.
    let mut to_plan: Vec<(usize, &Draft, Vec<i64>)> = Vec::new();
    for draft in drafts {
        let key = draft.idempotency.as_ref().map(|one| (one.scope.as_str(), one.key.as_str()));
        if let (Some(idempotency), Some(first)) = (&draft.idempotency, key.and_then(|key| earlier.get(&key)))
        {
            let landing = match idempotency.fingerprint == first.fingerprint {
                true => first.replay(),
                false => Landing::Done(PublishOutcome::IdempotencyMismatch),
            };
            written.push(Written { landing, landed: None });
            continue;
        }
        let before = rows.landings.len();
        let one = rows.add(draft, &mut known);
        if rows.landings.len() > before && tx.may_deliver(&notice(draft)) {
            let users = rows.landings[before..].iter().map(|(_, user, _)| *user).collect();
            to_plan.push((written.len(), draft, users));
        }
        if let (Some(idempotency), Some(key)) = (&draft.idempotency, key) {
            let fingerprint = idempotency.fingerprint;
            // So that a second one in the same transaction is recognised too.
            earlier.insert(key, First { fingerprint, landing: Some(one.landing) });
        }
        written.push(one);
    }
    if !to_plan.is_empty() {
        let landings: Vec<_> = to_plan.iter().map(|one| landing(one, &written)).collect();
        tx.plan(&landings).await?;
    }
    // In the order they are stored in: neighbours share a page.
    rows.landings.sort_unstable();
    let (heads, to_place) = rows.heads(&known);
    let write = match to_place.is_empty() && rows.keys.is_empty() {
        true => statements.write,
        false => statements.write_more,
    };
    let (notifications, landings) = (json(&rows.notifications), json(&rows.landings));
    tx.execute(write, args![json(&to_place), notifications, json(&heads), landings, json(&rows.keys)])
        .await?;
    Ok(written)
}

/// What of a draft matters for its deliveries.
fn notice(draft: &Draft) -> Notice<'_> {
    Notice {
        id: draft.id,
        kind: &draft.kind,
        group_key: draft.group_key.as_deref(),
        media: draft.media.as_deref(),
        expires_at: draft.expires_at,
    }
}

fn landing<'a>(
    (index, draft, users): &'a (usize, &Draft, Vec<i64>),
    written: &'a [Written],
) -> plan::Landing<'a> {
    let landed = written.get(*index).and_then(|written| written.landed.as_ref());
    let names = landed.iter().flat_map(|landed| &landed.recipients).map(|(user, _)| user);
    let recipients = users.iter().copied().zip(names).collect();
    plan::Landing { notice: notice(draft), at: draft.created_at, recipients }
}

/// The first publish under an idempotency key.
struct First {
    fingerprint: [u8; 32],
    /// `None`: the key belongs to something that is not a publish.
    landing: Option<Landing>,
}

impl First {
    fn replay(&self) -> Landing {
        match self.landing {
            Some(Landing::Begun { num, id, .. }) => Landing::Begun { num, id, replayed: true },
            Some(Landing::Done(
                PublishOutcome::Published { id, recipients } | PublishOutcome::Replayed { id, recipients },
            )) => Landing::Done(PublishOutcome::Replayed { id, recipients }),
            Some(Landing::Done(PublishOutcome::Scheduled { id })) => {
                Landing::Done(PublishOutcome::Replayed { id, recipients: 0 })
            }
            Some(Landing::Done(PublishOutcome::IdempotencyMismatch)) | None => {
                Landing::Done(PublishOutcome::IdempotencyMismatch)
            }
        }
    }
}

type Key<'a> = (&'a str, &'a str);

async fn recall<'a>(tx: &mut Tx, drafts: &[&'a Draft]) -> Result<HashMap<Key<'a>, First>, StoreError> {
    let asked: Vec<_> = drafts
        .iter()
        .filter_map(|draft| {
            let one = draft.idempotency.as_ref()?;
            let since = draft.created_at.plus_seconds(-REMEMBERED_SECONDS).as_millis();
            Some((one.scope.as_str(), one.key.as_str(), since))
        })
        .collect();
    let mut earlier = HashMap::new();
    if asked.is_empty() {
        return Ok(earlier);
    }
    for row in tx.fetch(sql!("publish/recall"), args![json(&asked)]).await? {
        let asked = usize::try_from(row.int(0)?).ok().and_then(|index| asked.get(index));
        let Some((scope, key, _)) = asked else { continue };
        let landing = match row.opt_uuid(2)? {
            None => None,
            Some(id) => Some(first_landing(&row, NotificationId(id))?),
        };
        earlier.insert((*scope, *key), First { fingerprint: row.bytes(1)?, landing });
    }
    Ok(earlier)
}

fn first_landing(row: &Row, id: NotificationId) -> Result<Landing, StoreError> {
    // Gone by retention: the answer is remembered longer than the thing.
    let Some(num) = row.opt_int(3)? else {
        return Ok(Landing::Done(PublishOutcome::Published { id, recipients: 0 }));
    };
    Ok(match row.text(4)? {
        "sending" => Landing::Begun { num, id, replayed: true },
        _ => Landing::Done(PublishOutcome::Published { id, recipients: row.count(5)? }),
    })
}

/// What is known of the recipients when the transaction begins.
struct Known {
    last_notification: i64,
    last_user: i64,
    /// Number and head by id.
    users: HashMap<UserId, i64>,
    heads: HashMap<i64, i64>,
    groups: HashMap<Audience, Group>,
}

enum Group {
    Small(Vec<(i64, UserId)>),
    Large,
}

impl Known {
    async fn read(tx: &mut Tx, drafts: &[&Draft], lookup: Statement) -> Result<Self, StoreError> {
        let named: HashSet<&str> = named_users(drafts).map(UserId::as_str).collect();
        let mut known = Self {
            last_notification: 0,
            last_user: 0,
            users: HashMap::with_capacity(named.len()),
            heads: HashMap::with_capacity(named.len()),
            groups: HashMap::new(),
        };
        let row = tx.fetch_one(lookup, args![json(&named)]).await?;
        let row = row.ok_or_else(|| StoreError::Fault("a look-up without an answer".into()))?;
        (known.last_notification, known.last_user) = (row.int(0)?, row.int(1)?);
        for (name, num, head) in row.names::<(UserId, i64, i64)>(2)? {
            known.users.insert(name, num);
            known.heads.insert(num, head);
        }
        Ok(known)
    }

    /// Reads who is in the roles and topics, as far as that is few.
    async fn read_groups(&mut self, tx: &mut Tx, drafts: &[&Draft]) -> Result<(), StoreError> {
        let groups: HashSet<&Audience> = drafts
            .iter()
            .filter(|draft| lands_now(draft))
            .flat_map(|draft| &draft.audience)
            .filter(|one| !matches!(one, Audience::User(_)))
            .collect();
        if groups.is_empty() {
            return Ok(());
        }
        let groups: Vec<&Audience> = groups.into_iter().collect();
        let asked: Vec<_> = groups.iter().map(|group| audience_pair(group)).collect();
        let mut members: Vec<Vec<(i64, UserId)>> = vec![Vec::new(); groups.len()];
        let most = u32::try_from(SMALL_GROUP).unwrap_or(u32::MAX);
        for row in tx.fetch(sql!("publish/groups"), args![json(&asked), most]).await? {
            let Some(members) = usize::try_from(row.int(0)?).ok().and_then(|index| members.get_mut(index))
            else {
                continue;
            };
            for (num, name, head) in row.names::<(i64, UserId, i64)>(1)? {
                members.push((num, name));
                self.heads.entry(num).or_insert(head);
            }
        }
        for (group, members) in groups.into_iter().zip(members) {
            let size = if members.len() > SMALL_GROUP { Group::Large } else { Group::Small(members) };
            self.groups.insert(group.clone(), size);
        }
        Ok(())
    }

    /// Makes users known who are named for the first time.
    async fn add_users(&mut self, tx: &mut Tx, drafts: &[&Draft]) -> Result<(), StoreError> {
        let unknown: HashSet<&str> =
            named_users(drafts).filter(|user| !self.users.contains_key(*user)).map(UserId::as_str).collect();
        let Some(first) = drafts.first().filter(|_| !unknown.is_empty()) else { return Ok(()) };
        for row in tx.fetch(sql!("publish/add_users"), args![json(&unknown), first.created_at]).await? {
            let num = row.int(0)?;
            self.last_user = self.last_user.max(num);
            self.users.insert(row.user(1)?, num);
            self.heads.insert(num, 0);
        }
        Ok(())
    }

    /// Everybody a draft is for, each once; `None` when they are many.
    fn recipients(&self, draft: &Draft, room: usize) -> Option<Vec<(i64, UserId)>> {
        if let [Audience::User(user)] = draft.audience.as_slice() {
            return Some(self.users.get(user).map(|num| (*num, user.clone())).into_iter().collect());
        }
        let mut there = HashSet::new();
        let mut recipients = Vec::new();
        for one in &draft.audience {
            match (one, self.groups.get(one)) {
                (Audience::User(user), _) => {
                    let named = self.users.get(user).map(|num| (*num, user.clone()));
                    recipients.extend(named.filter(|(num, _)| there.insert(*num)));
                }
                (_, Some(Group::Small(members))) if members.len() <= room => {
                    recipients.extend(members.iter().filter(|(num, _)| there.insert(*num)).cloned());
                }
                _ => return None,
            }
        }
        Some(recipients)
    }
}

/// Rows to be written, as the statement reads them.
#[derive(Default)]
struct Rows<'a> {
    notifications: Vec<NotificationRow<'a>>,
    /// Notification, user, position.
    landings: Vec<(i64, i64, i64)>,
    added: HashMap<i64, Added>,
    keys: Vec<(&'a str, &'a str, String, Uuid, i64)>,
}

/// What a user gets.
#[derive(Default)]
struct Added {
    items: i64,
    /// The notifications, as an inbox holds them.
    fresh: String,
}

/// The columns of an inbox: user, new head, items added, and which.
type HeadRow<'a> = (i64, i64, i64, &'a str);

/// The columns of a notification, by position.
type NotificationRow<'a> = (
    (i64, Uuid, &'a str, &'a str, Vec<(&'static str, &'a str)>, &'static str, i64),
    (Option<i64>, Option<i64>, i64, Option<&'a str>, usize, i64, Option<&'a [Medium]>),
);

impl<'a> Rows<'a> {
    fn add(&mut self, draft: &'a Draft, known: &mut Known) -> Written {
        known.last_notification += 1;
        let num = known.last_notification;
        let id = draft.id;
        let room = ROOM.saturating_sub(self.landings.len());
        let (state, recipients) = match lands_now(draft) {
            false => ("waiting", None),
            true => match known.recipients(draft, room) {
                Some(recipients) => ("sent", Some(recipients)),
                None => ("sending", None),
            },
        };
        let number = num.to_string();
        let landed: Option<Vec<_>> = recipients.map(|recipients| {
            let place = |(user, name): (i64, UserId)| {
                let head = known.heads.entry(user).or_insert(0);
                *head += 1;
                let added = self.added.entry(user).or_default();
                added.items += 1;
                added.fresh.push(',');
                added.fresh.push_str(&number);
                self.landings.push((num, user, *head));
                (name, Seq(u64::try_from(*head).unwrap_or(0)))
            };
            recipients.into_iter().map(place).collect()
        });
        let count = landed.as_ref().map_or(0, Vec::len);
        let audience = draft.audience.iter().map(audience_pair).collect();
        self.notifications.push((
            (num, id.0, &draft.kind, &draft.tail, audience, state, draft.created_at.as_millis()),
            (
                draft.send_at.map(|time| time.as_millis()),
                draft.expires_at.map(|time| time.as_millis()),
                draft.send_at.unwrap_or(draft.created_at).max(draft.created_at).as_millis(),
                draft.group_key.as_deref(),
                count,
                known.last_user,
                draft.media.as_deref(),
            ),
        ));
        if let Some(one) = &draft.idempotency {
            let fingerprint = one.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
            self.keys.push((&one.scope, &one.key, fingerprint, id.0, draft.created_at.as_millis()));
        }
        let landing = match state {
            "waiting" => Landing::Done(PublishOutcome::Scheduled { id }),
            "sending" => Landing::Begun { num, id, replayed: false },
            _ => Landing::Done(PublishOutcome::Published { id, recipients: count as u64 }),
        };
        let (kind, tail) = (Arc::clone(&draft.kind), Arc::clone(&draft.tail));
        let landed = landed.filter(|recipients| !recipients.is_empty()).map(|recipients| Landed {
            notification: id,
            kind,
            tail,
            recipients,
        });
        Written { landing, landed }
    }

    /// The inboxes as they are to be, and whose fresh items are many enough to be placed.
    fn heads(&self, known: &Known) -> (Vec<HeadRow<'_>>, Vec<i64>) {
        let mut heads = Vec::with_capacity(self.added.len());
        let mut to_place = Vec::new();
        for (user, added) in &self.added {
            let head = known.heads.get(user).copied().unwrap_or(0);
            heads.push((*user, head, added.items, added.fresh.as_str()));
            let rounds = |head: i64| (user + head).div_euclid(PLACED_TOGETHER);
            if rounds(head) > rounds(head - added.items) {
                to_place.push(*user);
            }
        }
        heads.sort_unstable();
        (heads, to_place)
    }
}

fn lands_now(draft: &Draft) -> bool {
    draft.send_at.is_none_or(|time| time <= draft.created_at)
}

fn named_users<'a>(drafts: &'a [&Draft]) -> impl Iterator<Item = &'a UserId> {
    let now = drafts.iter().filter(|draft| lands_now(draft));
    now.flat_map(|draft| &draft.audience).filter_map(|one| match one {
        Audience::User(user) => Some(user),
        _ => None,
    })
}

/// An audience as it is stored: what kind, and which.
pub(crate) fn audience_pair(audience: &Audience) -> (&'static str, &str) {
    match audience {
        Audience::User(user) => ("user", user.as_str()),
        Audience::Role(role) => ("role", role.as_str()),
        Audience::Topic(topic) => ("topic", topic.as_str()),
        Audience::Everyone => ("everyone", ""),
    }
}
