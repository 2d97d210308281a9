//! Groundcrew's table of contents: the house from the ground up.
pub mod engine;
