//! How a scheduled request stands.

use serde::Serialize;

/// A request's standing, as far as an upload has to tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits or runs.
    Underway,
    /// All of it was done.
    Succeeded,
    /// It ended, and something is worth reading in the log.
    Warning,
    /// It ended without having done what it should: the word Oracle used.
    Failed(String),
}

impl Status {
    /// Reads Oracle's word. One that is not known counts as under way: the request is asked about again.
    pub fn parse(word: &str) -> Self {
        let word = word.trim().to_uppercase().replace('_', " ");
        match word.as_str() {
            "SUCCEEDED" => Self::Succeeded,
            "WARNING" => Self::Warning,
            "ERROR"
            | "ERROR MANUAL RECOVERY"
            | "CANCELLED"
            | "CANCELED"
            | "EXPIRED"
            | "VALIDATION FAILED"
            | "SCHEDULE ENDED" => Self::Failed(word),
            _ => Self::Underway,
        }
    }

    /// Whether it will not change any more.
    pub fn is_final(&self) -> bool {
        *self != Self::Underway
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_final_word_ends_the_waiting() {
        for word in
            ["WAIT", "READY", "RUNNING", "BLOCKED", "PAUSED", "HOLD", "COMPLETED", "", "SOMETHING NEW"]
        {
            assert!(!Status::parse(word).is_final(), "{word}");
        }
        assert_eq!(Status::parse("succeeded"), Status::Succeeded);
        assert_eq!(Status::parse("WARNING"), Status::Warning);
        assert_eq!(Status::parse("ERROR_MANUAL_RECOVERY"), Status::Failed("ERROR MANUAL RECOVERY".into()));
        assert_eq!(Status::parse("CANCELED"), Status::Failed("CANCELED".into()));
    }
}
