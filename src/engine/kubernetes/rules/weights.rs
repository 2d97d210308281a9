//! The rule about shares of traffic: Gateway routes, Istio's virtual services, nginx's canaries, Argo's roll-outs, KServe's models.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::{Node, Span};

pub struct CanaryWeights;

impl Rule for CanaryWeights {
    fn about(&self) -> &'static About {
        &About {
            id: "canary-weights",
            severity: Severity::Error,
            title: "The weights of a canary add up",
            why: "Weights are shares of their sum: 90 and 5 is not what it looks like, and a stable side at 0 is no canary but a switch. A side whose Service isn't there answers its share with errors.",
            fix: "Write weights that add up to 100, with more than 0 on the stable side.",
            looks_at: Subject::Kinds(&["HTTPRoute", "GRPCRoute", "Rollout", "VirtualService", "Ingress", "InferenceService"]),
            passes: Example::Whole(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: chat\nspec:\n  rules:\n    - backendRefs:\n        - name: chat\n          port: 80\n          weight: 95\n        - name: chat-canary\n          port: 80\n          weight: 5",
            ),
            fails: Example::Whole(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: chat\nspec:\n  rules:\n    - backendRefs:\n        - name: chat\n          port: 80\n          weight: 90\n        - name: chat-canary\n          port: 80\n          weight: 5",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let split = match it.kind {
            "Rollout" => roll_out(it, look),
            "VirtualService" => virtual_service(it, look),
            "Ingress" => ingress(it, look),
            "InferenceService" => model(it, look),
            _ => route(it, look),
        };
        if !split {
            look.nothing(it.problem(it.head(), format!("{} splits no traffic", it.title())));
        }
    }
}

fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).map_or(&[], Node::items)
}

fn route(it: &Object<'_>, look: &mut Look<'_, '_>) -> bool {
    let mut split = false;
    for rule in it.node.path(&["spec", "rules"]).map_or(&[][..], Node::items) {
        let backends = items(rule, "backendRefs");
        if backends.len() < 2 {
            continue;
        }
        split = true;
        // One without a weight has one part.
        let sides: Vec<Side<'_>> = backends.iter().map(|b| Side::of(b, 1)).collect();
        add_up(it, &sides, look);
        let here = |b: &&Node| b.get("kind").is_none_or(|k| k.as_str() == Some("Service")) && b.get("namespace").is_none();
        let names: Vec<&Node> = backends.iter().filter(here).filter_map(|b| b.get("name")).collect();
        services(it, &names, look);
    }
    split
}

fn virtual_service(it: &Object<'_>, look: &mut Look<'_, '_>) -> bool {
    let mut split = false;
    for rule in ["http", "tls", "tcp"].iter().flat_map(|k| it.node.path(&["spec", k]).map_or(&[][..], Node::items)) {
        let routes = items(rule, "route");
        for destination in routes.iter().filter_map(|r| r.get("destination")) {
            subset(it, destination, look);
        }
        if routes.len() < 2 {
            continue;
        }
        split = true;
        // Of several, one without a weight gets nothing.
        let sides: Vec<Side<'_>> = routes.iter().map(|r| Side::of(r, 0)).collect();
        add_up(it, &sides, look);
        let hosts: Vec<&Node> = routes.iter().filter_map(|r| r.path(&["destination", "host"])).collect();
        services(it, &hosts, look);
    }
    split
}

/// One side of a split.
struct Side<'a> {
    node: &'a Node,
    written: Option<&'a Node>,
    /// `None` for what is no number, which is the schema's business.
    weight: Option<i64>,
}

