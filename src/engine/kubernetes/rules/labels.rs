//! Rules about labels, selectors and API versions.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Labels, Object, selects};
use crate::engine::kubernetes::values::{label_key_problem, label_value_problem};
use crate::engine::kubernetes::versions::{self, GOING, GONE};
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

pub struct SelectorMatch;

impl Rule for SelectorMatch {
    fn about(&self) -> &'static About {
        &About {
            id: "selector-match",
            severity: Severity::Error,
            title: "A workload selects the pods it makes",
            why: "The controller counts its pods by the selector: if its own template doesn't match, the API refuses it, for it would make pods for ever.",
            fix: "Write the same labels under `selector.matchLabels` and `template.metadata.labels`.",
            looks_at: Subject::Kinds(&["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]),
            passes: Example::Whole(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2",
            ),
            fails: Example::Whole(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: server\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let none = Labels::new();
        let labels = it.pods.first().map_or(&none, |p| &p.labels);
        let Some(selector) = it.node.path(&["spec", "selector"]) else {
            look.found(it.problem(it.head(), format!("{} has no selector", it.title())));
            return;
        };
        if selects(selector, labels) && !selector.entries().is_empty() {
            return;
        }
        let wrong = selector
            .get("matchLabels")
            .map_or(&[][..], Node::entries)
            .iter()
            .find(|e| e.value.as_str().is_none_or(|v| labels.get(e.key.as_str()) != Some(&v)));
        let (span, wants) = match wrong {
            Some(e) => (e.value.span, format!("wants `{}: {}`, and its pods don't have that label", e.key, it.doc.shown(&e.value))),
            None => (selector.entries().first().map_or(selector.span, |e| e.key_span), "doesn't select its own pods".into()),
        };
        look.found(it.problem(span, format!("the selector of {} {wants}", it.title())));
    }
}

pub struct LabelValues;

impl Rule for LabelValues {
    fn about(&self) -> &'static About {
        &About {
            id: "label-values",
            severity: Severity::Error,
            title: "Labels are written as the API wants them",
            why: "Selectors compare labels letter by letter; the API refuses a label that is a number, has a blank in it or is longer than 63 characters.",
            fix: "Use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; free text goes into an annotation.",
            looks_at: Subject::Any,
            passes: Example::Whole("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: chat\n  labels:\n    app.kubernetes.io/version: \"1.4\""),
            fails: Example::Whole(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: chat\n  labels:\n    app.kubernetes.io/version: 1.4\n    team: machine learning",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let of_pods = it.node.path(&["spec", "template", "metadata", "labels"]);
        for entry in it.node.path(&["metadata", "labels"]).into_iter().chain(of_pods).flat_map(Node::entries) {
            if let Some(wrong) = label_key_problem(&entry.key) {
                let key: String = entry.key.chars().take(70).collect();
                look.found(it.problem(entry.key_span, format!("the label key `{key}` {wrong}")));
            }
            match entry.value.as_str() {
                Some(value) => {
                    if let Some(wrong) = label_value_problem(value) {
                        look.found(
                            it.problem(entry.value.span, format!("the value `{}` of the label `{}` {wrong}", it.doc.shown(&entry.value), entry.key)),
                        );
                    }
                }
                None => {
                    let problem = it.problem(
                        entry.value.span,
                        format!("the label `{}` must be a string, but {}: put it in quotes", entry.key, it.doc.describe(&entry.value)),
                    );
                    let fix = it.doc.written(entry.value.span).and_then(|w| it.doc.replace(entry.value.span, &format!("\"{w}\"")));
                    look.found(Problem { fix, ..problem });
                }
            }
        }
    }
}

pub struct ApiDeprecated;

impl Rule for ApiDeprecated {
    fn about(&self) -> &'static About {
        &About {
            id: "api-deprecated",
            severity: Severity::Error,
            title: "No API version that is gone or going",
            why: "A cluster drops old API versions when it is upgraded: from that day on the object can't be created or changed, in the middle of a roll-out if you are unlucky.",
            fix: "Use the stable version of the kind; `kubectl explain KIND` prints it.",
            looks_at: Subject::Any,
            passes: Example::Whole(
                "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: chat",
            ),
            fails: Example::Whole(
                "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: chat",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let span = it.node.get("apiVersion").map_or(it.head(), |n| n.span);
        let gone = versions::listed(GONE, it.api, it.kind).map(|(since, to)| (since, to, "was removed in"));
        let Some((since, instead, how)) =
            gone.or_else(|| versions::listed(GOING, it.api, it.kind).map(|(since, to)| (since, to, "is deprecated since")))
        else {
            return;
        };
        let problem = it.problem(span, format!("`{}` {} {how} Kubernetes {since}; use {instead}", it.api, it.kind));
        let fix = if instead.contains(' ') { None } else { it.doc.replace(span, instead) };
        look.found(Problem { fix, ..problem });
    }
}
