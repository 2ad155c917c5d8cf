//! What can be typed: every command, flag and example. No behaviour.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod boards;
mod deliveries;
mod templates;
mod webhooks;
mod work;

pub(super) use boards::{BoardCommand, BoardSetArgs};
pub(super) use deliveries::{DeliveryCommand, DeliveryListArgs, PreferencesCommand, ResendArgs};
pub(super) use templates::{TemplateCommand, TemplateParts, TemplatePreviewArgs};
pub(super) use webhooks::{WebhookCommand, WebhookPutArgs};
pub(super) use work::{
    EnqueueArgs, JobCommand, JobFilterArgs, JobListArgs, JobSelection, QueueCommand, ScheduleCommand,
    ScheduleSetArgs,
};

const EXAMPLES: &str = "\
Examples:
  oyez serve                                     start; makes ./oyez-data at first start
  oyez notify user:anna 'Your report is ready'   tell somebody
  oyez tail --user anna                          watch what Anna sees
  oyez token --user anna --ttl 1h                a token for a browser or a script
  oyez job list --state running                  what is being done

Every command takes --data DIR, to work on that data directory whether its server runs or not, or
--server URL --key KEY, to work on a server elsewhere. Exit codes: 0 done, 1 failed, 2 wrong use.";

/// Self-hosted real-time notifications: live streams, a durable inbox, one binary.
#[derive(Debug, Parser)]
#[command(name = "oyez", version, after_help = EXAMPLES, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// Where to work and how to answer.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// Data directory [default: ./oyez-data, or OYEZ_DATA_DIR]
    #[arg(long, alias = "data-dir", global = true, value_name = "DIR")]
    pub(super) data: Vec<String>,
    /// A server elsewhere, such as https://notify.example.com
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "OYEZ_SERVER",
        hide_env_values = true,
        conflicts_with = "config"
    )]
    pub(super) server: Option<String>,
    /// API key for --server
    #[arg(long, global = true, value_name = "KEY", env = "OYEZ_KEY", hide_env_values = true)]
    pub(super) key: Option<String>,
    /// Configuration file [default: oyez.toml in the data directory]
    #[arg(long, global = true, value_name = "FILE", env = "OYEZ_CONFIG", hide_env_values = true)]
    pub(super) config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the server; what happens when no command is given
    Serve(ServeArgs),
    /// Add, list, disable users
    #[command(subcommand)]
    User(UserCommand),
    /// Make, list, revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Sign an access token for a user; needs only the key file in the data directory
    #[command(after_help = "Example:\n  oyez token --user anna --role admin --ttl 1h")]
    Token(TokenArgs),
    /// Publish a notification
    #[command(after_help = NOTIFY_EXAMPLES)]
    Notify(NotifyArgs),
    /// Watch what a user sees, live
    #[command(after_help = "Examples:\n  oyez tail --user anna\n  oyez tail --user anna --since 0 --json")]
    Tail(TailArgs),
    /// Ask for jobs, list, show, cancel, retry them
    #[command(subcommand)]
    Job(JobCommand),
    /// Work at times: list, set, run, pause schedules
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// What waits: list, pause, limit queues
    #[command(subcommand)]
    Queue(QueueCommand),
    /// What dashboards show: list, show, set, patch, refresh, delete boards
    #[command(subcommand)]
    Board(BoardCommand),
    /// What was sent to people who are away: list, show, resend deliveries
    #[command(subcommand)]
    Delivery(DeliveryCommand),
    /// What a user wants to be told when they are away: show, set preferences
    #[command(subcommand)]
    Preferences(PreferencesCommand),
    /// Applications that are told by signed requests: list, put, test, rotate, delete webhooks
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// The words and looks of messages: list, show, put, preview, delete templates
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Say how the server is doing: which workers, what runs and since when, what is stuck
    Status,
    /// Check settings, database, limits and files, and say how to mend what is wrong
    Doctor,
    /// Make the database, or bring it up to date with this release
    Migrate,
    /// Copy the database to a file while the server runs
    #[command(after_help = "Example:\n  oyez backup /backups/oyez-$(date +%F).db")]
    Backup(BackupArgs),
    /// Print the OpenAPI description of the HTTP interface
    Openapi,
    /// Measure this machine: publishes per second and fan-out latency
    #[command(after_help = "Measures a temporary server, or the one that --server and --key name.")]
    Bench(BenchArgs),
}

