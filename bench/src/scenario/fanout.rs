//! One publish to many: live-only events, and notifications stored in every recipient's inbox.

use super::{NO_STAMP, Run, publish_to_everyone};
use crate::{
    generator::{Generator, subscriber::Greeting},
    limits::{BareServer, bare::How},
    message,
    probe::{Load, Probe, probe, saturate},
    report::{Bar, Figure, say, short},
    server::{Server, greeting, greetings},
};

/// Deliveries a second that no server needs to coalesce for.
const MODEST: f64 = 50_000.0;
/// Publishing connections, enough that they never wait for each other.
const PUBLISHERS: usize = 64;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let sizes: &[usize] = if run.quick { &[100, 1_000] } else { &[100, 1_000, 5_000] };
    for subscribers in sizes {
        measure_with(run, *subscribers)?;
    }
    Ok(())
}

/// With 5,000 listeners on one core the last of them waits for 5,000 writes.
fn limit_ms(subscribers: usize) -> f64 {
    if subscribers > 1_000 { 250.0 } else { 100.0 }
}

fn measure_with(run: &mut Run, subscribers: usize) -> anyhow::Result<()> {
    let people = format!("{} subscribers", short(subscribers as f64));
    let modest_rate = MODEST / subscribers as f64;
    let seconds = run.seconds(3.0);

    say(&format!("{people}, live-only events"));
    let server = run.setup.start("fanout", "")?;
    let mut generator = Generator::new(server.address)?;
    generator.subscribe(greetings(subscribers))?;
    let live = |server: &Server| {
        let key = server.key.clone();
        move |stamp, _| message::event(&key, stamp)
    };
    let mut compose = live(&server);
    let mut load = load(&mut compose, subscribers, server.pid());
    let modest = probe(&mut generator, &mut load, modest_rate, run.seconds(5.0))?;
    let most = saturate(&mut generator, &mut load, modest_rate * 4.0, seconds)?;
    if let Some(sample) = generator.sample() {
        say(&format!("  a frame: {sample}"));
    }

    say(&format!("{people}, stored notifications"));
    let key = server.key.clone();
    publish_to_everyone(&server, &mut generator, NO_STAMP, subscribers)?;
    let mut compose = move |stamp, _| message::notification(&key, "everyone", stamp);
    let mut load = self::load(&mut compose, subscribers, server.pid());
    let stored = saturate(&mut generator, &mut load, modest_rate, seconds)?;
    let half = match &stored {
        Some(stored) => Some(probe(&mut generator, &mut load, stored.rate / 2.0, run.seconds(5.0))?),
        None => None,
    };
    drop((generator, server));

    say(&format!("{people}, bare loop, one send per message"));
    let bytes = modest.bytes_per_delivery;
    let window = run.seconds(5.0);
    let bare_modest = bare(run, How::EachMessage, subscribers, bytes, |generator, load| {
        probe(generator, load, modest_rate, window)
    })?;
    say(&format!("{people}, bare loop, coalesced"));
    let coalesced = bare(run, How::Coalesced, subscribers, bytes, |generator, load| {
        saturate(generator, load, modest_rate * 4.0, seconds)
    })?;

    report(run, &people, &Measured { modest, most, stored, half, bare_modest, coalesced });
    Ok(())
}

struct Measured {
    modest: Probe,
    most: Option<Probe>,
    stored: Option<Probe>,
    half: Option<Probe>,
    bare_modest: Probe,
    coalesced: Option<Probe>,
}

