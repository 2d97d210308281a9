//! The checks that read a plan: it is made once for each beginning that is asked for, when the first of them needs it.
use super::changes::{self, Amounts};
use super::{Change, Fault, Outcome, Plan, Planned, apply, plan, tested};
use crate::engine::check::{Check, Checks, Format, Kind, Origin, PlanAsk, TestsAsk};
use crate::engine::errand::{Back, Errand};
use crate::engine::files::Files;
use crate::engine::grade::no_tool;
use crate::engine::report::{Finding, Problem, Version};
use crate::engine::terraform::Terraform;
use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// The plans of a hand-in by what they begin with.
#[derive(Default)]
pub struct Plans {
    made: RefCell<BTreeMap<Origin, Planned>>,
    /// What the checks of an apply say, by their ids.
    applied: RefCell<BTreeMap<String, (Finding, Vec<Version>)>>,
    /// What the hand-in's own tests came to, and the faults that the lab builds in.
    tested: RefCell<Option<tested::Tested>>,
    faults: BTreeSet<Fault>,
    /// Whether any check asks what `terraform fmt` says.
    formatted: bool,
    /// What a `select`'s plan begins with: the same as the lab's first check of a plan.
    usual: Origin,
}

/// Problems told of one check.
const TOLD: usize = 20;

impl Plans {
    pub fn asked_for(checks: &Checks) -> Plans {
        let asks = || checks.checks.iter().filter_map(|c| if let Kind::TerraformPlan(ask) = &c.kind { Some(ask) } else { None });
        let usual = asks().find(|a| !a.formatted).map(|a| a.from.clone()).unwrap_or_default();
        Plans { formatted: asks().any(|a| a.formatted), faults: tested::faults(checks), usual, ..Plans::default() }
    }

    /// Makes the plan that a check reads, unless it is there.
    pub fn prepare(&self, check: &Check, terraform: Option<&Terraform>, files: &Files, carry_out: &mut dyn FnMut(&Errand) -> Back) {
        if let (Kind::TerraformApply(ask), Some(terraform)) = (&check.kind, terraform) {
            let judged = apply::judge(check, ask, terraform, files, carry_out);
            self.applied.borrow_mut().insert(check.id.clone(), judged);
            return;
        }
        if matches!(check.kind, Kind::TerraformTests(_)) {
            let is_new = self.tested.borrow().is_none();
            if let Some(terraform) = terraform.filter(|_| is_new) {
                let tested = tested::test(terraform, files, &self.faults, carry_out);
                self.tested.replace(Some(tested));
            }
            return;
        }
        let from = match &check.kind {
            Kind::TerraformPlan(ask) if ask.formatted => self.usual.clone(),
            Kind::TerraformPlan(ask) => ask.from.clone(),
            Kind::Select { format: Some(Format::Plan), .. } => self.usual.clone(),
            _ => return,
        };
        let (false, Some(terraform)) = (self.made.borrow().contains_key(&from), terraform) else { return };
        let planned = plan(terraform, files, &from, self.formatted, carry_out);
        self.made.borrow_mut().insert(from, planned);
    }

