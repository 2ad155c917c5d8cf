//! What can be typed about background work: `oyez job`, `oyez schedule`, `oyez queue`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum JobCommand {
    /// Ask for a job
    #[command(
        after_help = "Example:\n  oyez job enqueue oracle_upload --user anna --args '{\"transaction\":602}' \
                      --public-data '{\"transaction_id\":602}' --backoff first=5s,max=10m --notify failed\n\n--data takes \
                      such a JSON object too, where it names no directory."
    )]
    Enqueue(Box<EnqueueArgs>),
    /// List jobs, newest first
    List(JobListArgs),
    /// Show a job with its steps and attempts
    Show {
        /// The job's id
        id: String,
    },
    /// Watch how far a job is until it ends; fails when the job does
    Watch {
        /// The job's id
        id: String,
    },
    /// Call jobs off; a running one is asked to stop
    #[command(
        after_help = "Examples:\n  oyez job cancel 01930d2e-…\n  oyez job cancel --queue imports --state available"
    )]
    Cancel(JobSelection),
    /// Run jobs again that have ended
    #[command(
        after_help = "Examples:\n  oyez job retry 01930d2e-…\n  oyez job retry --kind oracle_upload --state discarded"
    )]
    Retry(JobSelection),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EnqueueArgs {
    /// What sort of work
    pub(in crate::cli) kind: String,
    /// What the worker needs: any JSON
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) args: Option<String>,
    /// What the owner sees in each frame: a JSON object
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) public_data: Option<String>,
    /// Whose job it is
    #[arg(long)]
    pub(in crate::cli) user: Option<String>,
    /// Where it waits [default: default]
    #[arg(long)]
    pub(in crate::cli) queue: Option<String>,
    /// 0 (first) to 9 (last) [default: 5]
    #[arg(long)]
    pub(in crate::cli) priority: Option<u8>,
    /// Not before this time, such as 2026-11-20T18:00:00+01:00
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) run_at: Option<String>,
    /// No second job with this key while one is unfinished
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) unique_key: Option<String>,
    /// The key counts while a job is in one of these states; several with commas [default: those before its end]
    #[arg(long, value_name = "STATES", value_delimiter = ',', requires = "unique_key")]
    pub(in crate::cli) unique_states: Vec<String>,
    /// The key counts anew in each such stretch of time, such as 1h
    #[arg(long, value_name = "DURATION", requires = "unique_key")]
    pub(in crate::cli) unique_period: Option<String>,
    /// How often it may fail [default: 3]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_attempts: Option<u16>,
    /// How long one attempt may take, such as 10m
    #[arg(long, value_name = "DURATION")]
    pub(in crate::cli) timeout: Option<String>,
    /// How long it waits after a failure: first=15s,factor=2,max=1h,jitter=0.2, or some of these
    #[arg(long, value_name = "WAITS")]
    pub(in crate::cli) backoff: Option<String>,
    /// Which ends land in the owner's inbox: completed, failed, cancelled or none; several with commas [default:
    /// completed,failed]
    #[arg(long, value_name = "ENDS", value_delimiter = ',', value_parser = ["completed", "failed", "cancelled", "none"])]
    pub(in crate::cli) notify: Vec<String>,
    /// What the owner reads: a JSON object with started, completed, failed, cancelled, url
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) messages: Option<String>,
    /// Makes a repeated call the same call
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) idempotency_key: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct JobListArgs {
    #[command(flatten)]
    pub(in crate::cli) filter: JobFilterArgs,
    /// Most jobs to list
    #[arg(long, default_value_t = 50)]
    pub(in crate::cli) limit: u32,
}

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct JobFilterArgs {
    /// available, scheduled, running, retryable, completed, cancelled or discarded
    #[arg(long)]
    pub(in crate::cli) state: Option<String>,
    /// Only this kind
    #[arg(long)]
    pub(in crate::cli) kind: Option<String>,
    /// Only this queue
    #[arg(long)]
    pub(in crate::cli) queue: Option<String>,
    /// Only this user's
    #[arg(long)]
    pub(in crate::cli) user: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct JobSelection {
    /// The jobs' ids
    #[arg(value_name = "ID")]
    pub(in crate::cli) ids: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) filter: JobFilterArgs,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ScheduleCommand {
    /// List schedules with their next times
    List,
    /// Show a schedule
    Show {
        /// Its name
        name: String,
    },
    /// Make or change a schedule
    #[command(
        after_help = "Examples:\n  oyez schedule set nightly-report report --cron '0 3 * * *' --time-zone Europe/Zurich\n  \
                      oyez schedule set heartbeat ping --cron '@every 90s' --overlap skip\n  \
                      oyez schedule set hourly-sums sums --cron '@hourly' --misfire all --misfire-window 1d"
    )]
    Set(Box<ScheduleSetArgs>),
    /// Fire a schedule now; its next time stays
    Run {
        /// Its name
        name: String,
    },
    /// Hold a schedule
    Pause {
        /// Its name
        name: String,
    },
    /// Let a schedule go on
    Resume {
        /// Its name
        name: String,
    },
    /// Delete a schedule; its jobs stay
    Delete {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScheduleSetArgs {
    /// Its name
    pub(in crate::cli) name: String,
    /// The kind of the job; absent: as it is
    pub(in crate::cli) kind: Option<String>,
    /// When: '*/5 * * * *', with seconds before it if needed, '@hourly', '@every 90s'; absent: as it is
    #[arg(long, value_name = "LINE")]
    pub(in crate::cli) cron: Option<String>,
    /// An IANA name, such as Europe/Zurich [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(in crate::cli) time_zone: Option<String>,
    /// What the worker needs: any JSON
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) args: Option<String>,
    /// Whose jobs they are
    #[arg(long)]
    pub(in crate::cli) user: Option<String>,
    /// Where they wait
    #[arg(long)]
    pub(in crate::cli) queue: Option<String>,
    /// What happens to times that passed while no server ran: skip, once (one job for all of them) or all [default:
    /// once]
    #[arg(long, value_parser = ["skip", "once", "all"])]
    pub(in crate::cli) misfire: Option<String>,
    /// With --misfire all: how far back, such as 1h
    #[arg(long, value_name = "DURATION")]
    pub(in crate::cli) misfire_window: Option<String>,
    /// With --misfire all: at most so many, the newest [default: 100]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) misfire_max: Option<u32>,
    /// What happens when the last job has not ended: skip, queue or allow [default: skip]
    #[arg(long, value_parser = ["skip", "queue", "allow"])]
    pub(in crate::cli) overlap: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum QueueCommand {
    /// List queues, and what waits in them
    List,
    /// Show a queue
    Show {
        /// Its name
        name: String,
    },
    /// Hold a queue: what runs goes on, nothing else starts
    Pause {
        /// Its name
        name: String,
    },
    /// Let a queue go
    Resume {
        /// Its name
        name: String,
    },
    /// Limit a queue
    #[command(
        after_help = "Examples:\n  oyez queue limit imports --concurrency 2\n  oyez queue limit mails --rate 100/1m\n  \
                            oyez queue limit mails --rate none"
    )]
    Limit {
        /// Its name
        name: String,
        /// How many jobs may run at once, or none
        #[arg(long, value_name = "N")]
        concurrency: Option<String>,
        /// How many may start in a stretch of time, such as 10/1s, or none
        #[arg(long, value_name = "N/DURATION")]
        rate: Option<String>,
    },
}
