//! How soon a server is ready, and what it takes while nothing happens.

use std::time::Duration;

use super::Run;
use crate::{
    generator::Generator,
    machine,
    report::{Bar, Figure, short},
    scenario::{NO_STAMP, make_users, publish_to_everyone},
};

const ITEMS: usize = 1_000_000;
const USERS: usize = 50_000;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let server = run.setup.start("start", "")?;
    let empty = server.ready_after.as_secs_f64() * 1e3;
    std::thread::sleep(Duration::from_secs(2));
    let resident = machine::resident_bytes(server.pid())? as f64 / 1024.0 / 1024.0;
    run.report.add(
        Figure::new("start to ready, empty database (made before)", format!("{} ms", short(empty))).judged(
            empty,
            Bar::AtMost(150.0, 50.0),
            " ms",
        ),
    );
    run.report.add(
        Figure::new("resident memory two seconds after start", format!("{} MiB", short(resident))).judged(
            resident,
            Bar::AtMost(20.0, 12.0),
            " MiB",
        ),
    );

    let (items, users) = (run.count(ITEMS), run.count(USERS));
    let mut generator = Generator::new(server.address)?;
    make_users(&server, &mut generator, users)?;
    for _ in 0..items / users - 1 {
        publish_to_everyone(&server, &mut generator, NO_STAMP, users)?;
    }
    let (data, key) = server.kill()?;
    let server = run.setup.start_on(&data, key)?;
    let full = server.ready_after.as_secs_f64() * 1e3;
    let resident = machine::resident_bytes(server.pid())? as f64 / 1024.0 / 1024.0;
    run.report.add(
        Figure::new(
            format!("start to ready after a kill, {} items", short(items as f64)),
            format!("{} ms, {} MiB resident", short(full), short(resident)),
        )
        .judged(full, Bar::AtMost(150.0, 50.0), " ms"),
    );
    Ok(())
}
