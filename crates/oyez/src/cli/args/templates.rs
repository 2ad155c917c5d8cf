//! What can be typed about templates: `oyez template`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TemplateCommand {
    /// List templates, with where each comes from
    List,
    /// Show the parts of a template
    Show {
        /// Its name: a notification's type, default, digest, layout
        name: String,
        /// Its language, such as de-CH
        #[arg(long)]
        locale: Option<String>,
    },
    /// Make a template, or replace it; one that cannot be rendered is refused with line and column
    #[command(
        after_help = "Example:\n  oyez template put ticket_created --subject 'Ticket {{ ticket.id }}: {{ ticket.title }}' \
                      --html ticket.mjml"
    )]
    Put {
        /// Its name: a notification's type, default, digest, layout
        name: String,
        #[command(flatten)]
        parts: TemplateParts,
    },
    /// Show a message as it would be sent, with made-up data where none is given
    #[command(
        after_help = "Example:\n  oyez template preview ticket_created --html ticket.mjml --part html \
                      --notification '{\"ticket\":{\"id\":7}}' > /tmp/ticket.html"
    )]
    Preview(TemplatePreviewArgs),
    /// Delete a stored template; the operator's file or what is built in is used again
    Delete {
        /// Its name
        name: String,
        /// Its language, such as de-CH
        #[arg(long)]
        locale: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TemplateParts {
    /// The language it is written in, or the reader's; absent: for everybody else
    #[arg(long)]
    pub(in crate::cli) locale: Option<String>,
    /// The subject; absent: the default's
    #[arg(long)]
    pub(in crate::cli) subject: Option<String>,
    /// A file with the plain text; absent where there is HTML: made from that
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) text: Option<PathBuf>,
    /// A file with HTML or MJML
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TemplatePreviewArgs {
    /// Its name: a notification's type, default, digest, layout
    pub(in crate::cli) name: String,
    #[command(flatten)]
    pub(in crate::cli) parts: TemplateParts,
    /// The notification's fields and the publisher's keys, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) notification: Option<String>,
    /// Only this part: subject, text or html
    #[arg(long, value_parser = ["subject", "text", "html"])]
    pub(in crate::cli) part: Option<String>,
}
