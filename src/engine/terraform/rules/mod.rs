//! The built-in rules: what each looks for, why, how to mend it, with an example that passes and one that fails.
mod access;
mod bills;
mod bombs;
mod buckets;
mod cluster;
mod declared;
mod gpu;
mod groups;
mod instances;
mod lambda;
#[cfg(test)]
mod limits_tests;
mod markets;
mod models;
mod network;
mod prices;
mod privilege;
mod providers;
mod purpose;
mod references;
mod refused;
mod releases;
mod scaling;
mod secrets;
mod services;
mod settings;
mod shape;
mod storage;
mod structure;
mod style;
mod tags;
mod test_files;
#[cfg(test)]
mod tests;
mod thrift;
mod validate;
mod vpc;

use super::Terraform;
use super::module::{Block, Module};
use crate::engine::report::{Problem, Severity};
use std::ops::Range;

/// More problems of one rule than this tell a student nothing new.
const MOST: usize = 100;

/// A built-in rule.
pub struct Rule {
    /// Permanent; labs name it.
    pub id: &'static str,
    pub severity: Severity,
    pub title: &'static str,
    /// Why it matters in production.
    pub why: &'static str,
    /// What to do, in a sentence, where no diff can be made.
    pub fix: &'static str,
    /// Configuration that passes.
    pub passes: &'static str,
    /// Configuration that fails.
    pub fails: &'static str,
    check: fn(&mut Look<'_>),
}

impl Rule {
    pub fn title(&self) -> &'static str {
        self.title
    }
}

/// What a rule sees, and where it says what it found.
pub struct Look<'a> {
    pub terraform: &'a Terraform,
    rule: &'static Rule,
    problems: Vec<Problem>,
    absent: Vec<Problem>,
}

impl<'a> Look<'a> {
    /// Keeps a problem, with the rule's own words where it has none; the same one twice is one.
    pub fn found(&mut self, problem: Problem) {
        let problem = self.worded(problem);
        if self.problems.len() < MOST && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Whether as much was found as is kept.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MOST
    }

    /// Says that what the rule is about isn't there: a check by it fails, a linter keeps quiet.
    pub fn nothing(&mut self, message: &str) {
        let problem = self.worded(Problem::new(message));
        self.absent.push(problem);
    }

    pub fn modules(&self) -> &'a [Module] {
        &self.terraform.modules
    }

    /// The modules that are planned themselves.
    pub fn roots(&self) -> impl Iterator<Item = &'a Module> + use<'a> {
        self.terraform.modules.iter().filter(|m| !m.called)
    }

    /// All resources of these types, instance by instance.
    pub fn resources(&self, types: &[&str]) -> Vec<(&'a Module, &'a Block)> {
        let of = |m: &'a Module| m.blocks.iter().filter(|b| types.contains(&b.of())).map(move |b| (m, b));
        self.terraform.modules.iter().flat_map(of).collect()
    }

    /// All resources of these types; says what is missing when there is none.
    pub fn needed(&mut self, types: &[&str]) -> Vec<(&'a Module, &'a Block)> {
        let found = self.resources(types);
        if found.is_empty() {
            let names: Vec<String> = types.iter().map(|t| format!("`{t}`")).collect();
            self.nothing(&format!("There is no {} in what you handed in.", names.join(" or ")));
        }
        found
    }

    /// A problem at a span.
    pub fn at(&self, source: usize, span: &Range<usize>, message: impl Into<String>) -> Problem {
        let problem = Problem::new(message);
        if let Some(source) = self.terraform.sources.get(source) { problem.at(source.place(span)) } else { problem }
    }

    /// A problem of a block as a whole, shown at its name.
    pub fn on(&self, block: &Block, message: impl Into<String>) -> Problem {
        self.at(block.source, &block.head, message)
    }

    /// A problem of an attribute's value; of the block if it has no such attribute.
    pub fn of(&self, block: &Block, attribute: &str, message: impl Into<String>) -> Problem {
        let span = block.attribute(attribute).map_or(&block.head, |a| &a.span);
        self.at(block.source, span, message)
    }

    /// The line of an attribute with another value, as a diff.
    pub fn replace(&self, block: &Block, attribute: &str, value: &str) -> String {
        let Some((a, source)) = block.attribute(attribute).zip(self.terraform.sources.get(block.source)) else {
            return self.insert(block, &format!("{attribute} = {value}"));
        };
        let old: String = source.whole_lines(&a.span).lines().map(|l| format!("-{l}\n")).collect();
        let (before, after) = source.around(&a.span);
        format!("{old}+{before}{value}{after}")
    }

    /// Lines added to a block, as a diff below its first line.
    pub fn insert(&self, block: &Block, lines: &str) -> String {
        let Some(source) = self.terraform.sources.get(block.source) else { return lines.to_owned() };
        let head = source.whole_lines(&block.head).lines().next().unwrap_or_default();
        let indent = " ".repeat(head.len() - head.trim_start().len() + 2);
        let added: Vec<String> = lines.lines().map(|l| format!("+{indent}{l}")).collect();
        format!(" {head}\n{}", added.join("\n"))
    }

    fn worded(&self, problem: Problem) -> Problem {
        Problem {
            why: problem.why.or_else(|| Some(self.rule.why.into())),
            fix: problem.fix.or_else(|| Some(self.rule.fix.into())),
            rule: Some(self.rule.id.into()),
            severity: self.rule.severity,
            ..problem
        }
    }
}

