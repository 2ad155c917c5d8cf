//! What the doctor finds about reaching people who are away.

use oyez_core::{delivery::Medium, fallback::Choice};

use super::Finding;
use crate::{config::Config, server::media_set_up};

const NAME: &str = "fallback";

/// Which media are set up, and rules that can never send anything.
pub(super) fn fallback(config: &Config) -> Finding {
    let set_up = media_set_up(config);
    let names = |media: &[Medium]| media.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let idle: Vec<Medium> = Medium::ALL
        .into_iter()
        .filter(|medium| !set_up.contains(medium))
        .filter(|medium| {
            config.fallback.rules.iter().any(|rule| {
                let named = rule.media.iter().flatten().any(|name| *name == medium.as_str());
                named && rule.when != Choice::Off.as_str()
            })
        })
        .collect();
    if !idle.is_empty() {
        let detail = format!("[[fallback.rules]] name {}, which is not set up", names(&idle));
        return Finding::warning(NAME, detail, "set the medium up, or take it out of the rules");
    }
    match set_up.is_empty() {
        true => Finding::fine(NAME, "no medium is set up: who is away sees it when they come back"),
        false => Finding::fine(NAME, format!("people who are away are reached by {}", names(&set_up))),
    }
}
