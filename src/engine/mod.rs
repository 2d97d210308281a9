//! Files in, a report out: knows no database, no HTTP and no cohort; everything it is given is hostile.
pub mod check;
pub mod files;
pub mod kubernetes;
pub mod report;
pub mod yaml;

pub use check::{Check, Checks, Surroundings};
pub use files::{File, Files};
pub use report::{Finding, Place, Problem, Report};
