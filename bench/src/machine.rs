//! What the kernel says about processes and the machine, and on which core a process may run.
//!
//! Pinning and file limits are set by `taskset` and `prlimit` of util-linux, so that no code here is unsafe.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, bail};

/// The kernel reports CPU time in hundredths of a second on every architecture that Linux supports today.
const TICKS_PER_SECOND: f64 = 100.0;

/// The core of the server under test, and of the bare loops it is compared with.
pub(crate) const SERVER_CORE: usize = 0;
/// The core of the load generator.
pub(crate) const GENERATOR_CORE: usize = 1;

/// Resident memory of a process in bytes.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    Ok(kilobytes(&status, "VmRSS:").context("a process has a resident size")? * 1024)
}

/// CPU seconds a process has used, all threads together.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    cpu_seconds_of(Path::new(&format!("/proc/{pid}")))
}

/// CPU seconds that the threads of a process with such names have used; 0 where there are none.
pub(crate) fn cpu_seconds_of_threads(pid: u32, prefix: &str) -> anyhow::Result<f64> {
    let mut seconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        if fs::read_to_string(thread.join("comm"))?.starts_with(prefix) {
            seconds += cpu_seconds_of(&thread)?;
        }
    }
    Ok(seconds)
}

fn cpu_seconds_of(process: &Path) -> anyhow::Result<f64> {
    let path = process.join("stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    // The name in parentheses may hold spaces; what follows it has fixed places.
    let fields: Vec<&str> = stat.rsplit(") ").next().context("stat has a name")?.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("stat has CPU times")?;
    Ok((user + system) / TICKS_PER_SECOND)
}

/// CPU seconds this process has used.
pub(crate) fn own_cpu_seconds() -> anyhow::Result<f64> {
    cpu_seconds(std::process::id())
}

fn kilobytes(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// Whether there is a core for each side.
pub(crate) fn can_pin() -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() > GENERATOR_CORE)
        && Command::new("taskset").arg("--version").output().is_ok()
}

/// Keeps this process on the generator's core; what it starts must be moved by [`pinned`].
pub(crate) fn pin_generator() -> anyhow::Result<()> {
    let (core, pid) = (GENERATOR_CORE.to_string(), std::process::id().to_string());
    let done = Command::new("taskset").args(["--all-tasks", "--pid", "--cpu-list", &core, &pid]).output()?;
    if !done.status.success() {
        bail!("could not pin the generator: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

/// A command that runs on the server's core.
pub(crate) fn pinned(program: &str, pin: bool) -> Command {
    if !pin {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &SERVER_CORE.to_string(), program]);
    command
}

/// Raises how many files this process and its children may open, as far as allowed; returns how many that is.
pub(crate) fn raise_file_limit(wanted: u64) -> u64 {
    let set = |soft: u64, hard: u64| {
        let (limit, pid) = (format!("--nofile={soft}:{hard}"), std::process::id().to_string());
        let done = Command::new("prlimit").args([&limit, "--pid", &pid]).output();
        done.is_ok_and(|done| done.status.success())
    };
    let (soft, hard) = file_limits();
    if soft < wanted && !(hard < wanted && set(wanted, wanted)) {
        set(wanted.min(hard), hard);
    }
    file_limits().0
}

fn file_limits() -> (u64, u64) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let mut numbers = line.split_whitespace().map(|word| word.parse().unwrap_or(u64::MAX));
    (numbers.next().unwrap_or(1024), numbers.next().unwrap_or(1024))
}

/// How many tasks wanted a core in the last minute: what else the machine was doing when the run began.
pub(crate) fn load_average() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}

/// One line about where this runs.
pub(crate) fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let memory = kilobytes(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0) as f64 / 1024.0 / 1024.0;
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} x {model}, {memory:.0} GiB, Linux {}", kernel.trim())
}
