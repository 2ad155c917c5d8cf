//! What can be typed about webhooks: `oyez webhook`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum WebhookCommand {
    /// List endpoints, what they are told and how they answer
    List,
    /// Make an endpoint, which prints its secret once, or change one
    #[command(
        after_help = "Examples:\n  oyez webhook put billing https://app.example.com/hooks --event notification\n  \
                      oyez webhook put billing https://app.example.com/hooks --event 'delivery.*' --type 'invoice_*'"
    )]
    Put(WebhookPutArgs),
    /// Send a test now
    Test {
        /// Its name
        name: String,
    },
    /// Make a new secret; for a while requests carry signatures by both
    Rotate {
        /// Its name
        name: String,
        /// Seconds for which the old secret signs too [default: a day]
        #[arg(long, value_name = "SECONDS")]
        overlap: Option<u32>,
    },
    /// Put an endpoint into service again
    Enable {
        /// Its name
        name: String,
    },
    /// Take an endpoint out of service
    Disable {
        /// Its name
        name: String,
    },
    /// Delete an endpoint
    Delete {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WebhookPutArgs {
    /// The endpoint's name
    pub(in crate::cli) name: String,
    /// Where the requests go
    pub(in crate::cli) url: String,
    /// What it is told, may be given more than once: notification, delivery.*, delivery.failed, job.*, …
    #[arg(long = "event", required = true, value_name = "EVENT")]
    pub(in crate::cli) events: Vec<String>,
    /// Only these types of notifications and kinds of jobs, may be given more than once; absent: all
    #[arg(long = "type", value_name = "TYPE")]
    pub(in crate::cli) types: Vec<String>,
    /// Make it without putting it into service
    #[arg(long)]
    pub(in crate::cli) disabled: bool,
}
