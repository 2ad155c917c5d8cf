//! Transfers as the API and the pages show them.

use oyez::protocol::{JobId, Timestamp};
use serde::Serialize;

use crate::{
    books::spell,
    database::entries::Entry,
    desk::{Detail, Overview},
    standing::Standing,
    transfer::{Line, Step, TransferId},
};

/// A transfer and how its upload stands.
#[derive(Debug, Serialize)]
pub(super) struct TransferView<'a> {
    id: TransferId,
    description: &'a str,
    period: &'a str,
    date: String,
    currency: &'a str,
    total: String,
    lines: &'a [Line],
    created_at: Timestamp,
    job: Option<JobId>,
    document: String,
    #[serde(flatten)]
    standing: &'a Standing,
    can_retry: bool,
    can_cancel: bool,
}

impl<'a> TransferView<'a> {
    pub(super) fn new(overview: &'a Overview) -> Self {
        let Overview { transfer, job, standing } = overview;
        Self {
            id: transfer.id,
            description: &transfer.draft.description,
            period: &transfer.draft.period,
            date: transfer.draft.date.to_string(),
            currency: &transfer.draft.currency,
            total: spell(transfer.total()),
            lines: &transfer.draft.lines,
            created_at: transfer.created_at,
            job: *job,
            document: transfer.document_name(),
            standing,
            can_retry: standing.state.can_retry() && job.is_some(),
            can_cancel: standing.state.can_cancel() && job.is_some(),
        }
    }
}

/// A transfer with its story.
#[derive(Debug, Serialize)]
pub(super) struct DetailView<'a> {
    #[serde(flatten)]
    transfer: TransferView<'a>,
    story: &'a [Entry],
    /// The step whose call may or may not have reached Oracle.
    unknown_call: Option<&'static str>,
}

impl<'a> DetailView<'a> {
    pub(super) fn new(detail: &'a Detail) -> Self {
        Self {
            transfer: TransferView::new(&detail.overview),
            story: &detail.story,
            unknown_call: detail.unknown.map(Step::name),
        }
    }
}
