//! Rules about releasing to a few first: that somebody, or something, looks before more is sent.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

pub struct Analysis;

impl Rule for Analysis {
    fn about(&self) -> &'static About {
        &About {
            id: "canary-analysis",
            severity: Severity::Error,
            title: "A canary is looked at before it grows",
            why: "Steps without a pause and without an analysis are a roll-out in slow motion: a model that answers nonsense gets all the traffic, because nobody asked whether it works.",
            fix: "Put a `pause` and an `analysis` with a metric of the canary between the steps.",
            looks_at: Subject::Kinds(&["Rollout", "InferenceService"]),
            passes: Example::Whole(
                "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n  strategy:\n    canary:\n      steps:\n        - setWeight: 10\n        - pause:\n            duration: 10m\n        - analysis:\n            templates:\n              - templateName: errors\n        - setWeight: 50\n        - pause: {}\n---\napiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata:\n  name: errors\nspec:\n  metrics:\n    - name: errors\n      successCondition: result[0] < 0.01\n      provider:\n        prometheus:\n          address: http://prometheus:9090\n          query: sum(rate(http_requests_total{code=~\"5..\"}[5m]))",
            ),
            fails: Example::Whole(
                "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n  strategy:\n    canary:\n      steps:\n        - setWeight: 10\n        - setWeight: 50\n        - pause: {}",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if it.kind == "InferenceService" {
            let traffic = it.node.path(&["spec", "predictor", "canaryTrafficPercent"]);
            match traffic {
                Some(t) if t.as_i64().is_none_or(|n| !(0..=100).contains(&n)) => {
                    look.found(it.problem(t.span, format!("`canaryTrafficPercent` is {}, not a share between 0 and 100", it.doc.shown(t))));
                }
                Some(_) => {}
                None => look.nothing(
                    it.problem(it.head(), format!("{} sends all traffic to its newest model", it.title()))
                        .fix("Write `canaryTrafficPercent: 10` under `spec.predictor`."),
                ),
            }
            return;
        }
        let strategy = it.node.path(&["spec", "strategy"]);
        if let Some(blue_green) = strategy.and_then(|s| s.entry("blueGreen")) {
            let analyses = ["prePromotionAnalysis", "postPromotionAnalysis"];
            let found: Vec<&Node> = analyses.iter().filter_map(|k| blue_green.value.get(k)).collect();
            if found.is_empty() {
                look.found(
                    it.problem(blue_green.key_span, format!("nothing is measured before {} switches over", it.title()))
                        .fix("Add a `prePromotionAnalysis` under `blueGreen`."),
                );
            }
            found.into_iter().for_each(|a| templates(it, a, look));
            return;
        }
        let Some(canary) = strategy.and_then(|s| s.entry("canary")) else {
            look.nothing(it.problem(it.head(), format!("{} has neither a canary nor a second side", it.title())));
            return;
        };
        let steps = canary.value.get("steps").map_or(&[][..], Node::items);
        let background = canary.value.get("analysis");
        let analyses: Vec<&Node> = steps.iter().filter_map(|s| s.get("analysis")).chain(background).collect();
        if analyses.is_empty() {
            look.found(it.problem(canary.key_span, format!("nothing is measured while {} sends traffic to its canary", it.title())));
        }
        analyses.into_iter().for_each(|a| templates(it, a, look));
        if !steps.iter().any(|s| s.get("pause").is_some()) {
            let span = canary.value.entry("steps").map_or(canary.key_span, |e| e.key_span);
            look.found(
                it.problem(span, format!("{} never pauses: its steps follow one another at once", it.title()))
                    .fix("Add `- pause: {duration: 10m}` behind a `setWeight`."),
            );
        }
        let weight = |s: &Node| s.get("setWeight").is_some();
        for pair in steps.windows(2).filter(|p| weight(&p[0]) && weight(&p[1])) {
            let Some(next) = pair[1].entry("setWeight") else { continue };
            let message = format!(
                "the step to {} follows the one to {} at once: nobody looks in between",
                it.doc.shown(&next.value),
                pair[0].get("setWeight").map_or_else(String::new, |w| it.doc.shown(w))
            );
            look.found(it.problem(next.key_span, message).fix("Put `- pause: {duration: 10m}` or an `analysis` between them."));
        }
    }
}

/// The templates that an analysis names exist, and measure something.
fn templates(it: &Object<'_>, analysis: &Node, look: &mut Look<'_, '_>) {
    let objects = look.objects;
    for template in analysis.get("templates").map_or(&[][..], Node::items) {
        let kind = if template.get("clusterScope").and_then(Node::as_bool) == Some(true) { "ClusterAnalysisTemplate" } else { "AnalysisTemplate" };
        let Some((name, text)) = template.get("templateName").and_then(|n| Some((n, n.as_str()?))) else { continue };
        let Some(found) = objects.find(kind, text, it) else {
            let near = words::nearest(text, objects.kind(kind).map(|o| o.name));
            let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            let problem = it.problem(name.span, format!("there is no {kind} `{}`{asked}", it.doc.shown(name)));
            let fix = near.and_then(|n| it.doc.replace(name.span, n)).or_else(|| Some("Hand in the template, or name one that is there.".into()));
            look.found_if(objects.kind(kind).next().is_some(), Problem { fix, ..problem });
            continue;
        };
        look.read(found);
        for metric in found.node.path(&["spec", "metrics"]).map_or(&[][..], Node::items) {
            if metric.get("successCondition").is_none() && metric.get("failureCondition").is_none() && metric.path(&["provider", "job"]).is_none() {
                let span = metric.get("name").map_or(metric.span, |n| n.span);
                look.found(
                    found
                        .problem(span, format!("whatever a metric of {} gives, it passes", found.title()))
                        .fix("Add a `successCondition` such as `result[0] < 0.01`."),
                );
            }
        }
    }
}
