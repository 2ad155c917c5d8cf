//! A simulated Oracle on port 0, in a task of its own: it outlives every application that talks to it.

use std::time::Duration;

use budget_transfer::{
    fbdi::Ledger,
    oracle::{Oracle, Pace, Settings},
    simulator::{Options, Simulator},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// The running simulator.
pub(crate) struct Pod {
    pub(crate) simulator: Simulator,
    pub(crate) base: String,
    server: JoinHandle<std::io::Result<()>>,
}

impl Pod {
    /// A quick one.
    pub(crate) async fn start() -> Self {
        Self::with(Options { run_time: Duration::from_millis(40), answer_time: Duration::ZERO, file: None })
            .await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let simulator = Simulator::open(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(simulator.clone().serve(listener));
        Self { simulator, base, server }
    }

    /// How to call it.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            base: self.base.parse().unwrap(),
            credentials: Simulator::credentials(),
            pace: Pace {
                request_timeout: Duration::from_secs(60),
                first_poll: Duration::from_millis(10),
                longest_poll: Duration::from_millis(50),
                patience: Duration::from_secs(60),
                settle: Duration::from_millis(300),
            },
            ledger: Ledger {
                id: "300000046975971".into(),
                access_set: "300000046975980".into(),
                source: "Budget Transfer".into(),
                category: "Budget".into(),
                autopost_set: "300000047061212".into(),
            },
        }
    }

    pub(crate) fn oracle(&self) -> Oracle {
        Oracle::new(self.settings()).unwrap()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.server.abort();
    }
}
