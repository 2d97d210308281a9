//! Rules about seeing GPUs: the exporter and the chain to Prometheus, dashboards that load.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, labels_of, selects};
use crate::engine::promql;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::{Entry, Node};
use serde_json::Value as Json;

pub struct Exporter;

const EXPORTER: &str = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: dcgm\nspec:\n  selector:\n    matchLabels:\n      app: dcgm\n  template:\n    metadata:\n      labels:\n        app: dcgm\n    spec:\n      nodeSelector:\n        nvidia.com/gpu.present: \"true\"\n      tolerations:\n        - key: nvidia.com/gpu\n          operator: Exists\n          effect: NoSchedule\n      containers:\n        - name: exporter\n          image: nvcr.io/nvidia/k8s/dcgm-exporter:4.4.1-4.5.2-ubuntu22.04\n          ports:\n            - name: metrics\n              containerPort: 9400\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: dcgm\n  labels:\n    app: dcgm\nspec:\n  selector:\n    app: dcgm\n  ports:\n    - name: metrics\n      port: 9400\n---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata:\n  name: dcgm\nspec:\n  selector:\n    matchLabels:\n      app: dcgm\n  endpoints:\n    - port: metrics";

impl Rule for Exporter {
    fn about(&self) -> &'static About {
        &About {
            id: "dcgm-exporter",
            severity: Severity::Error,
            title: "The GPU exporter runs on every GPU node and is scraped",
            why: "DCGM's exporter is the only one that sees inside a GPU. It must stand on the tainted nodes and be found through three names, its labels, the Service's port and the ServiceMonitor's: one slip and utilisation is a flat line of nothing.",
            fix: "Give the DaemonSet a toleration and a node selector, its port 9400 a Service with a named port, and that a ServiceMonitor.",
            looks_at: Subject::Kinds(&["DaemonSet"]),
            passes: Example::Whole(EXPORTER),
            fails: Example::Whole(
                "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: dcgm\nspec:\n  selector:\n    matchLabels:\n      app: dcgm\n  template:\n    metadata:\n      labels:\n        app: dcgm\n    spec:\n      containers:\n        - name: exporter\n          image: nvcr.io/nvidia/k8s/dcgm-exporter:4.4.1-4.5.2-ubuntu22.04\n          ports:\n            - name: metrics\n              containerPort: 9090\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: dcgm\nspec:\n  selector:\n    app: dcgm-exporter\n  ports:\n    - name: metrics\n      port: 9400",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some((pod, c)) = it.containers().find(|(_, c)| c.image.contains("dcgm-exporter")) else {
            look.nothing(it.problem(it.head(), format!("{} runs no DCGM exporter", it.title())));
            return;
        };
        let objects = look.objects;
        if !pod.tolerations("nvidia.com/gpu").any(|t| t.get("effect").is_none_or(|e| matches!(e.as_str(), None | Some("" | "NoSchedule")))) {
            let fix = it.doc.add(pod.spec, Some(pod.spec_key), "tolerations:\n  - key: nvidia.com/gpu\n    operator: Exists\n    effect: NoSchedule");
            look.found(
                it.problem(pod.spec_key, format!("{} isn't let onto the GPU nodes, which carry the taint `nvidia.com/gpu`", it.title())).fix(fix),
            );
        }
        if pod.spec.get("nodeSelector").is_none() && pod.spec.path(&["affinity", "nodeAffinity"]).is_none() {
            let fix = it.doc.add(pod.spec, Some(pod.spec_key), "nodeSelector:\n  nvidia.com/gpu.present: \"true\"");
            look.found(it.problem(pod.spec_key, format!("{} also runs, and fails, on nodes without a GPU", it.title())).fix(fix));
        }
        let listens = c.env().iter().find(|e| e.get("name").and_then(Node::as_str) == Some("DCGM_EXPORTER_LISTEN")).and_then(|e| e.get("value"));
        let port = listens.map_or(Some(9400), |l| l.as_str()?.rsplit(':').next()?.parse::<i64>().ok());
        let ports: Vec<&Node> = c.ports().iter().filter_map(|p| p.get("containerPort")).collect();
        if let Some(port) = port.filter(|p| !ports.is_empty() && !ports.iter().any(|n| n.as_i64() == Some(*p))) {
            let span = ports.first().map_or(c.head(), |n| n.span);
            let problem = it.problem(span, format!("{} listens on port {port}, not on this one", c.title()));
            let fix = it.doc.replace(span, &port.to_string());
            look.found(Problem { fix, ..problem });
        }
        if objects.kind("PodMonitor").any(|m| m.node.path(&["spec", "selector"]).is_some_and(|s| selects(s, &pod.labels))) {
            return;
        }
        let any = objects.kind("Service").next().is_some();
        let selected =
            |s: &&Object<'_>| s.beside(it) && s.node.path(&["spec", "selector"]).is_some_and(|w| !w.entries().is_empty() && objects.send(w, pod));
        let Some(service) = objects.kind("Service").find(selected) else {
            look.found_if(
                any,
                it.problem(it.head(), format!("no Service leads to {}: nobody scrapes it", it.title()))
                    .fix("Add a Service that selects its pods, with a named port 9400."),
            );
            return;
        };
        look.read(service);
        let monitors = objects.kind("ServiceMonitor").next().is_some();
        let labels = labels_of(service.node);
        let Some(monitor) = objects.kind("ServiceMonitor").find(|m| m.node.path(&["spec", "selector"]).is_some_and(|s| selects(s, &labels))) else {
            look.found_if(monitors, service.problem(service.head(), format!("no ServiceMonitor selects {}: nobody scrapes it", service.title())));
            return;
        };
        look.read(monitor);
        let names: Vec<&str> =
            service.node.path(&["spec", "ports"]).map_or(&[][..], Node::items).iter().filter_map(|p| p.get("name")?.as_str()).collect();
        for port in monitor.node.path(&["spec", "endpoints"]).map_or(&[][..], Node::items).iter().filter_map(|e| e.get("port")) {
            if port.as_str().is_some_and(|p| !names.contains(&p)) {
                let problem = monitor.problem(port.span, format!("{} has no port named `{}`", service.title(), monitor.doc.shown(port)));
                let fix = names.first().and_then(|n| monitor.doc.replace(port.span, n));
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

pub struct Grafana;

/// Panels of one dashboard that are looked at.
const PANELS: usize = 300;
/// Panels that hold no query.
const STILL: &[&str] = &["row", "text", "news", "dashlist", "alertlist", "annolist", "welcome", "gettingstarted"];

impl Rule for Grafana {
    fn about(&self) -> &'static About {
        &About {
            id: "grafana-json",
            severity: Severity::Error,
            title: "Dashboards in ConfigMaps load",
            why: "Grafana's sidecar takes ConfigMaps with the label `grafana_dashboard` and skips what isn't valid JSON, with a line in a log that nobody reads. A query of a variable that isn't there draws an empty panel.",
            fix: "Label the ConfigMap `grafana_dashboard: \"1\"` and keep valid JSON under a key that ends with `.json`.",
            looks_at: Subject::Kinds(&["ConfigMap"]),
            passes: Example::Whole(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: gpus\n  labels:\n    grafana_dashboard: \"1\"\ndata:\n  gpus.json: |\n    {\n      \"title\": \"GPUs\",\n      \"uid\": \"gpus\",\n      \"templating\": {\"list\": [{\"name\": \"node\", \"type\": \"query\"}]},\n      \"panels\": [\n        {\"title\": \"Use\", \"type\": \"timeseries\", \"targets\": [{\"expr\": \"avg by (gpu) (DCGM_FI_DEV_GPU_UTIL{Hostname=~\\\"$node\\\"})\"}]}\n      ]\n    }",
            ),
            fails: Example::Whole(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: gpus\ndata:\n  gpus.json: |\n    {\n      \"title\": \"GPUs\",\n      \"panels\": [\n        {\"title\": \"Use\", \"type\": \"timeseries\", \"targets\": [{\"expr\": \"avg by (gpu) (DCGM_FI_DEV_GPU_UTL{Hostname=~\\\"$node\\\"})\"}]}\n      ]\n    }\n  nodes.json: |\n    {\n      \"title\": \"Nodes\",\n      \"panels\": [],\n    }",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let labelled = it.has_label("grafana_dashboard");
        let mut any = false;
        for entry in it.node.get("data").map_or(&[][..], Node::entries) {
            let Some(text) = entry.value.as_str() else { continue };
            if !entry.key.ends_with(".json") || !(labelled || text.contains("\"panels\"")) {
                continue;
            }
            any = true;
            match serde_json::from_str::<Json>(text) {
                Ok(board) => dashboard(it, entry, text, &board, look),
                Err(e) => {
                    let at = offset(text, e.line(), e.column());
                    let said = e.to_string();
                    let said = said.rsplit_once(" at line").map_or(said.as_str(), |(s, _)| s).to_string();
                    look.found(
                        it.problem(it.doc.part(&entry.value, at..at + 1), format!("`{}` is no JSON: {said}", entry.key))
                            .fix("Mend the JSON; a comma behind the last element is the usual cause."),
                    );
                }
            }
        }
        if any && !labelled {
            let fix = match it.node.entry("metadata") {
                Some(m) if m.value.get("labels").is_none() => Some(it.doc.add(&m.value, Some(m.key_span), "labels:\n  grafana_dashboard: \"1\"")),
                _ => it
                    .node
                    .get("metadata")
                    .and_then(|m| m.entry("labels"))
                    .map(|l| it.doc.add(&l.value, Some(l.key_span), "grafana_dashboard: \"1\"")),
            };
            let problem = it.problem(it.head(), format!("{} holds a dashboard, and no label tells Grafana so", it.title()));
            look.found(Problem { fix, ..problem });
        }
        if !any {
            let problem = it.problem(it.head(), format!("{} holds no dashboard", it.title()));
            if labelled { look.found(problem) } else { look.nothing(problem) }
        }
    }
}

/// The byte of a line and a column, both from 1, as serde_json counts them.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let begins = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    let at = begins.saturating_add(column.saturating_sub(1)).min(text.len().saturating_sub(1));
    (0..=at).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0)
}

fn dashboard(it: &Object<'_>, entry: &Entry, text: &str, board: &Json, look: &mut Look<'_, '_>) {
    // What Grafana's API takes wraps the board; what the sidecar takes doesn't.
    let key = |what: String| it.problem(entry.key_span, format!("`{}` {what}", entry.key));
    if board.get("dashboard").is_some() && board.get("panels").is_none() {
        look.found(key("is wrapped in `dashboard`: Grafana's sidecar takes the board itself".into()));
        return;
    }
    if board.get("title").and_then(Json::as_str).is_none_or(str::is_empty) {
        look.found(key("has no `title`: Grafana doesn't load it".into()));
    }
    let variables: Vec<&str> = board
        .pointer("/templating/list")
        .and_then(Json::as_array)
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .filter_map(|v| v.get("name")?.as_str())
        .collect();
    let mut panels: Vec<&Json> = Vec::new();
    let mut waiting: Vec<&Json> = board.get("panels").and_then(Json::as_array).map(|p| p.iter().collect()).unwrap_or_default();
    waiting.reverse();
    while let Some(panel) = waiting.pop().filter(|_| panels.len() < PANELS) {
        panels.push(panel);
        waiting.extend(panel.get("panels").and_then(Json::as_array).map_or(&[][..], Vec::as_slice).iter().rev());
    }
    if panels.is_empty() && board.get("elements").is_none() {
        look.found(key("has no panels".into()));
    }
    let place = |part: &str| text.find(part).map_or(entry.key_span, |at| it.doc.part(&entry.value, at..at + part.len()));
    for panel in panels {
        let kind = panel.get("type").and_then(Json::as_str).unwrap_or("");
        let title = crate::engine::report::clip(panel.get("title").and_then(Json::as_str).unwrap_or("without a title").into(), 60);
        if STILL.contains(&kind) || panel.get("libraryPanel").is_some() {
            continue;
        }
        let targets = panel.get("targets").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        if targets.is_empty() {
            let span = panel.get("title").map_or(entry.key_span, |t| place(&t.to_string()));
            look.found(it.problem(span, format!("the panel `{title}` asks for nothing: it has no `targets`")));
        }
        for expr in targets.iter().filter_map(|t| t.get("expr")) {
            let Some(query) = expr.as_str() else { continue };
            let written = expr.to_string();
            for unknown in promql::variables(query).into_iter().filter(|v| !v.starts_with("__") && !variables.contains(v)).take(3) {
                let message = format!(
                    "the panel `{title}` asks with a variable `${}` that the dashboard doesn't have",
                    crate::engine::report::clip(unknown.into(), 60)
                );
                look.found(it.problem(place(&written), message).fix("Add it to `templating.list`, or write its value."));
            }
            if let Some(fault) = promql::read_with_variables(query).into_iter().next() {
                look.found(
                    it.problem(place(&written), format!("in the panel `{title}` {}", fault.message))
                        .fix("Mend the query: try it in Grafana's explorer first."),
                );
            }
        }
    }
}
