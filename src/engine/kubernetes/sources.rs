//! What is no manifest but makes some: Kustomizations and Helm charts are recognised and explained, not graded.
use crate::engine::files::Files;
use crate::engine::report::Problem;
use crate::engine::yaml::{self, Dialect, Document, Node, Position, Span, Stream, Value};

/// What only a template of a Helm chart says between its braces.
const HELM: &[&str] =
    &[".Values", ".Release", ".Chart", ".Capabilities", ".Template", "include \"", "define \"", "toYaml", "- if ", "- range ", "- end"];

/// Reads a file as Kubernetes does; a template of a chart is one problem that says what it is, rather than a string of errors.
pub fn read(path: &str, bytes: &[u8]) -> Stream {
    let mut stream = yaml::read(path, bytes, Dialect::Kubernetes);
    let text = std::str::from_utf8(bytes).unwrap_or("");
    if let Some(at) = text.find("{{").filter(|at| is_template(path, &text[*at..], &stream)) {
        stream = Stream { documents: Vec::new(), problems: vec![template(path, text, at)], notes: Vec::new() };
    }
    stream
}

/// A file in a chart's folder; anywhere else one that can't be read as YAML for its braces.
fn is_template(path: &str, braces: &str, stream: &Stream) -> bool {
    let in_chart = path.starts_with("templates/") || path.contains("/templates/");
    (in_chart || !stream.problems.is_empty()) && braces.contains("}}") && HELM.iter().any(|word| braces.contains(word))
}

fn template(path: &str, text: &str, at: usize) -> Problem {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX - 2);
    let start = Position { line: count(before.matches('\n').count() + 1), column: count(before[line_start..].chars().count() + 1), offset: at };
    let end = Position { column: start.column + 2, offset: at + 2, ..start };
    Problem::new("this is a template of a Helm chart, not a manifest: what stands between `{{` and `}}` is filled in when the chart is rendered")
        .at(Span { start, end }.place(path))
        .why("Only what reaches the cluster can be graded, and that is what Helm makes of the template and its values.")
        .fix("Render the chart with `helm template . > rendered.yaml` and hand in the result.")
}

/// What a document is if it is none for the cluster: part of a Kustomization or of a chart.
pub fn foreign(files: &Files, document: &Document) -> Option<Problem> {
    let root = &document.root;
    let (folder, name) = document.file.rsplit_once('/').map_or(("", document.file.as_str()), |(folder, name)| (folder, name));
    let text = |key: &str| root.get(key).and_then(Node::as_str);
    if !matches!(root.value, Value::Map(_)) {
        return None;
    }
    let (api, kind) = (text("apiVersion"), text("kind"));
    let beside = |file: &str| files.get(&if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }).is_some();
    let named = matches!(name, "kustomization.yaml" | "kustomization.yml");
    let kustomize = api.is_some_and(|a| a.starts_with("kustomize.config.k8s.io/"))
        || (named && api.is_none() && matches!(kind, None | Some("Kustomization" | "Component")));
    let here = if folder.is_empty() { "." } else { folder };
    let (what, fix) = if kustomize {
        let what = "this is a Kustomization: it says how manifests are put together and reaches no cluster itself";
        (what, format!("Render it with `kubectl kustomize {here} > rendered.yaml` and hand in the result."))
    } else if kind.is_none() && name == "Chart.yaml" && root.get("name").is_some() && root.get("version").is_some() {
        (
            "this is the description of a Helm chart, not a manifest",
            format!("Render the chart with `helm template {here} > rendered.yaml` and hand in the result."),
        )
    } else if kind.is_none() && api.is_none() && name.starts_with("values") && beside("Chart.yaml") {
        let what = "these are the values of a Helm chart, not a manifest: they are filled into its templates";
        (what, format!("Render the chart with `helm template {here} > rendered.yaml` and hand in the result."))
    } else {
        return None;
    };
    let start = root.entries().first().map_or(root.span, |e| e.key_span);
    Some(Problem::new(what).at(start.place(&document.file)).why("Only what reaches the cluster can be graded.").fix(fix))
}

#[cfg(test)]
mod tests {
    use super::super::Kubernetes;
    use super::super::testing::files;
    use super::*;

    /// What the files of a hand-in are taken for: the kinds of its objects, what was passed over, and what couldn't be read.
    fn taken(given: &[(&str, &str)]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let files = files(given);
        let streams: Vec<Stream> = files.iter().map(|f| read(&f.path, &f.bytes)).collect();
        let kubernetes = Kubernetes::read(&files, &streams);
        let said = |p: &Problem| format!("{}: {}", p.place.as_ref().map_or("", |p| p.file.as_str()), p.message);
        (
            kubernetes.objects().all().iter().map(|o| o.kind.to_owned()).collect(),
            kubernetes.passed_over().iter().map(said).collect(),
            streams.iter().flat_map(|s| &s.problems).map(said).collect(),
        )
    }

    #[test]
    fn kustomizations_are_passed_over_and_explained() {
        for text in
            ["resources: [pod.yaml]\n", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n", "kind: Kustomization\n"]
        {
            let (kinds, passed, broken) =
                taken(&[("base/kustomization.yaml", text), ("base/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")]);
            assert_eq!(kinds, ["Pod"], "{text}");
            assert!(passed.len() == 1 && passed[0].starts_with("base/kustomization.yaml: this is a Kustomization"), "{passed:?}");
            assert!(broken.is_empty());
        }
        // Flux has a kind of this name that does reach the cluster.
        let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n";
        assert_eq!(taken(&[("a.yaml", flux)]).0, ["Kustomization"]);
    }

    #[test]
    fn charts_are_explained_instead_of_errors_of_yaml() {
        let template =
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n  {{- if .Values.labels }}\n  labels: {}\n  {{- end }}\n";
        let (kinds, passed, broken) = taken(&[
            ("Chart.yaml", "apiVersion: v2\nname: chat\nversion: 1.0.0\n"),
            ("templates/service.yaml", template),
            ("values.yaml", "name: chat\n"),
        ]);
        assert!(kinds.is_empty());
        assert!(
            passed.iter().any(|p| p.starts_with("Chart.yaml: this is the description"))
                && passed.iter().any(|p| p.starts_with("values.yaml: these are the values")),
            "{passed:?}"
        );
        assert!(broken.len() == 1 && broken[0].starts_with("templates/service.yaml: this is a template of a Helm chart"), "{broken:?}");
        // Braces of others stay what they are.
        let rules = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"{{ $value }}\"}\n";
        assert_eq!(taken(&[("rules.yaml", rules)]).0, ["ConfigMap"]);
    }
}
