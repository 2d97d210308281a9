//! A check of kind `cost`: a ceiling for a month, a saving against a baseline; what has no price never passes.
use super::book::{Estimate, Gap, Whose};
use super::money::Money;
use super::{estimate, prices};
use crate::engine::Files;
use crate::engine::figure::{Bill, BillLine, Figure, MOST};
use crate::engine::report::{Problem, clip};
use crate::engine::terraform::Terraform;
use serde::{Deserialize, Serialize};

/// Lines that a finding names: the dearest.
const NAMED: usize = 3;
/// Characters of an address or a name in a figure.
const NAME: usize = 120;

/// What a lab asks of a hand-in's cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// A month has to cost less than this.
    pub monthly_below: Option<Money>,
    pub saves: Option<Saves>,
    pub at: At,
}

/// A saving in percent against what other files would cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saves {
    pub percent: u32,
    pub baseline: Files,
}

/// Which size of what scales counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// As it starts: desired, or else the smallest.
    #[default]
    Start,
    /// Everything as large as it may become.
    Largest,
}

impl Ask {
    /// What it asks for in a few words.
    pub fn title(&self) -> String {
        let below = self.monthly_below.map(|b| format!("costs less than {} {}", b.rounded(), self.at.words()));
        let saves = self.saves.as_ref().map(|s| format!("saves {} % {}", s.percent, if below.is_some() { "" } else { self.at.words() }));
        let both: Vec<String> = below.into_iter().chain(saves).collect();
        format!("It {}", both.join(" and ")).trim_end().to_owned()
    }
}

/// What came of it.
pub struct Verdict {
    pub problems: Vec<Problem>,
    /// Why nobody can say, if nothing is wrong and a price is missing.
    pub open: Option<String>,
    pub passed: String,
    pub figure: Figure,
}

