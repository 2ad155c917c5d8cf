//! Tables and properties of jobs.