impl<'a> Side<'a> {
    fn of(node: &'a Node, default: i64) -> Side<'a> {
        let written = node.get("weight");
        Side { node, written, weight: written.map_or(Some(default), Node::as_i64) }
    }

    fn span(&self) -> Span {
        self.written.map_or_else(|| self.node.entries().first().map_or(self.node.span, |e| e.key_span), |n| n.span)
    }
}

/// The first side is the stable one.
fn add_up(it: &Object<'_>, sides: &[Side<'_>], look: &mut Look<'_, '_>) {
    let Some(weights) = sides.iter().map(|s| s.weight).collect::<Option<Vec<i64>>>() else { return };
    let (Some(first), Some(last)) = (sides.first(), sides.iter().rev().find(|s| s.written.is_some()).or(sides.last())) else { return };
    if let Some(side) = sides.iter().find(|s| s.weight.is_some_and(|w| w < 0)) {
        look.found(it.problem(side.span(), format!("a weight of {} is below 0", it.title())));
        return;
    }
    let sum = weights.iter().fold(0_i64, |a, b| a.saturating_add(*b));
    if sum != 100 {
        look.found(it.problem(last.span(), format!("the weights of {} add up to {sum}, not to 100", it.title())));
    } else if first.weight == Some(0) {
        look.found(it.problem(first.span(), format!("the stable side of {} gets nothing", it.title())));
    }
}

/// The Services of a split exist. If none of them is in the hand-in they are somewhere else.
fn services(it: &Object<'_>, names: &[&Node], look: &mut Look<'_, '_>) {
    let objects = look.objects;
    // Istio takes whole host names too.
    let short = |node: &Node| node.as_str().and_then(|n| n.split('.').next().map(str::to_owned));
    let there = |name: &str| objects.find("Service", name, it);
    let known: Vec<Option<String>> = names.iter().map(|n| short(n)).collect();
    let mut any = false;
    for found in known.iter().flatten().filter_map(|n| there(n)) {
        any = true;
        look.read(found);
    }
    if !any {
        return;
    }
    for (node, name) in names.iter().zip(&known) {
        let Some(name) = name.as_ref().filter(|n| there(n).is_none()) else { continue };
        let near = words::nearest(name, objects.kind("Service").filter(|o| o.beside(it)).map(|o| o.name));
        let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        let problem = it.problem(node.span, format!("there is no Service `{}` for a share of {}{asked}", it.doc.shown(node), it.title()));
        let fix = near.filter(|_| node.as_str() == Some(name)).and_then(|n| it.doc.replace(node.span, n));
        look.found(Problem { fix: fix.or_else(|| Some("Hand in the Service, or send the share to one that is there.".into())), ..problem });
    }
}

/// A subset is one of the host's DestinationRule, where that is in the hand-in.
fn subset(it: &Object<'_>, destination: &Node, look: &mut Look<'_, '_>) {
    let objects = look.objects;
    let (Some(host), Some(subset)) = (destination.get("host").and_then(Node::as_str), destination.get("subset")) else { return };
    let Some(rule) = objects.kind("DestinationRule").find(|o| o.beside(it) && o.node.path(&["spec", "host"]).and_then(Node::as_str) == Some(host))
    else {
        return;
    };
    look.read(rule);
    let names: Vec<&str> = rule.node.path(&["spec", "subsets"]).map_or(&[][..], Node::items).iter().filter_map(|s| s.get("name")?.as_str()).collect();
    let Some(name) = subset.as_str().filter(|s| !names.contains(s)) else { return };
    let near = words::nearest(name, names.iter().copied());
    let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    let problem = it.problem(subset.span, format!("{} has no subset `{}`{asked}", rule.title(), it.doc.shown(subset)));
    let fix = near.and_then(|n| it.doc.replace(subset.span, n)).or_else(|| Some("Add the subset to the DestinationRule.".into()));
    look.found(Problem { fix, ..problem });
}

/// Argo Rollouts' steps, and the two Services they move traffic between.
fn roll_out(it: &Object<'_>, look: &mut Look<'_, '_>) -> bool {
    let Some(canary) = it.node.path(&["spec", "strategy", "canary"]) else { return false };
    let most = canary.path(&["trafficRouting", "maxTrafficWeight"]).and_then(Node::as_i64).unwrap_or(100);
    let weights: Vec<&Node> = items(canary, "steps").iter().filter_map(|s| s.get("setWeight")).collect();
    for weight in &weights {
        if weight.as_i64().is_none_or(|w| !(0..=most).contains(&w)) {
            look.found(it.problem(weight.span, format!("`setWeight` is {}, not a share between 0 and {most}", it.doc.shown(weight))));
        }
    }
    if let Some(first) = weights.first().filter(|w| w.as_i64() == Some(most)) {
        look.found(it.problem(first.span, format!("the first step of {} leaves the stable side nothing", it.title())));
    }
    let sides: Vec<&Node> = ["stableService", "canaryService"].iter().filter_map(|k| canary.get(k)).collect();
    if let [stable, other] = sides[..]
        && stable.as_str().is_some()
        && stable.as_str() == other.as_str()
    {
        let message = format!("both sides of {} are the Service `{}`: nothing tells them apart", it.title(), it.doc.shown(other));
        look.found(it.problem(other.span, message).fix("Make a second Service for the canary and name it as `canaryService`."));
    }
    services(it, &sides, look);
    !weights.is_empty()
}

