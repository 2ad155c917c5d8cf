//! Answers the hub's questions: pages of items, and commands.
//!
//! Questions are answered side by side; those of one connection are not, because it asks one at a time.

use std::{sync::Arc, time::Duration};

use oyez_core::access::Person;
use oyez_protocol::{BoardName, ConnectionId, RoleName, Seq, UserId};
use tokio::sync::{Semaphore, mpsc};

use super::{Shared, commands};
use crate::{
    boards::Sight,
    hub::{Ask, BoardReply, Format, Question, Reply},
};

/// Questions being answered at once; more wait in the hub's channel.
const MOST_AT_ONCE: usize = 512;
/// Items of one page.
const MOST_ITEMS: u32 = 500;
/// A store that failed is asked again after this long.
const PAUSE: Duration = Duration::from_millis(500);

/// Answers until the hub is gone.
pub(super) async fn run(shared: Arc<Shared>, mut questions: mpsc::Receiver<Ask>) {
    let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
    while let Some(Ask { connection, user, question }) = questions.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let shared = Arc::clone(&shared);
        // Ends with its answer; the hub drops answers to connections that are gone.
        tokio::spawn(async move {
            let reply = match question {
                Question::Page { after, format, max_bytes } => {
                    page(&shared, &user, connection, after, format, max_bytes).await
                }
                Question::Board { name, has, turn, roles, format } => {
                    Reply::Board(turn, board(&shared, &user, &name, has, &roles, format).await)
                }
                Question::Command(frame) => Reply::Answer(commands::carry_out(&shared, &user, *frame).await),
            };
            drop(place);
            shared.hub.reply(&user, connection, reply);
        });
    }
}

/// What leads from the version that a viewer has to the present one.
async fn board(
    shared: &Shared,
    user: &UserId,
    name: &BoardName,
    has: u64,
    roles: &[RoleName],
    format: Format,
) -> BoardReply {
    match shared.boards.sight(Person { user, roles }, name, has).await {
        Ok(Sight::Nothing) => BoardReply::Nothing { has },
        Ok(Sight::Board { version, update }) => {
            let mut body = Vec::with_capacity(update.frame().len() + 16);
            format.push_text(&mut body, update.frame());
            BoardReply::Board { has, version, body: body.into() }
        }
        Err(error) => {
            tracing::warn!(%error, %user, board = %name, "could not read a board; trying again");
            tokio::time::sleep(PAUSE).await;
            BoardReply::Failed
        }
    }
}

async fn page(
    shared: &Shared,
    user: &UserId,
    connection: ConnectionId,
    after: Seq,
    format: Format,
    max_bytes: usize,
) -> Reply {
    match shared.store.items_after(user, after, MOST_ITEMS, max_bytes).await {
        Ok(page) => {
            let mut body = Vec::with_capacity(page.items.iter().map(|item| item.tail.len() + 96).sum());
            for item in &page.items {
                format.push_item(&mut body, item);
            }
            Reply::Page {
                body: body.into(),
                count: page.items.len() as u32,
                first: page.items.first().map_or(page.head, |item| item.seq),
                // Nothing left to read means that nothing is missing up to the head.
                last: page.items.last().map_or(page.head, |item| item.seq),
                head: page.head,
            }
        }
        Err(error) => {
            tracing::warn!(%error, %user, %connection, "could not read a page; trying again");
            tokio::time::sleep(PAUSE).await;
            Reply::PageFailed
        }
    }
}
