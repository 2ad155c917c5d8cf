//! Lands a notification in the inboxes of a large audience, a window of user numbers at a time.
//!
//! Each window is a transaction of its own that also moves the cursor, so that other changes go in between and a
//! crash half-way neither forgets nor repeats anybody. Several may drive the same notification.

use std::sync::Arc;

use oyez_core::{delivery::Medium, fallback::Notice, notification::Landed};
use oyez_protocol::{NotificationId, Seq, UserId};

use super::{LandedHook, land::PLACED_TOGETHER};
use crate::{
    deliveries::plan::Landing,
    engine::{args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// Users in one window. A transaction of this size takes some ten milliseconds, which is what others wait.
const WINDOW: i64 = 4_096;
/// Users in one window when deliveries are planned for them, which takes several times as long.
const PLANNED_WINDOW: i64 = 1_024;

/// How far it is after a window.
struct Window {
    landed: Option<Landed>,
    recipients: u64,
    is_last: bool,
}

/// Goes on until the whole audience has it. Returns how many recipients that are.
pub(super) async fn spread(store: &Store, num: i64, landed: &LandedHook) -> Result<u64, StoreError> {
    loop {
        let hook = Arc::clone(landed);
        let announce = move |window: &Window| {
            if let Some(landed) = window.landed.clone() {
                hook(vec![landed]);
            }
        };
        let window = store.write_then(move |tx| Box::pin(write_window(tx, num)), announce).await?;
        if window.is_last {
            return Ok(window.recipients);
        }
    }
}

async fn write_window(tx: &mut Tx, num: i64) -> Result<Window, StoreError> {
    let row = tx.fetch_one(sql!("publish/sending"), args![num]).await?;
    let row = row.ok_or(StoreError::NotFound("notification"))?;
    let count = row.count(3)?;
    if row.text(0)? != "sending" {
        return Ok(Window { landed: None, recipients: count, is_last: true });
    }
    let (cursor, last, audience) = (row.int(1)?, row.int(2)?, row.text(4)?);
    let next = tx.fetch_one(sql!("publish/next_user"), args![cursor, last, audience]).await?;
    let Some(next) = next.map_or(Ok(None), |row| row.opt_int(0))? else {
        tx.execute(sql!("publish/finish"), args![num]).await?;
        return Ok(Window { landed: None, recipients: count, is_last: true });
    };
    let (kind, group_key) = (Arc::<str>::from(row.text(6)?), row.opt_text(10)?.map(str::to_owned));
    let media: Option<Vec<Medium>> = match row.opt_text(11)? {
        None => None,
        Some(_) => Some(row.names(11)?),
    };
    let notice = Notice {
        id: NotificationId(row.uuid(5)?),
        kind: &kind,
        group_key: group_key.as_deref(),
        media: media.as_deref(),
        expires_at: row.opt_time(9)?,
    };
    let may_deliver = tx.may_deliver(&notice);
    let window = if may_deliver { PLANNED_WINDOW } else { WINDOW };
    let (after, up_to) = (next - 1, (next - 1).saturating_add(window).min(last));
    let args = args![num, after, up_to, audience, PLACED_TOGETHER];
    let written = tx.fetch_one(sql!("publish/write_window"), args).await?;
    let written = written.ok_or_else(|| StoreError::Fault("a window without an answer".into()))?;
    let (users, recipients): (Vec<i64>, _) = unpack(written.opt_text(0)?.unwrap_or(""))?.into_iter().unzip();
    let landed =
        Landed { notification: notice.id, kind: Arc::clone(&kind), tail: row.text(7)?.into(), recipients };
    if may_deliver {
        // The whole audience is planned as of one moment, however long it takes to write it.
        let names = landed.recipients.iter().map(|(user, _)| user);
        let recipients = users.into_iter().zip(names).collect();
        tx.plan(&[Landing { notice, at: row.time(8)?, recipients }]).await?;
    }
    let recipients = count + landed.recipients.len() as u64;
    Ok(Window { landed: Some(landed), recipients, is_last: up_to >= last })
}

/// A recipient with the number of the user.
type Numbered = (i64, (UserId, Seq));

/// Reads `seq number user`, one to a line: thousands of rows as one text are several times cheaper than as rows. A user
/// id holds no line break.
fn unpack(packed: &str) -> Result<Vec<Numbered>, StoreError> {
    let unreadable = || StoreError::Fault("a recipient cannot be read back".into());
    let line = |line: &str| {
        let (seq, rest) = line.split_once(' ').ok_or_else(unreadable)?;
        let (num, user) = rest.split_once(' ').ok_or_else(unreadable)?;
        let seq = seq.parse().map_err(|_| unreadable())?;
        let num = num.parse().map_err(|_| unreadable())?;
        Ok((num, (UserId::new(user).map_err(|_| unreadable())?, Seq(seq))))
    };
    packed.lines().map(line).collect()
}
