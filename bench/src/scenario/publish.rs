//! How many notifications a second are taken durably, over HTTP, beside bare commits on the same disk.

use super::{Run, make_users};
use crate::{
    generator::{Generator, Pace},
    limits, message,
    report::{Bar, Figure, short},
    server::user,
};

const USERS: usize = 1_000;
const BATCH: usize = 100;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let server = run.setup.start("publish", "")?;
    let mut generator = Generator::new(server.address)?;
    make_users(&server, &mut generator, USERS)?;
    let seconds = run.seconds(5.0);
    for callers in [1, 16, 256] {
        let key = server.key.clone();
        let mut compose = move |stamp, number: u64| {
            message::notification(&key, &format!("user:{}", user(number as usize % USERS)), stamp)
        };
        let published = generator.publish(callers, Pace::AsAnswered, seconds, &mut compose, &mut || {})?;
        refuse_failures(published.failed, &published.first_complaint)?;
        let folder = run.setup.folder("commit")?;
        let bare = limits::commits(callers, 1, seconds, &folder, run.setup.pin)?;
        let (p50, rate) = (published.answer_ms(0.5), published.per_second());
        let mut figure = Figure::new(
            format!("{callers} caller{}", if callers == 1 { "" } else { "s" }),
            format!(
                "{}/s, answered p50 {} ms, p99 {} ms",
                short(rate),
                short(p50),
                short(published.answer_ms(0.99))
            ),
        )
        .beside(format!(
            "bare commits: {}/s, p50 {} ms, p99 {} ms",
            short(bare.rows_per_second),
            short(bare.p50_ms),
            short(bare.p99_ms)
        ));
        figure = match callers {
            1 => figure.judged(p50 / bare.p50_ms, Bar::AtMost(2.5, 1.5), " x (p50)"),
            256 => figure.judged(rate / bare.rows_per_second, Bar::AtLeast(0.4, 0.7), " x (rate)"),
            _ => figure,
        };
        run.report.add(figure);
    }

    let key = server.key.clone();
    let mut compose = move |stamp, number: u64| {
        let first = number as usize * BATCH;
        message::batch(&key, (first..first + BATCH).map(|at| user(at % USERS)), stamp)
    };
    let published = generator.publish(16, Pace::AsAnswered, seconds, &mut compose, &mut || {})?;
    refuse_failures(published.failed, &published.first_complaint)?;
    let bare = limits::commits(16, BATCH, seconds, &run.setup.folder("commit")?, run.setup.pin)?;
    let rate = published.per_second() * BATCH as f64;
    run.report.add(
        Figure::new(
            format!("batches of {BATCH}, 16 callers"),
            format!("{} notifications/s, answered p50 {} ms", short(rate), short(published.answer_ms(0.5))),
        )
        .beside(format!("bare commits: {} rows/s", short(bare.rows_per_second))),
    );
    Ok(())
}

fn refuse_failures(failed: u64, complaint: &str) -> anyhow::Result<()> {
    if failed > 0 {
        anyhow::bail!("{failed} publishes were refused: {complaint}");
    }
    Ok(())
}