impl At {
    fn of(self, estimate: &Estimate) -> Option<Money> {
        match self {
            At::Start => Some(estimate.total()),
            At::Largest => estimate.most(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            At::Start => "a month",
            At::Largest => "a month at its largest",
        }
    }
}

/// What the baseline costs; in words why that can't be said.
pub fn baseline(files: &Files, at: At) -> Result<Money, String> {
    let terraform = Terraform::read(files);
    if let Some(problem) = terraform.unread().first() {
        return Err(problem.message.clone());
    }
    let estimate = estimate(&terraform);
    if let Some(gap) = estimate.gaps.first() {
        return Err(gap.words());
    }
    if estimate.region.is_none() {
        return Err("its provider `aws` names no region".into());
    }
    match at.of(&estimate) {
        None => Err("it may become as large as it likes".into()),
        Some(Money(0)) => Err("it costs nothing that can be saved".into()),
        Some(cost) => Ok(cost),
    }
}

/// Judges a hand-in by what it costs.
pub fn judge(ask: &Ask, terraform: &Terraform) -> Verdict {
    let estimate = estimate(terraform);
    let baseline = ask.saves.as_ref().map(|s| baseline(&s.baseline, ask.at));
    let known = baseline.as_ref().and_then(|b| b.as_ref().ok()).copied();
    let mut verdict = Verdict { problems: Vec::new(), open: None, passed: String::new(), figure: Figure::Cost(bill(&estimate, ask, known)) };
    if estimate.lines.is_empty() && estimate.gaps.is_empty() {
        verdict
            .problems
            .push(Problem::new("Nothing in what you handed in costs anything by the month.").fix("Describe what the instructions ask for."));
        return verdict;
    }
    verdict.problems.extend(terraform.unread().iter().cloned());
    let Some(cost) = ask.at.of(&estimate) else {
        verdict.problems.push(Problem::new("How large it may become has no bound that is known.").fix("Give each group a `max_size`."));
        return verdict;
    };
    let too_dear = too_dear(ask, cost, known);
    let is_dear = !too_dear.is_empty();
    let students = estimate.gaps.iter().filter(|g| g.whose == Whose::Students);
    verdict.problems.extend(too_dear.into_iter().map(|words| at_dearest(&words, &estimate, ask.at)));
    if is_dear {
        verdict.problems.extend(dearest(&estimate, ask.at));
    }
    verdict.problems.extend(students.map(asked_of_student));
    if estimate.region.is_none() {
        let fix = "Give the provider `aws` a `region`, or its variable a default.";
        verdict.problems.push(Problem::new("In which region this is made isn't known, so its prices aren't either.").fix(fix));
    }
    if let Some(Err(why)) = &baseline {
        verdict.open = Some(format!("What it is compared with has no price here: {why}."));
    } else if let Some(gap) = estimate.gaps.iter().find(|g| g.whose == Whose::Ours) {
        let more = estimate.gaps.len() - 1;
        let more = if more > 0 { format!(" ({more} more like it)") } else { String::new() };
        verdict.open = Some(format!("It can't be said what it costs: {}{more}. An instructor looks at it.", gap.words()));
    }
    verdict.passed = passed(cost, ask, known);
    verdict
}

fn too_dear(ask: &Ask, cost: Money, baseline: Option<Money>) -> Vec<String> {
    let (amount, when) = (cost.rounded(), ask.at.words());
    let mut found = Vec::new();
    if let Some(below) = ask.monthly_below.filter(|b| cost >= *b) {
        found.push(format!("It costs {amount} {when}; it has to stay below {}.", below.rounded()));
    }
    if let Some((saves, baseline)) = ask.saves.as_ref().zip(baseline) {
        let saved = baseline.less(cost).percent_of(baseline);
        if cost > baseline {
            found.push(format!("It costs {amount} {when}, more than the {} it is compared with.", baseline.rounded()));
        } else if saved < u64::from(saves.percent) {
            let asked = saves.percent;
            found.push(format!(
                "It costs {amount} {when}, {saved} % less than the {} it is compared with; {asked} % are asked for.",
                baseline.rounded()
            ));
        }
    }
    found
}

fn passed(cost: Money, ask: &Ask, baseline: Option<Money>) -> String {
    let compared = baseline.map(|b| format!(", {} % less than the {} it is compared with", b.less(cost).percent_of(b), b.rounded()));
    format!("It costs {} {}{}.", cost.rounded(), ask.at.words(), compared.unwrap_or_default())
}

/// Lines by what they cost at the size that counts, the dearest first.
fn by_cost(estimate: &Estimate, at: At) -> Vec<(Money, u64, &super::Line)> {
    let count = |l: &super::Line| match at {
        At::Start => l.count.now,
        At::Largest => l.count.most.unwrap_or(u64::MAX),
    };
    let mut lines: Vec<_> = estimate.lines.iter().map(|l| (l.each.times(count(l)), count(l), l)).collect();
    lines.sort_by_key(|(cost, _, _)| std::cmp::Reverse(*cost));
    lines
}

fn at_dearest(words: &str, estimate: &Estimate, at: At) -> Problem {
    let place = by_cost(estimate, at).first().and_then(|(_, _, l)| l.place.clone());
    Problem { place, ..Problem::new(words) }
}

/// The dearest lines, each at its place.
fn dearest(estimate: &Estimate, at: At) -> Vec<Problem> {
    let said = |(cost, count, line): &(Money, u64, &super::Line)| {
        let market = if line.spot { " on the spot market" } else { "" };
        let message = format!("`{}`: {count} × {}{market} at {} is {} a month.", line.address, line.what, line.price, cost.rounded());
        Problem { place: line.place.clone(), ..Problem::new(message) }
    };
    by_cost(estimate, at).iter().filter(|(cost, _, _)| *cost > Money(0)).take(NAMED).map(said).collect()
}

fn asked_of_student(gap: &Gap) -> Problem {
    let problem = Problem::new(format!("What it costs can't be told: {}.", gap.words()));
    let fix = "Write it out, or give the variable behind it a default: a price is known only for what is known without a plan.";
    Problem { place: gap.place.clone(), ..problem.fix(fix) }
}

impl Gap {
    /// `aws_autoscaling_group.batch, its instances: how many isn't known`.
    pub fn words(&self) -> String {
        if self.address.is_empty() { self.why.clone() } else { format!("`{}`, {}", self.address, self.why) }
    }
}

/// The estimate as a page or a terminal draws it.
pub fn bill(estimate: &Estimate, ask: &Ask, baseline: Option<Money>) -> Bill {
    let name = |text: &str| clip(text.to_owned(), NAME);
    let line = |l: &super::Line| BillLine {
        address: name(&l.address),
        what: name(&l.what),
        count: l.count.now,
        least: l.count.least,
        most: l.count.most,
        price: l.price.clone(),
        month: l.month(),
        spot: l.spot,
        file: l.place.as_ref().map(|p| p.file.clone()),
        line: l.place.as_ref().map(|p| p.line),
    };
    let shown = estimate.lines.len().min(MOST / 4);
    Bill {
        as_of: prices::as_of().into(),
        spot_as_of: prices::spot_as_of().into(),
        region: estimate.region.as_deref().map(name),
        priced_in: name(&estimate.priced_in),
        hours: prices::HOURS,
        total: estimate.total(),
        least: estimate.least(),
        most: estimate.most(),
        baseline,
        below: ask.monthly_below,
        lines: estimate.lines.iter().take(shown).map(line).collect(),
        rest: estimate.lines.iter().skip(shown).map(super::Line::month).sum(),
        unpriced: estimate.gaps.iter().take(MOST / 8).map(|g| clip(g.words(), 2 * NAME)).collect(),
        uncounted: estimate.asides.iter().take(MOST / 8).map(|(address, why)| clip(format!("`{address}`: {why}"), 2 * NAME)).collect(),
        assumed: estimate.assumed.iter().take(MOST / 8).map(|words| clip(words.clone(), 2 * NAME)).collect(),
    }
}
