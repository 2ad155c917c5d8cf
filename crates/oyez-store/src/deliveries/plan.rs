//! Plans deliveries in the transaction that writes the items: a number of statements that does not depend on how many
//! notifications and recipients there are, and none where no medium is set up.

use std::{collections::HashMap, sync::Arc};

use jiff::tz::TimeZone;
use oyez_core::{
    delivery::Medium,
    fallback::{self, Notice, Planned, Policy, Preferences, Recipient},
};
use oyez_protocol::{Timestamp, UserId};
use serde::Deserialize;

use super::{collect::Collector, reach::Reach, record};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    preferences,
    writer::Tx,
};

/// A notification that lands, and in whose inboxes.
pub(crate) struct Landing<'a> {
    pub(crate) notice: Notice<'a>,
    /// When it lands.
    pub(crate) at: Timestamp,
    /// Users by number and id.
    pub(crate) recipients: Vec<(i64, &'a UserId)>,
}

/// Those who chose something or named a time zone.
type Chosen = HashMap<i64, (Preferences, TimeZone)>;

/// The columns of `preferences/of`, by position.
#[derive(Deserialize)]
struct Columns(i64, Option<String>, Option<String>);

impl Tx {
    /// Whether a notification may need deliveries; when not, nothing of this module is needed.
    pub(crate) fn may_deliver(&self, notice: &Notice<'_>) -> bool {
        fallback::may_deliver(notice, self.policy())
    }

    /// Writes the deliveries of notifications that land in this transaction. What is planned already stays as it is.
    pub(crate) async fn plan(&mut self, landings: &[Landing<'_>]) -> Result<(), StoreError> {
        let policy = Arc::clone(self.policy());
        let mut users: Vec<i64> =
            landings.iter().flat_map(|landing| &landing.recipients).map(|(user, _)| *user).collect();
        users.sort_unstable();
        users.dedup();
        if users.is_empty() {
            return Ok(());
        }
        let chosen = self.chosen(&users, &policy).await?;
        let reach = Reach::read(self, &policy, &users).await?;
        let mut planned = Vec::new();
        for landing in landings {
            planned.extend(planned_for(landing, &policy, &chosen, &reach));
        }
        let collecting = planned.iter().filter_map(|(user, planned)| {
            planned.collecting.as_ref().map(|collecting| (*user, &collecting.key))
        });
        let mut collector = Collector::read(self, collecting).await?;
        for (user, planned) in &mut planned {
            if let Some(collecting) = &planned.collecting {
                planned.delivery.digest =
                    Some(collector.join(*user, collecting, planned.delivery.created_at));
            }
        }
        let due = collector.store(self).await?;
        self.note_due(due);
        self.note_due(planned.iter().filter_map(|(_, planned)| planned.delivery.due_at).min());
        if !planned.is_empty() {
            let rows: Vec<_> =
                planned.iter().map(|(user, planned)| record::new_row(&planned.delivery, *user)).collect();
            self.execute(sql!("deliveries/plan"), args![json(&rows)]).await?;
        }
        Ok(())
    }

    async fn chosen(&mut self, users: &[i64], policy: &Policy) -> Result<Chosen, StoreError> {
        let row = self.fetch_one(sql!("preferences/of"), args![json(users)]).await?;
        let read = |Columns(user, zone, request)| {
            let preferences = request.as_deref().map_or(Preferences::NONE, preferences::stored);
            let zone = preferences.zone(policy, zone.as_deref());
            (user, (preferences, zone))
        };
        Ok(record::array(row)?.into_iter().map(read).collect())
    }
}

/// What the core plans for a notification, each with the number of its user, as far as the media reach them.
fn planned_for(
    landing: &Landing<'_>,
    policy: &Policy,
    chosen: &Chosen,
    reach: &Reach,
) -> Vec<(i64, Planned)> {
    let nothing = (Preferences::NONE, policy.zone(None));
    let recipients = landing.recipients.iter().map(|(num, user)| {
        let (preferences, zone) = chosen.get(num).unwrap_or(&nothing);
        Recipient { user, preferences, zone }
    });
    let planned = fallback::plan(&landing.notice, policy, recipients, landing.at);
    // They come in the order of the recipients.
    let mut nums = landing.recipients.iter();
    let mut current = nums.next();
    let mut numbered = Vec::with_capacity(planned.len());
    for one in planned {
        while current.is_some_and(|(_, user)| **user != one.delivery.user) {
            current = nums.next();
        }
        let Some((num, _)) = current else { break };
        if one.delivery.medium == Medium::Email
            || reach.reaches(one.delivery.medium, *num, &one.delivery.subject)
        {
            numbered.push((*num, one));
        }
    }
    numbered
}

#[cfg(test)]
mod tests;
