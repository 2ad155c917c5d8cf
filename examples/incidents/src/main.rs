//! `cargo run -p incidents`: the incident desk with a demo data set, on one port with the embedded Oyez.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use incidents::{
    app::{App, Settings},
    demo,
};
use tokio::{net::TcpListener, signal};

/// Incident tickets, live: a small application that embeds Oyez.
#[derive(Debug, Parser)]
struct Flags {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the databases live; made and filled with a demo when it is not there.
    #[arg(long, default_value = "./incidents-data")]
    data: PathBuf,
    /// Send cookies over HTTPS only: for use behind a proxy that speaks TLS.
    #[arg(long)]
    secure_cookies: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let listener = TcpListener::bind(flags.listen)
        .await
        .with_context(|| format!("could not listen on {}; choose another with --listen", flags.listen))?;
    let app = App::open(Settings { data: flags.data, secure_cookies: flags.secure_cookies }).await?;
    demo::fill(&app).await.context("could not fill the demo data set")?;
    greet(listener.local_addr()?);

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

#[expect(clippy::print_stdout, reason = "what a person at the terminal should read")]
fn greet(address: SocketAddr) {
    println!("Incidents is running: http://{address}\n\nSign in as");
    for (email, role) in demo::LOGINS {
        println!("  {:<10} {email:<20} password {}", role.as_str(), demo::PASSWORD);
    }
    if !address.ip().is_loopback() {
        println!(
            "\nThese passwords are public and this address may be reached from outside: demo data only."
        );
    }
    println!("\nOpen two of them side by side, in two browsers, and move a ticket. Ctrl-C stops.");
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
