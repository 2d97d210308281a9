//! The time, handed in: the machine's clock in the portal, a set one in tests.
use crate::db::values::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Says what time it is.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(None)
    }

    /// A clock that stands at `at` until it is moved; clones move together.
    pub fn standing(at: Timestamp) -> Clock {
        Clock(Some(Arc::new(AtomicI64::new(at.0))))
    }

    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(standing) => Timestamp(standing.load(Ordering::Relaxed)),
            None => jiff::Timestamp::now().into(),
        }
    }

    /// Moves a standing clock; the machine's own can't be moved.
    pub fn set(&self, at: Timestamp) {
        if let Some(standing) = &self.0 {
            standing.store(at.0, Ordering::Relaxed);
        }
    }
}
