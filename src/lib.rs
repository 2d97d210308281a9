//! Groundcrew's table of contents: the house from the ground up.
#[cfg(feature = "server")]
pub mod db;
#[cfg(feature = "server")]
pub mod secrets;

#[cfg(feature = "server")]
pub mod queue;

#[cfg(feature = "server")]
pub mod audit;
#[cfg(feature = "server")]
pub mod notices;
#[cfg(feature = "server")]
pub mod settings;

pub mod engine;

#[cfg(feature = "server")]
pub mod accounts;
#[cfg(feature = "server")]
pub mod cohorts;
pub mod curriculum;
#[cfg(feature = "server")]
pub mod gradings;
#[cfg(feature = "server")]
pub mod progress;
#[cfg(feature = "server")]
pub mod reviews;
#[cfg(feature = "server")]
pub mod submissions;

#[cfg(feature = "server")]
pub mod demo;

#[cfg(feature = "server")]
pub mod app;
#[cfg(feature = "server")]
pub mod clock;
pub mod commands;
pub mod config;
#[cfg(feature = "server")]
pub mod error;
#[cfg(feature = "server")]
pub mod web;
