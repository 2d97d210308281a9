//! Rules of Prometheus: that they load, that their expressions mean what they say, that an alert tells whom it wakes what is wrong.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::doc::{Doc, line_starts};
use crate::engine::kubernetes::objects::Object;
use crate::engine::promql::{self, Fault};
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::{self, Dialect, Node, Span};
use std::collections::HashSet;

/// Rules of one object that are looked at.
const MOST: usize = 1_000;

pub struct Alerts;

impl Rule for Alerts {
    fn about(&self) -> &'static About {
        &About {
            id: "promrule",
            severity: Severity::Error,
            title: "Prometheus rules load, mean what they say, and tell what is wrong",
            why: "One expression that doesn't parse keeps the whole group from loading, and a metric with a slip in its name never fires. Whoever is woken reads the summary, and `severity` decides who is woken.",
            fix: "Give each alert an `expr` that parses, `labels.severity` and `annotations.summary`, and each group a name of its own.",
            looks_at: Subject::Kinds(&["PrometheusRule", "ConfigMap"]),
            passes: Example::Whole(
                "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: gpu\nspec:\n  groups:\n    - name: gpu\n      rules:\n        - record: node:gpu_util:avg1h\n          expr: avg by (Hostname) (avg_over_time(DCGM_FI_DEV_GPU_UTIL[1h]))\n        - alert: GpuIdle\n          expr: node:gpu_util:avg1h < 5\n          for: 30m\n          labels:\n            severity: warning\n          annotations:\n            summary: The GPUs of {{ $labels.Hostname }} have been idle for an hour",
            ),
            fails: Example::Whole(
                "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: gpu\nspec:\n  groups:\n    - name: gpu\n      rules:\n        - alert: GpuIdle\n          expr: avg_over_time(DCGM_FI_DEV_GPU_UTL[1h] < 5\n          for: half an hour",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if it.kind == "PrometheusRule" {
            Reading { it, doc: &it.doc, within: None }.groups(it.node.path(&["spec", "groups"]), look);
            return;
        }
        let mut any = false;
        for entry in it.node.get("data").map_or(&[][..], Node::entries) {
            let Some(text) = entry.value.as_str().filter(|t| is_rules(&entry.key, t)) else { continue };
            let stream = yaml::read(&it.doc.document.file, text.as_bytes(), Dialect::Core);
            let lines = line_starts(text);
            for document in &stream.documents {
                let Some(groups) = document.root.get("groups").filter(|g| g.items().iter().any(|g| g.get("rules").is_some())) else { continue };
                any = true;
                let doc = Doc::new(document, text, std::rc::Rc::clone(&lines));
                Reading { it, doc: &doc, within: Some(&entry.value) }.groups(Some(groups), look);
            }
        }
        if !any {
            look.nothing(it.problem(it.head(), format!("{} holds no rules of Prometheus", it.title())));
        }
    }
}

/// A file of rules in a ConfigMap: Grafana's and others' files have groups too, but no expressions.
fn is_rules(key: &str, text: &str) -> bool {
    let yaml = [".yml", ".yaml", ".rules"].iter().any(|e| key.ends_with(e));
    yaml && text.contains("groups:") && text.contains("expr:")
}

/// Groups of rules, in an object or in a text that it holds.
struct Reading<'r, 'a> {
    it: &'r Object<'a>,
    /// What the nodes are of.
    doc: &'r Doc<'r>,
    /// The text they stand in, if they aren't the object's own.
    within: Option<&'r Node>,
}

impl Reading<'_, '_> {
    /// A place in the object, of a place in what is read.
    fn span(&self, span: Span) -> Span {
        self.within.map_or(span, |text| self.it.doc.part(text, span.start.offset..span.end.offset))
    }

    fn problem(&self, span: Span, message: impl Into<String>) -> Problem {
        self.it.problem(self.span(span), message)
    }

    fn groups(&self, groups: Option<&Node>, look: &mut Look<'_, '_>) {
        let groups = groups.map_or(&[][..], Node::items);
        if groups.iter().all(|g| g.get("rules").is_none_or(|r| r.items().is_empty())) {
            look.found(self.it.problem(self.it.head(), format!("{} has no rule", self.it.title())));
        }
        let mut names = HashSet::new();
        for group in groups {
            match group.get("name") {
                Some(name) if name.as_str().is_some_and(|n| !names.insert(n)) => {
                    look.found(self.problem(name.span, format!("a second group is named `{}`", self.doc.shown(name))));
                }
                Some(_) => {}
                None => look.found(self.problem(head(group), "a group has no name")),
            }
            self.durations(group, &["interval", "query_offset"], look);
        }
        for rule in groups.iter().flat_map(|g| g.get("rules").map_or(&[][..], Node::items)).take(MOST) {
            self.rule(rule, look);
        }
    }