    /// The plan that a `select` looks into; or why there is none.
    pub fn usual(&self) -> Result<Ref<'_, Plan>, Refusal> {
        let made = Ref::filter_map(self.made.borrow(), |made| made.get(&self.usual)).map_err(|_| Refusal::Away("terraform was not run".into()))?;
        match &made.outcome {
            Outcome::Away(why) => Err(Refusal::Away(why.clone())),
            Outcome::Refused(problems) => Err(Refusal::Problems(problems.clone())),
            Outcome::Plan(_) => Ref::filter_map(made, |m| if let Outcome::Plan(plan) = &m.outcome { Some(&**plan) } else { None })
                .map_err(|_| Refusal::Away("terraform was not run".into())),
        }
    }

    /// What a check of the plan says.
    pub fn judge(&self, check: &Check, ask: &PlanAsk) -> Finding {
        let from = if ask.formatted { &self.usual } else { &ask.from };
        let made = self.made.borrow();
        let Some(planned) = made.get(from) else { return away(check, "terraform was not run") };
        if ask.formatted {
            return match (&planned.unformatted, &planned.outcome) {
                (None, Outcome::Away(why)) => away(check, why),
                (_, Outcome::Refused(problems)) if planned.versions.is_empty() => refused(check, problems),
                (problems, _) => {
                    let problems = problems.clone().unwrap_or_default();
                    Finding::from_problems(&check.id, check.points, "Every file is as `terraform fmt` writes it.", problems)
                }
            };
        }
        match &planned.outcome {
            Outcome::Away(why) => away(check, why),
            Outcome::Refused(problems) => refused(check, problems),
            Outcome::Plan(plan) => {
                let problems = miscounted(&plan.changes, &ask.changes);
                let finding = Finding::from_problems(&check.id, check.points, summary(&plan.changes), problems);
                Finding { figure: plan.figure.clone(), ..finding }
            }
        }
    }

    /// What a check of the apply says.
    pub fn applied(&self, check: &Check) -> Finding {
        self.applied.borrow().get(&check.id).map_or_else(|| away(check, "terraform was not run"), |(finding, _)| finding.clone())
    }

    /// What a check of the hand-in's own tests says.
    pub fn tested(&self, check: &Check, ask: &TestsAsk) -> Finding {
        self.tested.borrow().as_ref().map_or_else(|| away(check, "terraform was not run"), |tested| tested::judge(check, ask, tested))
    }

    /// With what the plans were made.
    pub fn versions(&self) -> Vec<Version> {
        let planned = self.made.borrow().values().map(|p| p.versions.clone()).find(|v| !v.is_empty());
        let applied = || self.applied.borrow().values().map(|(_, v)| v.clone()).find(|v| !v.is_empty());
        let tested = || self.tested.borrow().as_ref().map(|t| t.versions.clone());
        planned.or_else(applied).or_else(tested).unwrap_or_default()
    }
}

/// Why there is no plan to look into.
pub enum Refusal {
    Away(String),
    Problems(Vec<Problem>),
}

/// It could not be tried: the points stay open.
pub fn away(check: &Check, why: &str) -> Finding {
    no_tool(check, format!("Not graded: {why}."))
}

fn refused(check: &Check, problems: &[Problem]) -> Finding {
    Finding::from_problems(&check.id, check.points, "", problems.iter().take(TOLD).cloned().collect())
}

/// `Terraform plans it: 3 to create, 1 to move.`
fn summary(changes: &[Change]) -> String {
    let counted = changes::Action::ALL.iter().map(|(_, action)| (action, changes::count(changes, *action).len())).filter(|(_, n)| *n > 0);
    let parts: Vec<String> = counted.map(|(action, n)| format!("{n} to {}", action.words())).collect();
    format!("Terraform plans it: {}.", if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") })
}

/// A problem for each action that is there too often or too seldom, naming what it would do.
fn miscounted(changes: &[Change], wanted: &Amounts) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (action, (least, most)) in wanted {
        let found = changes::count(changes, *action);
        let n = u32::try_from(found.len()).unwrap_or(u32::MAX);
        if (*least..=*most).contains(&n) {
            continue;
        }
        let wanted = if least == most {
            least.to_string()
        } else if *most == u32::MAX {
            format!("at least {least}")
        } else {
            format!("{least} to {most}")
        };
        let mut message = format!("The plan would {} {n}, not {wanted}", action.words());
        if !found.is_empty() {
            let shown: Vec<String> = found.iter().take(5).map(|c| told(c)).collect();
            message += &format!(": {}{}", shown.join(", "), if found.len() > 5 { " and more" } else { "" });
        }
        problems.push(Problem::new(format!("{message}.")));
    }
    problems
}

fn told(change: &Change) -> String {
    if change.attributes.is_empty() { format!("`{}`", change.address) } else { format!("`{}` ({})", change.address, change.attributes.join(", ")) }
}
