//! Rules about what is measured and shown: alerts, dashboards, exporters.
use crate::engine::kubernetes::Kubernetes;
use crate::engine::kubernetes::testing::{files, streams};

/// What a rule says of a manifest, with the place: `7:3 message`.
pub fn placed(rule: &str, manifest: &str) -> Vec<String> {
    let files = files(&[("a.yaml", manifest)]);
    let streams = streams(&files);
    let result = Kubernetes::read(&files, &streams).rule(rule, None).unwrap();
    result.problems.into_iter().map(|p| p.place.map_or_else(|| p.message.clone(), |at| format!("{}:{} {}", at.line, at.column, p.message))).collect()
}

const HEAD: &str =
    "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: gpu\nspec:\n  groups:\n    - name: gpu\n      rules:\n";
const REST: &str = "          labels: {severity: page}\n          annotations: {summary: A}\n";

#[test]
fn a_fault_of_an_expression_stands_where_it_is_written() {
    for (expr, at) in [
        ("rat(x_total[5m])", "10:17"),
        ("\"rat(x_total[5m])\"", "10:18"),
        ("'up == 0 or rat(x_total[5m])'", "10:29"),
        ("|\n            up == 0\n            or rat(x_total[5m])\n", "12:16"),
        (">-\n            up == 0 or\n            rat(x_total[5m])\n", "12:13"),
        ("up == 0\n            or rat(x_total[5m])\n", "11:16"),
        ("\"up == 0\\n or rat(x_total[5m])\"", "10:17"),
    ] {
        let rule = format!("{HEAD}        - alert: A\n          expr: {}\n{REST}", expr.trim_end());
        assert_eq!(placed("promrule", &rule), [format!("{at} PromQL has no function `rat`; did you mean `rate`?")], "{rule}");
    }
}

#[test]
fn rules_are_held_to_what_prometheus_loads() {
    for (rule, problem) in [
        (
            "- alert: A\n          expr: up == 0\n          for: 10m\n          labels: {severity: page}\n          annotations: {summary: \"{{ $labels.job }}\"}",
            "",
        ),
        ("- record: job:up:sum\n          expr: sum by (job) (up)", ""),
        ("- record: up_sum\n          expr: sum(up)", "9:19 `up_sum` looks like a metric that something exports, and is a recorded one"),
        ("- record: up-sum\n          expr: sum(up)", "9:19 `up-sum` is no name of a metric: letters, digits, `_` and `:`"),
        (
            "- record: job:up:sum\n          expr: sum by (job) (up)\n          for: 5m",
            "11:11 a recorded metric has no `for`; Prometheus refuses the file",
        ),
        ("- record: a:b:c\n          alert: A\n          expr: up", "9:19 this rule is both an `alert` and a `record`"),
        ("- expr: up", "9:11 this rule is neither an `alert` nor a `record`"),
        ("- alert: A\n          labels: {severity: page}\n          annotations: {summary: A}", "9:11 the rule has no `expr`"),
        (
            "- alert: A\n          expr: up == 0\n          for: 10\n          labels: {severity: page}\n          annotations: {summary: A}",
            "11:16 `for: 10` is no duration such as `10m`",
        ),
        ("- alert: A\n          expr: up == 0\n          annotations: {summary: A}", "9:18 the alert `A` has no severity"),
        (
            "- alert: A\n          expr: up == 0\n          labels: {team: ml}\n          annotations: {summary: A}",
            "11:11 the alert `A` has no severity",
        ),
        (
            "- alert: A\n          expr: sum(up) == 0\n          labels: {severity: page}\n          annotations: {summary: \"{{ $labels.job }} is down\"}",
            "12:38 the expression's result has no label `job`; it has none",
        ),
    ] {
        let said = placed("promrule", &format!("{HEAD}        {rule}\n"));
        assert_eq!(said, if problem.is_empty() { vec![] } else { vec![problem.to_string()] }, "{rule}");
    }
}

#[test]
fn rules_in_a_config_map_are_read_too() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: rules\ndata:\n  gpu.yml: |\n    groups:\n      - name: gpu\n        rules:\n          - alert: Idle\n            expr: avg(DCGM_FI_DEV_GPU_UTL) < 5\n            for: 5min\n            labels: {severity: warning}\n            annotations: {summary: Idle}\n";
    assert_eq!(
        placed("promrule", map),
        [
            "11:23 nothing gives a metric `DCGM_FI_DEV_GPU_UTL`; did you mean `DCGM_FI_DEV_GPU_UTIL`?",
            "12:18 `for: 5min` is no duration such as `10m`"
        ]
    );
}

#[test]
fn a_monitor_finds_its_service_and_asks_it_in_time() {
    for (monitor, endpoint, of_service, wrong) in [
        ("", "port: metrics", "", ""),
        ("", "port: metrics, interval: 30s, scrapeTimeout: 30s", "", ""),
        ("", "port: metrics, interval: 1m, scrapeTimeout: 61s", "", "the timeout (61s) is longer than the interval"),
        ("", "port: metrics, interval: 30sec", "", "`interval: 30sec` is no duration such as `30s`"),
        ("", "port: metrics, scrapeTimeout: \"10\"", "", "`scrapeTimeout: 10` is no duration such as `30s`"),
        ("", "port: \"9400\"", "", "no Service that ServiceMonitor `a` selects has a port named `9400`; did you mean `metrics`?"),
        ("namespaceSelector: {any: true},", "port: metrics", ", namespace: gpu", ""),
        ("namespaceSelector: {matchNames: [gpu]},", "port: metrics", ", namespace: gpu", ""),
        (
            "namespaceSelector: {matchNames: [web]},",
            "port: metrics",
            ", namespace: gpu",
            "no Service that ServiceMonitor `a` selects has a port named `metrics`",
        ),
        ("", "port: metrics", ", namespace: gpu", "no Service that ServiceMonitor `a` selects has a port named `metrics`"),
    ] {
        let both = format!(
            "kind: ServiceMonitor\nmetadata: {{name: a, namespace: monitoring}}\nspec: {{{monitor} selector: {{matchLabels: {{app: dcgm}}}}, endpoints: [{{{endpoint}}}]}}\n---\nkind: Service\nmetadata: {{name: dcgm, labels: {{app: dcgm}}{of_service}}}\nspec: {{ports: [{{name: metrics, port: 9400}}]}}\n"
        );
        let said = super::said("smon-port", &both);
        assert_eq!(said, if wrong.is_empty() { vec![] } else { vec![wrong.to_string()] }, "{both}");
    }
}
