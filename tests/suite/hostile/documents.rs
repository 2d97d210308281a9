//! Documents that want to hurt whoever reads them: by size, depth, aliases, names, and by what rules and schemas make of them.

/// A hand-in, and what has to come of it.
pub struct Hostile {
    pub name: &'static str,
    pub files: Vec<(String, Vec<u8>)>,
    pub verdict: Verdict,
}

pub enum Verdict {
    /// It isn't read: `line:column` and how the reason begins.
    Refused(&'static str),
    /// Every check says something about it.
    Graded,
}

use Verdict::{Graded, Refused};

const MIB: usize = 1 << 20;

fn one(name: &'static str, text: impl Into<Vec<u8>>, verdict: Verdict) -> Hostile {
    Hostile { name, files: vec![("f.yaml".into(), text.into())], verdict }
}

fn repeated(n: usize, each: impl Fn(usize) -> String) -> String {
    (0..n).map(each).collect()
}

fn object(api: &str, kind: &str, rest: &str) -> String {
    format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n{rest}\n")
}

/// A pod with this in its spec, beside one container with that.
fn pod(spec: &str, container: &str) -> String {
    object("v1", "Pod", &format!("spec:\n  {spec}\n  containers:\n    - name: a\n      image: registry.example.org/a:1\n      {container}\n"))
}

/// As many objects as aliases make of one: few bytes, and each counts.
fn list(items: &[(usize, String)]) -> String {
    let named = |(n, (times, item)): (usize, &(usize, String))| format!("  - &i{n} {item}\n{}", format!("  - *i{n}\n").repeat(times - 1));
    format!("apiVersion: v1\nkind: List\nitems:\n{}", items.iter().enumerate().map(named).collect::<String>())
}

pub fn all() -> Vec<Hostile> {
    [yaml(), text(), schemas(), values(), joins(), languages()].into_iter().flatten().collect()
}

/// What is hard on a reader of YAML.
fn yaml() -> Vec<Hostile> {
    let laughs = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n".to_owned()
        + &"bcdefghi"
            .chars()
            .zip("abcdefgh".chars())
            .map(|(n, o)| format!("{n}: &{n} [{}]\n", vec![format!("*{o}"); 9].join(",")))
            .collect::<String>();
    let keys = repeated(100, |n| format!("k{n}: 1, "));
    let merges = format!("a: &a {{{keys}}}\n{}", repeated(2_000, |n| format!("m{n}: {{<<: [{}]}}\n", vec!["*a"; 20].join(","))));
    let doubling = format!("m0: &m0 {{a: 1}}\n{}", repeated(40, |n| format!("m{}: &m{} {{<<: [*m{n}, *m{n}], k{n}: 1}}\n", n + 1, n + 1)));
    vec![
        one("billion laughs", laughs, Refused("6:11 the file unfolds to more")),
        one("merges of merges", doubling, Graded),
        one("twenty merges in each of 2,000 mappings", merges, Refused("7:10 merges")),
        one("20,000 lists in one line", "- ".repeat(20_000), Refused("1:")),
        one("100,000 open brackets", "[".repeat(100_000), Refused("1:")),
        one("100,000 open braces", "{a: ".repeat(100_000), Refused("1:")),
        one("mappings inside one another", repeated(700, |n| format!("{}a:\n", " ".repeat(n))), Refused("65:")),
        one("question marks", "? ".repeat(50_000), Refused("1:")),
        one("257 documents", "a: 1\n---\n".repeat(257), Refused("512:1 the file has more than 256 documents")),
        one("260,000 documents", "---\n".repeat(MIB / 4), Graded),
        one("200,001 values", format!("[{}]", "1,".repeat(200_001)), Refused("1:")),
        one("300,000 empty lists", format!("[{}]", "[],".repeat(300_000)), Refused("1:")),
        one("100,000 equal keys", "a: 1\n".repeat(100_000), Refused("2:1 `a` is written twice")),
        one("100,000 equal keys in one line", format!("{{{}}}", "a: 1, ".repeat(100_000)), Refused("1:8 `a` is written twice")),
        one("an alias inside its own list", "a: &a [*a]\n", Refused("1:8")),
        one("an alias inside its own mapping", "a: &a {b: {c: *a}}\n", Refused("1:15")),
        one("a merge of itself", "a: &a {<<: *a}\n", Refused("1:12")),
        one("60,000 anchors", repeated(60_000, |n| format!("k{n}: &a{n} 1\n")), Graded),
        one("a tag of a mebibyte", format!("a: !{} 1\n", "t".repeat(MIB - 100)), Graded),
        one("directives", "%YAML 1.2\n".repeat(MIB / 10 - 1), Refused("1:1 Kubernetes reads no")),
        one("an anchor of a mebibyte", format!("a: &{} 1\n", "t".repeat(MIB - 100)), Graded),
        one("a key of a mebibyte", format!("{}: 1\n", "t".repeat(MIB - 100)), Graded),
        one("a mebibyte and a byte", "a".repeat(MIB + 1), Refused("1:1 the file is larger than 1 MiB")),
        one("every second line wrong", "a: [\nb: ]\n---\n".repeat(50_000), Refused("768:1 the file has more than 256 documents")),
    ]
}

/// What is hard on whoever shows text, or counts in it.
fn text() -> Vec<Hostile> {
    let wide =
        |text: &str, little: bool| -> Vec<u8> { text.encode_utf16().flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() }).collect() };
    let named = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: \"{name}\"}}\n");
    let unknown = |n: usize| format!("  \"{}{n}\": 1\n", "\\x01".repeat(240));
    let controls = object("v1", "Pod", &format!("spec:\n{}", repeated(1_000, unknown)));
    vec![
        one("a plain scalar of a mebibyte", format!("a: {}\n", "x".repeat(MIB - 100)), Graded),
        one("a quoted scalar of a mebibyte", format!("a: \"{}\"\n", "\\u00e9".repeat(MIB / 6 - 100)), Graded),
        one("a block of a mebibyte", format!("a: |\n{}", "  x\n".repeat(MIB / 4 - 10)), Graded),
        one("half a million empty lines", "\n".repeat(MIB / 2), Graded),
        one("a mebibyte of carriage returns", "\r".repeat(MIB - 1), Graded),
        one("a mebibyte of tabs", "\t".repeat(MIB - 1), Graded),
        one("a mebibyte of comments", "# a\n".repeat(MIB / 4), Graded),
        one("31,000 comments that switch rules off", format!("{}{}", "# groundcrew:ignore img-latest x\n".repeat(31_000), pod("", "")), Graded),
        one("a quote that never ends", format!("a: \"{}", "x\n".repeat(MIB / 2 - 10)), Refused("1:")),
        one("NUL", "a: b\0c\n", Refused("1:5")),
        one("control characters", "a: \x01\x02\x1b[31m\n", Refused("1:4")),
        one("escaped control characters", named("\\x01\\e[31m\\0"), Graded),
        one("UTF-16, little end first", [vec![0xff, 0xfe], wide(&pod("", ""), true)].concat(), Refused("1:1")),
        one("UTF-16, big end first", [vec![0xfe, 0xff], wide(&pod("", ""), false)].concat(), Refused("1:1")),
        one("UTF-16 without a mark", wide(&pod("", ""), true), Refused("1:")),
        one("bytes that are no UTF-8", b"a: 1\nb: \xc0\xaf\n".to_vec(), Refused("2:4")),
        one("half of a surrogate pair", b"a: \xed\xa0\x80\n".to_vec(), Refused("1:4")),
        one("a byte order mark", format!("\u{feff}{}", pod("", "")), Graded),
        one("byte order marks between documents", format!("{}---\n\u{feff}{}", pod("", ""), pod("", "")), Graded),
        one("a name written from right to left", named("a\u{202e}b\u{2066}c"), Graded),
        one("a name of invisible characters", named("\u{200b}\u{200d}\u{feff}"), Graded),
        one("line breaks of other languages", "a: b\u{2028}c\u{2029}d\u{85}e\n", Graded),
        Hostile {
            name: "unknown keys of control characters",
            files: (0..8).map(|n| (format!("{n}.yaml"), controls.clone().into_bytes())).collect(),
            verdict: Graded,
        },
        one(
            "pods in one line of a mebibyte",
            {
                let pods = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"containers\": [{\"name\": 1, \"imag\": \"a\"}]}}, ";
                format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}]}}", pods.repeat(MIB / pods.len() - 1).trim_end_matches(", "))
            },
            Graded,
        ),
    ]
}

