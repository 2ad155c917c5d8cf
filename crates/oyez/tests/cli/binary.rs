//! The real binary: started on a free port with a data directory of its own, and ended when it is dropped.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use serde_json::Value;

/// The program under test, with nothing of the developer's own environment.
pub fn oyez() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oyez"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OYEZ_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub fn run(data: &Path, arguments: &[&str]) -> Output {
    oyez().args(arguments).arg("--data").arg(data).output().expect("the binary starts")
}

/// Runs a command with `--json` that has to succeed.
pub fn answer(data: &Path, arguments: &[&str]) -> Value {
    let output = run(data, &[arguments, &["--json"]].concat());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
}

/// A running server.
pub struct Server {
    pub child: Child,
    /// What it said when it was ready.
    pub ready: Value,
    // Kept open: a server must not die of a broken pipe.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = oyez();
        if std::env::var_os("SHOW_LOG").is_none() {
            command.env("OYEZ_LOG__LEVEL", "error");
        }
        Self::start_with(command, data, arguments)
    }

    /// Starts a server from a command that was prepared, and waits until it listens.
    pub fn start_with(mut command: Command, data: &Path, arguments: &[&str]) -> Self {
        command.args(["serve", "--listen", "127.0.0.1:0", "--json"]).args(arguments).arg("--data").arg(data);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("its output can be read");
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        Self { child, ready, _stdout: stdout }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.ready["url"].as_str().expect("it says where").to_owned()
    }

    /// A text it said when it was ready.
    pub fn said(&self, key: &str) -> String {
        self.ready[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", self.ready)).to_owned()
    }

    /// Tells it to end as an operator would.
    pub fn signal(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }

    /// Tells it to end, and waits.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        self.signal();
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
