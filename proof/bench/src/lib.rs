//! Measures pause and its peers; the crate `figures` contains the samples, and the tables and bars that follow.

mod measure;
pub mod run;
pub mod subjects;
mod trace;
