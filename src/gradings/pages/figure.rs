//! Figures as a page draws them: bars, nodes with their pods, an autoscaler's replay as curves.
use crate::engine::cost::Money;
use crate::engine::figure::{Bill, BillLine, Measure, PlanGraph, PlanNode, Replay, Share};
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

/// A plan's resources in columns: what others need stands left of them.
pub struct Graph<'a> {
    pub boxes: Vec<Placed<'a>>,
    /// The lines between them, as paths.
    pub lines: Vec<String>,
    pub wide: usize,
    pub high: usize,
}

/// A resource in the picture.
pub struct Placed<'a> {
    pub x: usize,
    pub y: usize,
    pub node: &'a PlanNode,
    /// Its address, cut to fit.
    pub name: String,
}

/// Size of a resource's box with the room around it, and how many columns and letters fit.
const BOX: (usize, usize) = (300, 34);
const COLUMNS: usize = 5;
const LETTERS: usize = 37;

impl<'a> Graph<'a> {
    pub fn of(plan: &'a PlanGraph) -> Graph<'a> {
        let mut column = vec![0_usize; plan.nodes.len()];
        // Each round moves what needs something one further; circles end with the rounds.
        for _ in 1..COLUMNS {
            for (n, node) in plan.nodes.iter().enumerate() {
                let left = node.needs.iter().filter_map(|t| column.get(*t as usize)).max();
                column[n] = left.map_or(0, |left| (left + 1).min(COLUMNS - 1));
            }
        }
        let mut filled = [0_usize; COLUMNS];
        let mut boxes = Vec::new();
        for (n, node) in plan.nodes.iter().enumerate() {
            let (x, y) = (column[n] * BOX.0, filled[column[n]] * BOX.1);
            filled[column[n]] += 1;
            let letters = node.address.chars().count();
            let name = if letters > LETTERS {
                format!("…{}", node.address.chars().skip(letters - LETTERS + 1).collect::<String>())
            } else {
                node.address.clone()
            };
            boxes.push(Placed { x, y, node, name });
        }
        let middle = |b: &Placed<'_>, right: bool| (b.x + if right { BOX.0 - 20 } else { 0 }, b.y + 13);
        let mut lines = Vec::new();
        for to in &boxes {
            for from in to.node.needs.iter().filter_map(|t| boxes.get(*t as usize)).filter(|from| from.x < to.x) {
                let ((x1, y1), (x2, y2)) = (middle(from, true), middle(to, false));
                let bend = (x1 + x2) / 2;
                lines.push(format!("M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}"));
            }
        }
        let columns = filled.iter().rposition(|n| *n > 0).unwrap_or(0) + 1;
        Graph { boxes, lines, wide: columns * BOX.0, high: filled.iter().max().unwrap_or(&1) * BOX.1 }
    }

    /// What the picture shows, for who doesn't see it.
    pub fn words(&self) -> String {
        let told = self.boxes.iter().take(40).map(|b| format!("{} {}", b.node.action, b.node.address));
        told.collect::<Vec<_>>().join(", ")
    }
}

/// The tone of what a plan does.
pub fn tone(node: &PlanNode) -> &'static str {
    match node.action.as_str() {
        "create" | "import" => "go",
        "change" => "hold",
        "replace" | "destroy" => "stop",
        "move" | "forget" => "info",
        _ => "calm",
    }
}

/// Width of a bill's bars, in the picture's own units, and how many there are at most.
const BAR: u64 = 600;
const BARS: usize = 6;

/// A month's bill as one bar of parts, with the bar of what it is compared with below.
pub struct Bars<'a> {
    pub parts: Vec<Part>,
    /// How far what it is compared with reaches, of [`BAR`].
    pub baseline: Option<u64>,
    /// The limit, if it lies within the picture.
    pub below: Option<u64>,
    bill: &'a Bill,
}

/// One part of the bar: the dearest lines, and the rest as one.
pub struct Part {
    pub x: u64,
    pub width: u64,
    pub name: String,
    /// A number for its colour, from 0.
    pub shade: usize,
}

