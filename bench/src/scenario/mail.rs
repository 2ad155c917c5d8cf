//! E-mail through the whole server: one publish to many, each mail rendered from the built-in template and sent by
//! itself. The mail server is a part of the load generator that takes everything, on the generator's core: a real one
//! would be the limit.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::{NO_STAMP, PATIENCE, Run, publish_to_everyone};
use crate::{
    generator::{Generator, http_request, mailbox::Mailbox},
    machine,
    report::{Bar, Figure, short},
    server::{Server, user},
};

const READERS: usize = 10_000;
/// Readers are spread over so many domains.
const DOMAINS: usize = 50;
const TOGETHER: usize = 1_000;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let readers = run.count(READERS).max(1_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (mailbox, address) = runtime.block_on(Mailbox::listen())?;
    let settings = format!(
        "[email]\ntransport = \"smtp\"\nfrom = \"Bench <bench@example.com>\"\nhost = \"127.0.0.1\"\nport = {}\n\
         tls = \"none\"\n[fallback.email]\nwhen = \"at_once\"\n",
        address.port()
    );
    let server = run.setup.start("mail", &settings)?;
    let mut generator = Generator::new(server.address)?;
    for first in (0..readers).step_by(TOGETHER) {
        generator.request(&reachable(&server, first..readers.min(first + TOGETHER)), PATIENCE)?;
    }
    let cpu = machine::cpu_seconds(server.pid())?;
    let started = Instant::now();
    publish_to_everyone(&server, &mut generator, NO_STAMP, readers)?;
    let all = async { tokio::time::timeout(PATIENCE, mailbox.until(readers)).await };
    runtime.block_on(all).with_context(|| format!("{} of {readers} mails arrived", mailbox.arrived().0))?;
    let took = started.elapsed();
    let (arrived, bytes) = mailbox.arrived();
    ensure!(
        mailbox.different() == readers,
        "{arrived} mails arrived, {} of them different",
        mailbox.different()
    );
    let rate = readers as f64 / took.as_secs_f64();
    let each = (machine::cpu_seconds(server.pid())? - cpu) * 1e6 / readers as f64;
    run.report.add(
        Figure::new(
            format!("e-mails from one publish to {} readers, each rendered and sent", short(readers as f64)),
            format!(
                "{}/s of {} KiB; {} us of CPU each",
                short(rate),
                short(bytes as f64 / arrived as f64 / 1024.0),
                short(each)
            ),
        )
        .judged(rate, Bar::AtLeast(1_000.0, 2_000.0), "/s"),
    );
    Ok(())
}

/// A request that gives readers their addresses.
fn reachable(server: &Server, readers: std::ops::Range<usize>) -> Vec<u8> {
    let one = |at: usize| {
        let email = format!("reader-{at}@domain-{}.example", at % DOMAINS);
        json!({"id": user(at), "name": format!("Reader {at}"), "email": email})
    };
    let body = json!({"users": readers.map(one).collect::<Vec<_>>()});
    http_request("PUT", "/api/v1/users", &server.key, &body.to_string())
}
