//! `oyez doctor`: looks at everything that can be wrong on this machine, and says the line that fixes it.

mod fallback;
mod files;
mod machine;
mod mail;

use serde_json::json;

use super::{args::Global, client::settings, error::Failure, output::Output, quick_runtime};

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Finding {
    name: &'static str,
    state: State,
    detail: String,
    fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    Warning,
    Wrong,
}

impl Finding {
    fn fine(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Fine, detail: detail.into(), fix: None }
    }

    fn warning(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Warning, detail: detail.into(), fix: Some(fix.into()) }
    }

    fn wrong(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Wrong, detail: detail.into(), fix: Some(fix.into()) }
    }
}

pub(super) fn run(global: &Global, output: &Output) -> Result<(), Failure> {
    if global.server.is_some() {
        return Err(Failure::usage("the doctor looks at the machine it runs on")
            .hint("run it on the server's machine, with --data DIR; `oyez status` asks a server elsewhere"));
    }
    let findings = quick_runtime()?.block_on(look(global));
    let wrong = findings.iter().filter(|finding| finding.state == State::Wrong).count();
    let checks: Vec<_> = findings
        .iter()
        .map(|finding| json!({"name": finding.name, "state": word(finding.state), "detail": finding.detail, "fix": finding.fix}))
        .collect();
    output.answer(&json!({"healthy": wrong == 0, "checks": checks}), || {
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::new("one thing is wrong").told()),
        count => Err(Failure::new(format!("{count} things are wrong")).told()),
    }
}

async fn look(global: &Global) -> Vec<Finding> {
    let loaded = match settings(global, Vec::new()) {
        Ok(loaded) => loaded,
        Err(failure) => {
            // Nothing else can be judged without settings.
            let text = failure.to_string();
            let (problem, fix) = text.split_once("\n  fix:   ").unwrap_or((&text, "see above"));
            let problem = problem.trim_start_matches("error: ").replace("\n  where:", ", in");
            return vec![Finding::wrong("settings", problem, fix)];
        }
    };
    let from =
        loaded.file.map_or_else(|| "defaults and environment".into(), |file| file.display().to_string());
    let mut findings = vec![Finding::fine("settings", from)];
    let config = &loaded.config;
    let database_is_there = config.database_path().exists();
    findings.extend(files::data_dir(config));
    if database_is_there {
        findings.push(files::database(config).await);
    }
    findings.extend(files::tls(config));
    findings.push(machine::disk(config));
    findings.push(machine::file_limit(config));
    findings.push(machine::clock(config));
    findings.push(machine::server_or_port(config).await);
    findings.push(fallback::fallback(config));
    if let Some(url) = &config.auth.jwks_url {
        findings.push(machine::jwks(url).await);
    }
    findings.extend(mail::mail(config).await);
    findings
}

fn word(state: State) -> &'static str {
    match state {
        State::Fine => "ok",
        State::Warning => "warning",
        State::Wrong => "wrong",
    }
}

fn line(finding: &Finding) -> String {
    let mut line = format!("{:<8} {:<14} {}", word(finding.state), finding.name, finding.detail);
    if let Some(fix) = &finding.fix {
        line.push_str(&format!("\n{:<8} {:<14} fix: {fix}", "", ""));
    }
    line
}
