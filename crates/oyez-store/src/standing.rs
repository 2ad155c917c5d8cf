//! Where users' streams stand: what a greeting, a resume and a head check need, in one query for many users.
//!
//! Thousands connect in the same second: callers that ask for one user while a query runs share the next one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use oyez_core::inbox::Standing;
use oyez_protocol::{RoleName, Seq, UserId};
use tokio::sync::oneshot;

use crate::{
    engine::{Readers, Row, args, json, sql},
    error::StoreError,
    store::Store,
};

/// Most users in one shared query.
const TOGETHER: usize = 1_000;

/// Where callers wait for the next shared query.
pub(crate) struct Standings {
    readers: Arc<Readers>,
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    /// Bounded by the callers: each waits for its answer.
    waiting: Vec<(UserId, oneshot::Sender<Result<Standing, StoreError>>)>,
    is_served: bool,
}

impl Standings {
    pub(crate) fn new(readers: Arc<Readers>) -> Self {
        Self { readers, desk: Arc::default() }
    }

    async fn one(&self, user: &UserId) -> Result<Standing, StoreError> {
        let (answer, answered) = oneshot::channel();
        let begins = {
            let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
            desk.waiting.push((user.clone(), answer));
            !std::mem::replace(&mut desk.is_served, true)
        };
        if begins {
            // A task of its own: the first caller may leave, the others still wait.
            tokio::spawn(serve(Arc::clone(&self.readers), Arc::clone(&self.desk)));
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

/// Asks for all who wait, until nobody waits.
async fn serve(readers: Arc<Readers>, desk: Arc<Mutex<Desk>>) {
    loop {
        let waiting: Vec<_> = {
            let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
            if desk.waiting.is_empty() {
                desk.is_served = false;
                return;
            }
            let most = desk.waiting.len().min(TOGETHER);
            desk.waiting.drain(..most).collect()
        };
        let users: Vec<UserId> = waiting.iter().map(|(user, _)| user.clone()).collect();
        match read(&readers, &users).await {
            Ok(standings) => {
                for ((_, answer), standing) in waiting.into_iter().zip(standings) {
                    // The caller may be gone.
                    drop(answer.send(Ok(standing)));
                }
            }
            Err(error) => {
                for (_, answer) in waiting {
                    drop(answer.send(Err(error.clone())));
                }
            }
        }
    }
}

async fn read(readers: &Readers, users: &[UserId]) -> Result<Vec<Standing>, StoreError> {
    let asked: Vec<&str> = users.iter().map(UserId::as_str).collect();
    let rows = readers.get().await?.fetch(sql!("standing/read"), args![json(&asked)]).await?;
    let mut known = HashMap::with_capacity(rows.len());
    for row in &rows {
        let index = usize::try_from(row.int(0)?).ok().filter(|index| *index < users.len());
        let Some(index) = index else { continue };
        known.insert(index, standing(row, users[index].clone())?);
    }
    let one = |(index, user): (usize, &UserId)| {
        known.remove(&index).unwrap_or_else(|| Standing::unknown(user.clone()))
    };
    Ok(users.iter().enumerate().map(one).collect())
}

fn standing(row: &Row, user: UserId) -> Result<Standing, StoreError> {
    let (roles, token_roles) = match row.opt_text(6)? {
        None => (Vec::new(), Vec::new()),
        Some(_) => split_roles(row, 6)?,
    };
    Ok(Standing {
        user,
        head: Seq(row.count(1)?),
        unread: row.count(2)?,
        unseen: row.count(3)?,
        kept_after: Seq(row.count(4)?),
        disabled: row.flag(5)?,
        roles,
        token_roles,
        topics: row.names(7)?,
        has_jobs: row.flag(8)?,
    })
}

/// Reads `["aADMIN", "tADMIN"]`: the first letter says where a role comes from.
pub(crate) fn split_roles(row: &Row, column: usize) -> Result<(Vec<RoleName>, Vec<RoleName>), StoreError> {
    split(row.names(column)?)
}

/// Reads roles from the texts that [`split_roles`] reads.
pub(crate) fn split(roles: Vec<String>) -> Result<(Vec<RoleName>, Vec<RoleName>), StoreError> {
    let unreadable = || StoreError::Fault("a role cannot be read back".into());
    let (mut set, mut claimed) = (Vec::new(), Vec::new());
    for role in roles {
        let (source, name) = role.split_at_checked(1).ok_or_else(unreadable)?;
        let name = RoleName::new(name).map_err(|_| unreadable())?;
        if source == "a" { set.push(name) } else { claimed.push(name) }
    }
    set.sort();
    claimed.sort();
    Ok((set, claimed))
}

impl Store {
    /// One standing per user, in their order; of users nobody has heard of, zeros.
    pub async fn standings(&self, users: &[UserId]) -> Result<Vec<Standing>, StoreError> {
        read(&self.standings_desk().readers, users).await
    }

    /// One user's standing. Callers at the same time share a query; it begins after the call, so it sees all that was
    /// committed before.
    pub async fn standing(&self, user: &UserId) -> Result<Standing, StoreError> {
        self.standings_desk().one(user).await
    }
}
