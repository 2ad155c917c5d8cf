//! `cargo run -p budget-transfer`: the application with a demo data set, on one port with the embedded Oyez, and beside
//! it a simulated Oracle unless a real one is named.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use budget_transfer::{
    app::{self, App, Settings},
    demo,
    fbdi::Ledger,
    oracle::{self, Credentials, Pace},
    simulator::{Options, Simulator},
};
use clap::Parser;
use oyez::auth::Secret;
use tokio::{net::TcpListener, signal};

/// How long a call is looked for that the simulator may have lost.
const SIMULATED_SETTLE: Duration = Duration::from_secs(3);

/// Budget transfers with live uploads to Oracle Fusion: a small application that embeds Oyez.
///
/// The Oracle user and password come from BUDGET_ORACLE_USER and BUDGET_ORACLE_PASSWORD: what stands on a command line
/// can be read by everybody on the machine.
#[derive(Debug, Parser)]
struct Flags {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Where the databases live; made when it is not there.
    #[arg(long, default_value = "./budget-transfer-data")]
    data: PathBuf,
    /// Send cookies over HTTPS only: for use behind a proxy that speaks TLS.
    #[arg(long)]
    secure_cookies: bool,
    /// The Oracle Fusion host, such as https://pod.fa.example.com. Without it a simulator is started.
    #[arg(long, env = "BUDGET_ORACLE_URL")]
    oracle: Option<reqwest::Url>,
    /// The ledger's id.
    #[arg(long, env = "BUDGET_LEDGER", default_value = "300000046975971")]
    ledger: String,
    /// The data access set's id.
    #[arg(long, env = "BUDGET_ACCESS_SET", default_value = "300000046975980")]
    access_set: String,
    /// The journal source's name.
    #[arg(long, env = "BUDGET_JOURNAL_SOURCE", default_value = "Budget Transfer")]
    journal_source: String,
    /// The journal category's name.
    #[arg(long, env = "BUDGET_JOURNAL_CATEGORY", default_value = "Budget")]
    journal_category: String,
    /// The id of the AutoPost criteria set that posts this source.
    #[arg(long, env = "BUDGET_AUTOPOST_SET", default_value = "300000047061212")]
    autopost_set: String,
    /// Milliseconds before the first question how a request stands; later ones wait longer.
    #[arg(long, default_value_t = 1_000)]
    first_poll_ms: u64,
    /// Milliseconds between two such questions, at most.
    #[arg(long, default_value_t = 15_000)]
    longest_poll_ms: u64,
    /// Milliseconds for which a lost call is looked for in vain before it counts as never made; default 150000, and
    /// 3000 for the simulator, which ends with this process and is at nothing afterwards.
    #[arg(long)]
    settle_ms: Option<u64>,
    /// Milliseconds that a simulated request takes.
    #[arg(long, default_value_t = 4_000)]
    simulated_ms: u64,
}

impl Flags {
    fn oracle_settings(&self, base: reqwest::Url, credentials: Credentials) -> oracle::Settings {
        let usual = if self.oracle.is_some() { Pace::default().settle } else { SIMULATED_SETTLE };
        let pace = Pace {
            first_poll: Duration::from_millis(self.first_poll_ms),
            longest_poll: Duration::from_millis(self.longest_poll_ms),
            settle: self.settle_ms.map_or(usual, Duration::from_millis),
            ..Pace::default()
        };
        let ledger = Ledger {
            id: self.ledger.clone(),
            access_set: self.access_set.clone(),
            source: self.journal_source.clone(),
            category: self.journal_category.clone(),
            autopost_set: self.autopost_set.clone(),
        };
        oracle::Settings { base, credentials, pace, ledger }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let listener = TcpListener::bind(flags.listen)
        .await
        .with_context(|| format!("could not listen on {}; choose another with --listen", flags.listen))?;
    app::private_directory(&flags.data)?;
    let (base, credentials, simulator) = match &flags.oracle {
        Some(base) => (base.clone(), credentials()?, None),
        None => {
            let (base, simulator) = simulate(&flags).await?;
            (base, Simulator::credentials(), Some(simulator))
        }
    };
    let settings = Settings {
        data: flags.data.clone(),
        oracle: flags.oracle_settings(base.clone(), credentials),
        simulator,
        secure_cookies: flags.secure_cookies,
    };
    let app = App::open(settings).await?;
    demo::fill(&app).await.context("could not fill the demo data set")?;
    greet(listener.local_addr()?, &base, flags.oracle.is_none());

    let service = app.router().into_make_service_with_connect_info::<SocketAddr>();
    // Live connections would keep the listener's graceful end waiting for ever: Oyez sends them away first.
    let oyez = app.oyez.clone();
    let stop = async move {
        asked_to_stop().await;
        oyez.shutdown().await;
    };
    axum::serve(listener, service).with_graceful_shutdown(stop).await?;
    app.shutdown().await;
    Ok(())
}

/// Who calls the real Oracle.
fn credentials() -> anyhow::Result<Credentials> {
    let read =
        |name: &str| std::env::var(name).with_context(|| format!("--oracle needs {name} in the environment"));
    let user = read("BUDGET_ORACLE_USER")?;
    Ok(Credentials { user, password: Secret::new(read("BUDGET_ORACLE_PASSWORD")?) })
}

/// Starts the simulator on a free port of this machine.
async fn simulate(flags: &Flags) -> anyhow::Result<(reqwest::Url, Simulator)> {
    let simulator = Simulator::open(Options {
        run_time: Duration::from_millis(flags.simulated_ms),
        file: Some(flags.data.join("simulator.json")),
        ..Options::default()
    })?;
    let listener = TcpListener::bind("127.0.0.1:0").await.context("could not start the simulator")?;
    let base = format!("http://{}", listener.local_addr()?).parse()?;
    tokio::spawn(simulator.clone().serve(listener));
    Ok((base, simulator))
}

#[expect(clippy::print_stdout, reason = "what a person at the terminal should read")]
fn greet(address: SocketAddr, oracle: &reqwest::Url, simulated: bool) {
    println!("Budget transfers is running: http://{address}\n\nSign in as");
    for (name, _) in demo::LOGINS {
        println!("  {name:<8} password {}", demo::PASSWORD);
    }
    println!("\nSubmit a transfer and watch it go through its five steps.");
    if simulated {
        println!(
            "Oracle is simulated at {oracle}; break it, and see the raw frames, at http://{address}/frames"
        );
    } else {
        println!("Uploads go to {oracle}");
    }
    if !address.ip().is_loopback() {
        println!(
            "\nThese passwords are public and this address may be reached from outside: demo data only."
        );
    }
    println!("Ctrl-C stops.");
}

async fn asked_to_stop() {
    let interrupt = async { signal::ctrl_c().await.context("no ctrl-c") };
    let mut terminate = match signal::unix::signal(signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => return tracing::error!(%error, "cannot hear SIGTERM"),
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
