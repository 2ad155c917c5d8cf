//! `tests/smtp/server.py`, run by the Python that `tests/install` puts into `.venv`.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use base64::Engine as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Longer than anything here takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How it is reached.
#[derive(Default)]
pub(crate) struct Setup {
    /// The port; 0: any.
    pub(crate) port: u16,
    /// `starttls` or `tls`, with certificate and key.
    pub(crate) tls: Option<(&'static str, PathBuf, PathBuf)>,
    /// `user:password`.
    pub(crate) login: Option<&'static str>,
}

/// A mail server; it ends when it is dropped.
pub(crate) struct MailServer {
    child: Child,
    orders: ChildStdin,
    said: UnboundedReceiver<Value>,
    pub(crate) port: u16,
    /// Mails that came while the test waited for something else.
    early: Vec<Mail>,
}

/// A mail as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// What was said behind the sender, such as `SMTPUTF8`.
    pub(crate) options: Vec<String>,
    pub(crate) data: Vec<u8>,
    pub(crate) tls: bool,
    pub(crate) login: Option<String>,
    /// The port of the connection it came by.
    pub(crate) peer: u64,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join(".venv/bin/python");
        assert!(python.exists(), "run tests/install first: the mail server is a Python package");
        let mut command = Command::new(python);
        command.arg(root.join("tests/smtp/server.py")).args(["--port", &setup.port.to_string()]);
        if let Some((how, cert, key)) = &setup.tls {
            command.args(["--tls", how]).arg("--cert").arg(cert).arg("--key").arg(key);
        }
        if let Some(login) = setup.login {
            command.args(["--login", login]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (say, said) = unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = say.send(serde_json::from_str(&line).unwrap());
            }
        });
        let mut server = Self { child, orders, said, port: 0, early: Vec::new() };
        let hello = server.hears("port").await;
        server.port = u16::try_from(hello["port"].as_u64().unwrap()).unwrap();
        server
    }

    /// Queues answers to coming commands: `MAIL`, `RCPT`, `END`.
    pub(crate) async fn answers(&mut self, command: &str, answers: &[&str]) {
        self.order(&json!({"next": {command: answers}})).await;
    }

    /// Lets go what is held.
    pub(crate) async fn release(&mut self) {
        self.order(&json!({"release": true})).await;
    }

    /// Waits until it holds a command.
    pub(crate) async fn holds(&mut self) {
        self.hears("holding").await;
    }

    /// The next mail.
    pub(crate) async fn mail(&mut self) -> Mail {
        if !self.early.is_empty() {
            return self.early.remove(0);
        }
        let heard = self.hears("mail").await;
        mail(&heard["mail"])
    }

    /// The mails that came beside those that were asked for.
    pub(crate) fn others(&mut self) -> Vec<Mail> {
        while let Ok(heard) = self.said.try_recv() {
            if !heard["mail"].is_null() {
                self.early.push(mail(&heard["mail"]));
            }
        }
        std::mem::take(&mut self.early)
    }

    async fn order(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").unwrap();
        self.orders.flush().unwrap();
        self.hears("done").await;
    }

    async fn hears(&mut self, key: &str) -> Value {
        loop {
            let heard = tokio::time::timeout(PATIENCE, self.said.recv()).await;
            let heard =
                heard.unwrap_or_else(|_| panic!("no {key:?} from the mail server")).expect("it lives");
            if !heard[key].is_null() {
                return heard;
            }
            if !heard["mail"].is_null() {
                self.early.push(mail(&heard["mail"]));
            }
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mail(value: &Value) -> Mail {
    let texts = |key: &str| {
        value[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    Mail {
        from: value["from"].as_str().unwrap().to_owned(),
        to: texts("to"),
        options: texts("options"),
        data: base64::engine::general_purpose::STANDARD.decode(value["data"].as_str().unwrap()).unwrap(),
        tls: value["tls"].as_bool().unwrap(),
        login: value["login"].as_str().map(str::to_owned),
        peer: value["peer"].as_u64().unwrap(),
    }
}

impl Mail {
    /// A header, unfolded.
    pub(crate) fn header(&self, name: &str) -> String {
        let text = String::from_utf8(self.data.clone()).unwrap().replace("\r\n", "\n");
        let head = text.split("\n\n").next().unwrap().replace("\n ", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    }

    /// Where the link in the header leads: the path of it.
    pub(crate) fn unsubscribe_path(&self) -> String {
        let link = self.header("List-Unsubscribe");
        let link = link.trim_matches(['<', '>']);
        let start = link.find("/unsubscribe/").expect("a link");
        link[start..].to_owned()
    }
}