/// Definitions of kinds that are hard on whoever holds an object to them.
fn schemas() -> Vec<Hostile> {
    let crd = |schema: &str, objects: &str| {
        let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\nspec:\n  group: example.org\n  \
                   scope: Namespaced\n  names: {kind: Thing, plural: things}\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      \
                   schema:\n        openAPIV3Schema:\n          type: object\n          ";
        format!("{crd}{schema}\n---\n{objects}")
    };
    let thing = |rest: &str| object("example.org/v1", "Thing", rest);
    let of_v = |schema: &str, value: &str| crd(&format!("properties: {{v: {schema}}}"), &thing(&format!("v: {value}")));
    let nested = |n: usize, open: &str, close: &str, inner: &str| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    let words = repeated(20_000, |n| format!("w{n}, "));
    vec![
        one("a pattern that goes back and forth", of_v("{type: string, pattern: '^(a+)+$'}", &format!("{}!", "a".repeat(50_000))), Graded),
        one("a pattern that unfolds", of_v("{type: string, pattern: '((a{999}){999}){999}'}", "a"), Graded),
        one("a pattern of a mebibyte", of_v(&format!("{{type: string, pattern: '{}'}}", "(a|b)*".repeat(100_000)), "a"), Graded),
        one("a schema that refers to itself", of_v("{'$ref': '#'}", "{v: {v: {v: 1}}}"), Graded),
        one("a schema that refers elsewhere", of_v("{'$ref': 'http://127.0.0.1:1/x'}", "1"), Graded),
        one("a schema that refers to a file", of_v("{'$ref': 'file:///etc/passwd'}", "1"), Graded),
        one("allOf inside allOf", of_v(&nested(25, "{allOf: [", "]}", "{type: string}"), "1"), Graded),
        one(
            "oneOf of aliases, doubled 16 times",
            {
                let doubled = repeated(16, |n| format!("x{}: &x{} {{oneOf: [*x{n}, *x{n}]}}\n", n + 1, n + 1));
                format!("x0: &x0 {{type: string}}\n{doubled}{}", of_v("*x16", "1"))
            },
            Graded,
        ),
        one(
            "anyOf of 5,000 for 5,000 values",
            of_v(
                &format!("{{type: array, items: {{anyOf: [{}]}}}}", repeated(5_000, |n| format!("{{enum: [w{n}]}}, "))),
                &format!("[{}]", "x, ".repeat(5_000)),
            ),
            Graded,
        ),
        one(
            "an enum of 20,000 for 20,000 values",
            of_v(&format!("{{type: array, items: {{type: string, enum: [{words}]}}}}"), &format!("[{}]", words.replace('w', "x"))),
            Graded,
        ),
        one(
            "20,000 values that have to differ",
            of_v("{type: array, uniqueItems: true, items: {type: object}}", &format!("[{}]", repeated(20_000, |n| format!("{{a: {n}}}, ")))),
            Graded,
        ),
        one("bounds beyond numbers", of_v("{type: number, minimum: -1e308, maximum: 1e308, multipleOf: 1e-300}", "1e300"), Graded),
        one("lengths beyond numbers", of_v("{type: string, minLength: 18446744073709551615, maxLength: -1}", "a"), Graded),
        one("a definition that is no schema", of_v("[1, {type: 3}]", "a"), Graded),
        one(
            "200 definitions of one kind",
            crd("x-kubernetes-preserve-unknown-fields: true", "").trim_end_matches("---\n").to_owned()
                + &format!("---\n{}", crd("x: 1", "")).repeat(100),
            Graded,
        ),
        one("20,000 properties that are missing", crd(&format!("required: [{words}]"), &thing("")), Graded),
        one("4,000 keys that nobody knows", pod(&repeated(4_000, |n| format!("containerz{n}: 1\n  ")), ""), Graded),
        one("a key nobody knows, of a mebibyte", pod(&format!("? {}\n  : 1", "containers".repeat(90_000)), ""), Graded),
        one("a kind nobody knows, of a mebibyte", object("v1", &"Deployment".repeat(90_000), ""), Graded),
    ]
}

