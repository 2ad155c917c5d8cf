//! One publish load against listeners, and the search for the highest rate that still passes.

use std::time::{Duration, Instant};

use crate::{
    generator::{Compose, Generator, Pace},
    machine,
    report::{say, short},
};

/// What the names of the threads that write to sockets begin with.
const HUB: &str = "oyez-hub";

/// What is published, how, and what counts as good enough.
pub(crate) struct Load<'a> {
    pub(crate) compose: Compose<'a>,
    /// HTTP connections that publish.
    pub(crate) connections: usize,
    /// Messages that each publish leads to.
    pub(crate) fan: u64,
    pub(crate) p99_limit_ms: f64,
    /// The process whose CPU time is measured.
    pub(crate) pid: u32,
}

/// The outcome of one load.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) rate: f64,
    pub(crate) deliveries_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) cpu_us_per_delivery: f64,
    /// Of that in the threads that write to sockets.
    pub(crate) hub_us_per_delivery: f64,
    pub(crate) bytes_per_delivery: f64,
    /// Why it does not pass; empty when it does.
    pub(crate) complaint: String,
    generator_cores: f64,
}

impl Probe {
    pub(crate) fn passes(&self) -> bool {
        self.complaint.is_empty()
    }

    /// Deliveries a second, and whether the generator itself was at its limit.
    pub(crate) fn speed(&self) -> String {
        let bound = if self.generator_cores > 0.93 { " (generator at its limit)" } else { "" };
        format!("{}/s{bound}", short(self.deliveries_per_second))
    }

    /// Median and 99th percentile.
    pub(crate) fn latency(&self) -> String {
        format!("p50 {} ms, p99 {} ms", short(self.p50_ms), short(self.p99_ms))
    }
}

/// Publishes at one rate and waits for what is to come.
pub(crate) fn probe(
    generator: &mut Generator,
    load: &mut Load<'_>,
    rate: f64,
    seconds: f64,
) -> anyhow::Result<Probe> {
    let pid = load.pid;
    let mut before = (0.0, 0.0, 0.0, Instant::now());
    let published = generator.publish(
        load.connections,
        Pace::PerSecond(rate),
        seconds,
        &mut *load.compose,
        &mut || {
            let cpu = machine::cpu_seconds(pid).unwrap_or_default();
            let hub = machine::cpu_seconds_of_threads(pid, HUB).unwrap_or_default();
            before = (cpu, hub, machine::own_cpu_seconds().unwrap_or_default(), Instant::now());
        },
    )?;
    let expected = published.answered * load.fan;
    generator.wait_for(expected, Duration::from_secs(2))?;
    let cpu = machine::cpu_seconds(pid)? - before.0;
    let hub = machine::cpu_seconds_of_threads(pid, HUB)? - before.1;
    let wall = before.3.elapsed().as_secs_f64();
    let tally = &generator.tally;
    let achieved = published.answered as f64 / seconds;
    let p99_ms = tally.quantile_ms(0.99);
    let complaint = if tally.received < expected {
        format!("{} of {expected} deliveries missing", expected - tally.received)
    } else if tally.received > expected {
        format!("{} deliveries too many", tally.received - expected)
    } else if tally.out_of_order > 0 {
        format!("{} out of order", tally.out_of_order)
    } else if generator.lost > 0 {
        format!("{} connections lost: {}", generator.lost, generator.last_error())
    } else if published.failed > 0 {
        format!("{} publishes refused: {}", published.failed, published.first_complaint)
    } else if achieved < rate * 0.97 {
        format!("{} of {} publishes/s", short(achieved), short(rate))
    } else if p99_ms >= load.p99_limit_ms {
        "p99 above the limit".into()
    } else {
        String::new()
    };
    let probe = Probe {
        rate,
        deliveries_per_second: tally.received as f64 / published.seconds.max(wall),
        p50_ms: tally.quantile_ms(0.5),
        p99_ms,
        cpu_us_per_delivery: cpu * 1e6 / tally.received.max(1) as f64,
        hub_us_per_delivery: hub * 1e6 / tally.received.max(1) as f64,
        bytes_per_delivery: tally.bytes_per_delivery(),
        complaint,
        generator_cores: (machine::own_cpu_seconds()? - before.2) / wall,
    };
    say(&format!(
        "  {} publishes/s: {}, {}, {} us CPU each, generator {:.2} cores{}{}",
        short(rate),
        probe.speed(),
        probe.latency(),
        short(probe.cpu_us_per_delivery),
        probe.generator_cores,
        if probe.passes() { "" } else { ": " },
        probe.complaint
    ));
    Ok(probe)
}

/// Of the length of a window, how much is spent on a step of the search; what is found is confirmed over more than one.
const ROUGH: f64 = 0.4;
const FINE: f64 = 0.7;
const SURE: f64 = 1.7;

/// Finds the highest rate that passes: doubles, bisects, and confirms over a longer time.
pub(crate) fn saturate(
    generator: &mut Generator,
    load: &mut Load<'_>,
    first_rate: f64,
    seconds: f64,
) -> anyhow::Result<Option<Probe>> {
    let (mut good, mut bad, mut rate) = (0.0_f64, f64::INFINITY, first_rate);
    for _ in 0..16 {
        let length = if bad.is_infinite() { ROUGH } else { FINE };
        let mut passes = passes(generator, load, rate, seconds * length)?;
        // A short look is not enough to end the doubling.
        if !passes && bad.is_infinite() {
            passes = self::passes(generator, load, rate, seconds)?;
        }
        if passes {
            good = rate;
        } else {
            bad = rate;
        }
        if bad.is_infinite() {
            rate *= 2.0;
        } else if good == 0.0 {
            rate /= 2.0;
            if rate < first_rate / 32.0 {
                return Ok(None);
            }
        } else if bad / good <= 1.12 {
            break;
        } else {
            rate = (good * bad).sqrt();
        }
    }
    let mut rate = good;
    for _ in 0..6 {
        let confirmed = probe(generator, load, rate, seconds * SURE)?;
        if confirmed.passes() {
            return Ok(Some(confirmed));
        }
        settle(generator)?;
        rate *= 0.92;
    }
    Ok(None)
}

/// Whether a rate passes; a server that fell behind has caught up on return.
fn passes(generator: &mut Generator, load: &mut Load<'_>, rate: f64, seconds: f64) -> anyhow::Result<bool> {
    let passes = probe(generator, load, rate, seconds)?.passes();
    if !passes {
        settle(generator)?;
    }
    Ok(passes)
}

/// Lets a server that fell behind catch up.
fn settle(generator: &mut Generator) -> anyhow::Result<()> {
    generator.wait_for(u64::MAX, Duration::from_millis(1500))?;
    Ok(())
}
