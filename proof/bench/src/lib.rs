//! Measures pause and its peers, and makes tables and bars from the samples.

pub mod bars;
pub mod fragments;
mod measure;
pub mod run;
pub mod samples;
pub mod subjects;
pub mod tables;
mod trace;
