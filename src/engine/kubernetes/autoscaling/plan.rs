//! Reads a HorizontalPodAutoscaler or a ScaledObject into what the replay needs, with everything that the API or KEDA fills in.
use super::controller::{Behavior, LONGEST_PERIOD, LONGEST_WINDOW, MOST, Policy, Rules, Select, TOLERANCE, Tolerances};
use super::{Scenario, Signal};
use crate::engine::kubernetes::demand::{Demand, of_pod};
use crate::engine::kubernetes::objects::{Object, Objects, short};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::report::Problem;
use crate::engine::yaml::{Node, Span};

/// Metrics and policies that are read of one autoscaler.
const LISTED: usize = 16;

#[derive(Debug, Clone)]
pub struct Plan {
    pub least: i64,
    pub most: i64,
    pub metrics: Vec<Metric>,
    pub tolerances: Tolerances,
    /// Of an HPA only if it is written: without one the controller takes another way.
    pub behavior: Option<Behavior>,
    pub keda: Option<Keda>,
}

/// What KEDA does beside the HPA that it makes.
#[derive(Debug, Clone, Copy)]
pub struct Keda {
    pub polling: i64,
    pub cooldown: i64,
    pub idle: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Metric {
    pub reads: Reads,
    pub aim: Aim,
    /// The query takes the mean of the pods instead of their sum.
    pub mean: bool,
    /// KEDA takes an empty answer as 0.
    pub zero_if_none: bool,
    /// Above this, KEDA wakes the target up.
    pub activation: f64,
    pub name: String,
    /// Where its name and its target stand.
    pub at: Span,
    pub target_at: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Signal(Signal),
    Cpu,
}

/// A target, in thousandths unless it is in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    EachPod(i64),
    Utilisation { percent: i64, request: i64 },
    Value(i64),
    Shared(i64),
}

impl Plan {
    /// The replicas it begins with.
    pub fn first(&self) -> i64 {
        if let Some(Keda { idle: Some(idle), .. }) = self.keda { idle } else { self.least }
    }

    pub fn read(object: &Object<'_>, objects: &Objects<'_>, scenario: &Scenario) -> Result<Plan, Vec<Problem>> {
        let target = target(object, objects).map_err(|p| vec![p])?;
        let keda = object.kind == "ScaledObject";
        let number = |key: &str| object.node.path(&["spec", key]).and_then(Node::as_i64).map(|n| n.clamp(0, MOST));
        let (least, most) = if keda {
            (number("minReplicaCount").unwrap_or(0), number("maxReplicaCount").unwrap_or(100))
        } else {
            let Some(most) = number("maxReplicas") else {
                return Err(vec![object.problem(object.head(), format!("{} has no `maxReplicas` that can be read", object.title()))]);
            };
            (number("minReplicas").unwrap_or(1).max(1), most)
        };
        if most < least.max(1) {
            let key = if keda { "maxReplicaCount" } else { "maxReplicas" };
            let at = object.node.path(&["spec", key]).map_or(object.head(), |n| n.span);
            return Err(vec![object.problem(at, format!("at most {most} replicas are fewer than the {} at least", least.max(1)))]);
        }
        let reader = Reader { object, target, scenario };
        let listed = object.node.path(&["spec", if keda { "triggers" } else { "metrics" }]).map_or(&[][..], Node::items);
        let mut metrics = Vec::new();
        let mut problems = Vec::new();
        for node in listed.iter().take(LISTED) {
            match if keda { reader.trigger(node) } else { reader.metric(node) } {
                Ok(metric) => metrics.push(metric),
                Err(problem) => problems.push(problem),
            }
        }
        if listed.is_empty() {
            let words = if keda { "has no triggers, so it never acts" } else { "names no metric, so it scales on a CPU utilisation of 80 %" };
            problems.push(object.problem(object.head(), format!("{} {words}", object.title())).fix(reader.known()));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let config = if keda { &["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"][..] } else { &["spec", "behavior"] };
        let behavior = object.node.path(config);
        let tolerance =
            |key: &str| behavior.and_then(|b| b.path(&[key, "tolerance"])).and_then(Quantity::of).map_or(TOLERANCE, |q| q.as_f64().max(0.0));
        Ok(Plan {
            least,
            most,
            metrics,
            tolerances: Tolerances { down: tolerance("scaleDown"), up: tolerance("scaleUp") },
            behavior: behavior.map(|b| Behavior { up: rules(b.get("scaleUp"), Rules::up()), down: rules(b.get("scaleDown"), Rules::down()) }),
            keda: keda.then(|| Keda {
                polling: number("pollingInterval").unwrap_or(30).max(1),
                cooldown: number("cooldownPeriod").unwrap_or(300),
                idle: number("idleReplicaCount"),
            }),
        })
    }
}

/// The object that is scaled.
fn target<'o, 'a>(object: &Object<'a>, objects: &'o Objects<'a>) -> Result<&'o Object<'a>, Problem> {
    let says = object.node.path(&["spec", "scaleTargetRef"]);
    let text = |key: &str| says.and_then(|s| s.get(key)).and_then(Node::as_str);
    let (kind, name) = (text("kind").unwrap_or("Deployment"), text("name").unwrap_or(""));
    objects.find(kind, name, object).ok_or_else(|| {
        let at = says.and_then(|s| s.get("name")).map_or(object.head(), |n| n.span);
        let words = format!("{} scales {} `{}`, which is not in the hand-in: nothing is scaled", object.title(), short(kind), short(name));
        object
            .problem(at, words)
            .why("An autoscaler without its target says so in its events only, and the number of replicas stays what it was.")
            .fix("Name the Deployment of the hand-in in `scaleTargetRef`.")
    })
}

/// A direction's rules with the API's defaults for what isn't written.
fn rules(node: Option<&Node>, defaults: Rules) -> Rules {
    let Some(node) = node else { return defaults };
    let policy = |p: &Node| {
        let value = p.get("value").and_then(Node::as_i64)?.clamp(0, MOST);
        let period = p.get("periodSeconds").and_then(Node::as_i64)?.clamp(1, LONGEST_PERIOD);
        Some(Policy { percent: p.get("type").and_then(Node::as_str) == Some("Percent"), value, period })
    };
    let select = match node.get("selectPolicy").and_then(Node::as_str) {
        Some("Min") => Select::Min,
        Some("Disabled") => Select::Disabled,
        _ => Select::Max,
    };
    let window = node.get("stabilizationWindowSeconds").and_then(Node::as_i64);
    let policies = node.get("policies").map(|list| list.items().iter().take(LISTED).filter_map(policy).collect::<Vec<_>>());
    Rules {
        window: window.map_or(defaults.window, |w| w.clamp(0, LONGEST_WINDOW)),
        select,
        policies: policies.filter(|p| !p.is_empty()).unwrap_or(defaults.policies),
    }
}

struct Reader<'r, 'a> {
    object: &'r Object<'a>,
    target: &'r Object<'a>,
    scenario: &'r Scenario,
}

impl Reader<'_, '_> {
    fn known(&self) -> String {
        let names: Vec<String> = self.scenario.metrics.keys().map(|n| format!("`{n}`")).collect();
        format!("Scale on a metric that this cluster serves: {}.", names.join(", "))
    }

