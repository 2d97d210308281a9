//! A load over time, read from a CSV file: `minute,requests/s` above its rows, each load holding until the next row.
use super::LONGEST;
use serde::{Deserialize, Serialize};

/// Rows of a trace at most.
const ROWS: usize = 10_000;
/// The largest load, in requests a second.
const LARGEST: f64 = 1e6;

/// Loads in requests a second with the second each begins at; the first begins at 0, and the last row ends the trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    rows: Vec<(u32, f64)>,
}

impl Trace {
    /// Reads one; an error says the line and what is wrong with it.
    pub fn read(text: &str) -> Result<Trace, String> {
        let mut lines = text.lines().zip(1..).map(|(line, n)| (line.trim(), n)).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        let header = lines.next().map(|(line, _)| line.split_once(',').map_or((line, ""), |(a, b)| (a.trim(), b.trim())));
        let second = match header {
            Some(("second", _)) => 1.0,
            Some(("minute", _)) => 60.0,
            _ => return Err("its first line names the columns: `second,requests/s` or `minute,requests/s`".into()),
        };
        let each = match header {
            Some((_, "requests/s")) => 1.0,
            Some((_, "requests/min")) => 60.0,
            _ => return Err("its second column is `requests/s` or `requests/min`".into()),
        };
        let mut rows: Vec<(u32, f64)> = Vec::new();
        for (line, n) in lines {
            let number = |text: Option<&str>| text.and_then(|t| t.trim().parse::<f64>().ok()).filter(|v| v.is_finite() && *v >= 0.0);
            let mut cells = line.split(',');
            let (Some(at), Some(load), None) = (number(cells.next()), number(cells.next()), cells.next()) else {
                return Err(format!("line {n}: a row is two numbers from 0, a time and a load"));
            };
            let (at, load) = (at * second, load / each);
            if at.fract() != 0.0 || at > f64::from(LONGEST) {
                return Err(format!("line {n}: times are whole seconds, up to a day of {LONGEST}"));
            }
            if load > LARGEST {
                return Err(format!("line {n}: a load is at most {LARGEST} requests a second"));
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and at most a day")]
            let at = at as u32;
            if rows.last().map_or(at != 0, |(before, _)| *before >= at) {
                return Err(format!("line {n}: times begin at 0 and rise from row to row"));
            }
            if rows.len() == ROWS {
                return Err(format!("line {n}: a trace has at most {ROWS} rows"));
            }
            rows.push((at, load));
        }
        if rows.last().is_none_or(|(end, _)| *end < 60) {
            return Err("a trace lasts a minute at least; its last row is where it ends".into());
        }
        Ok(Trace { rows })
    }

    /// How long it lasts, in seconds.
    pub fn seconds(&self) -> u32 {
        self.rows.last().map_or(0, |(end, _)| *end).min(LONGEST)
    }

    /// The load of each second.
    pub fn loads(&self) -> impl Iterator<Item = f64> {
        let end = self.seconds();
        self.rows.iter().zip(self.rows.iter().skip(1)).flat_map(move |(row, next)| {
            let seconds = next.0.min(end).saturating_sub(row.0);
            std::iter::repeat_n(row.1, seconds as usize)
        })
    }
}
