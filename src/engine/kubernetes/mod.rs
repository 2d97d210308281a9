//! Kubernetes hand-ins: strict schemas with places, objects joined, and the built-in rules over them.
pub mod admission;
pub mod autoscaling;
pub mod catalog;
mod costs;
mod custom;
pub mod demand;
mod doc;
mod fits;
mod forms;
pub mod objects;
pub mod quantity;
pub mod rules;
pub mod scheduling;
mod schema;
pub mod sources;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod values;
mod versions;
pub(in crate::engine) mod words;

use super::check::Where;
use super::figure::Figure;
use super::files::Files;
use super::report::Problem;
use super::yaml::{Document, Node, Stream, Value};
use catalog::Catalog;
use doc::Doc;
use objects::Objects;
use std::rc::Rc;

/// A document of a hand-in, by its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId(usize);

/// What a hand-in says to a cluster: read once, asked by every check.
pub struct Kubernetes<'a> {
    documents: Vec<&'a Document>,
    objects: Objects<'a>,
    /// Kustomizations and parts of charts, each with what it is.
    passed_over: Vec<Problem>,
    /// Kinds that the hand-in itself defines.
    own: Vec<custom::Kind>,
}

/// What a rule found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleResult {
    pub problems: Vec<Problem>,
    /// The documents that shaped the answer, so that a gate can stop it.
    pub looked_at: Vec<DocumentId>,
    /// Nothing was there to look at; `problems` then says what is missing. A check fails by it, a linter may pass over it.
    pub missing: bool,
}

/// What a check that works something out over a whole hand-in says: its admission, its placement, a replay.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub problems: Vec<Problem>,
    /// What is said when nothing is wrong.
    pub passed: String,
    /// The documents that shaped the answer, so that a gate can stop it.
    pub looked_at: Vec<DocumentId>,
    /// Nothing was there to look at; `problems` then says what is missing.
    pub missing: bool,
    pub figure: Option<Figure>,
}

impl<'a> Kubernetes<'a> {
    /// Takes the documents that could be read; `files` has the text they were read from, for the diffs of fixes.
    pub fn read(files: &'a Files, streams: impl IntoIterator<Item = &'a Stream>) -> Kubernetes<'a> {
        let mut all = Kubernetes { documents: Vec::new(), objects: Objects::default(), passed_over: Vec::new(), own: Vec::new() };
        for stream in streams {
            let Some(first) = stream.documents.first() else { continue };
            let text = files.get(&first.file).and_then(|f| std::str::from_utf8(&f.bytes).ok()).unwrap_or("");
            // The reader's places don't count a byte order mark.
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            let lines = doc::line_starts(text);
            for document in &stream.documents {
                if matches!(document.root.value, Value::Null) {
                    continue;
                }
                if let Some(problem) = sources::foreign(files, document) {
                    all.passed_over.push(problem);
                    continue;
                }
                let (id, doc) = (DocumentId(all.documents.len()), Doc::new(document, text, Rc::clone(&lines)));
                all.documents.push(document);
                all.objects.add(id, &doc, &document.root);
            }
        }
        all.own = all.objects.kind("CustomResourceDefinition").flat_map(|o| custom::defined_by(o.node)).collect();
        all
    }

    /// Every document, the empty ones left out.
    pub fn documents(&self) -> impl Iterator<Item = (DocumentId, &'a Document)> {
        self.documents.iter().enumerate().map(|(n, d)| (DocumentId(n), *d))
    }

    /// What makes manifests and is none: said where a check finds nothing, and by the linter.
    pub fn passed_over(&self) -> &[Problem] {
        &self.passed_over
    }

    pub fn document(&self, id: DocumentId) -> Option<&'a Document> {
        self.documents.get(id.0).copied()
    }

    /// The objects a check is about, `List`s unfolded: their documents and their nodes.
    pub fn matching(&self, only: Option<&Where>) -> impl Iterator<Item = (DocumentId, &'a Node)> {
        self.objects.all().iter().filter(move |o| only.is_none_or(|w| o.is(w))).map(|o| (o.id, o.node))
    }

    pub fn objects(&self) -> &Objects<'a> {
        &self.objects
    }

    /// What the API of `version` would refuse of the objects that `only` picks, document by document; an error if there are no schemas of that version.
    pub fn schema(&self, version: &str, only: Option<&Where>) -> Result<Vec<(DocumentId, Vec<Problem>)>, String> {
        let catalog = Catalog::open(version)?;
        let mut found: Vec<(DocumentId, Vec<Problem>)> = Vec::with_capacity(self.documents.len());
        for object in self.objects.all().iter().filter(|o| only.is_none_or(|w| o.is(w))) {
            let problems = schema::check(catalog, &self.own, &object.doc, object.node);
            match found.last_mut() {
                Some((id, more)) if *id == object.id => more.extend(problems),
                _ => found.push((object.id, problems)),
            }
        }
        Ok(found)
    }

    /// The same of the objects that are too many to be compared with each other.
    pub fn schema_beyond(&self, version: &str) -> Result<Vec<Problem>, String> {
        let catalog = Catalog::open(version)?;
        Ok(self.objects.beyond().iter().flat_map(|(doc, node)| schema::check(catalog, &self.own, doc, node)).collect())
    }

    /// Says that nothing is there that `only` picks, naming what is.
    pub fn missing(&self, only: Option<&Where>) -> Problem {
        rules::Subject::Any.missing(&self.objects, only)
    }

    /// The built-in rule `id` over the objects that `only` picks; `None` if there is no such rule.
    pub fn rule(&self, id: &str, only: Option<&Where>) -> Option<RuleResult> {
        rules::by_id(id).map(|rule| rules::run(rule, &self.objects, only))
    }
}
