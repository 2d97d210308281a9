//! Amounts of money: millionths of a dollar in whole numbers, so that sums don't drift.
use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// Millionths of a US dollar; what is too much stays at the most there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub u64);

impl Money {
    #[must_use]
    pub fn times(self, n: u64) -> Money {
        Money(self.0.saturating_mul(n))
    }

    #[must_use]
    pub fn less(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }

    /// This much in hundredths of `whole`, rounded down.
    pub fn percent_of(self, whole: Money) -> u64 {
        let hundredths = u128::from(self.0) * 100 / u128::from(whole.0.max(1));
        u64::try_from(hundredths).unwrap_or(u64::MAX)
    }

    /// As a price by the hour or the GiB is written: `$0.8048`, with no more places than it has and two at least.
    pub fn as_price(self) -> String {
        let places = format!("{:06}", self.0 % 1_000_000);
        let places = places.trim_end_matches('0');
        format!("${}.{places:0<2}", grouped(self.0 / 1_000_000))
    }

    /// Whole dollars, rounded: `$1,234`; below ten with its cents.
    pub fn rounded(self) -> String {
        if self.0 < 10_000_000 { self.to_string() } else { format!("${}", grouped(self.0.saturating_add(500_000) / 1_000_000)) }
    }
}

/// `$1,234.56`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.0 / 10_000 + u64::from(self.0 % 10_000 >= 5_000);
        write!(f, "${}.{:02}", grouped(cents / 100), cents % 100)
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(all: I) -> Money {
        all.fold(Money::default(), Add::add)
    }
}

/// A number with a comma before each three digits.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_write_them_and_never_overflow() {
        assert_eq!(Money(804_800).as_price(), "$0.8048");
        assert_eq!(Money(100_000).as_price(), "$0.10");
        assert_eq!(Money(21_957_642).as_price(), "$21.957642");
        assert_eq!(Money(1_234_565_000).to_string(), "$1,234.57");
        assert_eq!((Money(3_650_000).rounded(), Money(1_234_567_000_000).rounded()), ("$3.65".into(), "$1,234,567".into()));
        assert_eq!(Money(u64::MAX).times(1_000_000_000) + Money(1), Money(u64::MAX));
        assert_eq!([Money(100_000); 3].into_iter().sum::<Money>(), Money(300_000));
        assert_eq!((Money(60).percent_of(Money(100)), Money(1).percent_of(Money(0))), (60, 100));
    }
}
