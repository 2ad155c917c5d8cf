//! `oyez serve`: starts the server, says where it is, and waits for its end.

use std::thread::available_parallelism;

use serde_json::json;

use super::{
    args::{Global, ServeArgs},
    client::settings,
    error::Failure,
    output::Output,
};
use crate::{
    config::{Config, Flag},
    lifecycle::Shutdown,
    server::{FirstStart, Server},
    telemetry,
};

/// Threads for what blocks: password hashes and file reads.
const BLOCKING_THREADS: usize = 16;
/// Handlers are shallow; thread stacks are the largest part of an idle server's memory map.
const STACK_BYTES: usize = 1 << 20;

pub(super) fn run(global: &Global, args: ServeArgs, output: &Output) -> Result<(), Failure> {
    if global.server.is_some() {
        return Err(Failure::usage("--server means a server elsewhere, which cannot be started from here")
            .hint("use --listen ADDR to say where this one listens"));
    }
    let given = [("--listen", "listen", args.listen), ("--database", "database.url", args.database)];
    let flags = given.into_iter().filter_map(|(flag, key, value)| Some(Flag { flag, key, value: value? }));
    let loaded = settings(global, flags.collect())?;
    telemetry::start(&loaded.config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(http_threads(&loaded.config))
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK_BYTES)
        .thread_name("oyez-http")
        .enable_all()
        .build()?;
    if let Some(file) = &loaded.file {
        tracing::info!(file = %file.display(), "settings read");
    }
    let ended = runtime.block_on(serve(loaded.config, output));
    // A hard stop does not wait for what still runs.
    runtime.shutdown_background();
    ended
}

async fn serve(config: Config, output: &Output) -> Result<(), Failure> {
    let shutdown = Shutdown::on_signals()?;
    let data_dir = config.data_dir.display().to_string();
    let public_url = config.public_url.clone();
    let server = Server::start(config).await?;
    let first = server.first_start().await?;
    let url = server.url().to_owned();
    if output.is_json() {
        let mut ready = json!({"url": url, "address": server.address().to_string()});
        if let Some(first) = &first {
            ready["user"] = first.user.as_str().into();
            ready["password"] = first.password.reveal().into();
            ready["key"] = first.key.reveal().into();
        }
        output.line(&ready.to_string());
    } else {
        output.line(&format!("Oyez {} listens on {url}", env!("CARGO_PKG_VERSION")));
        if let Some(first) = &first {
            output.line(&welcome(public_url.as_deref().unwrap_or(&url), &data_dir, first));
        }
    }
    Ok(server.run(shutdown).await?)
}

fn welcome(url: &str, data_dir: &str, first: &FirstStart) -> String {
    let (user, password, key) = (&first.user, first.password.reveal(), first.key.reveal());
    format!(
        "\nFirst start: everything is kept in {data_dir}. These are shown only once:\n\n  \
         Open      {url}/\n  Sign in   {user} / {password}\n  API key   {key}\n\n\
         Publish your first notification:\n\n  \
         curl {url}/api/v1/notifications -H 'Authorization: Bearer {key}' \
         -H 'Content-Type: application/json' -d '{{\"to\":\"user:{user}\",\"message\":\"Hello from curl\"}}'\n"
    )
}

/// Live connections have their own threads; HTTP needs few beside them.
fn http_threads(config: &Config) -> usize {
    match config.lifecycle.http_threads {
        0 => available_parallelism().map_or(1, usize::from).clamp(1, 4),
        threads => threads,
    }
}
