//! The one binary. Everything it does is in [`oyez::cli`].

fn main() -> std::process::ExitCode {
    oyez::cli::run(std::env::args_os())
}
