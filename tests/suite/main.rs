//! The suite: one binary, so that it links once. `people` is how its sentences are said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects and ends where that isn't so")]
#![allow(dead_code, reason = "the people of the tests can do more than every test asks of them")]

#[macro_use]
mod people;

mod admin;
mod architecture;
mod backups;
mod cohorts;
mod command_line;
mod crashes;
mod curriculum;
mod grading_children;
mod handing_in;
mod hostile;
mod invitations;
mod mailing;
mod queueing;
mod reviewing;
mod running;
mod signing_in;
mod site_map;
mod terraform_runs;
mod tokens;
