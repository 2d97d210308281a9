//! Expressions as students write them, right and wrong, and those that nobody writes by accident.
use super::*;

/// What is said of an expression, with what stands at the place.
fn said(text: &str) -> Vec<(String, String)> {
    read(text).faults.into_iter().map(|f| (text.get(f.at).unwrap_or("?").to_string(), f.message)).collect()
}

#[test]
fn what_prometheus_refuses_is_told_with_its_place() {
    for (text, at, message) in [
        ("sum(rate(x[5m])", "(", "this `(` is never closed"),
        ("sum(x))", ")", "`)` closes nothing"),
        ("sum(x]", "]", "`]` closes a `(`"),
        ("rat(x_total[5m])", "rat", "PromQL has no function `rat`; did you mean `rate`?"),
        ("rate(x)", "rate", "`rate` is of a span of time: write one behind the metric, as in `[5m]`"),
        ("abs(x[5m])", "abs", "`abs` takes no span of time such as `[5m]`"),
        ("x{a=b}", "b", "the value `b` of a label stands in quotes"),
        ("foo bar", "bar", "`bar` stands where an operator belongs"),
        ("x > > 5", ">", "`>` stands where a value belongs"),
        ("x = 5", "=", "`=` compares nothing outside of braces: values are compared with `==`"),
        ("x && y", "&", "`&` is no sign of PromQL"),
        ("sum(x) by", "", "`by` needs its labels in brackets: `by (namespace)`"),
        ("sum by (gpu) > 5", ">", "`sum` needs what it is of, in brackets"),
        ("x >", ">", "the expression ends where a value should follow"),
        ("x[5 m]", "m", "`m` stands where a span of time such as `5m` belongs"),
        ("rate(x_total[5min])", "5min", "`5min` is no duration such as `5m`"),
        ("x{a=\"b}", "\"", "the text that begins with this \" never ends"),
        ("", "", "there is no expression"),
        ("{}", "{}", "the expression is no PromQL: vector selector must contain at least one non-empty matcher"),
    ] {
        assert_eq!(said(text), [(at.to_string(), message.to_string())], "{text}");
    }
}