fn look(rule: &'static Rule, terraform: &Terraform) -> (Vec<Problem>, Vec<Problem>) {
    let mut look = Look { terraform, rule, problems: Vec::new(), absent: Vec::new() };
    if terraform.sources.is_empty() && rule.id != PARSES {
        look.nothing("There is no Terraform configuration that could be read in what you handed in.");
    } else {
        (rule.check)(&mut look);
    }
    (look.problems, look.absent)
}

/// The rule about whether there is a configuration at all: it alone may be asked about nothing.
pub const PARSES: &str = structure::PARSES.id;

/// What a check by the rule says.
pub fn run(rule: &'static Rule, terraform: &Terraform) -> Vec<Problem> {
    let (problems, absent) = look(rule, terraform);
    if problems.is_empty() { absent } else { problems }
}

/// What a linter says: nothing about what isn't there.
pub fn found(rule: &'static Rule, terraform: &Terraform) -> Vec<Problem> {
    look(rule, terraform).0
}

/// All rules, in the order a page lists them.
pub fn all() -> &'static [&'static Rule] {
    ALL
}

pub fn by_id(id: &str) -> Option<&'static Rule> {
    ALL.iter().find(|r| r.id == id).copied()
}

#[rustfmt::skip]
static ALL: &[&Rule] = &[
    &structure::PARSES, &refused::REFUSED, &bombs::BOMB, &secrets::SENT,
    &providers::VERSION, &providers::PROVIDERS, &providers::PIN, &providers::BACKEND, &providers::KEY, &secrets::WRITTEN, &providers::TAGS,
    &declared::TYPED, &declared::DOCUMENTED, &declared::UNUSED, &declared::NAMING, &declared::VALID, &references::UNDECLARED,
    &style::DEPRECATED, &style::STRUCTURE, &tags::RESOURCES,
    &instances::TYPE, &instances::PREVIOUS, &instances::IMDS, &instances::ENCRYPTED, &instances::PUBLIC, &instances::GP2, &instances::HOP, &instances::OWNER,
    &network::SSH, &network::ALL_PORTS, &network::FLOW_LOGS, &network::DESCRIBED,
    &groups::EGRESS, &groups::INLINE, &groups::UNATTACHED, &vpc::DEFAULT, &vpc::DEFAULT_GROUP, &vpc::NACL,
    &storage::PUBLIC, &storage::ENCRYPTED, &storage::VERSIONED, &buckets::LOGGED, &buckets::LIFECYCLE, &buckets::NAMED,
    &access::STAR, &access::ASSUME, &access::USERS, &privilege::ESCALATION, &privilege::LENGTH, &privilege::SID,
    &cluster::PUBLIC, &cluster::LOGS, &cluster::SECRETS, &cluster::NODE_SSH, &releases::VERSION,
    &services::REGISTRY, &services::KEYS, &services::DATABASE, &services::BALANCER, &services::LOGS, &services::TRAIL, &services::FILES,
    &services::NOTEBOOK, &services::FUNCTION, &services::ADDRESS, &lambda::FUNCTION, &lambda::SECRET,
    &scaling::TEMPLATE, &scaling::ALARM,
    &gpu::TAINT, &gpu::AMI, &gpu::SPOT, &gpu::ZERO, &gpu::ROOT,
    &prices::ESTIMATE, &prices::OFFERED,
    &models::SIZE, &models::TRAINING, &markets::BASE, &markets::BLOCK, &markets::QUOTA,
    &bills::BUDGET, &bills::NAT, &bills::ANOMALY, &tags::COSTS, &thrift::SCHEDULE, &thrift::ONE_NAT,
];