/// Values that are hard on whoever calculates with them.
fn values() -> Vec<Hostile> {
    let resources = |quantity: &str| {
        pod("", &format!("resources: {{limits: {{cpu: {quantity}, memory: {quantity}, nvidia.com/gpu: {quantity}}}, requests: {{cpu: {quantity}}}}}"))
    };
    let deployment = |replicas: &str, strategy: &str| {
        let template =
            "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a, resources: {requests: {cpu: 1, memory: 1Gi}}}]}}";
        object(
            "apps/v1",
            "Deployment",
            &format!("spec: {{replicas: {replicas}, selector: {{matchLabels: {{a: b}}}}, strategy: {strategy}, {template}}}"),
        )
    };
    let many = |n: usize, each: &str| (0..n).map(|i| each.replace('#', &i.to_string())).collect::<Vec<_>>().join(", ");
    vec![
        one("a quantity of 1e999999999", resources("1e999999999"), Graded),
        one("a quantity of 1e-999999999", resources("'1e-999999999'"), Graded),
        one("a quantity of a mebibyte", resources(&format!("'{}'", "9".repeat(MIB / 5))), Graded),
        one("a quantity of zeros", resources(&format!("'0.{}1'", "0".repeat(MIB / 5))), Graded),
        one("a quantity of 9E, and below nothing", resources("'-9223372036854775808Ei'"), Graded),
        one("2,147,483,647 replicas", deployment("2147483647", "{}"), Graded),
        one("replicas beyond numbers", deployment("99999999999999999999", "{rollingUpdate: {maxSurge: '99999999999999999999%'}}"), Graded),
        one("replicas below nothing", deployment("-9223372036854775808", "{rollingUpdate: {maxUnavailable: -1}}"), Graded),
        one("numbers of a mebibyte", format!("a: 0b{}\nb: 0x{}\nc: 1e{}\n", "1".repeat(MIB / 4), "f".repeat(MIB / 4), "9".repeat(MIB / 4)), Graded),
        one("!!binary of a mebibyte", format!("a: !!binary {}\n", "QUJD".repeat(MIB / 4 - 100)), Graded),
        one(
            "5,000 containers",
            object("v1", "Pod", &format!("spec: {{containers: [{}]}}", many(5_000, "{name: c#, image: a, ports: [{containerPort: #}]}"))),
            Graded,
        ),
        one("20,000 variables of one name", pod("", &format!("env: [{}]", many(20_000, "{name: A, value: $(A)}"))), Graded),
        one(
            "10,000 volumes and their mounts",
            pod(
                &format!("volumes: [{}]", many(10_000, "{name: v#, emptyDir: {}}")),
                &format!("volumeMounts: [{}]", many(10_000, "{name: v#, mountPath: /v#}")),
            ),
            Graded,
        ),
        one("20,000 ports", pod("", &format!("ports: [{}]", many(20_000, "{name: p#, containerPort: 80}"))), Graded),
        one("20,000 tolerations", pod(&format!("tolerations: [{}]", many(20_000, "{key: k#, operator: Exists}")), ""), Graded),
        one(
            "5,000 ways to spread",
            pod(&format!("topologySpreadConstraints: [{}]", many(5_000, "{maxSkew: 1, topologyKey: k#, whenUnsatisfiable: DoNotSchedule}")), ""),
            Graded,
        ),
        one(
            "10,000 terms of affinity",
            pod(
                &format!(
                    "affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{}]}}}}}}",
                    many(10_000, "{matchExpressions: [{key: a, operator: In, values: [b#]}]}")
                ),
                "",
            ),
            Graded,
        ),
        one(
            "10,000 rules of a role",
            object(
                "rbac.authorization.k8s.io/v1",
                "Role",
                &format!("rules: [{}]", many(10_000, "{apiGroups: ['*'], resources: [r#, '*'], verbs: ['*']}")),
            ),
            Graded,
        ),
        one(
            "5,000 metrics of an autoscaler",
            object(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                &format!(
                    "spec: {{maxReplicas: 2147483647, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: a}}, metrics: [{}]}}",
                    many(5_000, "{type: Pods, pods: {metric: {name: m#}, target: {type: AverageValue, averageValue: 1e999999999}}}")
                ),
            ),
            Graded,
        ),
    ]
}