const NOTIFY_EXAMPLES: &str = "\
Examples:
  oyez notify user:anna 'Your report is ready' --url /reports/7
  oyez notify role:admin 'New ticket' --type ticket_created --data '{\"ticket\":{\"id\":7}}'
  oyez notify everyone 'Maintenance at 18:00'

--data takes a directory as everywhere, or a JSON object with the notification's own keys; give it twice, behind `notify`, for both.";

#[derive(Debug, Default, Args)]
pub(super) struct ServeArgs {
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// Database, such as sqlite:/var/lib/oyez/oyez.db [default: oyez.db in the data directory]
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a user, or change one
    #[command(
        after_help = "Example:\n  oyez user add anna --email anna@example.com --password s3cret-word --role admin"
    )]
    Add(UserAddArgs),
    /// List users
    List {
        /// Only holders of this role
        #[arg(long)]
        role: Option<String>,
        /// Most users to list
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Shut a user out; live connections end at once
    Disable {
        /// The user's id
        id: String,
    },
    /// Let a user in again
    Enable {
        /// The user's id
        id: String,
    },
    /// Set a user's password; made up and printed when --password is left out
    Password {
        /// The user's id
        id: String,
        /// The new password
        #[arg(long)]
        password: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct UserAddArgs {
    /// The user's id, as your application names them
    pub(super) id: String,
    /// E-mail address; also a login name
    #[arg(long)]
    pub(super) email: Option<String>,
    /// What people call them
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Password for the built-in login
    #[arg(long)]
    pub(super) password: Option<String>,
    /// A role; give it several times for several
    #[arg(long = "role", value_name = "ROLE")]
    pub(super) roles: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make an API key; its secret is printed once
    #[command(after_help = "Example:\n  oyez key create my-application --scope publish --scope users")]
    Create {
        /// What people call it
        name: String,
        /// What it may do: publish, jobs, boards, users, admin [default: publish, users]
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
    },
    /// List API keys
    List,
    /// End an API key
    Revoke {
        /// The key's id, as `oyez key list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// Whose token
    #[arg(long)]
    pub(super) user: String,
    /// A role the token claims; give it several times for several
    #[arg(long = "role", value_name = "ROLE")]
    pub(super) roles: Vec<String>,
    /// How long it is good for [default: auth.access_ttl]
    #[arg(long, value_name = "DURATION")]
    pub(super) ttl: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct NotifyArgs {
    /// user:<id>, role:<name>, topic:<name> or everyone; several with commas
    pub(super) to: String,
    /// One sentence
    pub(super) message: String,
    /// The notification's type, such as ticket_created
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) kind: Option<String>,
    /// A headline
    #[arg(long)]
    pub(super) title: Option<String>,
    /// Where a click leads
    #[arg(long)]
    pub(super) url: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct TailArgs {
    /// Whose stream
    #[arg(long)]
    pub(super) user: String,
    /// Begin after this position; 0 shows all there is
    #[arg(long, value_name = "SEQ")]
    pub(super) since: Option<u64>,
    /// Show inbox, goodbye and other frames too
    #[arg(long)]
    pub(super) full: bool,
}

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The copy; must not exist yet
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Seconds per measurement
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(super) seconds: u64,
    /// Live connections for the fan-out
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=50_000))]
    pub(super) connections: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_tree_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_data_directory_may_stand_before_or_after_the_command() {
        for line in ["oyez --data d status", "oyez status --data d", "oyez status --data-dir d"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.global.data, ["d"], "{line}");
        }
    }
}
