//! Measures Oyez beside the physical limits of the same machine, in the same run.
//!
//! `cargo run --release -p bench -- all` builds the server, pins it to one core and the load generator to another,
//! runs every scenario and writes `bench/RESULTS.md`. Benchmarks are never part of the tests.

mod clock;
mod digests;
mod embedded;
mod generator;
mod limits;
mod machine;
mod message;
mod probe;
mod report;
mod scenario;
mod server;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};

use report::Report;
use scenario::Scenario;
use server::Setup;

#[derive(Parser)]
#[command(
    about = "Measures Oyez beside the physical limits of the same machine",
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    #[command(subcommand)]
    limit: Option<Limit>,
    /// What to measure: `all`, or some of them by name.
    #[arg(value_name = "SCENARIO", default_value = "all")]
    scenarios: Vec<String>,
    /// Short windows, and fewer subscribers: rough figures in five minutes.
    #[arg(long)]
    quick: bool,
    /// A server binary to measure instead of building one.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Where to write the results.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What the benchmark starts as processes of their own: the bare loops, and an application that embeds the server.
#[derive(Subcommand)]
enum Limit {
    /// A server that only sends.
    #[command(hide = true)]
    Bare { how: String },
    /// A writer that only commits.
    #[command(hide = true)]
    Commit { callers: usize, rows: usize, seconds: f64, folder: PathBuf },
    /// A job table without a job engine.
    #[command(hide = true)]
    BareJobs { jobs: usize, folder: PathBuf },
    /// Jobs that do nothing, in an application of its own.
    #[command(hide = true)]
    EmbeddedJobs { jobs: usize, folder: PathBuf },
    /// Digests, in an application of its own.
    #[command(hide = true)]
    EmbeddedDigests { users: usize, folder: PathBuf },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.limit {
        Some(Limit::Bare { how }) => {
            limits::bare::serve(limits::bare::How::from_name(how).context("no such way of sending")?)
        }
        Some(Limit::Commit { callers, rows, seconds, folder }) => {
            limits::commit::run(*callers, *rows, *seconds, folder)
        }
        Some(Limit::BareJobs { jobs, folder }) => limits::jobs::run(*jobs, folder),
        Some(Limit::EmbeddedJobs { jobs, folder }) => embedded::run(*jobs, folder),
        Some(Limit::EmbeddedDigests { users, folder }) => digests::run(*users, folder),
        None => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let scenarios = Scenario::select(&arguments.scenarios)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = match &arguments.server {
        Some(binary) => binary.canonicalize().context("could not find the server's binary")?,
        None => build(root)?,
    };
    let pin = machine::can_pin();
    let setup = Setup { binary, scratch: root.join("out"), pin };
    let files = machine::raise_file_limit(250_000);
    if pin {
        machine::pin_generator()?;
    }
    let mut run = scenario::Run { setup, quick: arguments.quick, files, report: Report::new() };
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name()).collect();
    let quick = if arguments.quick { " --quick" } else { "" };
    let command = if scenarios.len() == Scenario::ALL.len() { "all".to_owned() } else { names.join(" ") };
    let command = format!("cargo run --release -p bench -- {command}{quick}");
    let output = arguments.output.clone().unwrap_or_else(|| root.join("RESULTS.md"));
    for scenario in &scenarios {
        run.report.section(scenario.title());
        let started = Instant::now();
        // One that fails must not take the figures of the others with it.
        if let Err(error) = scenario.run(&mut run) {
            run.report.add(report::Figure::new("could not be measured", format!("{error:#}")));
        }
        // After each, so that a run that is broken off leaves what it measured.
        run.report.write(&output, &command, pin)?;
        report::say(&format!("{} took {:.0} s", scenario.name(), started.elapsed().as_secs_f64()));
    }
    report::say(&format!("\nwritten to {}", output.display()));
    Ok(())
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let workspace = root.parent().context("bench lies in the workspace")?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(workspace)
        .args(["build", "--release", "-p", "oyez", "--bin", "oyez", "--quiet"])
        .status()
        .context("could not run cargo")?;
    if !built.success() {
        bail!("the server does not build");
    }
    // Beside this binary, wherever the target directory is.
    let own = std::env::current_exe()?;
    Ok(own.with_file_name("oyez"))
}