fn report(run: &mut Run, people: &str, measured: &Measured) {
    let Measured { modest, most, stored, half, bare_modest, coalesced } = measured;
    let cpu = modest.cpu_us_per_delivery / bare_modest.cpu_us_per_delivery;
    run.report.add(
        Figure::new(
            format!("{people}: CPU per live delivery at {}/s", short(MODEST)),
            format!("{} us; {}", short(modest.cpu_us_per_delivery), modest.latency()),
        )
        .beside(format!("one bare send each: {} us", short(bare_modest.cpu_us_per_delivery)))
        .judged(cpu, Bar::AtMost(1.2, 1.05), " x"),
    );
    let none = || "none passed".to_owned();
    let speed = |probe: &Option<Probe>| probe.as_ref().map_or_else(none, Probe::speed);
    let mut figure = Figure::new(format!("{people}: most live deliveries"), speed(most))
        .beside(format!("bare coalescing {}", speed(coalesced)));
    if let (Some(most), Some(limit)) = (most, coalesced) {
        let ratio = most.deliveries_per_second / limit.deliveries_per_second;
        figure = figure.judged(ratio, Bar::AtLeast(0.4, 0.8), " x");
    }
    run.report.add(figure);
    let per_second = stored.as_ref().map_or(0.0, |probe| probe.deliveries_per_second);
    run.report.add(Figure::new(format!("{people}: most stored deliveries"), speed(stored)).judged(
        per_second,
        Bar::AtLeast(100_000.0, 250_000.0),
        "/s",
    ));
    if let Some(half) = half {
        run.report.add(Figure::new(format!("{people}: stored, at half of that"), half.latency()).judged(
            half.p99_ms,
            Bar::AtMost(30.0, 15.0),
            " ms",
        ));
    }
}

/// Measures a bare loop with as many listeners and as many bytes.
fn bare<T>(
    run: &Run,
    how: How,
    subscribers: usize,
    bytes: f64,
    measure: impl FnOnce(&mut Generator, &mut Load<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let server = BareServer::start(how, run.setup.pin)?;
    let mut generator = Generator::new(server.address)?;
    generator.subscribe(vec![Greeting { path: "/".into(), ..Greeting::default() }; subscribers])?;
    let mut compose = |stamp, _| message::bare(stamp, bytes);
    let mut load = load(&mut compose, subscribers, server.pid());
    measure(&mut generator, &mut load)
}

fn load<'a>(compose: &'a mut dyn FnMut(u64, u64) -> Vec<u8>, subscribers: usize, pid: u32) -> Load<'a> {
    Load {
        compose,
        connections: PUBLISHERS,
        fan: subscribers as u64,
        p99_limit_ms: limit_ms(subscribers),
        pid,
    }
}

/// permessage-deflate against plain, with bodies large enough to be compressed.
pub(super) fn measure_compressed(run: &mut Run) -> anyhow::Result<()> {
    let subscribers = run.count(1_000).max(200);
    let server = run.setup.start("compressed", "[gateway]\ncompression = true\n")?;
    let mut speeds = Vec::new();
    for deflate in [false, true] {
        say(if deflate { "compressed" } else { "plain" });
        let mut generator = Generator::new(server.address)?;
        let greetings = (0..subscribers).map(|at| Greeting { deflate, ..greeting(at) }).collect();
        generator.subscribe(greetings)?;
        let key = server.key.clone();
        let mut compose = move |stamp, _| message::event_of(&key, stamp, 400);
        let mut load = load(&mut compose, subscribers, server.pid());
        let most = saturate(&mut generator, &mut load, MODEST / subscribers as f64, run.seconds(3.0))?;
        if deflate && generator.tally.compressed == 0 {
            anyhow::bail!("the server compressed nothing");
        }
        speeds.push(most);
    }
    let [Some(plain), Some(compressed)] = &speeds[..] else { anyhow::bail!("no rate passed") };
    run.report.add(
        Figure::new(
            "most live deliveries, compressed",
            format!("{}; {} bytes each", compressed.speed(), short(compressed.bytes_per_delivery)),
        )
        .beside(format!("plain: {}; {} bytes each", plain.speed(), short(plain.bytes_per_delivery)))
        .judged(
            compressed.deliveries_per_second / plain.deliveries_per_second,
            Bar::AtLeast(0.7, 0.7),
            " x",
        ),
    );
    Ok(())
}
