//! Speaks to the mail server: connections that are kept, so many at once, and so many mails at once to one domain.
//!
//! The dialogue is driven here step by step, so that what an answer means can be told from where it came.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use lettre::{
    Address,
    transport::smtp::{
        commands::{Data, Mail, Quit, Rcpt, Rset},
        extension::{ClientId, Extension, MailParameter},
    },
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{
    answer::{Refusal, Step},
    connection::{Clear, Connection, Fault},
    secure::Secure,
};

/// A connection that nobody used for so long is closed: servers close theirs after some minutes.
const IDLE: Duration = Duration::from_secs(30);
/// Mails over one connection; some servers count.
const PER_CONNECTION: u32 = 100;
/// Domains whose mails are counted, before those without any are forgotten.
const DOMAINS: usize = 1_000;

/// How the connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Begins in the clear and must go on encrypted.
    Starttls,
    /// Encrypted from the first byte.
    Tls,
    /// Not at all.
    None,
}

/// Where the mail server is, and how to speak to it.
#[derive(Clone)]
pub struct SmtpOptions {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// Certificates that are trusted beside the machine's, PEM.
    pub ca: Option<Vec<u8>>,
    /// User and password.
    pub login: Option<(String, String)>,
    /// What this machine calls itself; `None`: by an address.
    pub hello: Option<String>,
    /// Connections at once.
    pub connections: usize,
    /// Mails at once to one domain.
    pub per_domain: usize,
    /// How long one step may take.
    pub timeout: Duration,
}

/// The mail server.
pub(super) struct Smtp {
    options: SmtpOptions,
    hello: ClientId,
    tls: Option<Secure>,
    idle: Mutex<Vec<Kept>>,
    connections: Arc<Semaphore>,
    domains: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// Leave to send one mail.
pub(super) struct Turn {
    _domain: OwnedSemaphorePermit,
    _connection: OwnedSemaphorePermit,
}

/// An open connection between two mails.
struct Kept {
    connection: Connection,
    since: Instant,
    sent: u32,
}

impl Smtp {
    /// Prepares connections; opens none. The error says which setting cannot be used.
    pub(super) fn new(options: SmtpOptions) -> Result<Self, String> {
        let tls = match options.security {
            Security::None => None,
            Security::Starttls | Security::Tls => Some(Secure::new(&options.host, options.ca.as_deref())?),
        };
        let hello = match &options.hello {
            // It is said as it is, and a line break would begin a command.
            Some(name) if name.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                return Err(format!("email.hello: expected a name without spaces, given {name:?}"));
            }
            Some(name) => ClientId::Domain(name.clone()),
            // A name that is known is better; an address is what the protocol has for those who have none.
            None => ClientId::Ipv4(Ipv4Addr::LOCALHOST),
        };
        Ok(Self {
            hello,
            tls,
            idle: Mutex::default(),
            connections: Arc::new(Semaphore::new(options.connections)),
            domains: Mutex::default(),
            options,
        })
    }

    /// Mails at once.
    pub(super) fn concurrency(&self) -> usize {
        self.options.connections
    }

    /// Waits until one more mail may go to this address. The domain's turn comes first: whoever waits for it holds no
    /// connection.
    pub(super) async fn turn(&self, to: &Address) -> Turn {
        let domain = self.domain(to.domain());
        let open = "neither is ever closed";
        let domain = domain.acquire_owned().await.expect(open);
        let connection = Arc::clone(&self.connections).acquire_owned().await.expect(open);
        Turn { _domain: domain, _connection: connection }
    }

    /// Gives one mail to the server and returns its answer. It is there when this returns `Ok`, and perhaps when it
    /// returns the refusal of [`Step::End`] without a code.
    pub(super) async fn send(
        &self,
        _turn: &Turn,
        from: &Address,
        to: &Address,
        mail: &[u8],
    ) -> Result<String, Refusal> {
        if let Some(mut kept) = self.kept() {
            match self.begin(&mut kept.connection, from, to).await {
                // It was closed between two mails, and nothing of this one was said: another connection takes it.
                Err(refusal) if refusal.closes() && refusal.step() == Step::From => {}
                begun => return self.finish(kept, begun, mail).await,
            }
        }
        let mut connection = self.connect().await?;
        let begun = self.begin(&mut connection, from, to).await;
        self.finish(Kept { connection, since: Instant::now(), sent: 0 }, begun, mail).await
    }

