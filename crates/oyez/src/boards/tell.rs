//! Announcing what became of boards: the first change at once, those that follow closely together.
//!
//! A board that changes a hundred times a second is told ten times a second; each patch leads from what was told last
//! to what is there then. Nothing is queued: of each board only where it was and where it is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oyez_core::board::{Board, Latest, State, update};
use oyez_protocol::{BoardName, RoleName};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Boards;
use crate::bus::{Announcement, BoardNews};

/// Changes within this time after an announcement are announced together.
const PAUSE: Duration = Duration::from_millis(100);

/// What became of a board since it was last told.
pub(super) struct News {
    /// What was told last; `None`: it was not there.
    from: Option<(u64, Arc<State>)>,
    version: u64,
    /// What is there now; `None`: it was deleted.
    now: Option<Present>,
}

struct Present {
    state: Arc<State>,
    roles: Option<Arc<[RoleName]>>,
}

impl News {
    pub(super) fn changed(before: &Latest, board: &Board) -> Self {
        let roles = board.roles.as_ref().map(|roles| roles.as_slice().into());
        Self {
            from: before.board.as_ref().map(|before| (before.version, Arc::clone(&before.state))),
            version: board.version,
            now: Some(Present { state: Arc::clone(&board.state), roles }),
        }
    }

    pub(super) fn ended(version: u64) -> Self {
        Self { from: None, version, now: None }
    }
}

/// Boards whose changes are not announced yet.
#[derive(Default)]
pub(super) struct Untold {
    boards: Mutex<HashMap<BoardName, News>>,
    ring: Notify,
}

impl Untold {
    /// Called in the order of the commits.
    pub(super) fn add(&self, name: BoardName, news: News) {
        let mut boards = self.boards.lock().unwrap_or_else(PoisonError::into_inner);
        match boards.get_mut(&name) {
            // Viewers still have what the first of these changes began with; after an end they have nothing.
            Some(waiting) => {
                let had = waiting.from.take().filter(|_| waiting.now.is_some() && news.now.is_some());
                *waiting = News { from: had, ..news };
            }
            None => drop(boards.insert(name, news)),
        }
        drop(boards);
        self.ring.notify_one();
    }

    fn take(&self) -> HashMap<BoardName, News> {
        std::mem::take(&mut *self.boards.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Announces changes of boards. To be run for as long as the server lives.
pub struct Teller {
    boards: Boards,
}

impl Teller {
    pub(super) fn new(boards: Boards) -> Self {
        Self { boards }
    }

    /// Announces until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.boards.shared.untold.ring.notified() => {}
            }
            self.tell();
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        self.tell();
    }

    fn tell(&self) {
        for (board, news) in self.boards.shared.untold.take() {
            let News { from, version, now } = news;
            let had = from.as_ref().map(|(version, state)| (*version, &**state));
            let update = now.as_ref().map(|now| update(&board, had, version, &now.state));
            let exists = now.is_some();
            let roles = now.and_then(|now| now.roles);
            let news = BoardNews { board, version, exists, roles, update };
            self.boards.shared.bus.announce(Announcement::Board(Arc::new(news)));
        }
    }
}

#[cfg(test)]
mod tests {
    use oyez_core::board::Update;
    use oyez_protocol::Timestamp;
    use serde_json::json;

    use super::*;

    fn name() -> BoardName {
        BoardName::new("b").unwrap()
    }

    fn at(version: u64) -> Latest {
        let state = json!({"n": version, "text": "x".repeat(100)}).as_object().unwrap().clone();
        let time = Timestamp::from_millis(0);
        let board = Board {
            name: name(),
            version,
            state: Arc::new(state),
            roles: None,
            refresh: None,
            created_at: time,
            updated_at: time,
        };
        Latest { version, board: Some(board) }
    }

    fn changed(from: u64, to: u64) -> News {
        News::changed(&at(from), at(to).board.as_ref().unwrap())
    }

    #[test]
    fn changes_that_follow_each_other_are_told_as_one_from_where_viewers_are() {
        let untold = Untold::default();
        for version in 1..50 {
            untold.add(name(), changed(version, version + 1));
        }
        let news = untold.take().remove(&name()).unwrap();
        let (from, state) = (news.from.unwrap(), news.now.unwrap().state);
        let Update::Patch { from_version, frame } =
            update(&name(), Some((from.0, &from.1)), news.version, &state)
        else {
            panic!("a patch is shorter");
        };
        assert_eq!((from_version, news.version), (1, 50));
        assert!(frame.ends_with(r#""patch":{"n":50}}"#), "{frame}");
        assert!(untold.take().is_empty());
    }

    #[test]
    fn what_is_deleted_and_made_again_is_told_whole() {
        let untold = Untold::default();
        untold.add(name(), changed(1, 2));
        untold.add(name(), News::ended(3));
        assert!(untold.boards.lock().unwrap()[&name()].now.is_none());
        untold.add(name(), News::changed(&Latest { version: 3, board: None }, at(4).board.as_ref().unwrap()));
        let news = untold.take().remove(&name()).unwrap();
        assert_eq!((news.from.is_none(), news.version, news.now.is_some()), (true, 4, true));
    }
}
