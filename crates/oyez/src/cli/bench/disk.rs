//! The physical limit: how often this disk can be told to keep something.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    time::{Duration, Instant},
};

/// What a bare loop reaches.
pub(super) struct Commits {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
}

/// Appends a page and waits until the disk has it, again and again: one commit of a write-ahead log.
pub(super) fn commits(path: &Path, length: Duration) -> io::Result<Commits> {
    let mut file = File::create(path)?;
    let page = [0x5a; 4096];
    let begin = Instant::now();
    let mut taken = Vec::new();
    while begin.elapsed() < length {
        let start = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        taken.push(start.elapsed());
    }
    let per_second = taken.len() as f64 / begin.elapsed().as_secs_f64();
    Ok(Commits { per_second, p50_ms: super::percentiles(taken).0 })
}
