//! Quantities as the API reads them: `500m`, `1.5Gi`, `2e3`, exact to a billionth.
use crate::engine::yaml::{Node, Value};

/// An amount in billionths of its unit, which is a core, a byte, or one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

const NANO: i128 = 1_000_000_000;

impl Quantity {
    /// Reads one as `resource.ParseQuantity` does; `None` if the API would refuse it.
    pub fn parse(text: &str) -> Option<Quantity> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(digits);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && part.is_empty()) || part.contains('.') || whole.len() > 20 || part.len() > 30 {
            return None;
        }
        let (base, power) = scale(suffix)?;
        // Digits after the point beyond a billionth are rounded up, as the API does; here they are cut, which no comparison below notices.
        let mantissa: i128 = format!("{whole}{}", &part[..part.len().min(15)]).parse().ok()?;
        let tens = 9 + power - i32::try_from(part.len().min(15)).ok()?;
        let mut value = mantissa.checked_mul(base)?;
        for _ in 0..tens.unsigned_abs().min(40) {
            value = if tens > 0 { value.checked_mul(10)? } else { value / 10 };
        }
        Some(Quantity(if negative { -value } else { value }))
    }

    /// The quantity a node holds, written as a number or as a string.
    pub fn of(node: &Node) -> Option<Quantity> {
        match &node.value {
            Value::String(s) => Quantity::parse(s),
            Value::Int(n) => Some(Quantity(i128::from(*n) * NANO)),
            Value::UInt(n) => Some(Quantity(i128::from(*n) * NANO)),
            Value::Float(f) => Quantity::parse(&f.to_string()),
            _ => None,
        }
    }

    pub fn whole(n: i64) -> Quantity {
        Quantity(i128::from(n) * NANO)
    }

    /// In its unit; exact enough to compare with a bound.
    #[expect(clippy::cast_precision_loss, reason = "bounds in labs have a few digits")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / NANO as f64
    }

    /// Their sum. Amounts that no cluster has stay at the largest one.
    #[must_use]
    pub fn plus(self, other: Quantity) -> Quantity {
        Quantity(self.0.saturating_add(other.0))
    }

    #[must_use]
    pub fn minus(self, other: Quantity) -> Quantity {
        Quantity(self.0.saturating_sub(other.0))
    }

    #[must_use]
    pub fn times(self, n: u64) -> Quantity {
        Quantity(self.0.saturating_mul(i128::from(n)))
    }

    /// An equal part of it, rounded down.
    #[must_use]
    pub fn divided(self, parts: u64) -> Quantity {
        Quantity(self.0 / i128::from(parts.max(1)))
    }

    /// How many pieces of a size it holds; without end if they have none.
    pub fn holds(self, piece: Quantity) -> u64 {
        if piece.0 <= 0 {
            return u64::MAX;
        }
        u64::try_from(self.0.max(0) / piece.0).unwrap_or(u64::MAX)
    }

    /// In hundredths of another, rounded up; something of nothing is 101.
    pub fn percent_of(self, whole: Quantity) -> u32 {
        if self.0 <= 0 {
            return 0;
        }
        if whole.0 <= 0 {
            return 101;
        }
        let percent = self.0.saturating_mul(100);
        u32::try_from(percent / whole.0 + i128::from(percent % whole.0 != 0)).unwrap_or(u32::MAX)
    }

    /// As the API writes it: in binary units when `binary`, which is how it keeps what was written with `Ki`, `Mi` and so on.
    pub fn canonical(self, binary: bool) -> String {
        let (sign, nano) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let one = NANO.unsigned_abs();
        if binary && nano >= 1024 * one && nano.is_multiple_of(one) {
            let (mut n, mut unit) = (nano / one, 0);
            while n.is_multiple_of(1024) && unit < 6 {
                (n, unit) = (n / 1024, unit + 1);
            }
            return format!("{sign}{n}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][unit]);
        }
        let (mut n, mut unit) = (nano, 0);
        while n != 0 && n.is_multiple_of(1000) && unit < 9 {
            (n, unit) = (n / 1000, unit + 1);
        }
        let unit = if n == 0 { 3 } else { unit };
        format!("{sign}{n}{}", ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][unit])
    }

    pub fn is_whole(self) -> bool {
        self.0 % NANO == 0
    }

    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The whole number at or below it.
    pub fn round_down(self) -> i128 {
        self.0.div_euclid(NANO)
    }

    /// The whole number at or above it.
    pub fn round_up(self) -> i128 {
        self.0.div_euclid(NANO) + i128::from(self.0.rem_euclid(NANO) != 0)
    }
}

/// What a suffix multiplies by: a factor and a power of ten.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            ((-30..=18).contains(&exponent).then_some((1, exponent)))?
        }
    })
}

/// The quantity somebody probably meant: `512MB` is `512M`, `1 GB` is `1G`.
pub fn meant(text: &str) -> Option<String> {
    let squeezed: String = text.split_whitespace().collect::<String>().replace(',', ".");
    let digits = squeezed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(squeezed.len());
    let (number, suffix) = squeezed.split_at(digits);
    let suffix = match suffix.to_ascii_lowercase().as_str() {
        "b" | "bytes" | "cpu" | "cpus" | "core" | "cores" => "",
        "kb" => "k",
        "kib" | "ki" => "Ki",
        "mb" | "mbytes" => "M",
        "mib" | "mi" => "Mi",
        "g" | "gb" => "G",
        "gib" | "gi" => "Gi",
        "t" | "tb" => "T",
        "tib" | "ti" => "Ti",
        "millicores" | "mcpu" | "mcores" => "m",
        "k" => "k",
        _ => suffix,
    };
    let text = format!("{number}{suffix}");
    (!number.is_empty() && Quantity::parse(&text).is_some()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_compare_as_the_api_compares_them() {
        let q = |s| Quantity::parse(s).unwrap_or_else(|| panic!("{s}"));
        assert_eq!(q("1"), q("1000m"));
        assert_eq!(q("1.5"), q("1500m"));
        assert_eq!(q("1Gi"), q("1024Mi"));
        assert_eq!(q("1e3"), q("1k"));
        assert!(q("1G") < q("1Gi"));
        assert!(q("512m") < q("1"));
        assert!(!q("1.5").is_whole() && q("2").is_whole() && q("2000m").is_whole());
        assert_eq!((q("1500m").round_up(), q("1500m").round_down()), (2, 1));
        for bad in ["", "yes", "512MB", "1 Gi", "1.2.3", "Gi", "0x10", "1e999999999", "--1"] {
            assert_eq!(Quantity::parse(bad), None, "{bad}");
        }
        assert_eq!(meant("512MB").as_deref(), Some("512M"));
        assert_eq!(meant("1 gib").as_deref(), Some("1Gi"));
        assert_eq!(meant("lots"), None);
    }

    #[test]
    fn quantities_are_written_as_the_api_writes_them() {
        for (text, binary, canonical) in [
            ("0.5", false, "500m"),
            ("1500m", false, "1500m"),
            ("1.5", true, "1500m"),
            ("2000m", false, "2"),
            ("0", false, "0"),
            ("1024Mi", true, "1Gi"),
            ("1.5Gi", true, "1536Mi"),
            ("1000", true, "1k"),
            ("2048", true, "2Ki"),
            ("3e9", false, "3G"),
            ("-1500u", false, "-1500u"),
        ] {
            assert_eq!(Quantity::parse(text).unwrap().canonical(binary), canonical, "{text}");
        }
    }
}
