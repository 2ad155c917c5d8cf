//! The reference page of all commands, made from their own help, so that the two cannot differ.

use clap::{Command, CommandFactory as _};

use super::args::Cli;

/// `docs/reference/cli.md`.
pub fn reference() -> String {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut page = String::from(
        "# Command line\n\nMade from the commands' own `--help`; a test keeps this page fresh. \
         Exit codes: 0 done, 1 failed, 2 wrong use.\n",
    );
    describe(&mut root, "oyez", &mut page);
    page
}

fn describe(command: &mut Command, path: &str, page: &mut String) {
    let help = command.render_help().to_string();
    page.push_str(&format!("\n## `{path}`\n\n```text\n{}\n```\n", without_trailing_spaces(&help)));
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        let inner = command.find_subcommand_mut(name).expect("it was listed");
        describe(inner, &format!("{path} {name}"), page);
    }
}

fn without_trailing_spaces(text: &str) -> String {
    text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let advice = "run `UPDATE_REFERENCE=1 cargo test -p oyez the_page_is_fresh`";
        assert!(written == reference(), "docs/reference/cli.md is stale: {advice}");
    }
}
