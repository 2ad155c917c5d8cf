//! The command line: reads what was asked, does it against a running server or its data directory, says how it ended.
//!
//! Commands speak the public HTTP API, so what they can do an application can do too. They find the server in the
//! data directory; when none runs there, the same API answers in this process. Exit codes: 0 done, 1 failed, 2 wrong
//! use.

mod args;
mod bench;
mod boards;
mod client;
mod deliveries;
mod doctor;
mod error;
mod jobs;
mod keys;
mod notify;
mod offline;
mod output;
mod preferences;
mod queues;
mod reference;
mod schedules;
mod serve;
mod status;
mod tail;
mod templates;
mod token;
mod users;
mod webhooks;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _};

use args::{Cli, Command, Global, ServeArgs};
use error::Failure;
use output::Output;

pub use reference::reference;

/// Runs one command of the command line and returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match Cli::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version come this way too, and are no failure.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let cli = Cli::from_arg_matches(&matches).expect("clap checked the arguments");
    let output = Output::new(cli.global.json);
    match execute(cli, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn execute(cli: Cli, output: &Output) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    let takes_json = matches!(command, Some(Command::Notify(_) | Command::Job(_)));
    if !takes_json && global.data.iter().any(|value| is_json(value)) {
        return Err(Failure::usage("--data takes a directory here, not a JSON object")
            .hint("a JSON object goes with `oyez notify` and `oyez job enqueue`, behind these words"));
    }
    // Nothing asked: the newcomer's `cargo run --release` starts the server.
    match command.unwrap_or_else(|| Command::Serve(ServeArgs::default())) {
        Command::Serve(args) => serve::run(&global, args, output),
        Command::Token(args) => token::run(&global, &args, output),
        Command::Doctor => doctor::run(&global, output),
        Command::Openapi => offline::openapi(output),
        Command::Bench(args) => bench::run(&global, &args, output),
        command => quick_runtime()?.block_on(dispatch(&global, command, output)),
    }
}

async fn dispatch(global: &Global, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::User(args) => users::run(global, args, output).await,
        Command::Key(args) => keys::run(global, args, output).await,
        Command::Notify(args) => notify::run(global, args, output).await,
        Command::Tail(args) => tail::run(global, args, output).await,
        Command::Job(args) => jobs::run(global, args, output).await,
        Command::Schedule(args) => schedules::run(global, args, output).await,
        Command::Queue(args) => queues::run(global, args, output).await,
        Command::Board(args) => boards::run(global, args, output).await,
        Command::Delivery(args) => deliveries::run(global, args, output).await,
        Command::Preferences(args) => preferences::run(global, args, output).await,
        Command::Webhook(args) => webhooks::run(global, args, output).await,
        Command::Template(args) => templates::run(global, args, output).await,
        Command::Status => status::run(global, output).await,
        Command::Migrate => offline::migrate(global, output).await,
        Command::Backup(args) => offline::backup(global, &args, output).await,
        Command::Serve(_) | Command::Token(_) | Command::Doctor | Command::Openapi | Command::Bench(_) => {
            unreachable!("these have a runtime of their own")
        }
    }
}

/// Whether a value of `--data` is an object and no directory.
fn is_json(value: &str) -> bool {
    value.trim_start().starts_with('{')
}

/// One thread is enough to ask one question.
fn quick_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::from)
}