const NGINX: &str = "nginx.ingress.kubernetes.io/";

/// The annotations of ingress-nginx: a second Ingress of the same host takes a share.
fn ingress(it: &Object<'_>, look: &mut Look<'_, '_>) -> bool {
    let of = |o: &Object<'_>, name: &str| -> Option<Node> { o.node.path(&["metadata", "annotations", &format!("{NGINX}{name}")]).cloned() };
    let on = |o: &Object<'_>| of(o, "canary").is_some_and(|n| n.as_str() == Some("true") || n.as_bool() == Some(true));
    let number = |node: &Node| node.as_i64().or_else(|| node.as_str()?.trim().parse().ok());
    let weight = of(it, "canary-weight");
    if !on(it) {
        if let Some(weight) = &weight {
            let message = format!("the weight of {} does nothing: `{NGINX}canary` isn't \"true\"", it.title());
            look.found(it.problem(weight.span, message).fix(format!("Add the annotation `{NGINX}canary: \"true\"`.")));
        }
        return weight.is_some();
    }
    let others = ["canary-by-header", "canary-by-cookie"].iter().any(|k| of(it, k).is_some());
    let total = of(it, "canary-weight-total").map_or(Some(100), |n| number(&n));
    match (&weight, total) {
        (Some(weight), Some(total)) => match number(weight) {
            Some(n) if n == total && n > 0 => look.found(it.problem(weight.span, "the stable Ingress gets nothing: the canary takes all")),
            Some(n) if (0..total).contains(&n) => {}
            _ => look.found(it.problem(weight.span, format!("`canary-weight` is {}, not a share between 0 and {total}", it.doc.shown(weight)))),
        },
        (None, _) if !others => {
            let problem = it.problem(it.head(), format!("{} is a canary without a weight, a header or a cookie: nobody reaches it", it.title()));
            look.found(problem.fix(format!("Add the annotation `{NGINX}canary-weight: \"5\"`.")));
        }
        _ => {}
    }
    let objects = look.objects;
    let hosts = |o: &Object<'_>| -> Vec<String> {
        let rules = o.node.path(&["spec", "rules"]).map_or(&[][..], Node::items);
        rules.iter().map(|r| r.get("host").and_then(Node::as_str).unwrap_or("").to_owned()).collect()
    };
    let own = hosts(it);
    let main: Vec<&Object<'_>> = objects.kind("Ingress").filter(|o| o.beside(it) && !on(o)).collect();
    match main.iter().find(|o| hosts(o).iter().any(|h| own.contains(h))) {
        Some(stable) => look.read(stable),
        None if main.is_empty() => {}
        None => look.found(
            it.problem(it.head(), format!("no Ingress has the host of {}, so there is nothing it takes a share of", it.title()))
                .fix("Give both the same `host` and `path`."),
        ),
    }
    true
}

/// KServe's share for the newest model.
fn model(it: &Object<'_>, look: &mut Look<'_, '_>) -> bool {
    let Some(share) = it.node.path(&["spec", "predictor", "canaryTrafficPercent"]) else { return false };
    match share.as_i64() {
        Some(100) => look.found(it.problem(share.span, format!("the model that {} has run so far gets nothing", it.title()))),
        Some(0..=99) => {}
        _ => look.found(it.problem(share.span, format!("`canaryTrafficPercent` is {}, not a share between 0 and 100", it.doc.shown(share)))),
    }
    true
}
