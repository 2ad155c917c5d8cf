//! What can be typed about reaching people who are away: `oyez delivery`, `oyez preferences`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DeliveryCommand {
    /// List deliveries, newest first
    #[command(
        after_help = "Examples:\n  oyez delivery list --status failed,bounced\n  oyez delivery list --user anna \
                      --medium email"
    )]
    List(DeliveryListArgs),
    /// Show a delivery with its attempts
    Show {
        /// The delivery's id
        id: String,
    },
    /// Send deliveries again that have ended: at once, seen or not
    #[command(
        after_help = "Examples:\n  oyez delivery resend 5b0f2d1e-…\n  oyez delivery resend --status failed --medium email"
    )]
    Resend(ResendArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DeliveryListArgs {
    /// waiting, queued, retrying, sent, delivered, failed, bounced or skipped; several with commas
    #[arg(long)]
    pub(in crate::cli) status: Option<String>,
    /// email, web_push or webhook
    #[arg(long)]
    pub(in crate::cli) medium: Option<String>,
    /// Only to this user
    #[arg(long)]
    pub(in crate::cli) user: Option<String>,
    /// Only of this notification
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) notification: Option<String>,
    /// Only of notifications of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub(in crate::cli) kind: Option<String>,
    /// Most deliveries to list
    #[arg(long, default_value_t = 50)]
    pub(in crate::cli) limit: u32,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ResendArgs {
    /// The deliveries' ids
    pub(in crate::cli) ids: Vec<String>,
    /// All in this state instead: sent, delivered, failed, bounced or skipped
    #[arg(long)]
    pub(in crate::cli) status: Option<String>,
    /// Only those by this medium
    #[arg(long)]
    pub(in crate::cli) medium: Option<String>,
    /// With --status sent or delivered: yes, people shall get again what they have
    #[arg(long, requires = "status")]
    pub(in crate::cli) again: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PreferencesCommand {
    /// Show what a user wants to be told, and what there is to choose from
    Show {
        /// The user's id
        user: String,
    },
    /// Replace what a user wants to be told; {} leaves it to the operator
    #[command(after_help = "Example:\n  oyez preferences set anna '{\"default\":{\"email\":\"digest\"},\
                      \"quiet_hours\":{\"from\":\"22:00\",\"to\":\"07:00\"}}'")]
    Set {
        /// The user's id
        user: String,
        /// The preferences: a JSON object
        #[arg(value_name = "JSON")]
        preferences: String,
    },
}
