//! A dashboard's board: what a patch costs for each of its viewers, beside a live event to the same sockets.

use super::{NO_STAMP, PATIENCE, Run};
use crate::{
    generator::Generator,
    message,
    probe::{Load, Probe, probe},
    report::{Bar, Figure, say, short},
    server::{BOARD_ROLE, viewer},
};

/// Changes a second: below the ten that are told one by one, so that none are told together.
const RATE: f64 = 8.0;
/// Windows of patches and of events, in turn, since the machine is not alone.
const ROUNDS: usize = 3;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let viewers = run.count(1_000).max(200);
    let server = run.setup.start("boards", "")?;
    let mut generator = Generator::new(server.address)?;
    let key = server.key.clone();
    generator.request(&message::new_board(&key, BOARD_ROLE, NO_STAMP), PATIENCE)?;
    generator.subscribe((0..viewers).map(viewer).collect())?;
    let seconds = run.seconds(6.0);
    let (mut patches, mut events) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut load = |compose: &mut dyn FnMut(u64, u64) -> Vec<u8>| {
            let mut load = Load {
                compose,
                // Changes of a board are made one after the other, as its owner makes them.
                connections: 1,
                fan: viewers as u64,
                p99_limit_ms: f64::INFINITY,
                pid: server.pid(),
            };
            passing(probe(&mut generator, &mut load, RATE, seconds)?)
        };
        say(&format!("{} viewers of a board", short(viewers as f64)));
        patches.push(load(&mut |stamp, _| message::board_change(&key, stamp))?);
        say("the same connections, live events");
        events.push(load(&mut |stamp, _| message::dashboard_event(&key, stamp))?);
    }
    let (patch, event) = (median(&mut patches), median(&mut events));
    run.report.add(
        Figure::new(
            format!("CPU per patch and viewer, {} viewers", short(viewers as f64)),
            format!("{} us; {}", short(patch.cpu_us_per_delivery), patch.latency()),
        )
        .beside(format!(
            "a live event to the same: {} us; {} (medians of {ROUNDS})",
            short(event.cpu_us_per_delivery),
            event.latency()
        ))
        .judged(patch.cpu_us_per_delivery / event.cpu_us_per_delivery, Bar::AtMost(1.1, 1.1), " x"),
    );
    // A patch is merged and committed before anybody sees it, an event is not.
    run.report.add(
        Figure::new(
            "of that in the threads that write to sockets",
            format!("{} us", short(patch.hub_us_per_delivery)),
        )
        .beside(format!("a live event: {} us", short(event.hub_us_per_delivery))),
    );
    Ok(())
}

fn passing(probe: Probe) -> anyhow::Result<Probe> {
    if !probe.passes() {
        anyhow::bail!("{}", probe.complaint);
    }
    Ok(probe)
}

fn median(probes: &mut [Probe]) -> Probe {
    probes.sort_by(|a, b| a.cpu_us_per_delivery.total_cmp(&b.cpu_us_per_delivery));
    probes[probes.len() / 2].clone()
}
