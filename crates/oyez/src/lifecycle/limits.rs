//! How many files, and so connections, the process may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What `ulimit -n` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimit {
    /// What applies.
    pub current: u64,
    /// How far the process may raise it itself.
    pub maximum: u64,
}

impl FileLimit {
    /// Reads the limit.
    pub fn read() -> Self {
        let limit = getrlimit(Resource::Nofile);
        Self { current: limit.current.unwrap_or(u64::MAX), maximum: limit.maximum.unwrap_or(u64::MAX) }
    }
}

/// Raises the limit as far as the process may, and returns what applies then. Never fails: the old limit stays.
pub fn raise_file_limit() -> FileLimit {
    let limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() && limit.current.is_some() {
        // Where the maximum is unlimited, kernels still refuse more than about a million.
        let wanted = limit.maximum.or(Some(1 << 20));
        let _ = setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum: limit.maximum });
    }
    FileLimit::read()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_the_maximum() {
        let limit = raise_file_limit();
        assert!(limit.current > 0);
        assert!(limit.current == limit.maximum || limit.current >= 1 << 20, "{limit:?}");
    }
}
