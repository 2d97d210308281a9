//! Examples of rules: the lines that matter, and the whole manifest around them.

/// Lines of YAML that pass or fail a rule.
pub enum Example {
    /// Whole documents.
    Whole(&'static str),
    /// Fields of a pod's `spec`, beside `containers`, and a container.
    Pod(&'static str),
    /// Fields of a container.
    Container(&'static str),
}

impl Example {
    /// The lines that matter, to be read.
    pub fn lines(&self) -> &'static str {
        match self {
            Example::Whole(text) | Example::Pod(text) | Example::Container(text) => text.trim(),
        }
    }

    /// A manifest that can be graded: a Deployment around the lines that matter.
    pub fn manifest(&self) -> String {
        match self {
            Example::Whole(text) => format!("{}\n", text.trim()),
            Example::Pod(text) => format!("{DEPLOYMENT}{}{}", indented(text.trim(), 6), container("")),
            Example::Container(text) => format!("{DEPLOYMENT}{}", container(text.trim())),
        }
    }
}

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: chat
spec:
  replicas: 2
  selector:
    matchLabels:
      app: chat
  template:
    metadata:
      labels:
        app: chat
    spec:
";

fn container(lines: &str) -> String {
    let image = if lines.lines().any(|l| l.starts_with("image:")) { "" } else { "          image: ghcr.io/acme/chat:1.4.2\n" };
    format!("      containers:\n        - name: server\n{image}{}", indented(lines, 10))
}

fn indented(lines: &str, by: usize) -> String {
    lines.lines().map(|l| format!("{:by$}{l}\n", "")).collect()
}
