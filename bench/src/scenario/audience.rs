//! One notification for 100,000 inboxes.

use std::time::Instant;

use super::{NO_STAMP, Run, make_users, publish_to_everyone};
use crate::{
    generator::Generator,
    limits,
    report::{Bar, Figure, short},
};

const RECIPIENTS: usize = 100_000;
const TIMES: usize = 3;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let recipients = RECIPIENTS;
    let server = run.setup.start("audience", "")?;
    let mut generator = Generator::new(server.address)?;
    make_users(&server, &mut generator, recipients)?;
    let mut rates = Vec::new();
    for _ in 0..TIMES {
        let started = Instant::now();
        publish_to_everyone(&server, &mut generator, NO_STAMP, recipients)?;
        rates.push(recipients as f64 / started.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let bare = limits::commits(1, recipients, 3.0, &run.setup.folder("commit")?, run.setup.pin)?;
    run.report.add(
        Figure::new(
            format!("items for {} recipients, publish to answer", short(recipients as f64)),
            format!(
                "{} items/s (of {TIMES}: {} to {})",
                short(rates[TIMES / 2]),
                short(rates[0]),
                short(rates[TIMES - 1])
            ),
        )
        .beside(format!("bare rows of 300 bytes in one commit: {}/s", short(bare.rows_per_second)))
        .judged(rates[TIMES / 2], Bar::AtLeast(100_000.0, 250_000.0), "/s"),
    );
    Ok(())
}
