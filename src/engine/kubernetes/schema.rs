//! Is this what the API takes: every error of a document against its strict schema, as sentences with places and fixes.
use super::catalog::{Catalog, Field};
use super::custom::Kind;
use super::doc::Doc;
use super::fits;
use super::forms;
use super::values::{self, MOST};
use super::versions;
use super::words::{self, Home};
use crate::engine::report::Problem;
use crate::engine::yaml::{Node, Span, Value};
use jsonschema::error::{TypeKind, ValidationErrorKind as Fault};

/// Forms within forms are followed so far.
const NESTED: usize = 3;

/// All that is wrong with one object (a document, or an item of a `List`), in the order of the file.
pub fn check(catalog: &Catalog, own: &[Kind], doc: &Doc<'_>, root: &Node) -> Vec<Problem> {
    let shape = match versions::identify(catalog, own, doc, root) {
        Ok(shape) => shape,
        Err(problems) => return problems,
    };
    let field = shape.field;
    let mut found = Vec::new();
    if !fits::surely(root, field) {
        let validator = match shape.validator(catalog) {
            Ok(validator) => validator,
            Err(reason) => return vec![versions::unusable(doc, root.span, "this kind", &reason)],
        };
        let json = root.to_json();
        for error in validator.iter_errors(&json).take(MOST) {
            let path: Vec<String> = error.instance_path().iter().map(|s| s.to_string()).collect();
            Explain { doc, root, path, top: field, nested: 0 }.explain(error.kind(), &error, &mut found);
        }
    }
    values::check(doc, root, field, catalog.version, &mut found);
    found.sort_by_key(|p| p.place.as_ref().map(|p| (p.line, p.column)));
    found.dedup_by(|a, b| a.place == b.place && a.message == b.message);
    found.truncate(MOST);
    found
}

/// One error on its way to a sentence.
struct Explain<'a> {
    doc: &'a Doc<'a>,
    root: &'a Node,
    path: Vec<String>,
    top: Field<'a>,
    /// How many forms within forms it is about.
    nested: usize,
}

