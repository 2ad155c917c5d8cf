//! The physical limit: how often this disk can be told to keep something.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::Path,
    time::{Duration, Instant},
};

/// What a bare loop reaches.
pub(super) struct Commits {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
}

const PAGE: usize = 4096;
/// As long as a write-ahead log grows before it begins again at its start.
const PAGES: usize = 1000;

/// Writes a page over an older one and waits until the disk has it, again and again: one commit of a write-ahead log.
pub(super) fn commits(path: &Path, length: Duration) -> io::Result<Commits> {
    let file = File::create(path)?;
    file.write_all_at(&vec![0; PAGE * PAGES], 0)?;
    file.sync_all()?;
    let page = [0x5a; PAGE];
    let begin = Instant::now();
    let mut taken = Vec::new();
    while begin.elapsed() < length {
        let start = Instant::now();
        file.write_all_at(&page, (taken.len() % PAGES * PAGE) as u64)?;
        file.sync_data()?;
        taken.push(start.elapsed());
    }
    let per_second = taken.len() as f64 / begin.elapsed().as_secs_f64();
    Ok(Commits { per_second, p50_ms: super::percentiles(taken).0 })
}