#[test]
fn what_looks_right_and_means_something_else_is_told() {
    for (text, at, message) in [
        ("rate(DCGM_FI_DEV_GPU_UTIL[5m]) < 5", "rate", "`rate` is for counters, and `DCGM_FI_DEV_GPU_UTIL` is a gauge"),
        ("http_requests_total > 100", "http_requests_total", "`http_requests_total` only ever grows"),
        (
            "sum by (pod) (kube_pod_container_status_restarts_total) > 3",
            "kube_pod_container_status_restarts_total",
            "`kube_pod_container_status_restarts_total` only",
        ),
        ("DCGM_FI_DEV_GPU_UTL < 5", "DCGM_FI_DEV_GPU_UTL", "nothing gives a metric `DCGM_FI_DEV_GPU_UTL`; did you mean `DCGM_FI_DEV_GPU_UTIL`?"),
        ("dcgm_fi_dev_gpu_util < 5", "dcgm_fi_dev_gpu_util", "nothing gives a metric `dcgm_fi_dev_gpu_util`; did you mean `DCGM_FI_DEV_GPU_UTIL`?"),
        (
            "vllm_num_requests_waiting > 5",
            "vllm_num_requests_waiting",
            "nothing gives a metric `vllm_num_requests_waiting`; did you mean `vllm:num_requests_waiting`?",
        ),
        (
            "rate(vllm:prompt_tokens[5m])",
            "vllm:prompt_tokens",
            "nothing gives a metric `vllm:prompt_tokens`; did you mean `vllm:prompt_tokens_total`?",
        ),
        ("avg(vllm:time_to_first_token_seconds)", "vllm:time_to_first_token_seconds", "`vllm:time_to_first_token_seconds` is a histogram"),
        ("histogram_quantile(0.99, sum(rate(x_bucket[5m])))", "sum", "`sum` doesn't keep `le`"),
        ("histogram_quantile(0.99, sum without (le) (rate(x_bucket[5m])))", "sum", "`sum` takes `le` away"),
        ("histogram_quantile(0.99, sum by (le) (x_bucket))", "x_bucket", "the buckets of `x_bucket` count since the process began"),
        ("histogram_quantile(99, sum by (le) (rate(x_bucket[5m])))", "histogram_quantile", "the quantile 99 isn't between 0 and 1"),
    ] {
        let said = said(text);
        assert!(said.len() == 1 && said[0].0 == at && said[0].1.starts_with(message), "{text}: {said:?}");
    }
    for text in [
        "avg_over_time(DCGM_FI_DEV_GPU_UTIL[1h]) < 5",
        "avg by (Hostname, gpu) (DCGM_FI_DEV_GPU_UTIL) < 5 and on (Hostname) up == 1",
        "increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[1h]) > 0",
        "DCGM_FI_DEV_XID_ERRORS > 0",
        "DCGM_FI_DEV_NVLINK_BANDWIDTH_L1",
        "sum(rate(http_requests_total{code=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m])) > 0.01",
        "histogram_quantile(0.99, sum by (le, model_name) (rate(vllm:e2e_request_latency_seconds_bucket[5m]))) > 10",
        "histogram_quantile(0.99, rate(x_bucket[5m]))",
        "x_total - x_total offset 5m > 10",
        "absent(http_requests_total)",
        "count(http_requests_total) by (job)",
        "up == 0 unless on (instance) maintenance_total",
        "max_over_time(rate(x_total[5m])[1h:1m])",
        "predict_linear(node_filesystem_avail_bytes[6h], 4 * 3600) < 0",
        "sum by (namespace) (kube_pod_container_resource_requests{resource=\"nvidia_com_gpu\"})",
        "100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))) # of all cores",
        "-x @ 1609746000 offset -1h",
        "label_replace(up, \"a\", \"$1\", \"instance\", \"(.*):.*\")",
        "a * on (pod) group_left (node) kube_pod_info",
        "vllm:some_new_metric_total_of_tomorrow",
        "topk(3, sum by (pod) (rate(container_cpu_usage_seconds_total[5m])))",
        "ALERTS{alertstate=\"firing\"}",
    ] {
        assert!(said(text).is_empty(), "{text}: {:?}", said(text));
    }
}

#[test]
fn the_labels_of_a_result_are_those_the_expression_keeps() {
    for (text, has, lacks) in [
        ("up", "instance", None),
        ("sum(up)", "", Some("instance")),
        ("sum by (gpu) (DCGM_FI_DEV_GPU_UTIL) > 5", "gpu", Some("pod")),
        ("sum without (gpu) (DCGM_FI_DEV_GPU_UTIL)", "pod", Some("gpu")),
        ("5 < sum by (gpu) (x)", "gpu", Some("pod")),
        ("a * on (pod) group_left (node) b", "node", None),
        ("a / on (pod) b", "pod", Some("node")),
        ("absent(up{job=\"dcgm\"})", "job", Some("instance")),
        ("histogram_quantile(0.9, sum by (le, model) (rate(x_bucket[5m])))", "model", Some("le")),
        ("topk(3, sum by (pod) (x))", "pod", Some("node")),
        ("sum by (a) (x) or sum by (b) (y)", "b", Some("c")),
        ("label_replace(sum(x), \"zone\", \"$1\", \"a\", \"(.*)\")", "zone", Some("a")),
        ("count_values(\"version\", build_info)", "version", Some("job")),
    ] {
        let labels = read(text).labels.unwrap_or_else(|| panic!("{text}"));
        assert!(has.is_empty() || labels.may_have(has), "{text}: {labels:?}");
        assert!(lacks.is_none_or(|l| !labels.may_have(l)), "{text}: {labels:?}");
    }
}

