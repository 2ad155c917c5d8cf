//! Everybody lost the connection, missed some items, and comes back in the same moment.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::{NO_STAMP, Run, make_users, publish_to_everyone};
use crate::{
    clock,
    generator::{Generator, subscriber::Greeting},
    report::{Bar, Figure, short},
    server::{greeting, greetings},
};

const CLIENTS: usize = 10_000;
const MISSED: usize = 20;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let clients = CLIENTS;
    let server = run.setup.start("resume", "")?;
    let mut generator = Generator::new(server.address)?;
    // The item that each has seen, at position 1.
    make_users(&server, &mut generator, clients)?;
    generator.subscribe(greetings(clients))?;
    generator.hang_up();
    generator.idle(Duration::from_secs(1))?;
    for _ in 0..MISSED {
        publish_to_everyone(&server, &mut generator, NO_STAMP + 1, clients)?;
    }

    generator.reset(NO_STAMP + 1);
    let from_one = |at| Greeting { path: "/ws/notifications/?since=1".into(), ..greeting(at) };
    let started = Instant::now();
    let opened = generator.subscribe((0..clients).map(from_one).collect())?;
    let expected = (clients * MISSED) as u64;
    let all_came = generator.wait_for(expected, Duration::from_secs(10))?;
    let seconds = started.elapsed().as_secs_f64();
    // Whatever is sent twice would come now.
    generator.idle(Duration::from_millis(500))?;
    let tally = &generator.tally;
    if !all_came || tally.received != expected || tally.early > 0 || tally.out_of_order > 0 {
        bail!(
            "of {expected} missed items {} came, {} more that were not missed, {} out of order",
            tally.received,
            tally.early,
            tally.out_of_order
        );
    }
    debug_assert!(clock::now() > NO_STAMP, "stamps of this scenario are not times");
    run.report.add(
        Figure::new(
            format!("{} clients, {MISSED} items missed by each: all caught up", short(clients as f64)),
            format!("{seconds:.2} s, each item once and in order"),
        )
        .beside(format!("all connected after {opened:.2} s"))
        .judged(seconds, Bar::AtMost(3.0, 1.0), " s"),
    );
    Ok(())
}
