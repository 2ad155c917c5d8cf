//! What a live connection costs: to open, and to keep.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::Run;
use crate::{
    generator::Generator,
    machine,
    report::{Bar, Figure, short},
    server::{Server, greetings},
};

const CONNECTIONS: usize = 10_000;
const MANY: usize = 100_000;
/// Files beside the connections.
const OTHER_FILES: u64 = 500;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let count = CONNECTIONS;
    let server = run.setup.start("connect", "")?;
    let mut generator = Generator::new(server.address)?;
    // The first of all makes what is made once: buffers, statements, threads.
    generator.subscribe(greetings(20))?;
    generator.hang_up();
    generator.idle(Duration::from_secs(1))?;

    let resident = machine::resident_bytes(server.pid())?;
    let (cpu, own) = (machine::cpu_seconds(server.pid())?, machine::own_cpu_seconds()?);
    let seconds = generator.subscribe(greetings(count))?;
    let cpu = machine::cpu_seconds(server.pid())? - cpu;
    let own = (machine::own_cpu_seconds()? - own) / seconds;
    let rate = count as f64 / seconds;
    run.report.add(
        Figure::new(
            "authenticated connects, each user written down for the first time",
            format!("{}/s, {} us of server CPU each", short(rate), short(cpu * 1e6 / count as f64)),
        )
        .beside(format!("generator {own:.2} cores")),
    );

    let busy = idle_share(&mut generator, &server, run.seconds(5.0))?;
    let each =
        (machine::resident_bytes(server.pid())?.saturating_sub(resident)) as f64 / count as f64 / 1024.0;
    run.report.add(
        Figure::new(format!("resident memory per connection, {count} open"), format!("{} KiB", short(each)))
            .judged(each, Bar::AtMost(5.0, 3.0), " KiB"),
    );
    run.report.add(Figure::new("CPU while all are idle", format!("{} % of a core", short(busy * 100.0))));

    generator.hang_up();
    generator.idle(Duration::from_secs(2))?;
    let (cpu, own) = (machine::cpu_seconds(server.pid())?, machine::own_cpu_seconds()?);
    let seconds = generator.subscribe(greetings(count))?;
    let cpu = machine::cpu_seconds(server.pid())? - cpu;
    let own = (machine::own_cpu_seconds()? - own) / seconds;
    let rate = count as f64 / seconds;
    run.report.add(
        Figure::new(
            "authenticated connects, known users",
            format!("{}/s, {} us of server CPU each", short(rate), short(cpu * 1e6 / count as f64)),
        )
        .beside(format!("generator {own:.2} cores"))
        .judged(rate, Bar::AtLeast(12_000.0, 20_000.0), "/s"),
    );
    Ok(())
}

pub(super) fn hold(run: &mut Run) -> anyhow::Result<()> {
    let most = run.files.saturating_sub(OTHER_FILES) as usize;
    let count = run.count(MANY).min(most);
    if count < 1_000 {
        bail!("this machine allows {} files per process", run.files);
    }
    let server = run.setup.start("hold", "")?;
    let resident = machine::resident_bytes(server.pid())?;
    let mut generator = Generator::new(server.address)?;
    let seconds = generator.subscribe(greetings(count))?;
    // Twice the interval between pings, so that each connection is pinged twice.
    let busy = idle_share(&mut generator, &server, run.seconds(50.0))?;
    let each =
        (machine::resident_bytes(server.pid())?.saturating_sub(resident)) as f64 / count as f64 / 1024.0;
    let limit = if count < run.count(MANY) {
        format!("this machine allows {} files per process", run.files)
    } else {
        String::new()
    };
    run.report.add(
        Figure::new(
            format!("{} idle connections held, pings included", short(count as f64)),
            format!(
                "{} % of a core; opened in {seconds:.1} s; {} KiB each",
                short(busy * 100.0),
                short(each)
            ),
        )
        .beside(limit)
        .judged(busy * 100.0, Bar::AtMost(10.0, 3.0), " %"),
    );
    if generator.open() < count {
        bail!("{} of {count} connections were lost: {}", count - generator.open(), generator.last_error());
    }
    Ok(())
}

/// The share of a core that the server takes while nothing is published.
fn idle_share(generator: &mut Generator, server: &Server, seconds: f64) -> anyhow::Result<f64> {
    generator.idle(Duration::from_secs(1))?;
    let (cpu, started) = (machine::cpu_seconds(server.pid())?, Instant::now());
    generator.idle(Duration::from_secs_f64(seconds))?;
    Ok((machine::cpu_seconds(server.pid())? - cpu) / started.elapsed().as_secs_f64())
}
