//! Figures on a terminal: bars, nodes with their pods, a load and its replicas as small columns.
use super::terminal::{Paint, safe};
use crate::engine::figure::{Bill, Figure, FilledNode, Measure, PlanNode, Replay, Share};

/// Columns of a bar, and of a replay at most.
const BAR: u32 = 20;
const COLUMNS: usize = 60;
/// Rows and nodes shown; the JSON has them all.
const ROWS: usize = 24;

pub fn figure(figure: &Figure, paint: Paint) -> String {
    match figure {
        Figure::Quota { rows } => rows.iter().take(ROWS).map(|share| format!("    {}\n", bar(share, paint))).collect(),
        Figure::Placement { nodes, waiting } => {
            let mut out: String = nodes.iter().take(ROWS).map(|n| node(n, paint)).collect();
            for pod in waiting.iter().take(ROWS) {
                out += &format!("    {} {}\n", paint.bad(&safe(&pod.pod)), "waits:");
                out += &pod.reasons.iter().map(|r| format!("      {}\n", safe(r))).collect::<String>();
            }
            out
        }
        Figure::Replay(replay) => curves(replay, paint),
        Figure::Cost(bill) => costs(bill, paint),
        Figure::Plan(plan) => plan.nodes.iter().take(ROWS).map(|n| planned(n, paint)).collect(),
    }
}

fn bar(share: &Share, paint: Paint) -> String {
    let filled = (share.percent.min(100) * BAR).div_ceil(100) as usize;
    let bar = format!("{}{}", "█".repeat(filled), "░".repeat(BAR as usize - filled));
    let bar = if share.percent > 100 { paint.bad(&bar) } else { paint.good(&bar) };
    format!("{:<32} {bar} {} of {}", safe(&share.resource), safe(&share.used), safe(&share.of))
}

fn node(node: &FilledNode, paint: Paint) -> String {
    let mut out = format!("    {} {}\n", paint.bold(&safe(&node.name)), paint.dim(&safe(&node.about)));
    for share in &node.shares {
        out += &format!("      {}\n", bar(share, paint));
    }
    let pods = if node.pods.is_empty() { "nothing of yours".to_owned() } else { node.pods.join(", ") };
    out + &format!("      runs {}\n", safe(&pods))
}

fn curves(replay: &Replay, paint: Paint) -> String {
    let count = |series: &[u32]| series.iter().map(|n| f64::from(*n)).collect::<Vec<f64>>();
    let (load, ready) = (columns(&replay.load), columns(&count(&replay.ready)));
    let mut out = format!("    {:<10} {} {}\n    {:<10} {}\n", "load", paint.warn(&load), safe(&replay.unit), "replicas", paint.calm(&ready));
    out += &replay.measures.iter().map(|m| format!("    {}\n", measure(m, paint))).collect::<String>();
    out
}

/// `+ aws_vpc.main`: what a plan does with a resource.
fn planned(node: &PlanNode, paint: Paint) -> String {
    let sign = match node.sign() {
        "+" => paint.good("+"),
        "~" => paint.warn("~"),
        sign @ ("±" | "-") => paint.bad(sign),
        sign @ ("→" | "←") => paint.calm(sign),
        sign => paint.dim(sign),
    };
    let from = node.from.iter().map(|f| format!(" from {f}"));
    let attributes = (!node.attributes.is_empty()).then(|| format!(" ({})", node.attributes.join(", ")));
    let more: String = from.chain(attributes).collect();
    format!("    {sign} {}{}\n", safe(&node.address), paint.dim(&safe(&more)))
}

/// A month's bill: the dearest lines with their share, and what it doesn't hold.
fn costs(bill: &Bill, paint: Paint) -> String {
    let mut out = String::new();
    for line in bill.lines.iter().take(ROWS) {
        let filled = usize::try_from(line.month.percent_of(bill.total).min(100) / 10).unwrap_or(0);
        let bar = format!("{}{}", "█".repeat(filled), "░".repeat(10 - filled));
        let market = if line.spot { ", spot" } else { "" };
        let what = format!("{} × {}{market} at {}", line.count, line.what, line.price);
        out += &format!("    {:>12} {} {}  {}\n", line.month.to_string(), paint.calm(&bar), safe(&line.address), paint.dim(&safe(&what)));
    }
    let baseline = bill.baseline.map(|b| format!(", compared with {b}")).unwrap_or_default();
    let range = match bill.most {
        Some(most) if most != bill.total || bill.least != bill.total => format!(", from {} to {most} as it scales", bill.least),
        None => format!(", from {} without a bound", bill.least),
        Some(_) => String::new(),
    };
    let total = format!("{} a month in {}{range}{baseline}; list prices of {}", bill.total, bill.priced_in, bill.as_of);
    out += &format!("    {}\n", paint.bold(&safe(&total)));
    out += &bill.unpriced.iter().take(ROWS).map(|gap| format!("    {} {}\n", paint.warn("no price:"), safe(gap))).collect::<String>();
    out
}

/// A series as columns, the highest full.
fn columns(series: &[f64]) -> String {
    const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = series.iter().copied().filter(|n| n.is_finite()).fold(0.0, f64::max);
    let each = series.len().div_ceil(COLUMNS).max(1);
    let height = |part: &[f64]| {
        let top = part.iter().copied().filter(|n| n.is_finite()).fold(0.0, f64::max);
        let share = if most > 0.0 { (top / most * 8.0).ceil() } else { 0.0 };
        HEIGHTS.iter().copied().zip(0..).find(|(_, n)| f64::from(*n) >= share).map_or('█', |(c, _)| c)
    };
    series.chunks(each).map(height).collect()
}

fn measure(measure: &Measure, paint: Paint) -> String {
    let good = measure.least.is_none_or(|l| measure.value >= l) && measure.most.is_none_or(|m| measure.value <= m);
    let number = |n: f64| format!("{n:.2}").trim_end_matches('0').trim_end_matches('.').to_owned();
    let bound = |word: &str, n: Option<f64>| n.map(|n| format!(", {word} {}", number(n))).unwrap_or_default();
    let bounds = format!("{}{}", bound("at least", measure.least), bound("at most", measure.most));
    let mark = if good { paint.good("✓") } else { paint.bad("✗") };
    format!("{mark} {}: {}{bounds}", safe(&measure.title), number(measure.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_columns_show_what_fits_and_what_does_not() {
        let share = |percent| Share { resource: "cpu".into(), used: "2".into(), of: "1".into(), percent };
        assert!(bar(&share(250), Paint::none()).ends_with(&format!("{} 2 of 1", "█".repeat(20))));
        assert!(bar(&share(1), Paint::none()).contains(&format!(" █{}", "░".repeat(19))));
        assert_eq!(columns(&[0.0, 1.0, 8.0, f64::NAN]), " ▁█ ");
        assert_eq!(columns(&[1.0; 1000]).chars().count(), 59);
        let hostile =
            Figure::Placement { nodes: Vec::new(), waiting: vec![crate::engine::figure::Waiting { pod: "\x1b[31m".into(), reasons: vec![] }] };
        assert!(!figure(&hostile, Paint::none()).contains('\x1b'));
    }
}
