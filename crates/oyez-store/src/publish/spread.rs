//! Lands a notification in the inboxes of a large audience, a window of user numbers at a time.
//!
//! Each window is a transaction of its own that also moves the cursor, so that other changes go in between and a
//! crash half-way neither forgets nor repeats anybody. Several may drive the same notification.

use std::sync::Arc;

use oyez_core::notification::Landed;
use oyez_protocol::{NotificationId, Seq, UserId};

use super::LandedHook;
use crate::{
    engine::{args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// Users in one window. A transaction of this size takes some ten milliseconds, which is what others wait.
const WINDOW: i64 = 4_096;

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
                hook(landed);
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
    let recipients = row.count(3)?;
    if row.text(0)? != "sending" {
        return Ok(Window { landed: None, recipients, is_last: true });
    }
    let (cursor, last, audience) = (row.int(1)?, row.int(2)?, row.text(4)?);
    let next = tx.fetch_one(sql!("publish/next_user"), args![cursor, last, audience]).await?;
    let Some(next) = next.map_or(Ok(None), |row| row.opt_int(0))? else {
        tx.execute(sql!("publish/finish"), args![num]).await?;
        return Ok(Window { landed: None, recipients, is_last: true });
    };
    let (after, up_to) = (next - 1, (next - 1).saturating_add(WINDOW).min(last));
    let written = tx.fetch_one(sql!("publish/write_window"), args![num, after, up_to, audience]).await?;
    let written = written.ok_or_else(|| StoreError::Fault("a window without an answer".into()))?;
    let landed = Landed {
        notification: NotificationId(row.uuid(5)?),
        kind: row.text(6)?.into(),
        tail: row.text(7)?.into(),
        recipients: unpack(written.opt_text(0)?.unwrap_or(""))?,
    };
    let recipients = recipients + landed.recipients.len() as u64;
    Ok(Window { landed: Some(landed), recipients, is_last: up_to >= last })
}

/// Reads `seq user`, one to a line: thousands of rows as one text are several times cheaper than as rows. A user id
/// holds no line break.
fn unpack(packed: &str) -> Result<Vec<(UserId, Seq)>, StoreError> {
    let unreadable = || StoreError::Fault("a recipient cannot be read back".into());
    let line = |line: &str| {
        let (seq, user) = line.split_once(' ').ok_or_else(unreadable)?;
        let seq = seq.parse().map_err(|_| unreadable())?;
        Ok((UserId::new(user).map_err(|_| unreadable())?, Seq(seq)))
    };
    packed.lines().map(line).collect()
}
