//! Questions to a real Kubernetes API server, scheduler and quota: what we say of a hand-in has to be what they say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects and ends where that isn't so")]

mod admitted;
mod control_plane;
mod kubelet;
mod placed;
mod refusals;
mod server;
mod smoke;
