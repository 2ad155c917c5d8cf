//! Figures beside their bars, on the terminal as they come and in `bench/RESULTS.md` at the end.

use std::{fmt::Write as _, fs, path::Path};

use crate::machine;

/// What a figure is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    /// Smaller is better: the bar, and what we would like.
    AtMost(f64, f64),
    /// Larger is better.
    AtLeast(f64, f64),
}

/// One measured figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    name: String,
    measured: String,
    beside: String,
    judged: Option<(f64, Bar, &'static str)>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { name: name.into(), measured: measured.into(), beside: String::new(), judged: None }
    }

    /// What was measured beside it in the same run.
    pub(crate) fn beside(mut self, limit: impl Into<String>) -> Self {
        self.beside = limit.into();
        self
    }

    /// The number that is held against the bar, in `unit`.
    pub(crate) fn judged(mut self, value: f64, bar: Bar, unit: &'static str) -> Self {
        self.judged = Some((value, bar, unit));
        self
    }

    fn row(&self) -> String {
        let (judged, bar, verdict) = match self.judged {
            None => (String::new(), String::new(), ""),
            Some((value, bar, unit)) => {
                let (sign, bar, stretch, meets): (_, _, _, fn(f64, f64) -> bool) = match bar {
                    Bar::AtMost(bar, stretch) => ("≤", bar, stretch, |value, bar| value <= bar),
                    Bar::AtLeast(bar, stretch) => ("≥", bar, stretch, |value, bar| value >= bar),
                };
                let verdict = match (meets(value, stretch), meets(value, bar)) {
                    (true, _) => "stretch met",
                    (false, true) => "met",
                    (false, false) => "**missed**",
                };
                let wanted = if bar == stretch {
                    format!("{sign} {}{unit}", short(bar))
                } else {
                    format!("{sign} {}{unit} ({sign} {})", short(bar), short(stretch))
                };
                (format!("{}{unit}", short(value)), wanted, verdict)
            }
        };
        format!("| {} | {} | {} | {judged} | {bar} | {verdict} |", self.name, self.measured, self.beside)
    }
}

/// All figures of a run, by section.
#[derive(Debug)]
pub(crate) struct Report {
    load: String,
    sections: Vec<(&'static str, Vec<Figure>)>,
}

impl Report {
    /// Begins before anything is measured, since the run itself is load.
    pub(crate) fn new() -> Self {
        Self { load: machine::load_average(), sections: Vec::new() }
    }

    pub(crate) fn section(&mut self, title: &'static str) {
        say(&format!("\n## {title}"));
        self.sections.push((title, Vec::new()));
    }

    pub(crate) fn add(&mut self, figure: Figure) {
        say(&figure.row());
        if let Some((_, figures)) = self.sections.last_mut() {
            figures.push(figure);
        }
    }

    pub(crate) fn write(&self, path: &Path, command: &str, pinned: bool) -> anyhow::Result<()> {
        let mut text = format!(
            "# What was measured\n\n\
             Written by `{command}`; do not edit.\n\n\
             - Machine: {}. Load average before the run: {} (0 is quiet; above 1 the figures are disturbed, tail \
             latencies most of all).\n- Server and bare loops {}, load generator {}; loopback, no TLS.\n\
             - Latency counts from the moment a message was due in the generator to the `recv` that returned it, \
             the HTTP request included (open loop).\n\
             - A bare loop does the same system calls for the same bytes on the same core and nothing else; it is \
             the limit that a ratio is taken against, in the same run.\n\
             - A bar in parentheses is what we would like; without one both are the same.\n",
            machine::describe(),
            self.load,
            if pinned { "on core 0" } else { "not pinned" },
            if pinned { "on core 1" } else { "not pinned" },
        );
        for (title, figures) in &self.sections {
            write!(
                text,
                "\n## {title}\n\n| figure | measured | beside it | judged | bar | |\n|---|---|---|---|---|---|\n"
            )?;
            for figure in figures {
                writeln!(text, "{}", figure.row())?;
            }
        }
        fs::write(path, text)?;
        Ok(())
    }
}

/// Progress goes to the terminal.
#[expect(clippy::print_stdout, reason = "this is a command line program")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// A number with as many digits as it deserves.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 1e6 => format!("{:.2} M", value / 1e6),
        large if large >= 1e4 => format!("{:.1} k", value / 1e3),
        large if large >= 100.0 => format!("{value:.0}"),
        medium if medium >= 10.0 => format!("{value:.1}").trim_end_matches(".0").into(),
        0.0 => "0".into(),
        _ => format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_held_against_its_bar() {
        let figure = |value, bar| Figure::new("f", "m").judged(value, bar, " ms").row();
        assert!(figure(1.0, Bar::AtMost(3.0, 2.0)).ends_with("| 1 ms | ≤ 3 ms (≤ 2) | stretch met |"));
        assert!(figure(2.5, Bar::AtMost(3.0, 2.0)).ends_with("| met |"));
        assert!(figure(0.3, Bar::AtLeast(0.4, 0.8)).ends_with("| **missed** |"));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            ["0", "0.25", "12.5", "250", "12.5 k", "7.70 M"].map(String::from),
            [short(0.0), short(0.25), short(12.5), short(250.0), short(12_500.0), short(7.7e6)]
        );
    }
}
