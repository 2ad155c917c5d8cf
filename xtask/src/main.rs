//! Chores of this repository, as a program instead of scripts: `cargo xtask tidy`.

mod tidy;

use std::{env, process::ExitCode};

#[expect(clippy::print_stderr, reason = "this is a command line program")]
fn main() -> ExitCode {
    let chore = env::args().nth(1);
    let outcome = match chore.as_deref() {
        Some("tidy") => tidy::run(),
        _ => {
            eprintln!(
                "usage: cargo xtask tidy    check the import ladder, file sizes and the documents' paths"
            );
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
