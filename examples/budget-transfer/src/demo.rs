//! Something to begin with: a chart of accounts, some periods, and two people to sign in as.

use jiff::civil::Date;
use oyez::{UserProfile, protocol::UserId};

use crate::{
    app::App,
    books::{Account, Period},
    database::books,
};

/// The password of everybody in the demo.
pub const PASSWORD: &str = "hear-ye-2026";
/// Whom to sign in as: name, and what to call them.
pub const LOGINS: [(&str, &str); 2] = [("olive", "Olive Okafor"), ("ben", "Ben Sato")];

const ACCOUNTS: [(&str, &str); 8] = [
    ("101-10-5110-000", "Finance: training"),
    ("101-10-5210-000", "Finance: travel"),
    ("101-20-5110-000", "IT: training"),
    ("101-20-5310-000", "IT: software licences"),
    ("101-20-5320-000", "IT: hardware"),
    ("101-30-5410-000", "Facilities: maintenance"),
    ("101-30-5420-000", "Facilities: energy"),
    ("101-40-5510-000", "Marketing: campaigns"),
];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Fills what is missing. Periods are those around this month; last month's and this month's are open.
pub async fn fill(app: &App) -> anyhow::Result<()> {
    let today: Date = app.desk.now().to_string()[..10].parse()?;
    let known = app.desk.books().await?;
    let mut tx = app.database.write().await?;
    for (code, name) in ACCOUNTS {
        books::put_account(&mut tx, &Account { code: code.into(), name: name.into() }).await?;
    }
    for period in periods(today) {
        // One that somebody closed stays closed.
        if !known.periods.contains_key(&period.name) {
            books::put_period(&mut tx, &period).await?;
        }
    }
    tx.commit().await?;
    for (id, name) in LOGINS {
        let user = UserId::new(id)?;
        let is_new = app.oyez.users().get(&user).await?.is_none();
        let profile = UserProfile { name: Some(name.into()), ..UserProfile::new(user.clone()) };
        app.oyez.users().put(profile).await?;
        if is_new {
            app.oyez.users().set_password(&user, PASSWORD).await?;
        }
    }
    Ok(())
}

fn periods(today: Date) -> Vec<Period> {
    let this_month = today.first_of_month();
    let month = jiff::Span::new().months(1);
    let mut first = this_month.saturating_sub(jiff::Span::new().months(4));
    let mut periods = Vec::new();
    for _ in 0..6 {
        let index = usize::from(first.month().unsigned_abs()) - 1;
        let open = first == this_month || first.saturating_add(month) == this_month;
        let name = format!("{}-{:02}", MONTHS[index], first.year() % 100);
        periods.push(Period { name, first, last: first.last_of_month(), open });
        first = first.saturating_add(month);
    }
    periods
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn this_months_period_and_last_months_are_open() {
        let shown: Vec<_> = periods(date(2027, 1, 31))
            .into_iter()
            .map(|period| format!("{} {} {} {}", period.name, period.first, period.last, period.open))
            .collect();
        assert_eq!(
            shown[2..],
            [
                "Nov-26 2026-11-01 2026-11-30 false",
                "Dec-26 2026-12-01 2026-12-31 true",
                "Jan-27 2027-01-01 2027-01-31 true",
                "Feb-27 2027-02-01 2027-02-28 false"
            ]
        );
    }
}
