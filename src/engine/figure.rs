//! What a check worked out, as numbers that a page or a terminal can draw. Whoever makes one keeps it small: see [`MOST`].
use super::cost::Money;
use serde::{Deserialize, Serialize};

/// Rows, nodes, pods or points that a figure has at most: a report is stored, and read again for each page.
pub const MOST: usize = 240;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "figure", rename_all = "snake_case")]
pub enum Figure {
    /// What a namespace's quota would count.
    Quota { rows: Vec<Share> },
    /// Which pod would run on which node.
    Placement { nodes: Vec<FilledNode>, waiting: Vec<Waiting> },
    /// How an autoscaler follows a load over time.
    Replay(Replay),
    /// What a plan would do, resource by resource.
    Plan(PlanGraph),
    /// What a hand-in costs a month.
    Cost(Bill),
}

/// The resources of a plan and what needs what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanGraph {
    pub nodes: Vec<PlanNode>,
    /// Resources that aren't shown.
    pub left_out: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanNode {
    pub address: String,
    /// `create`, `change`, `replace`, `destroy`, `keep`, `move`, `import`, `forget`.
    pub action: String,
    /// Its address before, if it moves.
    pub from: Option<String>,
    /// What changes, or what forces the replacement.
    pub attributes: Vec<String>,
    /// The numbers of those it refers to.
    pub needs: Vec<u32>,
}

impl PlanNode {
    /// One sign for what happens to it, nearly as terraform writes it.
    pub fn sign(&self) -> &'static str {
        match self.action.as_str() {
            "create" => "+",
            "change" => "~",
            "replace" => "±",
            "destroy" => "-",
            "move" => "→",
            "import" => "←",
            _ => "=",
        }
    }
}

/// A resource, how much of it is taken and how much there is, both as quantities in the resource's unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub resource: String,
    pub used: String,
    pub of: String,
    /// `used` in hundredths of `of`, rounded up: above 100 it doesn't fit. Something of nothing is 101 at least.
    pub percent: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledNode {
    pub name: String,
    /// What tells it from the others: `NVIDIA-L4, zone a, tainted nvidia.com/gpu`.
    pub about: String,
    pub shares: Vec<Share>,
    /// The pods placed on it: `chat-1`.
    pub pods: Vec<String>,
}

/// Pods that fit nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub pod: String,
    /// One sentence a node, or a sentence for several at once.
    pub reasons: Vec<String>,
}

/// A load over time and what the replicas made of it; the series have one number a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    pub step_seconds: u32,
    /// What the load is counted in: `requests/s`.
    pub unit: String,
    pub load: Vec<f64>,
    /// What the ready replicas could take, in the load's unit.
    pub capacity: Vec<f64>,
    pub wanted: Vec<u32>,
    pub ready: Vec<u32>,
    /// What was measured against the lab's objectives.
    pub measures: Vec<Measure>,
}

/// `GPU minutes`, 312, at most 400.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    pub title: String,
    pub value: f64,
    pub least: Option<f64>,
    pub most: Option<f64>,
}

/// What a hand-in costs a month, the dearest first; amounts in millionths of a dollar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The day of the list prices, and when the spot prices were looked at.
    pub as_of: String,
    pub spot_as_of: String,
    /// The region of the configuration, null where it isn't known, and the one whose prices were taken.
    pub region: Option<String>,
    pub priced_in: String,
    /// Hours of a month.
    pub hours: u64,
    pub total: Money,
    /// With every group as small and as large as it may be; null where that has no bound.
    pub least: Money,
    pub most: Option<Money>,
    /// What it is compared with, and what it has to stay below.
    pub baseline: Option<Money>,
    pub below: Option<Money>,
    pub lines: Vec<BillLine>,
    /// What all lines cost that aren't listed.
    pub rest: Money,
    /// What costs something and has no price, in words; what is paid by use; what was taken for granted.
    pub unpriced: Vec<String>,
    pub uncounted: Vec<String>,
    pub assumed: Vec<String>,
}

/// A resource, or a part of one, and what it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLine {
    pub address: String,
    pub what: String,
    /// How many there are as it starts, and between which bounds it scales.
    pub count: u64,
    pub least: u64,
    pub most: Option<u64>,
    /// `$0.8048 an hour`.
    pub price: String,
    pub month: Money,
    pub spot: bool,
    pub file: Option<String>,
    pub line: Option<u32>,
}