    fn rule(&self, rule: &Node, look: &mut Look<'_, '_>) {
        let (alert, record) = (rule.get("alert"), rule.get("record"));
        if alert.is_some() == record.is_some() {
            let what = if alert.is_some() { "this rule is both" } else { "this rule is neither" };
            let fix = "Name it by `alert:` if it is to wake somebody, by `record:` if it is to be a metric.";
            look.found(
                self.problem(
                    record.map_or(head(rule), |r| r.span),
                    format!("{what} an `alert` nor a `record`").replace("both an `alert` nor", "both an `alert` and"),
                )
                .fix(fix),
            );
            return;
        }
        let Some(expr) = rule.get("expr") else {
            look.found(self.problem(head(rule), "the rule has no `expr`").fix("Write the condition or the value under `expr`."));
            return;
        };
        let query = expr.as_str().map(promql::read).unwrap_or_default();
        for fault in query.faults {
            look.found(self.fault(expr, fault));
        }
        if let Some(record) = record {
            self.record(rule, record, look);
        }
        let Some(alert) = alert else { return };
        self.durations(rule, &["for", "keep_firing_for"], look);
        for (parent, what, snippet) in
            [("labels", "severity", "severity: warning"), ("annotations", "summary", "summary: What is wrong, in a sentence")]
        {
            let Some(there) = rule.entry(parent) else {
                let fix = self.within.is_none().then(|| self.doc.add(rule, None, &format!("{parent}:\n  {snippet}")));
                let problem = self.problem(alert.span, format!("the alert `{}` has no {what}", self.doc.shown(alert)));
                look.found(problem.fix(fix.unwrap_or_else(|| format!("Write `{snippet}` under `{parent}` of the alert."))));
                continue;
            };
            if there.value.get(what).is_none() {
                let fix = self.within.is_none().then(|| self.doc.add(&there.value, Some(there.key_span), snippet));
                let problem = self.problem(there.key_span, format!("the alert `{}` has no {what}", self.doc.shown(alert)));
                look.found(problem.fix(fix.unwrap_or_else(|| format!("Write `{snippet}` under `{parent}`."))));
            }
        }
        for value in ["labels", "annotations"].iter().flat_map(|k| rule.get(k).map_or(&[][..], Node::entries)).map(|e| &e.value) {
            for fault in value.as_str().map(|t| promql::template_faults(t, query.labels.as_ref())).unwrap_or_default() {
                look.found(self.fault(value, fault));
            }
        }
    }

    /// A recording rule makes a metric: its name says of what, and what was done.
    fn record(&self, rule: &Node, record: &Node, look: &mut Look<'_, '_>) {
        let name = record.as_str().unwrap_or("");
        let allowed = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':') && !name.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() || !allowed {
            let message = format!("`{}` is no name of a metric: letters, digits, `_` and `:`", self.doc.shown(record));
            look.found(self.problem(record.span, message).fix("Write a name such as `namespace:gpu_util:avg5m`."));
        } else if !name.contains(':') {
            let problem = self.problem(record.span, format!("`{name}` looks like a metric that something exports, and is a recorded one"));
            look.found(
                problem.fix("Name it `level:metric:operations`: the labels it keeps, the metric, what was done, as in `namespace:gpu_util:avg5m`."),
            );
        }
        for key in ["for", "keep_firing_for", "annotations"] {
            if let Some(entry) = rule.entry(key) {
                look.found(
                    self.problem(entry.key_span, format!("a recorded metric has no `{key}`; Prometheus refuses the file"))
                        .fix("Remove it, or make an alert of the rule."),
                );
            }
        }
    }

    fn durations(&self, of: &Node, keys: &[&str], look: &mut Look<'_, '_>) {
        for key in keys {
            let Some(time) = of.get(key).filter(|t| t.as_str().is_none_or(|t| promql::seconds(t).is_none()) && t.as_i64() != Some(0)) else {
                continue;
            };
            let problem = self.problem(time.span, format!("`{key}: {}` is no duration such as `10m`", self.doc.shown(time)));
            let minutes = time.as_i64().map(|n| format!("{n}s")).and_then(|new| self.it.doc.replace(self.span(time.span), &new));
            look.found(problem.fix(minutes.unwrap_or_else(|| "Write a number and a unit: `30s`, `10m`, `1h`.".into())));
        }
    }

    /// A fault of an expression or a template, where it stands.
    fn fault(&self, node: &Node, fault: Fault) -> Problem {
        let part = self.doc.part(node, fault.at.clone());
        let span = self.span(part);
        // A diff only where the very part was found.
        let there = part != node.span || node.as_str().is_some_and(|t| t.len() == fault.at.len() && node.plain);
        let diff = fault.instead.as_ref().filter(|_| there).and_then(|new| self.it.doc.replace(span, new));
        let fix = diff.or_else(|| fault.instead.map(|new| format!("Write `{new}` there."))).or_else(|| fault.fix.map(Into::into));
        Problem { fix, ..self.it.problem(span, fault.message) }
    }
}

fn head(rule: &Node) -> Span {
    rule.entries().first().map_or(rule.span, |e| e.key_span)
}