#[test]
fn templates_name_what_there_is() {
    for (expr, template, message) in [
        ("sum by (gpu) (x)", "GPU {{ $labels.gpu }} at {{ $value | humanizePercentage }}", None),
        ("sum by (gpu) (x)", "GPU {{ $labels.pod }}", Some("the expression's result has no label `pod`; it has `gpu`")),
        ("sum(x)", "{{ .Labels.pod }}", Some("the expression's result has no label `pod`; it has none")),
        ("x", "{{ $labels.anything }}", None),
        ("x", "{{ $lables.pod }}", Some("templates of alerts have no variable `$lables`; did you mean `$labels`?")),
        ("x", "{{ $value ", Some("this `{{` is never closed")),
        ("x", "{{ range $i, $e := query \"up == $0\" }}{{ $e.Value }}{{ $i }}{{ end }}", None),
        ("x", "{{ with printf \"sum(up{job='%s'})\" $labels.job | query }}{{ . | first | value }}{{ end }} costs $5", None),
    ] {
        let said: Vec<String> = template_faults(template, read(expr).labels.as_ref()).into_iter().map(|f| f.message).collect();
        assert_eq!(said.first().map(String::as_str), message, "{template}");
    }
}

#[test]
fn durations_are_those_of_prometheus() {
    for (text, expected) in [("1h30m", Some(5400.0)), ("15s", Some(15.0)), ("500ms", Some(0.5)), ("0", Some(0.0)), ("1d", Some(86_400.0))] {
        assert_eq!(seconds(text), expected, "{text}");
    }
    for text in ["", "10", "5 m", "5min", "m5", "30m1h", "1h1h", "1.5h", "-5m", "99999999999h", "half an hour"] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

#[test]
fn what_nobody_writes_by_accident_costs_little() {
    for n in [60, 500, 100_000] {
        for (open, close) in [
            ("(", ")"),
            ("sum(", ")"),
            ("-", ""),
            ("1+", ""),
            ("2^", ""),
            ("a or ", ""),
            ("{", "}"),
            ("[", "]"),
            ("sum by (a) (", ")"),
            ("x[5m:", "]"),
            ("\"", ""),
            ("\u{1f600}", ""),
        ] {
            read(&format!("{}a{}", open.repeat(n), close.repeat(n)));
            read(&format!("{}a", open.repeat(n)));
        }
    }
    for number in ["99999999999999999999", "1e400", "-5", "NaN", "Inf", "0x7fffffffffffffffffff", "9223372036854775807y", "1e", "."] {
        for around in ["x[N]", "x offset N", "x offset -N", "x @ N", "x[5m:N]", "rate(x[N])", "x @ -N", "N", "x[N:N] offset N"] {
            read(&around.replace('N', number));
        }
    }
    assert!(template_faults(&"{{ $x }}".repeat(1_000), None).len() <= 10);
    assert!(template_faults(&"{{".repeat(100_000), None).is_empty());
}

#[test]
fn the_lists_hold_each_name_once() {
    let mut names: Vec<&str> = metrics::names().collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

proptest::proptest! {
    #[test]
    fn no_expression_brings_the_reader_down(parts in proptest::collection::vec(0_usize..34, 0..40)) {
        const PARTS: [&str; 34] = ["sum", "rate", "by", "without", "(", ")", "[", "]", "{", "}", ",", "5m", "5", "1e9", "x", "le", "=", "==", "=~", "-", "+", "and", "or", "unless", "on", "group_left", "offset", "@", "\"a\"", ":", "bool", "start", "é", "histogram_quantile"];
        for between in ["", " "] {
            let text = parts.iter().map(|n| PARTS[*n]).collect::<Vec<_>>().join(between);
            for fault in read(&text).faults {
                proptest::prop_assert!(text.get(fault.at.clone()).is_some(), "{text}: {fault:?}");
            }
        }
    }
}