impl<'a> Bars<'a> {
    pub fn of(bill: &'a Bill) -> Bars<'a> {
        let widest = bill.baseline.unwrap_or_default().max(bill.total).max(Money(1));
        let reach = |m: Money| u64::try_from(u128::from(m.0) * u128::from(BAR) / u128::from(widest.0)).unwrap_or(BAR).min(BAR);
        let (mut parts, mut sum): (Vec<Part>, Money) = (Vec::new(), Money::default());
        let named = bill.lines.iter().take(BARS - 1).map(|l| (l.month, format!("{}, {}", l.address, l.what)));
        let rest: Money = bill.lines.iter().skip(BARS - 1).map(|l| l.month).sum::<Money>() + bill.rest;
        for (shade, (month, name)) in named.chain([(rest, "everything else".to_owned())]).enumerate() {
            let x = reach(sum);
            sum = sum + month;
            let width = reach(sum).saturating_sub(x);
            if width > 0 {
                parts.push(Part { x, width, name: format!("{name}: {month} a month"), shade });
            }
        }
        Bars { parts, baseline: bill.baseline.map(reach), below: bill.below.filter(|b| *b <= widest).map(reach), bill }
    }

    /// What the picture shows, for who doesn't see it.
    pub fn words(&self) -> String {
        let bill = self.bill;
        let compared = bill.baseline.map(|b| format!(", where what it is compared with costs {b}")).unwrap_or_default();
        format!("{} a month{compared}: {}", bill.total, self.parts.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join("; "))
    }

    pub fn high(&self) -> u32 {
        if self.baseline.is_some() { 84 } else { 44 }
    }
}

/// What the hand-in saves against what it is compared with: the amount and the percent; nothing where it costs more.
pub fn saved(bill: &Bill) -> Option<(Money, u64)> {
    let baseline = bill.baseline.filter(|b| *b > bill.total)?;
    let saved = baseline.less(bill.total);
    Some((saved, saved.percent_of(baseline)))
}

/// From how much to how much it goes as groups scale, if they do.
pub fn scales(bill: &Bill) -> Option<String> {
    match bill.most {
        Some(most) if most == bill.total && bill.least == bill.total => None,
        Some(most) => Some(format!("from {} to {most} as its groups scale", bill.least)),
        None => Some(format!("from {}, without a bound", bill.least)),
    }
}

/// `2`, or `2 of 0 to 6` where it scales.
pub fn counted(line: &BillLine) -> String {
    match line.most {
        Some(most) if most == line.count && line.least == line.count => line.count.to_string(),
        Some(most) => format!("{} of {} to {most}", line.count, line.least),
        None => format!("{} or more", line.count),
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
    fn a_bill_is_drawn_to_the_scale_of_what_it_is_compared_with() {
        let line = |month| BillLine {
            address: "aws_eip.a".into(),
            what: "address".into(),
            count: 2,
            most: Some(6),
            month: Money(month),
            ..BillLine::default()
        };
        let bill =
            Bill { total: Money(300), baseline: Some(Money(600)), most: Some(Money(900)), lines: vec![line(200), line(100)], ..Bill::default() };
        let bars = Bars::of(&bill);
        assert_eq!(bars.parts.iter().map(|p| (p.x, p.width)).collect::<Vec<_>>(), [(0, 200), (200, 100)]);
        assert_eq!((bars.bill.total, bars.baseline, saved(&bill)), (Money(300), Some(600), Some((Money(300), 50))));
        assert_eq!((counted(&bill.lines[0]), scales(&bill).is_some()), ("2 of 0 to 6".to_owned(), true));
        let huge = Bill { total: Money(u64::MAX), lines: vec![line(u64::MAX); 40], rest: Money(u64::MAX), ..Bill::default() };
        assert!(Bars::of(&huge).parts.iter().all(|p| p.x + p.width <= BAR));
        assert!(Bars::of(&Bill::default()).parts.is_empty());
    }

    #[test]
    fn a_measure_says_whether_it_holds() {
        let of = |value, least, most| Measure { title: String::new(), value, least, most };
        assert_eq!((measured(&of(3.0, Some(2.0), None)), bounds(&of(3.0, Some(2.5), None))), ("go", "at least 2.5".to_owned()));
        assert_eq!((measured(&of(3.0, None, Some(2.0))), measured(&of(3.0, None, None))), ("stop", "mute"));
    }
}
