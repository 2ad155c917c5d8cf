//! The scenario files' format, read strictly: a misspelt field is an error, not a step that checks nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The claim, as a sentence.
    pub(crate) says: String,
    /// Users that exist before the first step; `${name}` is the id they get.
    #[serde(default)]
    pub(crate) users: BTreeMap<String, Person>,
    /// Played in order.
    pub(crate) steps: Vec<Step>,
}

/// How a user is set up.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    /// Roles the application set.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// A password, for those who sign in.
    #[serde(default)]
    pub(crate) password: Option<String>,
}

/// One thing to do or to expect.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    /// Opens a live connection.
    Connect(Connect),
    /// Sends one message on it.
    Send(Send),
    /// The next message is like this.
    Expect(Expect),
    /// Nothing waits: a ping is answered before anything else comes.
    Quiet { on: String },
    /// The server closes.
    ExpectClose { on: String, code: Option<u16> },
    /// The client closes.
    Close { on: String },
    /// An HTTP request and its answer.
    Http(Http),
    /// The command line, on the server's data directory.
    Cli { args: Vec<String> },
}

/// `connect`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connect {
    /// What later steps call this connection.
    pub(crate) on: String,
    /// Whose; absent: nobody's.
    #[serde(default, rename = "as")]
    pub(crate) user: Option<String>,
    #[serde(default = "notifications")]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// How the token travels.
    #[serde(default)]
    pub(crate) auth: Carrier,
    /// A token instead of a fresh one.
    #[serde(default)]
    pub(crate) token: Option<String>,
    /// Asks the command line for a token that lives this long, such as `2s`.
    #[serde(default)]
    pub(crate) ttl: Option<String>,
    /// The handshake is refused like this.
    #[serde(default)]
    pub(crate) refused: Option<Answer>,
    /// The subprotocol the server chose.
    #[serde(default)]
    pub(crate) subprotocol: Option<String>,
}

fn notifications() -> String {
    "/ws/notifications/".into()
}

/// Where a token stands in a handshake.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Carrier {
    #[default]
    Header,
    Query,
    Subprotocol,
    None,
}

/// `send`; exactly one of the bodies.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    pub(crate) on: String,
    #[serde(default)]
    pub(crate) frame: Option<Value>,
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// A text message of these bytes, valid UTF-8 or not.
    #[serde(default)]
    pub(crate) bytes: Option<Vec<u8>>,
    /// A text message of so many bytes.
    #[serde(default)]
    pub(crate) size: Option<usize>,
    /// So many times.
    #[serde(default = "once")]
    pub(crate) times: usize,
}

fn once() -> usize {
    1
}

/// `expect`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) on: String,
    /// A matcher for the frame.
    pub(crate) frame: Value,
    /// Server-sent events: the fields `id` and `event`.
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) event: Option<String>,
    /// Variables to take from the frame: name to JSON pointer.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
}

/// `http`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) method: String,
    pub(crate) path: String,
    /// A user of the scenario, `application` (the default), or `nobody`.
    #[serde(default = "application", rename = "as")]
    pub(crate) caller: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Option<Value>,
    #[serde(default)]
    pub(crate) text: Option<String>,
    pub(crate) status: u16,
    /// A matcher for the body.
    #[serde(default)]
    pub(crate) answer: Option<Value>,
    /// Variables to take from the body: name to JSON pointer.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
}

fn application() -> String {
    "application".into()
}

/// What the answer to a handshake is like.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// A matcher for the body.
    #[serde(default)]
    pub(crate) answer: Option<Value>,
}