    fn problem(&self, at: Span, message: String) -> Problem {
        self.object.problem(at, message).why("An autoscaler that reads no value does nothing at all.").fix(self.known())
    }

    fn signal(&self, name: &str) -> Option<Signal> {
        // An adapter writes `_` for the colon, which the metrics API doesn't take in a name.
        let plain = |n: &str| n.replace(':', "_");
        self.scenario.metrics.iter().find(|(known, _)| plain(known) == plain(name)).map(|(_, s)| *s)
    }

    /// One entry of an HPA's `metrics`.
    fn metric(&self, node: &Node) -> Result<Metric, Problem> {
        let kind = node.get("type").and_then(Node::as_str).unwrap_or("");
        let (key, resource) = match kind {
            "Pods" => ("pods", false),
            "Object" => ("object", false),
            "External" => ("external", false),
            "Resource" => ("resource", true),
            "ContainerResource" => ("containerResource", true),
            _ => return Err(self.problem(node.span, format!("{} has a metric without a type that can be read", self.object.title()))),
        };
        let named = if resource { node.path(&[key, "name"]) } else { node.path(&[key, "metric", "name"]) };
        let name = named.and_then(Node::as_str).unwrap_or("");
        let at = named.map_or(node.span, |n| n.span);
        let target = node.path(&[key, "target"]);
        let amount = |field: &str| target.and_then(|t| t.get(field)).filter(|n| Quantity::of(n).is_some_and(|q| !q.is_negative() && !q.is_zero()));
        let milli = |n: &Node| thousandths(Quantity::of(n));
        let reads = match (resource, self.signal(name)) {
            (true, _) if name == "cpu" => Reads::Cpu,
            (false, Some(signal)) => Reads::Signal(signal),
            _ => return Err(self.problem(at, format!("the cluster of this lab serves no metric `{}` to an autoscaler", short(name)))),
        };
        if kind == "Pods" && reads == Reads::Signal(Signal::Queue) {
            return Err(self.problem(at, format!("`{}` is counted at the gateway, not in each Pod: it is a metric of type External", short(name))));
        }
        let found = match (kind, amount("averageUtilization"), amount("averageValue"), amount("value")) {
            ("Resource" | "ContainerResource", Some(percent), _, _) => {
                let request = self.request();
                if request <= 0 {
                    let words =
                        format!("the containers of {} request no CPU, so its utilisation is unknown and nothing is scaled", self.target.title());
                    return Err(self.problem(at, words));
                }
                percent.as_i64().map(|p| (Aim::Utilisation { percent: p.clamp(1, 100_000), request }, percent))
            }
            ("Pods" | "Resource" | "ContainerResource", _, Some(each), _) => Some((Aim::EachPod(milli(each)), each)),
            ("Object" | "External", _, Some(shared), _) => Some((Aim::Shared(milli(shared)), shared)),
            ("Object" | "External", _, None, Some(value)) => Some((Aim::Value(milli(value)), value)),
            _ => None,
        };
        let Some((aim, target)) = found else {
            return Err(self.problem(at, format!("metric `{}` has no target above 0 that goes with type {kind}", short(name))));
        };
        Ok(Metric { reads, aim, mean: false, zero_if_none: false, activation: 0.0, name: short(name), at, target_at: target.span })
    }

