//! What a lab asks: its checks as the engine takes them, already validated by whoever read the lab.
use super::cost;
use super::kubernetes::{admission, autoscaling, rules};
use super::terraform::plan::{Amounts, Fault};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The checks of one lab, with the hash of the lab they came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checks {
    pub lab: String,
    pub lab_hash: String,
    pub checks: Vec<Check>,
}

/// One gradable statement about a hand-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub id: String,
    pub points: u32,
    /// Failing it stops the checks that read the document that failed.
    pub gate: bool,
    pub fix: FixPolicy,
    pub hints: Vec<String>,
    pub hidden: bool,
    /// The author's reason; replaces the rule's own.
    pub why: Option<String>,
    /// The author's fix in a sentence; replaces the rule's own.
    pub fix_text: Option<String>,
    /// Which objects it looks at; all when absent.
    pub only: Option<Where>,
    pub kind: Kind,
}

impl Check {
    /// What it asks for in a few words, for lists of checks. It never says more than the lab's instructions do.
    pub fn title(&self) -> String {
        match &self.kind {
            Kind::KubernetesSchema { version } => format!("Every document is a valid Kubernetes {version} object"),
            Kind::KubernetesRule { rule } => rules::by_id(rule).map_or_else(|| self.id_in_words(), |r| r.about().title.to_owned()),
            Kind::KubernetesAdmission(room) => format!("A namespace of preset {} lets everything in", room.preset),
            Kind::KubernetesAutoscaling(_) => "The autoscaler keeps its objectives when a load is replayed".into(),
            Kind::KubernetesScheduling { .. } => "Every pod finds a place on the nodes that are given".into(),
            Kind::Cost(ask) => ask.title(),
            Kind::Quiz(question) => question.variant(1).map_or_else(|| self.id_in_words(), |v| v.ask.clone()),
            Kind::TerraformPlan(ask) if ask.formatted => "Written as `terraform fmt` writes it".into(),
            Kind::TerraformTests(ask) if ask.fault.is_none() => "Your own tests pass".into(),
            Kind::TerraformStatic { .. }
            | Kind::TerraformPlan(_)
            | Kind::TerraformApply(_)
            | Kind::TerraformTests(_)
            | Kind::Select { .. }
            | Kind::Rubric { .. } => self.id_in_words(),
        }
    }

    fn id_in_words(&self) -> String {
        let words = self.id.replace('-', " ");
        let mut letters = words.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }
}

/// When a check's fix may be shown to a student.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixPolicy {
    #[default]
    Now,
    AfterHints,
    Never,
}

/// Picks Kubernetes objects of a hand-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Where {
    pub kind: Option<String>,
    pub name: Option<String>,
    pub namespace: Option<String>,
}

/// How a check is graded; one variant a kind of GRADING.md's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Kind {
    #[serde(rename = "kubernetes.schema")]
    KubernetesSchema { version: String },
    #[serde(rename = "kubernetes.rule")]
    KubernetesRule { rule: String },
    /// Would a namespace of a preset let it in?
    #[serde(rename = "kubernetes.admission")]
    KubernetesAdmission(admission::Room),
    #[serde(rename = "kubernetes.autoscaling")]
    KubernetesAutoscaling(Box<autoscaling::Scenario>),
    /// Whether all pods find a place on these nodes, given as the text of Node objects; with `rollout` also in the middle of one.
    #[serde(rename = "kubernetes.scheduling")]
    KubernetesScheduling { nodes: String, rollout: bool },
    #[serde(rename = "terraform.static")]
    TerraformStatic { rule: String },
    #[serde(rename = "terraform.plan")]
    TerraformPlan(PlanAsk),
    #[serde(rename = "terraform.apply")]
    TerraformApply(ApplyAsk),
    /// The hand-in's own tests.
    #[serde(rename = "terraform.tests")]
    TerraformTests(TestsAsk),
    /// What it costs a month, by list prices.
    #[serde(rename = "cost")]
    Cost(Box<cost::Ask>),
    #[serde(rename = "select")]
    Select { file: Option<String>, format: Option<Format>, path: String, expect: Expect },
    #[serde(rename = "quiz")]
    Quiz(Question),
    #[serde(rename = "rubric")]
    Rubric { criteria: Vec<Criterion> },
}

impl Kind {
    /// Whether terraform must be run for it.
    pub fn needs_a_plan(&self) -> bool {
        matches!(self, Kind::TerraformPlan(_) | Kind::TerraformApply(_) | Kind::TerraformTests(_) | Kind::Select { format: Some(Format::Plan), .. })
    }
}

/// What a check asks of terraform's own plan; without more than that, that there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAsk {
    /// What is there before it.
    pub from: Origin,
    /// Whether `terraform fmt` must have nothing to change, instead.
    pub formatted: bool,
    /// How many resources may be made, changed and so on: least and most.
    pub changes: Amounts,
}

/// What a plan begins with; an empty one is a cloud in which nothing exists.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// What terraform last knew, as the text of its state file.
    pub state: Option<String>,
    /// Values of variables, as the text of a tfvars file.
    pub values: Option<String>,
    /// A configuration that is applied to a mock cloud before, by path and text: what really exists.
    pub seed: Vec<(String, String)>,
    /// Whether the state is compared with the mock cloud first, as a plan does by itself.
    pub refresh: bool,
}

/// What a check asks of an apply to the mock cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyAsk {
    /// The types that the mock keeps as they were made: only these must be at rest afterwards.
    pub faithful: Vec<String>,
}

/// What a check asks of the hand-in's own tests: that they pass as they are, or that one goes red when a fault is built in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestsAsk {
    /// Fewest runs.
    pub runs: u32,
    pub fault: Option<Fault>,
}

/// How `select` reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Kubernetes,
    Yaml,
    Json,
    Toml,
    Hcl,
    /// What `terraform show -json` says of the plan.
    Plan,
}

/// What a `select` must find; exactly one of these in a lab file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expect {
    Exists(bool),
    Absent(bool),
    Equals(serde_json::Value),
    OneOf(Vec<serde_json::Value>),
    Matches(String),
    Min(f64),
    Max(f64),
    Count(Count),
    Contains(serde_json::Value),
}

/// Bounds on how many nodes a path finds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    pub min: Option<u32>,
    pub max: Option<u32>,
    pub equals: Option<u32>,
}

/// One question of a quiz; attempt n is asked variant (n - 1) modulo their number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub choose: Choose,
    pub variants: Vec<Variant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choose {
    One,
    Many,
    Number,
    Text,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    pub ask: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    pub answer: Answer,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    Number { value: f64, within: f64 },
    Many(Vec<String>),
    One(String),
}

/// A line of an instructor's rubric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    pub id: String,
    pub points: u32,
    pub text: String,
}

impl Question {
    /// The variant that attempt `attempt` (from 1) is asked.
    pub fn variant(&self, attempt: u32) -> Option<&Variant> {
        let n = self.variants.len().max(1);
        self.variants.get((attempt.max(1) as usize - 1) % n)
    }
}

/// What surrounds a grading: everything that may shape a report and is neither the lab nor the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// Which attempt this is, from 1: it picks a quiz's variants.
    pub attempt: u32,
}

impl Default for Surroundings {
    fn default() -> Surroundings {
        Surroundings { attempt: 1 }
    }
}