/// Objects that are hard on whoever joins them.
fn joins() -> Vec<Hostile> {
    let labels = |n: usize| repeated(n, |i| format!("l{i}: v, "));
    let labelled =
        |n: usize| format!("{{apiVersion: v1, kind: Pod, metadata: {{name: a, labels: {{{}}}}}, spec: {{containers: [{{name: a}}]}}}}", labels(n));
    let policy = |n: usize| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: a}}, spec: {{podSelector: {{matchLabels: {{{} z: z}}}}}}}}",
            labels(n)
        )
    };
    let service = |n: usize| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: a}}, spec: {{ports: [{{port: 80, targetPort: x}}], selector: {{{}}}}}}}",
            labels(n)
        )
    };
    let budget = |n: usize| {
        format!(
            "{{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: a}}, spec: {{minAvailable: 1, selector: {{matchLabels: {{{}}}}}}}}}",
            labels(n)
        )
    };
    let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: 3, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a, envFrom: [{configMapRef: {name: x}}]}]}}}}";
    let autoscaler = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}, spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}}}";
    let wanted = (0..20_000).map(|n| format!("v{n}")).collect::<Vec<_>>().join(", ");
    let choosy = format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: a}}, spec: {{podSelector: {{matchExpressions: [{{key: l0, operator: In, values: [{wanted}]}}]}}}}}}"
    );
    let two = |name, a: (usize, String), b: (usize, String)| Hostile {
        name,
        files: vec![("a.yaml".into(), list(&[a]).into_bytes()), ("b.yaml".into(), list(&[b]).into_bytes())],
        verdict: Graded,
    };
    vec![
        one("2,001 objects", list(&[(2_001, labelled(1))]), Graded),
        one("lists inside lists", format!("{}{}", "{apiVersion: v1, kind: List, items: [".repeat(25), "]}".repeat(25)), Graded),
        two("900 policies and 900 pods of 90 labels", (900, labelled(90)), (900, policy(90))),
        two("1,000 services and 1,000 pods of 60 labels", (1_000, labelled(60)), (1_000, service(60))),
        two("1,000 budgets and 1,000 pods of 60 labels", (1_000, labelled(60)), (1_000, budget(60))),
        two("1,000 autoscalers of 1,000 deployments", (1_000, deployment.into()), (1_000, autoscaler.into())),
        two("a selector with 20,000 values and 1,900 pods", (1_900, labelled(1)), (5, choosy)),
        one("2,000 deployments of one name", list(&[(2_000, deployment.into())]), Graded),
    ]
}

