//! Jobs that do nothing: what the engine itself costs, beside a bare job table on the same disk.

mod remote;

use super::Run;
use crate::{
    embedded,
    limits::{self, jobs::Ended},
    report::{Bar, Figure, short},
};

const JOBS: usize = 100_000;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    in_process(run)?;
    remote::measure(run)
}

fn in_process(run: &mut Run) -> anyhow::Result<()> {
    let jobs = run.count(JOBS);
    let folder = run.setup.folder("jobs")?;
    let bare: Ended = limits::run(&["bare-jobs", &jobs.to_string()], &folder, run.setup.pin)?;
    let folder = run.setup.folder("jobs")?;
    let ours: embedded::Figures = limits::run(&["embedded-jobs", &jobs.to_string()], &folder, run.setup.pin)?;
    let beside = format!("bare job table: {}/s", short(bare.jobs_per_second));
    run.report.add(Figure::new(
        format!("{} jobs written down, 1,000 at a time", short(jobs as f64)),
        format!("{}/s", short(ours.enqueued_per_second)),
    ));
    run.report.add(
        Figure::new(
            "the same claimed, run in process and completed",
            format!("{}/s", short(ours.ended_per_second)),
        )
        .beside(format!("{beside}; {:.2} of it", ours.ended_per_second / bare.jobs_per_second))
        .judged(ours.ended_per_second, Bar::AtLeast(20_000.0, 50_000.0), "/s"),
    );
    run.report.add(
        Figure::new(
            "from the call that asks for a job to its handler, in process",
            format!("p50 {} ms, p95 {} ms", short(ours.start_p50_ms), short(ours.start_p95_ms)),
        )
        .judged(ours.start_p95_ms, Bar::AtMost(1.5, 0.8), " ms"),
    );
    Ok(())
}
