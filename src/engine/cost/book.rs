//! Where an estimate is written down: priced lines, what has no price, what isn't counted and why.
use super::money::Money;
use super::prices;
use super::walk::Asked;
use crate::engine::report::Place;
use crate::engine::terraform::Terraform;
use crate::engine::terraform::module::Block;
use std::collections::BTreeSet;
use std::ops::Range;

/// Gaps and asides beyond this are only counted.
const MOST: usize = 100;

/// What a hand-in costs a month.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estimate {
    /// The region of the configuration that is planned, where it is known; prices are those of [`priced_in`](Self::priced_in).
    pub region: Option<String>,
    pub priced_in: String,
    /// The dearest first.
    pub lines: Vec<Line>,
    /// What costs something, and nobody can say how much.
    pub gaps: Vec<Gap>,
    /// What is paid by use, and isn't counted: `aws_s3_bucket.weights`, and why.
    pub asides: Vec<(String, String)>,
    /// What was taken for granted, each once.
    pub assumed: Vec<String>,
}

/// A resource, or a part of one, with its price.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub address: String,
    /// `g6.xlarge`, `gp3, 100 GiB`, `NAT gateway`.
    pub what: String,
    pub count: Count,
    /// What one of them costs a month.
    pub each: Money,
    /// `$0.8048 an hour`.
    pub price: String,
    /// Whether it is bought on the spot market.
    pub spot: bool,
    pub place: Option<Place>,
}

/// How many there are: as the configuration starts, and between which bounds it scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub least: u64,
    pub now: u64,
    /// Unknown when it may be any number.
    pub most: Option<u64>,
}

/// Something without a price.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    pub address: String,
    /// `its instances: no price is known for g6.xlarge in eu-west-1`.
    pub why: String,
    pub whose: Whose,
    pub place: Option<Place>,
}

/// Who can close a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The configuration doesn't say what it wants.
    Students,
    /// The table has no price.
    Ours,
}

impl Count {
    pub fn fixed(n: u64) -> Count {
        Count { least: n, now: n, most: Some(n) }
    }

    #[must_use]
    pub fn times(self, n: u64) -> Count {
        Count { least: self.least.saturating_mul(n), now: self.now.saturating_mul(n), most: self.most.map(|m| m.saturating_mul(n)) }
    }

    /// The same of each number.
    #[must_use]
    pub fn map(self, of: impl Fn(u64) -> u64) -> Count {
        Count { least: of(self.least), now: of(self.now), most: self.most.map(of) }
    }

    #[must_use]
    pub fn and(self, other: Count) -> Count {
        let most = self.most.zip(other.most).map(|(a, b)| a.saturating_add(b));
        Count { least: self.least.saturating_add(other.least), now: self.now.saturating_add(other.now), most }
    }
}

impl Line {
    pub fn month(&self) -> Money {
        self.each.times(self.count.now)
    }
}

impl Estimate {
    /// What it costs a month as it starts.
    pub fn total(&self) -> Money {
        self.lines.iter().map(Line::month).sum()
    }

    /// What it costs at its smallest.
    pub fn least(&self) -> Money {
        self.lines.iter().map(|l| l.each.times(l.count.least)).sum()
    }

    /// What it costs at its largest, if that has a bound.
    pub fn most(&self) -> Option<Money> {
        self.lines.iter().try_fold(Money::default(), |sum, l| Some(sum + l.each.times(l.count.most?)))
    }

    /// Whether everything that costs something has a price.
    pub fn is_whole(&self) -> bool {
        self.gaps.is_empty()
    }
}

/// An estimate while it is made.
pub struct Book<'a> {
    terraform: &'a Terraform,
    estimate: Estimate,
    assumed: BTreeSet<String>,
}

