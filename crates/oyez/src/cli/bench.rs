//! `oyez bench`: a small measure of this machine, each figure beside the physical limit taken in the same run.
//!
//! It is for orientation, over loopback with the load in the same process; `bench/` in the repository is the thorough
//! one.

mod connection;
mod disk;
mod fan_out;
mod publish;

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};

use super::{
    args::{BenchArgs, Global},
    error::Failure,
    output::Output,
};
use crate::{
    config::Config,
    lifecycle::{Shutdown, raise_file_limit},
    server::Server,
};

/// Callers at once.
const CALLERS: [usize; 3] = [1, 16, 256];

/// What is measured: where it is and what opens it.
#[derive(Debug, Clone)]
struct Target {
    /// `host:port`.
    address: String,
    key: String,
}

pub(super) fn run(global: &Global, args: &BenchArgs, output: &Output) -> Result<(), Failure> {
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(measure(global, args, output));
    runtime.shutdown_background();
    let result = result?;
    output.answer(&result, || text(&result));
    Ok(())
}

async fn measure(global: &Global, args: &BenchArgs, output: &Output) -> Result<Value, Failure> {
    let length = Duration::from_secs(args.seconds);
    let Some(base) = &global.server else {
        let scratch = Scratch::make()?;
        output.note("measuring the disk …");
        let disk = {
            let path = scratch.path.join("disk");
            tokio::task::spawn_blocking(move || disk::commits(&path, length))
                .await
                .map_err(std::io::Error::other)??
        };
        let mut config =
            Config { data_dir: scratch.path.join("data"), listen: "127.0.0.1:0".into(), ..Config::default() };
        config.gateway.max_connections_per_user = usize::MAX;
        let server = Server::start(config).await?;
        let (address, oyez) = (server.address().to_string(), server.oyez().clone());
        let target = Target { address, key: oyez.control_key().to_owned() };
        let shutdown = Shutdown::new();
        let running = tokio::spawn(server.run(shutdown.clone()));
        let measured = load(&target, args, length, output).await;
        shutdown.now();
        let _ = running.await;
        let mut measured = measured?;
        compare(&mut measured, &disk);
        return Ok(measured);
    };
    let Some(address) = base.strip_prefix("http://") else {
        return Err(Failure::usage("the bench speaks plain HTTP: --server http://host:port")
            .hint("run it on the server's machine, past the TLS proxy"));
    };
    let key = global.key.clone().ok_or_else(|| Failure::usage("--server needs --key KEY"))?;
    load(&Target { address: address.trim_end_matches('/').to_owned(), key }, args, length, output).await
}

async fn load(
    target: &Target,
    args: &BenchArgs,
    length: Duration,
    output: &Output,
) -> Result<Value, Failure> {
    let mut publishes = Vec::new();
    for callers in CALLERS {
        output.note(&format!("publishing with {callers} callers …"));
        publishes.push(publish::run(target, callers, length).await?);
    }
    output.note(&format!("fanning out to {} connections …", args.connections));
    let fan_out = fan_out::run(target, args.connections as usize, length).await?;
    Ok(json!({"publish": publishes, "fan_out": fan_out}))
}

/// Puts each figure beside the limit.
fn compare(measured: &mut Value, disk: &disk::Commits) {
    measured["bare_commits"] = json!({"per_second": disk.per_second, "p50_ms": disk.p50_ms});
    let ratio = |of: f64, to: f64| (of / to.max(f64::EPSILON) * 100.0).round() / 100.0;
    for publish in measured["publish"].as_array_mut().into_iter().flatten() {
        publish["ratio_to_bare_commits"] =
            json!(ratio(publish["per_second"].as_f64().unwrap_or(0.0), disk.per_second));
    }
}

fn text(measured: &Value) -> String {
    let mut lines = Vec::new();
    if let Some(per_second) = measured["bare_commits"]["per_second"].as_f64() {
        let p50 = &measured["bare_commits"]["p50_ms"];
        lines.push(format!("bare commits (write + fdatasync)  {per_second:>8.0}/s   p50 {p50} ms"));
    }
    for publish in measured["publish"].as_array().into_iter().flatten() {
        let ratio = publish["ratio_to_bare_commits"].as_f64();
        let ratio = ratio.map_or_else(String::new, |ratio| format!("   {ratio} x bare commits"));
        lines.push(format!(
            "durable publishes, {:>3} callers       {:>8.0}/s   p50 {} ms   p99 {} ms{ratio}",
            publish["callers"].as_u64().unwrap_or(0),
            publish["per_second"].as_f64().unwrap_or(0.0),
            publish["p50_ms"],
            publish["p99_ms"],
        ));
    }
    let fan_out = &measured["fan_out"];
    lines.push(format!(
        "fan-out to {:>5} connections       {:>8.0}/s   p50 {} ms   p99 {} ms   lost {}",
        fan_out["connections"].as_u64().unwrap_or(0),
        fan_out["deliveries_per_second"].as_f64().unwrap_or(0.0),
        fan_out["p50_ms"],
        fan_out["p99_ms"],
        fan_out["lost"],
    ));
    lines.join("\n")
}

/// p50 and p99 of durations, in milliseconds with three decimals.
fn percentiles(mut taken: Vec<Duration>) -> (f64, f64) {
    taken.sort_unstable();
    let at = |part: f64| {
        let index = ((taken.len() as f64 * part) as usize).min(taken.len().saturating_sub(1));
        let millis = taken.get(index).copied().unwrap_or_default().as_secs_f64() * 1000.0;
        (millis * 1000.0).round() / 1000.0
    };
    (at(0.5), at(0.99))
}

/// A directory on the disk of the working directory: a temporary file system would measure memory.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn make() -> Result<Self, Failure> {
        let path = std::env::current_dir()?.join(format!(".oyez-bench-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| {
            Failure::new(format!("could not make {}: {error}", path.display()))
                .hint("run it in a directory that you may write")
        })?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
