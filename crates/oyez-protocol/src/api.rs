//! HTTP bodies, one file per resource. Unknown fields are refused, so that a misspelt one is not lost silently.

pub mod problem;
pub mod publish;
