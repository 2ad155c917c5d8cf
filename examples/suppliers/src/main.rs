//! `cargo run -p suppliers`: the application with a demo data set and a mailbox, on one port with the embedded Oyez.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use suppliers::{
    app::{App, Settings},
    demo,
};
use tokio::{net::TcpListener, signal};

/// Supplier applications, live: a small application that embeds Oyez.
#[derive(Debug, Parser)]
struct Flags {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8070")]
    listen: SocketAddr,
    /// Where the databases, the documents and the mail live; made and filled with a demo when it is not there.
    #[arg(long, default_value = "./suppliers-data")]
    data: PathBuf,
    /// Where people reach it, when not at the address it listens on: links in mails begin with it.
    #[arg(long)]
    public_url: Option<String>,
    /// Send cookies over HTTPS only: for use behind a proxy that speaks TLS.
    #[arg(long)]
    secure_cookies: bool,
    /// Add so many applications under review, to approve them at once.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=5_000))]
    crowd: i64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let listener = TcpListener::bind(flags.listen)
        .await
        .with_context(|| format!("could not listen on {}; choose another with --listen", flags.listen))?;
    let address = listener.local_addr()?;
    // Mail holds passwords: only somebody at this machine reads it without signing in.
    let open_mailbox = address.ip().is_loopback();
    let settings = Settings {
        public_url: flags.public_url.unwrap_or_else(|| format!("http://{address}")),
        secure_cookies: flags.secure_cookies,
        open_mailbox,
        ..Settings::new(flags.data)
    };
    let app = App::open(settings).await?;
    demo::fill(&app).await.context("could not fill the demo data set")?;
    demo::crowd(&app, flags.crowd).await.context("could not add the crowd")?;
    greet(address, open_mailbox);

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
fn greet(address: SocketAddr, open_mailbox: bool) {
    println!("Suppliers is running: http://{address}\n\nSign in as");
    for (email, role) in demo::LOGINS {
        println!("  {:<9} {email:<24} password {}", role.as_str(), demo::PASSWORD);
    }
    println!("\n  apply        http://{address}/apply");
    println!("  track        http://{address}/status");
    println!("  back office  http://{address}/office");
    if open_mailbox {
        println!("  mail         http://{address}/mail   (nothing leaves this machine)");
    } else {
        println!(
            "\nThese passwords are public and this address may be reached from outside: demo data only. \
             Mail is not shown here."
        );
    }
    println!("\nOpen the dashboard beside the form, and apply. Ctrl-C stops.");
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