impl Explain<'_> {
    fn explain(&self, kind: &Fault, error: &jsonschema::ValidationError<'_>, found: &mut Vec<Problem>) {
        let Some((node, key)) = self.root.at(self.path.iter().map(String::as_str)) else { return };
        let fields = self.fields();
        let field = fields.last().map(|(_, f)| *f).filter(|_| fields.len() == self.path.len() + 1);
        let name = words::field_name(&self.path, self.root);
        let problem = match kind {
            Fault::AdditionalProperties { unexpected } => {
                found.extend(unexpected.iter().take(MOST).filter_map(|wrong| self.unknown(node, wrong, &fields)).map(Problem::clipped));
                return;
            }
            Fault::Required { property } => self.missing(node, key, property.as_str().unwrap_or_default(), field, &name),
            Fault::Type { kind } => {
                let wanted: Vec<String> = match kind {
                    TypeKind::Single(t) => vec![t.to_string()],
                    TypeKind::Multiple(set) => set.iter().map(|t| t.to_string()).collect(),
                };
                let wanted: Vec<&str> = wanted.iter().map(|t| t.trim_matches('"')).filter(|t| *t != "null").collect();
                self.wrong_type(node, &name, &wanted)
            }
            Fault::Enum { options } => {
                let options: Vec<String> =
                    options.as_array().into_iter().flatten().map(|o| o.as_str().map_or_else(|| o.to_string(), str::to_string)).collect();
                let options: Vec<&str> = options.iter().map(String::as_str).collect();
                values::not_one_of(self.doc, node, &name, &options)
            }
            Fault::OneOfNotValid { .. } | Fault::AnyOf { .. } if field.is_some_and(|f| f.is("api.resource.Quantity")) => {
                self.not_a_quantity(node, &name)
            }
            Fault::OneOfNotValid { .. } | Fault::AnyOf { .. } if field.is_some_and(|f| f.is("util.intstr.IntOrString")) => {
                self.doc.problem(node.span, format!("{name} must be a whole number or a string, but {}", self.doc.describe(node)))
            }
            Fault::OneOfNotValid { context } | Fault::AnyOf { context } => {
                match forms::meant(context, self.path.len()).filter(|_| self.nested < NESTED) {
                    Some(meant) => {
                        let others = forms::names(context.iter().filter(|branch| !std::ptr::eq(*branch, meant)), &self.path);
                        let first = found.len();
                        for error in meant.iter().take(MOST) {
                            let path = error.instance_path().iter().map(|s| s.to_string()).collect();
                            Explain { path, nested: self.nested + 1, ..*self }.explain(error.kind(), error, found);
                        }
                        if let (Some(problem), false) = (found.get_mut(first), others.is_empty()) {
                            problem.message = format!("{}; {name} may also be {others}", problem.message);
                        }
                        return;
                    }
                    None => {
                        let at = if matches!(node.value, Value::Map(_)) { key.unwrap_or(node.span) } else { node.span };
                        self.doc.problem(at, forms::sentence(&name, node, context, field, &self.path))
                    }
                }
            }
            _ => self.bound(kind, node, &name).unwrap_or_else(|| self.doc.problem(node.span, format!("{name}: {}", error.masked_with("this value")))),
        };
        found.push(Problem { why: problem.why.or_else(|| field.and_then(|f| f.about())), ..problem }.clipped());
    }

    /// Bounds on numbers, lengths and spelling: custom resources have them, Kubernetes' own schemas don't.
    fn bound(&self, kind: &Fault, node: &Node, name: &str) -> Option<Problem> {
        let (must, fix) = match kind {
            Fault::Minimum { limit } => (format!("at least {limit}"), format!("Write {limit} or more.")),
            Fault::Maximum { limit } => (format!("at most {limit}"), format!("Write {limit} or less.")),
            Fault::ExclusiveMinimum { limit } => (format!("more than {limit}"), format!("Write more than {limit}.")),
            Fault::ExclusiveMaximum { limit } => (format!("less than {limit}"), format!("Write less than {limit}.")),
            Fault::MinLength { limit } => (format!("{limit} characters long at least"), "Write more.".into()),
            Fault::MaxLength { limit } => (format!("{limit} characters long at most"), "Shorten it.".into()),
            Fault::MinItems { limit } => (format!("a list of {limit} or more"), "Add items.".into()),
            Fault::MaxItems { limit } => (format!("a list of {limit} at most"), "Remove items.".into()),
            Fault::Pattern { pattern } => (format!("spelled as `{pattern}` says"), "Write it in the form that the pattern describes.".into()),
            _ => return None,
        };
        Some(self.doc.problem(node.span, format!("{name} must be {must}, but it is `{}`", self.doc.shown(node))).fix(fix))
    }

    /// The fields along the path with the keys they are under, the document's own first.
    fn fields(&self) -> Vec<(String, Field<'_>)> {
        let mut fields = vec![("the document".to_string(), self.top)];
        for step in &self.path {
            let Some(next) = fields.last().and_then(|(_, f)| f.step(step)) else { break };
            let above = fields.last().map_or("", |(n, _)| n.as_str());
            let named = if step.bytes().all(|b| b.is_ascii_digit()) { format!("{above}[{step}]") } else { step.clone() };
            fields.push((named, next));
        }
        fields
    }

    fn unknown(&self, node: &Node, wrong: &str, fields: &[(String, Field<'_>)]) -> Option<Problem> {
        let entry = node.entry(wrong)?;
        let (owner, field) = fields.last()?;
        let owner = if self.path.is_empty() { self.root.get("kind").and_then(Node::as_str).unwrap_or("document") } else { owner };
        let problem = self.doc.problem(entry.key_span, format!("`{owner}` has no field `{wrong}`"));
        if let Some(right) = words::nearest(wrong, field.properties().map(|(k, _)| k).filter(|k| node.get(k).is_none())) {
            let about = field.step(right).and_then(|f| f.about());
            let problem = Problem { message: format!("{}; did you mean `{right}`?", problem.message), why: about, ..problem };
            return Some(with_fix(problem, self.doc.replace(entry.key_span, right)));
        }
        let above: Vec<(String, Field<'_>)> = fields.iter().rev().skip(1).cloned().collect();
        let problem = match words::home(wrong, field, &above) {
            Some(Home::Above(home)) => {
                let home = if home == "the document" { "the document itself".into() } else { format!("`{home}`") };
                Problem { message: format!("{}: it belongs to {home}, further up", problem.message), ..problem }
                    .fix(format!("Move `{wrong}` and what is under it to {home}: indent it less."))
            }
            Some(Home::Below(home)) => Problem { message: format!("{}: it belongs under `{home}`", problem.message), ..problem }
                .fix(format!("Move `{wrong}` and what is under it under `{home}`: indent it more.")),
            None => {
                let fix = format!("Remove `{wrong}`. {}", known(field));
                problem.fix(fix.trim_end())
            }
        };
        Some(problem.why("The API refuses or, worse, silently drops a field it doesn't know: what you wrote would never take effect."))
    }

    fn missing(&self, node: &Node, key: Option<Span>, property: &str, field: Option<Field<'_>>, name: &str) -> Problem {
        let about = field.and_then(|f| f.step(property)).and_then(|f| f.about());
        let at = key.or_else(|| node.entries().first().map(|e| e.key_span)).unwrap_or(node.span);
        let problem = self.doc.problem(at, format!("{name} needs the field `{property}`, and it is missing"));
        let example = match field.and_then(|f| f.step(property)).and_then(|f| json_type(&f)) {
            Some("object") => format!("{property}:\n  …"),
            Some("array") => format!("{property}:\n  - …"),
            _ => format!("{property}: …"),
        };
        Problem { why: about, ..problem }.fix(self.doc.add(node, key, &example))
    }

    fn wrong_type(&self, node: &Node, name: &str, wanted: &[&str]) -> Problem {
        let names: Vec<&str> = wanted.iter().map(|w| words::type_name(w)).collect();
        let mut message = format!("{name} must be {}, but {}", names.join(" or "), self.doc.describe(node));
        let quoted = matches!(&node.value, Value::String(_)) && !node.plain;
        let (advice, fix) = match &node.value {
            Value::String(s) if quoted && fits(s.trim(), wanted) => (Some("remove the quotes"), self.doc.replace(node.span, s.trim())),
            Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_) if wanted.contains(&"string") => {
                let text = self.doc.written(node.span).map_or_else(|| node.to_json().to_string(), str::to_string);
                (Some("put it in quotes"), self.doc.replace(node.span, &format!("\"{text}\"")))
            }
            Value::String(_) | Value::Int(_) if wanted.contains(&"array") => {
                let item = self.doc.written(node.span).map(|w| if w.starts_with(['"', '\'']) { w.to_string() } else { format!("\"{w}\"") });
                (None, item.and_then(|i| self.doc.replace(node.span, &format!("[{i}]"))))
            }
            Value::Map(entries) if wanted.contains(&"array") => {
                let fix = entries.first().and_then(|e| {
                    let line = self.doc.line(e.key_span.start.line);
                    let indent = line.len() - line.trim_start().len();
                    (indent > 0).then(|| format!("-{line}\n+{:indent$}- {}", "", line.trim_start()))
                });
                (Some("begin each item with `- `"), fix)
            }
            Value::Seq(_) if wanted.contains(&"object") => (Some("leave out the `- `"), None),
            Value::Null => (Some("write a value, or leave the key out"), None),
            _ => (None, None),
        };
        if let Some(advice) = advice {
            message = format!("{message}: {advice}");
        }
        let example = match wanted.first() {
            Some(&"integer") => "Write a whole number without quotes.",
            Some(&"boolean") => "Write `true` or `false` without quotes.",
            Some(&"array") => "Write a list: one line `- …` for each item.",
            Some(&"object") => "Write a mapping: `key: value` lines, indented below the key.",
            _ => "Write a string.",
        };
        self.doc.problem(node.span, message).fix(fix.unwrap_or_else(|| example.into()))
    }

    fn not_a_quantity(&self, node: &Node, name: &str) -> Problem {
        let example = words::example_quantity(self.path.last().map_or("", String::as_str));
        let message = format!("{name} must be a quantity such as `{example}`, but {}", self.doc.describe(node));
        let fix = if matches!(node.value, Value::Map(_) | Value::Seq(_)) { None } else { self.doc.replace(node.span, example) };
        self.doc.problem(node.span, message).why(values::QUANTITY).fix(fix.unwrap_or_else(|| format!("Write a quantity such as `{example}`.")))
    }
}

fn with_fix(problem: Problem, fix: Option<String>) -> Problem {
    Problem { fix, ..problem }
}

/// Whether text without its quotes would be read as one of these types.
fn fits(text: &str, wanted: &[&str]) -> bool {
    wanted.iter().any(|w| match *w {
        "integer" => text.parse::<i64>().is_ok(),
        "number" => text.parse::<f64>().is_ok_and(f64::is_finite),
        "boolean" => text == "true" || text == "false",
        _ => false,
    })
}

fn json_type<'a>(field: &Field<'a>) -> Option<&'a str> {
    match &field.schema["type"] {
        serde_json::Value::String(s) => Some(s),
        serde_json::Value::Array(types) => types.iter().filter_map(|t| t.as_str()).find(|t| *t != "null"),
        _ => None,
    }
}

/// The fields there are, when they are few enough to read.
fn known(field: &Field<'_>) -> String {
    let names: Vec<&str> = field.properties().map(|(k, _)| k).collect();
    if names.is_empty() || names.len() > 12 {
        return String::new();
    }
    format!("Known here: {}.", words::either(names).replace(" or ", ", "))
}
