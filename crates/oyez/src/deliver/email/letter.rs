//! What a parcel tells its reader.

use jiff::tz::TimeZone;
use oyez_protocol::Locale;
use oyez_store::{Parcel, ParcelItem, ParcelSubject};
use serde_json::{Map, Value};

use crate::{
    templates::{Letter, Reader, Tells},
    unsubscribe::Mails,
};

/// The letter of a parcel. `zone` is for readers whose profile names none.
pub(super) fn letter(
    parcel: &Parcel,
    zone: &TimeZone,
    unsubscribe_url: Option<String>,
    preferences_url: Option<String>,
) -> Result<Letter, String> {
    let user = &parcel.user;
    let own_zone = user.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    let reader = Reader {
        id: user.id.clone(),
        name: user.name.clone().filter(|name| !name.is_empty()),
        email: parcel.address.clone(),
        locale: user.locale.as_deref().and_then(|tag| Locale::new(tag).ok()),
        zone: own_zone.unwrap_or_else(|| zone.clone()),
    };
    let tells = match &parcel.subject {
        ParcelSubject::Notification(item) => Tells::Notification(fields(item)?),
        ParcelSubject::Digest { items, total, .. } => {
            Tells::Digest { items: items.iter().map(fields).collect::<Result<_, _>>()?, total: *total }
        }
    };
    let preferences_url = preferences_url.or_else(|| unsubscribe_url.clone());
    Ok(Letter { reader, tells, unsubscribe_url, preferences_url })
}

/// Which mails a click in this one ends: those of its type; in a digest, all.
pub(super) fn mails(parcel: &Parcel) -> Mails {
    let kind = match &parcel.subject {
        ParcelSubject::Notification(item) => Some(item.kind.to_string()),
        ParcelSubject::Digest { .. } => None,
    };
    Mails { user: parcel.user.id.clone(), kind }
}

fn fields(item: &ParcelItem) -> Result<Map<String, Value>, String> {
    serde_json::from_str(&item.to_json()).map_err(|error| format!("an item cannot be read back: {error}"))
}
