//! The figures of the dashboard: counts in, the board's document out. Pure.

use oyez::protocol::Timestamp;
use serde_json::{Map, Value, json};

use crate::life_cycle::Status;

/// How many applications the board lists.
pub const MOST_RECENT: i64 = 8;
/// How many months the chart shows, the present one included.
pub const MONTHS: usize = 12;

/// What the database counts.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Applications by status, in the order of [`Status::ALL`].
    pub by_status: [u64; Status::ALL.len()],
    /// Suppliers with an account.
    pub suppliers: u64,
    /// The newest applications, the newest first.
    pub recent: Vec<Recent>,
    /// Applications that came and those that were approved, by month (`2026-01`); months without any are left out.
    pub months: Vec<Month>,
}

/// One of the newest applications.
#[derive(Debug, Clone)]
pub struct Recent {
    /// Its id.
    pub id: i64,
    /// Its tracking code.
    pub tracking_code: String,
    /// Whose.
    pub company_name: String,
    /// Where it stands.
    pub status: Status,
    /// When it came.
    pub submitted_at: Timestamp,
}

/// One month's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// `2026-01`.
    pub month: String,
    /// How many came.
    pub applications: u64,
    /// How many were approved.
    pub approved: u64,
}

/// The whole document of the board `suppliers`.
pub fn board(counts: &Counts, now: Timestamp) -> Map<String, Value> {
    let of = |status: Status| {
        let place = Status::ALL.iter().position(|one| *one == status);
        place.map_or(0, |place| counts.by_status[place])
    };
    let shares = tenths(&counts.by_status);
    let distribution: Vec<Value> = Status::ALL
        .iter()
        .zip(counts.by_status)
        .zip(shares)
        .map(|((status, count), tenths)| {
            let percent = tenths as f64 / 10.0;
            json!({"status": status.as_str(), "label": status.display(), "count": count, "percent": percent})
        })
        .collect();
    let recent: Vec<Value> = counts
        .recent
        .iter()
        .map(|one| {
            json!({
                "id": one.id,
                "tracking_code": one.tracking_code,
                "company_name": one.company_name,
                "status": one.status.as_str(),
                "label": one.status.display(),
                "submitted_at": one.submitted_at,
            })
        })
        .collect();
    let monthly: Vec<Value> = months_until(now)
        .into_iter()
        .map(|(month, label)| {
            let found = counts.months.iter().find(|one| one.month == month);
            let (applications, approved) = found.map_or((0, 0), |one| (one.applications, one.approved));
            json!({"month": month, "label": label, "applications": applications, "approved": approved})
        })
        .collect();
    let document = json!({
        "total_applications": counts.by_status.iter().sum::<u64>(),
        "pending_review": of(Status::PendingReview),
        "under_review": of(Status::UnderReview),
        "approved": of(Status::Approved),
        "rejected": of(Status::Rejected),
        "total_suppliers": counts.suppliers,
        "distribution": distribution,
        "recent_applications": recent,
        "monthly": monthly,
    });
    match document {
        Value::Object(document) => document,
        _ => Map::new(),
    }
}

/// Each count's share of all in tenths of a per cent. They add up to exactly 1,000, by largest remainder (of equal
/// remainders the earlier one gets the tenth); with nothing to share, all are 0.
pub fn tenths<const N: usize>(counts: &[u64; N]) -> [u64; N] {
    let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    if total == 0 {
        return [0; N];
    }
    let exact = counts.map(|count| u128::from(count) * 1_000);
    let mut shares = exact.map(|exact| u64::try_from(exact / total).expect("a share is at most 1,000"));
    let mut places: [usize; N] = std::array::from_fn(|place| place);
    places.sort_by_key(|place| std::cmp::Reverse(exact[*place] % total));
    let left = 1_000 - shares.iter().sum::<u64>();
    for place in places.into_iter().take(usize::try_from(left).unwrap_or(N)) {
        shares[place] += 1;
    }
    shares
}

/// The last [`MONTHS`] months, the oldest first: `2026-01` and `Jan`.
fn months_until(now: Timestamp) -> Vec<(String, &'static str)> {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month) = year_and_month(now);
    let last = year * 12 + month - 1;
    (0..MONTHS as i64)
        .rev()
        .map(|back| {
            let (year, month) = ((last - back).div_euclid(12), (last - back).rem_euclid(12));
            (format!("{year:04}-{:02}", month + 1), NAMES[month as usize % 12])
        })
        .collect()
}

/// A time's year and month in UTC.
pub fn year_and_month(at: Timestamp) -> (i64, i64) {
    // RFC 3339, such as 2026-01-31T…
    let text = at.to_string();
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse().ok());
    (part(0..4).unwrap_or(1970), part(5..7).unwrap_or(1))
}

#[cfg(test)]
mod tests;