    /// Connects, logs in and says goodbye: what can be found out without a mail.
    pub(super) async fn probe(&self) -> Result<(), Refusal> {
        let mut connection = self.connect().await?;
        // It is taken for a goodbye whatever it answers.
        let _ = self.step(Step::Connect, connection.say(Quit)).await;
        Ok(())
    }

    /// Says who it is from and for, and that it comes.
    async fn begin(&self, connection: &mut Connection, from: &Address, to: &Address) -> Result<(), Refusal> {
        let mut options = Vec::new();
        if [from, to].iter().any(|address| !address.to_string().is_ascii()) {
            if !connection.offers(Extension::SmtpUtfEight) {
                let why = "the mail server takes no addresses beyond ASCII (SMTPUTF8)";
                return Err(Refusal::never(Step::To, why));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        self.step(Step::From, connection.say(Mail::new(Some(from.clone()), options))).await?;
        self.step(Step::To, connection.say(Rcpt::new(to.clone(), Vec::new()))).await?;
        self.step(Step::Data, connection.say(Data)).await?;
        Ok(())
    }

    async fn finish(
        &self,
        mut kept: Kept,
        begun: Result<(), Refusal>,
        mail: &[u8],
    ) -> Result<String, Refusal> {
        let sent = match begun {
            Ok(()) => self.step(Step::End, kept.connection.mail(mail)).await,
            Err(refusal) => Err(refusal),
        };
        match sent {
            Ok(answer) => {
                kept.sent += 1;
                self.keep(kept);
                Ok(answer.to_string())
            }
            Err(refusal) => {
                // The next mail begins anew, on the same connection if that still stands.
                if !refusal.closes() && self.step(Step::From, kept.connection.say(Rset)).await.is_ok() {
                    self.keep(kept);
                }
                Err(refusal)
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Refusal> {
        let options = &self.options;
        let (host, port) = (options.host.as_str(), options.port);
        let mut connection = match (options.security, &self.tls) {
            (Security::Starttls, Some(secure)) => {
                let clear = self.step(Step::Connect, Clear::open(host, port, &self.hello)).await?;
                if !clear.offers_starttls() {
                    return Err(Refusal::silence(Step::Tls, "the mail server offers no STARTTLS"));
                }
                self.step(Step::Tls, clear.secured(secure, &self.hello)).await?
            }
            (_, first) => {
                let opening = Connection::open(host, port, &self.hello, first.as_ref());
                self.step(Step::Connect, opening).await?
            }
        };
        if let Some((user, password)) = &options.login {
            self.step(Step::Login, connection.login(user, password)).await?;
        }
        Ok(connection)
    }

    async fn step<T>(&self, step: Step, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Refusal> {
        match tokio::time::timeout(self.options.timeout, work).await {
            Ok(done) => done.map_err(|fault| Refusal::of(step, fault)),
            Err(_) => {
                let waited = self.options.timeout.as_secs();
                let why = format!("the mail server did not answer within {waited} seconds");
                Err(Refusal::silence(step, why))
            }
        }
    }

    /// The connection that was used last, if it is fresh enough.
    fn kept(&self) -> Option<Kept> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|kept| now.duration_since(kept.since) < IDLE);
        idle.pop()
    }

    fn keep(&self, kept: Kept) {
        if kept.sent < PER_CONNECTION {
            let kept = Kept { since: Instant::now(), ..kept };
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
    }

    /// Counts the mails that are under way to a domain.
    fn domain(&self, domain: &str) -> Arc<Semaphore> {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let domain = domain.to_lowercase();
        if let Some(turns) = domains.get(&domain).and_then(Weak::upgrade) {
            return turns;
        }
        if domains.len() >= DOMAINS {
            domains.retain(|_, turns| turns.strong_count() > 0);
        }
        let turns = Arc::new(Semaphore::new(self.options.per_domain));
        domains.insert(domain, Arc::downgrade(&turns));
        turns
    }
}

impl std::fmt::Debug for SmtpOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpOptions")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("user", &self.login.as_ref().map(|(user, _)| user))
            .finish_non_exhaustive()
    }
}
