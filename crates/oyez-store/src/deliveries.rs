//! Deliveries: what is sent to people who are away, from its planning to its end.
//!
//! In reading order: [`record`] is a delivery as it is stored and [`parcel`] what a medium needs to send it; `plan`
//! writes deliveries in the transaction that writes the items, `cancel` skips those that are of no use any more;
//! [`take`] gives what is due to a worker, [`digests`] closes what was collected, [`conclude`] is how an attempt ended;
//! [`resend`] sends again, [`read`] shows, [`retain`] forgets. `facts` and `reach` are what is known of a user when the
//! core decides, [`suppress`] remembers addresses that refused by their [`fingerprint`], `tell` has webhooks told of
//! changes.
//!
//! Whatever a worker says of its attempt names it, and changes nothing unless that is the one that runs.

mod cancel;
mod collect;
pub mod conclude;
pub mod digests;
mod facts;
pub mod fingerprint;
pub mod parcel;
pub(crate) mod plan;
mod reach;
pub mod read;
pub mod record;
pub mod resend;
pub mod retain;
pub mod suppress;
pub mod take;
mod tell;

pub use conclude::Ended;
pub use digests::Closed;
pub use fingerprint::Fingerprints;
pub use parcel::{Parcel, ParcelItem, ParcelSubject};
pub use read::{DeliveryAttempt, DeliveryCount, DeliveryFilter};
pub use record::{DeliveryChange, DeliveryRow};
pub use resend::ResendOutcome;
pub use suppress::Suppression;
pub use take::Taken;