    /// What a pod of the target requests, in thousandths of a core.
    fn request(&self) -> i64 {
        let pod = self.target.pods.first();
        thousandths(pod.and_then(|pod| of_pod(pod, Demand::of_container).requests.get("cpu")))
    }

    /// One of a ScaledObject's `triggers`.
    fn trigger(&self, node: &Node) -> Result<Metric, Problem> {
        let kind = node.get("type").and_then(Node::as_str).unwrap_or("");
        let field = |key: &str| node.path(&["metadata", key]);
        let number = |n: &Node| Quantity::of(n).or_else(|| Quantity::parse(n.as_str()?.trim()));
        let value_type = node.get("metricType").and_then(Node::as_str);
        let at = node.get("type").map_or(node.span, |n| n.span);
        if kind == "cpu" {
            let (request, value) = (self.request(), field("value").filter(|n| number(n).is_some_and(|q| !q.is_zero())));
            return match value {
                Some(value) if request > 0 => {
                    let amount = thousandths(number(value));
                    let each = value_type == Some("AverageValue");
                    let aim = if each { Aim::EachPod(amount) } else { Aim::Utilisation { percent: (amount / 1000).max(1), request } };
                    Ok(Metric {
                        reads: Reads::Cpu,
                        aim,
                        mean: false,
                        zero_if_none: false,
                        activation: 0.0,
                        name: "cpu".into(),
                        at,
                        target_at: value.span,
                    })
                }
                _ => Err(self.problem(at, format!("trigger `cpu` needs a `value`, and {} a CPU request", self.target.title()))),
            };
        }
        if kind != "prometheus" {
            let words = format!("this replay has no data for a trigger of type `{}`: it serves `prometheus` and `cpu`", short(kind));
            return Err(self.problem(at, words));
        }
        let (Some(query), Some(threshold)) =
            (field("query"), field("threshold").filter(|n| number(n).is_some_and(|q| !q.is_negative() && !q.is_zero())))
        else {
            return Err(self.problem(at, "trigger `prometheus` needs a `query` and a `threshold` above 0".into()));
        };
        let text = query.as_str().unwrap_or("");
        let Some((signal, mean)) = self.query(text) else {
            let words = "the replay can't tell what this query answers here; it reads `sum(METRIC{…})`, `avg(…)` and `max(…)`";
            return Err(self.problem(query.span, words.into()));
        };
        let target = thousandths(number(threshold));
        let aim = if value_type == Some("Value") { Aim::Value(target) } else { Aim::Shared(target) };
        let activation = field("activationThreshold").and_then(number).map_or(0.0, Quantity::as_f64);
        Ok(Metric {
            reads: Reads::Signal(signal),
            aim,
            mean,
            zero_if_none: true,
            activation,
            name: short(text),
            at: query.span,
            target_at: threshold.span,
        })
    }

    /// The signal that a query sums up, and whether it takes the mean of the pods.
    fn query(&self, text: &str) -> Option<(Signal, bool)> {
        let text = text.trim();
        let (outer, inner) = match text.split_once('(') {
            Some((outer, rest)) => (outer.trim(), rest.trim_end().strip_suffix(')')?.trim()),
            None => ("", text),
        };
        let name = inner.split_once('{').map_or(inner, |(name, labels)| if labels.trim_end().ends_with('}') { name } else { "?" }).trim();
        let signal = self.signal(name)?;
        match outer {
            "sum" => Some((signal, false)),
            "avg" | "max" | "min" => Some((signal, true)),
            // Without a sum, KEDA takes one series only if it is the only one.
            "" if signal == Signal::Queue => Some((signal, false)),
            _ => None,
        }
    }
}

fn thousandths(quantity: Option<Quantity>) -> i64 {
    quantity.map_or(0, |q| i64::try_from(q.times(1000).round_up()).unwrap_or(i64::MAX / 1_000_000).min(i64::MAX / 1_000_000))
}