/// Texts inside YAML that are programs of their own.
fn languages() -> Vec<Hostile> {
    let rule = |expr: &str| {
        object(
            "monitoring.coreos.com/v1",
            "PrometheusRule",
            &format!("spec: {{groups: [{{name: a, rules: [{{alert: A, for: 5m, expr: '{expr}'}}]}}]}}"),
        )
    };
    let dashboard = |json: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, labels: {{grafana_dashboard: '1'}}}}\ndata:\n  a.json: '{json}'\n")
    };
    let named = |path: &str, text: String| vec![(path.to_owned(), text.into_bytes())];
    vec![
        one("PromQL in 100,000 parentheses", rule(&format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000))), Graded),
        one("PromQL of 100,000 sums", rule(&format!("a{}", "+a".repeat(100_000))), Graded),
        one("PromQL of 100,000 signs", rule(&format!("{}a", "-".repeat(100_000))), Graded),
        one("PromQL of 100,000 powers", rule(&format!("1{}", "^1".repeat(100_000))), Graded),
        one("PromQL with numbers beyond numbers", rule("rate(a[999999999999999y]) > 1e999999999 offset 99999999999999999999d"), Graded),
        one("PromQL with a pattern that goes back and forth", rule("sum by (a) (rate(a{b=~\"(x+x+)+y(((a{999}){999}){999})\"}[5m]))"), Graded),
        one("PromQL by 100,000 labels", rule(&format!("sum by ({}) (a)", "a,".repeat(100_000))), Graded),
        one(
            "5,000 alerts",
            object(
                "monitoring.coreos.com/v1",
                "PrometheusRule",
                &format!(
                    "spec:\n  groups:\n    - name: a\n      rules:\n{}",
                    "        - {alert: A, expr: 'rate(a_total[1m]) > on(b) group_left c', labels: {severity: page}}\n".repeat(5_000)
                ),
            ),
            Graded,
        ),
        one(
            "a dashboard of 50,000 rows inside one another",
            dashboard(&format!("{}{}", "{\"panels\":[".repeat(100_000 / 2), "]}".repeat(100_000 / 2))),
            Graded,
        ),
        one(
            "a dashboard of 10,000 panels",
            dashboard(&format!("{{\"panels\":[{}]}}", ["{\"type\":\"graph\",\"targets\":[{\"expr\":\"rate(a[1m\"}]}"; 10_000].join(","))),
            Graded,
        ),
        Hostile {
            name: "a chart of 30,000 open templates",
            files: named("templates/f.yaml", "a: {{ .Values.a }} {{\n".repeat(30_000)),
            verdict: Refused("1:"),
        },
        Hostile {
            name: "a kustomization of 30,000 bases",
            files: named("kustomization.yaml", format!("resources:\n{}", "- ../base\n".repeat(30_000))),
            verdict: Graded,
        },
        one(
            "5,000 steps of a rollout",
            object(
                "argoproj.io/v1alpha1",
                "Rollout",
                &format!(
                    "spec: {{strategy: {{canary: {{steps: [{}]}}}}, selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{name: a, image: a}}]}}}}}}",
                    "{setWeight: 101}, {pause: {}}, ".repeat(5_000)
                ),
            ),
            Graded,
        ),
        one(
            "5,000 triggers",
            object(
                "keda.sh/v1alpha1",
                "ScaledObject",
                &format!(
                    "spec: {{scaleTargetRef: {{name: a}}, triggers: [{}]}}",
                    "{type: prometheus, metadata: {serverAddress: 'http://a', query: 'sum(a', threshold: '1e999'}}, ".repeat(5_000)
                ),
            ),
            Graded,
        ),
    ]
}
