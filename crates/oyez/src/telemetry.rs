//! The log: pretty for people, JSON for machines. What is logged is decided where it happens; no secret ever is.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{LogConfig, LogFormat};

/// Libraries that are quiet unless the filter names them: their warnings tell of clients, not of this server.
const QUIET: [&str; 4] = ["hyper=error", "h2=error", "rustls=error", "sqlx=warn"];

/// Starts logging to standard error. A second call in one process changes nothing.
pub fn start(config: &LogConfig) {
    let filter = filter(&config.level);
    let pretty = match config.format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let started = if pretty {
        let layer = layer.compact().with_target(false).with_ansi(io::stderr().is_terminal());
        tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()
    } else {
        let layer = layer.json().flatten_event(true).with_current_span(true).with_span_list(false);
        tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

fn filter(level: &str) -> EnvFilter {
    let mut filter = EnvFilter::new(QUIET.join(","));
    for directive in level.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        // The configuration was checked; a directive that came another way is left out.
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quiet_unless_the_filter_names_them() {
        let shown = filter("info").to_string();
        assert!(shown.contains("hyper=error") && shown.contains("info"), "{shown}");
        let shown = filter("debug,hyper=trace").to_string();
        assert!(shown.contains("hyper=trace") && !shown.contains("hyper=error"), "{shown}");
    }
}
