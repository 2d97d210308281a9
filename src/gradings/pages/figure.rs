//! Figures as a page draws them: bars, nodes with their pods, an autoscaler's replay as curves.
use crate::engine::figure::{Measure, Replay, Share};
use std::fmt::Write as _;

/// Width and height of each of the two plots of a replay, in the picture's own units.
const WIDE: f64 = 600.0;
const HIGH: f64 = 120.0;

/// A replay's curves: the load over what could be taken, and replicas wanted over those that were ready.
pub struct Curves {
    pub load: String,
    pub capacity: String,
    pub wanted: String,
    pub ready: String,
    /// The tops of the two scales.
    pub most: String,
    pub replicas: u32,
    pub minutes: u32,
}

impl Curves {
    pub fn of(replay: &Replay) -> Curves {
        let most = replay.load.iter().chain(&replay.capacity).copied().filter(|n| n.is_finite()).fold(0.0, f64::max);
        let replicas = replay.wanted.iter().chain(&replay.ready).copied().max().unwrap_or(0);
        let count = |series: &[u32]| series.iter().map(|n| f64::from(*n)).collect::<Vec<f64>>();
        let steps = u32::try_from(replay.load.len()).unwrap_or(0);
        Curves {
            load: line(&replay.load, most),
            capacity: stairs(&replay.capacity, most),
            wanted: stairs(&count(&replay.wanted), f64::from(replicas)),
            ready: stairs(&count(&replay.ready), f64::from(replicas)),
            most: number(most),
            replicas,
            minutes: steps.saturating_mul(replay.step_seconds) / 60,
        }
    }
}

/// A curve from point to point.
fn line(series: &[f64], most: f64) -> String {
    let mut path = String::new();
    for (n, (x, y)) in points(series, most).enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(path, "{}{x:.1} {y:.1}", if n == 0 { "M" } else { "L" });
    }
    path
}

/// A curve that stays at a value until the next.
fn stairs(series: &[f64], most: f64) -> String {
    let mut path = String::new();
    for (n, (x, y)) in points(series, most).enumerate() {
        // As above.
        let _ = if n == 0 { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
    }
    path
}

#[expect(clippy::cast_precision_loss, reason = "a figure has a few hundred points")]
fn points(series: &[f64], most: f64) -> impl Iterator<Item = (f64, f64)> {
    let step = WIDE / (series.len().max(2) - 1) as f64;
    let scale = if most > 0.0 { HIGH / most } else { 0.0 };
    series.iter().enumerate().map(move |(n, value)| (n as f64 * step, HIGH - value.clamp(0.0, most) * scale))
}

/// A number as people write it: no more than two places.
pub fn number(n: f64) -> String {
    let text = format!("{n:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whether a measure is within its bounds: as a tone, or none where it has no bounds.
pub fn measured(measure: &Measure) -> &'static str {
    let good = measure.least.is_none_or(|least| measure.value >= least) && measure.most.is_none_or(|most| measure.value <= most);
    match (measure.least.or(measure.most), good) {
        (None, _) => "mute",
        (_, true) => "go",
        (_, false) => "stop",
    }
}

/// `at most 400`.
pub fn bounds(measure: &Measure) -> String {
    match (measure.least, measure.most) {
        (Some(least), Some(most)) => format!("from {} to {}", number(least), number(most)),
        (Some(least), None) => format!("at least {}", number(least)),
        (None, Some(most)) => format!("at most {}", number(most)),
        (None, None) => String::new(),
    }
}

/// The tone of a bar: red when it doesn't fit.
pub fn filled(share: &Share) -> &'static str {
    match share.percent {
        0..=80 => "go",
        81..=100 => "hold",
        _ => "stop",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_fill_the_plot_and_bad_numbers_stay_inside() {
        let replay = Replay {
            step_seconds: 60,
            load: vec![0.0, 10.0, f64::NAN],
            capacity: vec![5.0, 5.0, 20.0],
            wanted: vec![1, 2, 4],
            ready: vec![1, 1, 2],
            ..Replay::default()
        };
        let curves = Curves::of(&replay);
        assert!(curves.load.starts_with("M0.0 120.0L300.0 60.0"), "{}", curves.load);
        assert_eq!(curves.capacity, "M0.0 90.0H300.0V90.0H600.0V0.0");
        assert_eq!((curves.most.as_str(), curves.replicas, curves.minutes), ("20", 4, 3));
        assert_eq!(Curves::of(&Replay::default()).load, "");
    }

    #[test]
    fn a_measure_says_whether_it_holds() {
        let of = |value, least, most| Measure { title: String::new(), value, least, most };
        assert_eq!((measured(&of(3.0, Some(2.0), None)), bounds(&of(3.0, Some(2.5), None))), ("go", "at least 2.5".to_owned()));
        assert_eq!((measured(&of(3.0, None, Some(2.0))), measured(&of(3.0, None, None))), ("stop", "mute"));
    }
}
