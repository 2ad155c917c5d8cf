//! Sends again what has ended, because a person says so.

use oyez_core::delivery::NotResendable;
use oyez_protocol::{
    DeliveryId, Timestamp,
    api::deliveries::{MAX_RESENDS, Medium, ResendRequest, Resent},
};

use super::record::{self, DeliveryChange, Stored};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// What became of a wish to send one delivery again.
#[derive(Debug, Clone)]
pub enum ResendOutcome {
    /// It is queued again, and what its digest lists with it.
    Resent(Vec<DeliveryChange>),
    /// It cannot be sent again.
    Refused(NotResendable),
    /// There is no such delivery.
    Unknown,
}

impl Tx {
    /// Sends one delivery again, past preferences' hours and throttles, with all its attempts before it.
    pub async fn resend_delivery(
        &mut self,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<ResendOutcome, StoreError> {
        let Some(stored) = self.stored_delivery(id).await? else { return Ok(ResendOutcome::Unknown) };
        match resent(stored, now) {
            Err(refused) => Ok(ResendOutcome::Refused(refused)),
            Ok(stored) => self.write_with_members(vec![stored], now).await.map(ResendOutcome::Resent),
        }
    }

    /// Sends deliveries again: those named, or the oldest [`MAX_RESENDS`] that the filter finds and that ended by
    /// `now`. Call again, with the same `now`, while a filter queues so many: what was sent again meanwhile is not found
    /// then. What a digest lists is found by its message. The request is one that
    /// [`oyez_core::delivery::check_resend`] lets pass.
    pub async fn resend_deliveries(
        &mut self,
        request: &ResendRequest,
        now: Timestamp,
    ) -> Result<(Resent, Vec<DeliveryChange>), StoreError> {
        let (asked, found) = match (&request.ids, request.status) {
            (Some(ids), _) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                (ids.len(), self.stored_deliveries(&ids).await?)
            }
            (None, Some(state)) => {
                let media = request.medium.map_or(Medium::ALL.to_vec(), |medium| vec![medium]);
                let limit = u32::try_from(MAX_RESENDS).unwrap_or(u32::MAX);
                let statement = sql!(
                    "deliveries/select",
                    "deliveries/columns",
                    "deliveries/from",
                    "deliveries/resendable"
                );
                let row = self.fetch_one(statement, args![state.as_str(), json(&media), limit, now]).await?;
                let found = record::deliveries(row)?;
                (found.len(), found)
            }
            (None, None) => return Ok((Resent { queued: 0, left: 0 }, Vec::new())),
        };
        let again: Vec<Stored> = found.into_iter().filter_map(|stored| resent(stored, now).ok()).collect();
        let queued = again.len() as u64;
        let left = (asked as u64).saturating_sub(queued);
        let changes = self.write_with_members(again, now).await?;
        Ok((Resent { queued, left }, changes))
    }
}

fn resent(mut stored: Stored, now: Timestamp) -> Result<Stored, NotResendable> {
    stored.row.delivery = stored.row.delivery.resent(now)?;
    stored.row.ended_at = None;
    stored.row.error = None;
    Ok(stored)
}
