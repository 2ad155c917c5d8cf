//! The physical limits: bare loops that do the same system calls and nothing else.
//!
//! Each runs as a process of its own on the server's core, so that it is measured exactly as the server is.

pub(crate) mod bare;
pub(crate) mod commit;
pub(crate) mod jobs;

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;

use crate::machine;

/// A bare server in a process of its own; killed when dropped.
pub(crate) struct BareServer {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl BareServer {
    pub(crate) fn start(how: bare::How, pin: bool) -> anyhow::Result<Self> {
        let mut child = own_command(pin)?.args(["bare", how.name()]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().context("its output is piped")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().context("the bare server says where it listens")?;
        Ok(Self { child, address })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to save in either case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the bare commit loop in a process of its own.
pub(crate) fn commits(
    callers: usize,
    rows: usize,
    seconds: f64,
    folder: &Path,
    pin: bool,
) -> anyhow::Result<commit::Commits> {
    run(&["commit", &callers.to_string(), &rows.to_string(), &seconds.to_string()], folder, pin)
}

/// Runs a command of this binary in a process of its own on the server's core, and reads what it prints.
pub(crate) fn run<T: serde::de::DeserializeOwned>(
    command: &[&str],
    folder: &Path,
    pin: bool,
) -> anyhow::Result<T> {
    let output = own_command(pin)?.args(command).arg(folder).output()?;
    if !output.status.success() {
        anyhow::bail!("{} failed: {}", command.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn own_command(pin: bool) -> anyhow::Result<Command> {
    let own = std::env::current_exe()?;
    Ok(machine::pinned(own.to_str().context("the path is UTF-8")?, pin))
}