impl<'a> Book<'a> {
    pub fn new(terraform: &'a Terraform) -> Book<'a> {
        Book { terraform, estimate: Estimate::default(), assumed: BTreeSet::new() }
    }

    pub fn region(&mut self, region: Option<String>, priced_in: &str) {
        self.estimate.region = region;
        priced_in.clone_into(&mut self.estimate.priced_in);
    }

    /// Writes down something that is paid by the hour.
    pub fn hourly(&mut self, asked: &Asked<'_>, what: impl Into<String>, count: Count, hour: Money, spot: bool, at: &Range<usize>) {
        self.line(asked, what.into(), count, hour.times(prices::HOURS), format!("{} an hour", hour.as_price()), spot, at);
    }

    #[expect(clippy::too_many_arguments, reason = "a line has this many columns")]
    pub fn line(&mut self, asked: &Asked<'_>, what: String, count: Count, each: Money, price: String, spot: bool, at: &Range<usize>) {
        let Some(times) = asked.times else {
            return self.gap(asked, &what, "how many of it are made isn't known", Whose::Students);
        };
        // Where nothing says a region, the estimate says so once, as a whole.
        if !asked.is_there && self.estimate.region.is_some() {
            return self.gap(asked, &what, "in which region it is made isn't known", Whose::Students);
        }
        let count = count.times(times);
        let line = Line { address: asked.address.clone(), what, count, each, price, spot, place: self.terraform.place(asked.block.source, at) };
        // A resource that is made several times is one line.
        let alike = |l: &&mut Line| l.address == line.address && l.what == line.what && l.each == line.each && l.spot == line.spot;
        match self.estimate.lines.iter_mut().find(alike) {
            Some(known) => known.count = known.count.and(line.count),
            None => self.estimate.lines.push(line),
        }
    }

    /// A service of the table for each hour of the month; a gap where it has no price.
    pub fn service(&mut self, asked: &Asked<'_>, name: &str, what: &str, count: Count) {
        let Some(price) = prices::service(name, asked.region) else { return self.unpriced(asked, what) };
        let unit = prices::unit(name);
        let each = if unit.starts_with("hour") { price.times(prices::HOURS) } else { price };
        let per = if unit.starts_with("hour") { "an hour" } else { "a month" };
        self.line(asked, what.to_owned(), count, each, format!("{} {per}", price.as_price()), false, &asked.block.head);
    }

    /// Nobody knows what this costs in this region.
    pub fn unpriced(&mut self, asked: &Asked<'_>, what: &str) {
        self.gap(asked, what, &format!("no price is known in {}", asked.region), Whose::Ours);
    }

    pub fn gap(&mut self, asked: &Asked<'_>, what: &str, why: &str, whose: Whose) {
        self.gap_at(asked, asked.block, &asked.block.head, what, why, whose);
    }

    /// A gap that an attribute of the resource leaves.
    pub fn gap_of(&mut self, asked: &Asked<'_>, holder: &Block, attribute: &str, what: &str, why: &str, whose: Whose) {
        let span = holder.attribute(attribute).map_or(&holder.head, |a| &a.span);
        self.gap_at(asked, holder, span, what, why, whose);
    }

    fn gap_at(&mut self, asked: &Asked<'_>, holder: &Block, span: &Range<usize>, what: &str, why: &str, whose: Whose) {
        let gap = Gap { address: asked.address.clone(), why: format!("{what}: {why}"), whose, place: self.terraform.place(holder.source, span) };
        if self.estimate.gaps.len() < MOST && !self.estimate.gaps.contains(&gap) {
            self.estimate.gaps.push(gap);
        }
    }

    /// A gap of the hand-in as a whole.
    pub fn whole_gap(&mut self, why: &str) {
        self.estimate.gaps.push(Gap { address: String::new(), why: why.to_owned(), whose: Whose::Students, place: None });
    }

    /// Something that isn't counted.
    pub fn aside(&mut self, asked: &Asked<'_>, why: &str) {
        let aside = (asked.address.clone(), why.to_owned());
        if self.estimate.asides.len() < MOST && !self.estimate.asides.contains(&aside) {
            self.estimate.asides.push(aside);
        }
    }

    pub fn assume(&mut self, words: impl Into<String>) {
        if self.assumed.len() < MOST {
            self.assumed.insert(words.into());
        }
    }

    pub fn done(mut self) -> Estimate {
        self.estimate.lines.retain(|l| l.count.now > 0 || l.count.most != Some(0));
        self.estimate.lines.sort_by(|a, b| b.month().cmp(&a.month()).then_with(|| a.address.cmp(&b.address)).then_with(|| a.what.cmp(&b.what)));
        self.estimate.assumed = self.assumed.into_iter().collect();
        self.estimate
    }
}
