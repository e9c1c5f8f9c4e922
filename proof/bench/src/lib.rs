//! Measures pause and its peers, and makes tables, bars and plots from the samples.

pub mod bars;
pub mod fragments;
mod measure;
mod plots;
pub mod run;
pub mod samples;
pub mod subjects;
pub mod tables;
mod trace;
