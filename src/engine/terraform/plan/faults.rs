//! Faults that are built into a copy of a hand-in, for the hand-in's own tests to notice.
use super::super::source::Source;
use super::super::{Terraform, intake};
use crate::engine::report::Place;
use hcl_edit::Span as _;
use hcl_edit::structure::{Block, Body, Structure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// One thing to break, named by what it is and not by what the student called it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fault {
    /// A block's kind and the labels it begins with: `resource aws_eks_node_group`, `variable max_size`.
    pub block: Vec<String>,
    /// Names of nested blocks down to an attribute or a block: `scaling_config`, `min_size`.
    pub path: Vec<String>,
    pub change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is taken out.
    Drop,
    /// It gets this expression, whether it was there or not.
    Set(String),
}

/// A hand-in with a fault in it.
pub struct Seeded {
    /// The files that changed, by their paths.
    pub texts: BTreeMap<String, String>,
    /// The first place that was changed.
    pub place: Option<Place>,
}

impl Fault {
    /// `validation` in `variable max_size`.
    pub fn what(&self) -> String {
        format!("`{}` of `{}`", self.path.join("."), self.block.join(" "))
    }

    /// Builds it into every block that it names; nothing if there is none, or none that has what it changes.
    pub fn seed(&self, terraform: &Terraform) -> Option<Seeded> {
        let mut seeded = Seeded { texts: BTreeMap::new(), place: None };
        for source in terraform.sources.iter().filter(|s| intake::is_configuration(&s.path)) {
            let mut edits: Vec<(Range<usize>, String)> = Vec::new();
            for block in source.body.blocks().filter(|b| self.names(b)) {
                self.edit(block, &self.path, source, &mut edits);
            }
            edits.sort_by_key(|(span, _)| span.start);
            let Some((first, _)) = edits.first() else { continue };
            if seeded.place.is_none() {
                seeded.place = Some(source.place(first));
            }
            let mut text = source.text.clone();
            for (span, with) in edits.iter().rev().filter(|(span, _)| source.text.get(span.clone()).is_some()) {
                text.replace_range(span.clone(), with);
            }
            seeded.texts.insert(source.path.clone(), text);
        }
        (!seeded.texts.is_empty()).then_some(seeded)
    }

    fn names(&self, block: &Block) -> bool {
        let Some((kind, labels)) = self.block.split_first() else { return false };
        block.ident.as_str() == kind
            && block.labels.len() >= labels.len()
            && block.labels.iter().zip(labels).all(|(has, wants)| has.as_str() == wants)
    }

    fn edit(&self, block: &Block, path: &[String], source: &Source, edits: &mut Vec<(Range<usize>, String)>) {
        let Some((name, rest)) = path.split_first() else { return };
        if !rest.is_empty() {
            nested(&block.body, name).for_each(|inner| self.edit(inner, rest, source, edits));
            return;
        }
        match &self.change {
            Change::Drop => {
                let spans = block.body.iter().filter(|s| is_called(s, name)).filter_map(Structure::span);
                edits.extend(spans.map(|span| (span.clone(), blank(source.slice(&span)))));
            }
            Change::Set(expression) => match block.body.get_attribute(name) {
                Some(attribute) => edits.extend(attribute.value.span().map(|span| (span, expression.clone()))),
                None => {
                    let end = block.span().map(|span| span.end.saturating_sub(1));
                    edits.extend(end.map(|end| (end..end, format!("\n{name} = {expression}\n"))));
                }
            },
        }
    }
}

/// Blocks of a name, written out or made by `dynamic`.
fn nested<'a>(body: &'a Body, name: &'a str) -> impl Iterator<Item = &'a Block> {
    let content = |b: &'a Block| b.body.blocks().find(|c| c.ident.as_str() == "content");
    body.blocks().filter_map(move |b| if b.ident.as_str() == name { Some(b) } else { is_dynamic(b, name).then(|| content(b)).flatten() })
}

fn is_dynamic(block: &Block, name: &str) -> bool {
    block.ident.as_str() == "dynamic" && block.labels.first().is_some_and(|l| l.as_str() == name)
}

fn is_called(structure: &Structure, name: &str) -> bool {
    match structure {
        Structure::Attribute(attribute) => attribute.key.as_str() == name,
        Structure::Block(block) => block.ident.as_str() == name || is_dynamic(block, name),
    }
}

/// The line breaks of a text: what stands below it keeps its line.
fn blank(text: &str) -> String {
    text.chars().filter(|c| *c == '\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{File, Files};

    const POOL: &str = "variable \"max\" {\n  default = 4\n  validation {\n    condition = true\n  }\n}\n\nresource \"aws_eks_node_group\" \"any\" {\n  scaling_config {\n    min_size = 0\n  }\n\n  dynamic \"taint\" {\n    for_each = [1]\n    content {\n      key = \"a\"\n    }\n  }\n}\n";

    fn seeded(block: &str, path: &str, change: Change) -> Option<(String, u32)> {
        let words = |text: &str, by: char| text.split(by).map(str::to_owned).collect();
        let files = Files::new(vec![File { path: "main.tf".into(), bytes: POOL.as_bytes().to_vec() }]);
        let fault = Fault { block: words(block, ' '), path: words(path, '.'), change };
        let seeded = fault.seed(&Terraform::read(&files))?;
        Some((seeded.texts["main.tf"].clone(), seeded.place.unwrap().line))
    }

    #[test]
    fn what_is_taken_out_leaves_its_lines() {
        let (text, line) = seeded("variable max", "validation", Change::Drop).unwrap();
        assert_eq!((text, line), (POOL.replace("validation {\n    condition = true\n  }", "\n\n"), 3));
        let (text, line) = seeded("resource aws_eks_node_group", "taint", Change::Drop).unwrap();
        assert!(!text.contains("taint") && text.lines().count() == POOL.lines().count() && line == 13, "{text}");
    }

    #[test]
    fn what_is_set_replaces_what_was_there_or_is_added() {
        let set = |to: &str| Change::Set(to.to_owned());
        let (text, _) = seeded("resource aws_eks_node_group", "scaling_config.min_size", set("2")).unwrap();
        assert_eq!(text, POOL.replace("min_size = 0", "min_size = 2"));
        let (text, _) = seeded("resource aws_eks_node_group", "taint.key", set("\"b\"")).unwrap();
        assert_eq!(text, POOL.replace("key = \"a\"", "key = \"b\""));
        let (text, _) = seeded("variable max", "type", set("string")).unwrap();
        assert!(text.contains("  }\n\ntype = string\n}"), "{text}");
    }

    #[test]
    fn what_is_not_there_can_not_be_broken() {
        assert_eq!(seeded("resource aws_instance", "ami", Change::Drop), None);
        assert_eq!(seeded("variable max", "nullable", Change::Drop), None);
    }
}
