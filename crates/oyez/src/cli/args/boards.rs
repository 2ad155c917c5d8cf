//! What can be typed about boards: `oyez board`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BoardCommand {
    /// List boards, with their versions and who may see them
    List {
        /// Most boards to list
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show a board's document; --json shows all of it
    Show {
        /// Its name
        name: String,
    },
    /// Make a board, or replace its document
    #[command(after_help = "Examples:\n  oyez board set suppliers '{\"pending\": 3, \"approved\": 10}'\n  \
                      oyez board set suppliers '{}' --role reviewer --refresh count_suppliers")]
    Set(BoardSetArgs),
    /// Change part of a board's document: null removes a key, objects are merged
    #[command(after_help = "Example:\n  oyez board patch suppliers '{\"pending\": 2, \"old\": null}'")]
    Patch(BoardSetArgs),
    /// Ask for the job that brings a board up to date
    Refresh {
        /// Its name
        name: String,
    },
    /// Delete a board with its history
    Delete {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BoardSetArgs {
    /// The board's name
    pub(in crate::cli) name: String,
    /// The document, or what changes of it: a JSON object
    #[arg(value_name = "JSON")]
    pub(in crate::cli) state: String,
    /// Who may see it, may be given more than once; absent: as it is, at first those who may open the dashboard
    #[arg(long)]
    pub(in crate::cli) role: Vec<String>,
    /// The kind of job that brings it up to date; absent: as it is
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) refresh: Option<String>,
}
