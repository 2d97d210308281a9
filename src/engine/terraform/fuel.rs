//! What an evaluation may cost: steps and bytes, taken before the work they pay for.
use std::cell::Cell;

/// Steps for a whole hand-in; a module of ten files takes a few thousand.
const STEPS: u64 = 200_000;
/// Bytes of text made in all.
const BYTES: u64 = 4 * 1024 * 1024;

/// What is left.
#[derive(Debug)]
pub struct Fuel {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    spent: Cell<bool>,
}

impl Default for Fuel {
    fn default() -> Fuel {
        Fuel { steps: Cell::new(STEPS), bytes: Cell::new(BYTES), spent: Cell::new(false) }
    }
}

impl Fuel {
    /// Takes steps; false, for good, once they don't suffice.
    pub fn steps(&self, n: usize) -> bool {
        self.take(&self.steps, n)
    }

    pub fn bytes(&self, n: usize) -> bool {
        self.take(&self.bytes, n)
    }

    fn take(&self, from: &Cell<u64>, n: usize) -> bool {
        let left = from.get().checked_sub(n as u64);
        if let Some(left) = left
            && !self.spent.get()
        {
            from.set(left);
            return true;
        }
        self.spent.set(true);
        false
    }

    /// Whether something asked for more than there was.
    pub fn is_spent(&self) -> bool {
        self.spent.get()
    }

    #[cfg(test)]
    pub fn used(&self) -> (u64, u64) {
        (STEPS - self.steps.get(), BYTES - self.bytes.get())
    }
}
