//! Files in, a report out: knows no database, no HTTP and no cohort; everything it is given is hostile.
pub mod check;
pub mod child;
pub mod confine;
pub mod cost;
pub mod errand;
pub mod figure;
pub mod files;
pub mod glob;
pub mod grade;
pub mod ignores;
pub mod kubernetes;
pub mod lint;
mod located;
#[cfg(feature = "server")]
pub mod pool;
mod promql;
pub mod quiz;
pub mod report;
pub mod runner;
mod secrets;
pub mod select;
pub mod terraform;
#[cfg(test)]
mod tests;
pub mod yaml;

pub use check::{Check, Checks, Surroundings};
pub use files::{File, Files};
pub use grade::grade;
pub use report::{Finding, Place, Problem, Report};
