//! The real program on a port of its own, with a data directory that goes away.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

/// The program of this build, or the one that `OYEZ` names.
fn program() -> Command {
    Command::new(std::env::var_os("OYEZ").unwrap_or_else(|| env!("CARGO_BIN_EXE_oyez").into()))
}

/// A running server and an application's key to it.
pub(crate) struct Server {
    data: tempfile::TempDir,
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// An API key with every scope.
    pub(crate) key: String,
}

impl Server {
    /// Starts it on a free port and waits until it says which.
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env("OYEZ_LIFECYCLE__DRAIN_GRACE", "1s")
            .env("OYEZ_WEB_PUSH__ENABLED", "true")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let address =
            tokio::task::spawn_blocking(move || announced_address(BufReader::new(stdout))).await.unwrap();
        let key = created_key(data.path());
        let server = Self { data, child, address, key };
        server.ready().await;
        server
    }

    async fn ready(&self) {
        for _ in 0..200 {
            let answer = reqwest::get(format!("http://{}/readyz", self.address)).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server on {} does not become ready", self.address);
    }

    /// Runs a command on this server's data.
    pub(crate) fn cli(&self, args: &[String]) -> Result<String, String> {
        run(self.data.path(), args)
    }

    /// A user's token, from the command line.
    pub(crate) fn token(&self, user: &str, ttl: Option<&str>) -> Result<String, String> {
        let mut args: Vec<String> = ["token", "--user", user, "--json"].map(str::to_owned).to_vec();
        args.extend(ttl.into_iter().flat_map(|ttl| ["--ttl".to_owned(), ttl.to_owned()]));
        let printed: Value = serde_json::from_str(&self.cli(&args)?).map_err(|error| error.to_string())?;
        printed["access"].as_str().map(str::to_owned).ok_or_else(|| format!("no access token in {printed}"))
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed assertion; when it has ended already there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what the server prints until it names an address, then goes on reading so that it never blocks.
fn announced_address(mut stdout: impl BufRead + Send + 'static) -> String {
    let mut printed = String::new();
    loop {
        let mut line = String::new();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "the server ended without an address: {printed}");
        printed.push_str(&line);
        if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            std::thread::spawn(move || stdout.lines().for_each(drop));
            return format!("127.0.0.1:{port}");
        }
    }
}

fn created_key(data: &Path) -> String {
    let scopes = ["publish", "users", "admin"].map(|scope| ["--scope", scope]).concat();
    let args: Vec<String> =
        ["key", "create", "conformance", "--json"].into_iter().chain(scopes).map(str::to_owned).collect();
    let printed: Value = serde_json::from_str(&run(data, &args).unwrap()).unwrap();
    printed["key"].as_str().unwrap().to_owned()
}

fn run(data: &Path, args: &[String]) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        program().args(args).arg("--data").arg(data).output().map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(format!("oyez {} failed: {}", args.join(" "), String::from_utf8_lossy(&stderr)))
}
