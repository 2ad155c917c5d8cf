//! The server under test: the real binary, with a data directory of its own, on the server's core.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};

use crate::{generator::subscriber::Greeting, machine};

/// Signs the subscribers' tokens; as an application shares it with Oyez.
const SECRET: &str = "a-secret-that-only-this-benchmark-uses";
const SETTINGS: &str = r#"
[log]
level = "warn"

[auth]
secret = "a-secret-that-only-this-benchmark-uses"
"#;

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) data: PathBuf,
    /// From the start of the process to the first answer of `/readyz` that says ready.
    pub(crate) ready_after: Duration,
}

/// Where the binary is, where data may be put, and whether to pin.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    pub(crate) scratch: PathBuf,
    pub(crate) pin: bool,
}

impl Setup {
    /// An empty folder on the same disk as the repository.
    pub(crate) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.scratch.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Starts on an empty data directory; `settings` are added to the configuration.
    pub(crate) fn start(&self, name: &str, settings: &str) -> anyhow::Result<Server> {
        let data = self.folder(name)?;
        fs::write(data.join("oyez.toml"), format!("{SETTINGS}\n{settings}\n"))?;
        self.oyez(&["migrate"], &data)?;
        let scopes = ["--scope", "publish", "--scope", "users", "--scope", "jobs", "--scope", "boards"];
        let made = self.oyez(&[&["key", "create", "bench"][..], &scopes].concat(), &data)?;
        let key = made["key"].as_str().context("the answer holds the key")?.to_owned();
        self.start_on(&data, key)
    }

    /// Runs a command of the binary; returns what it answers in JSON.
    fn oyez(&self, arguments: &[&str], data: &Path) -> anyhow::Result<serde_json::Value> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .args(["--json", "--data"])
            .arg(data)
            .output()
            .context("could not run the server's binary")?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if !output.status.success() {
            bail!("oyez {} failed: {} {}", arguments.join(" "), said(&output.stdout), said(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    /// Starts on a data directory that exists.
    pub(crate) fn start_on(&self, data: &Path, key: String) -> anyhow::Result<Server> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = fs::File::create(data.join("bench.log"))?;
        let binary = self.binary.to_str().context("the path is UTF-8")?;
        let started = Instant::now();
        let child = machine::pinned(binary, self.pin)
            .args(["serve", "--listen", &address.to_string(), "--data"])
            .arg(data)
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()?;
        let mut server = Server { child, address, key, data: data.to_owned(), ready_after: Duration::ZERO };
        while !is_ready(address) {
            if server.child.try_wait()?.is_some() || started.elapsed() > Duration::from_secs(60) {
                let log = fs::read_to_string(data.join("bench.log")).unwrap_or_default();
                bail!("the server did not become ready: {log}");
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process without ceremony, and keeps its data.
    pub(crate) fn kill(mut self) -> anyhow::Result<(PathBuf, String)> {
        self.child.kill()?;
        self.child.wait()?;
        Ok((self.data.clone(), self.key.clone()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; its data is thrown away in either case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(address: SocketAddr) -> bool {
    use std::io::{Read as _, Write as _};

    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(&head == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

/// The name of subscriber number `at`.
pub(crate) fn user(at: usize) -> String {
    format!("bench-{at}")
}

/// What subscriber number `at` sends to open its stream; each is a user of its own.
pub(crate) fn greeting(at: usize) -> Greeting {
    Greeting { path: "/ws/notifications/".into(), token: token(at), ..Greeting::default() }
}

pub(crate) fn greetings(count: usize) -> Vec<Greeting> {
    (0..count).map(greeting).collect()
}

/// The role whose holders may see the benchmark's board and hear what is said to all dashboards.
pub(crate) const BOARD_ROLE: &str = "admin";

/// What viewer number `at` of the benchmark's board sends to open its stream.
pub(crate) fn viewer(at: usize) -> Greeting {
    let token = token_with(at, &[BOARD_ROLE]);
    Greeting { path: "/ws/dashboard/?board=bench".into(), token, ..Greeting::default() }
}

pub(crate) fn token(at: usize) -> String {
    token_with(at, &[])
}

#[expect(clippy::disallowed_methods, reason = "a token's expiry is a time of the real world")]
fn token_with(at: usize, roles: &[&str]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let mut claims = serde_json::json!({ "sub": user(at), "exp": now + 6 * 3600 });
    if !roles.is_empty() {
        claims["roles"] = roles.into();
    }
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("HS256 needs nothing else")
}
