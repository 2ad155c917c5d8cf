//! Digests: how long it takes to build those of many users.

use super::Run;
use crate::{
    digests::{Figures, ITEMS},
    limits,
    report::{Bar, Figure, short},
};

const USERS: usize = 10_000;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let users = run.count(USERS);
    let folder = run.setup.folder("digests")?;
    let figures: Figures = limits::run(&["embedded-digests", &users.to_string()], &folder, run.setup.pin)?;
    run.report.add(Figure::new(
        format!("items written with a delivery planned for each, {} users", short(users as f64)),
        format!("{}/s", short(figures.planned_per_second)),
    ));
    let built = figures.closed_seconds + figures.taken_seconds;
    // A tenth of the users has a tenth of the time.
    let bar = 5.0 * users as f64 / USERS as f64;
    run.report.add(
        Figure::new(
            format!(
                "digests of {} users with {ITEMS} items each, closed and read for sending",
                short(users as f64)
            ),
            format!(
                "{} s to close, {} s to read",
                short(figures.closed_seconds),
                short(figures.taken_seconds)
            ),
        )
        .judged(built, Bar::AtMost(bar, bar), " s"),
    );
    Ok(())
}
