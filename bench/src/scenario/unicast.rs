//! A notification for one person: from the publish to the socket, durably stored on the way.

use super::{Run, make_users};
use crate::{
    generator::Generator,
    message,
    probe::{Load, probe},
    report::{Bar, Figure},
    server::{greetings, user},
};

const SUBSCRIBERS: usize = 1_000;
const RATE: f64 = 1_000.0;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let server = run.setup.start("unicast", "")?;
    let mut generator = Generator::new(server.address)?;
    make_users(&server, &mut generator, SUBSCRIBERS)?;
    generator.subscribe(greetings(SUBSCRIBERS))?;
    let key = server.key.clone();
    // 7,919 is prime: everybody in turn, and no neighbours.
    let mut compose = move |stamp, number: u64| {
        let to = format!("user:{}", user(number as usize * 7_919 % SUBSCRIBERS));
        message::notification(&key, &to, stamp)
    };
    let mut load = Load {
        compose: &mut compose,
        connections: 32,
        fan: 1,
        p99_limit_ms: f64::INFINITY,
        pid: server.pid(),
    };
    let measured = probe(&mut generator, &mut load, RATE, run.seconds(10.0))?;
    if !measured.passes() {
        anyhow::bail!("{}", measured.complaint);
    }
    run.report.add(Figure::new("publish to receive at 1,000/s, median", measured.latency()).judged(
        measured.p50_ms,
        Bar::AtMost(1.5, 0.8),
        " ms",
    ));
    run.report.add(Figure::new("the same, 99th percentile", measured.latency()).judged(
        measured.p99_ms,
        Bar::AtMost(8.0, 3.0),
        " ms",
    ));
    Ok(())
}
