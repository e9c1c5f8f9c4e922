//! pause beside its peers, in figures: what is measured, how, and the tables, bars and plots that follow.

pub mod bars;
pub mod fragments;
pub mod machine;
mod measure;
mod plots;
pub mod run;
pub mod samples;
pub mod subjects;
pub mod tables;
mod trace;
