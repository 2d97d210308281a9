//! A mapping while it is read: which key came from where, so that duplicates are found in one step each.
use super::{Entry, Span};
use std::collections::HashMap;

#[derive(Debug, Default)]
pub struct Mapping {
    entries: Vec<Entry>,
    /// Where a key's entry is, and whether it was written here rather than merged in.
    known: HashMap<String, (usize, bool)>,
}

impl Mapping {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts in an entry that is written here. If its key already was, gives back where.
    pub fn put(&mut self, entry: Entry) -> Option<Span> {
        match self.known.get_mut(&entry.key) {
            Some((at, true)) => self.entries.get(*at).map(|e| e.key_span),
            Some((at, written)) => {
                *written = true;
                if let Some(place) = self.entries.get_mut(*at) {
                    *place = entry;
                }
                None
            }
            None => {
                self.known.insert(entry.key.clone(), (self.entries.len(), true));
                self.entries.push(entry);
                None
            }
        }
    }

    /// Puts in a merged entry; `wins` says whether over one that is there. Gives back the key written here that lost.
    pub fn merge(&mut self, entry: Entry, wins: bool) -> Option<(String, Span)> {
        let Some((at, written)) = self.known.get(&entry.key).copied() else {
            self.known.insert(entry.key.clone(), (self.entries.len(), false));
            self.entries.push(entry);
            return None;
        };
        let place = self.entries.get_mut(at).filter(|_| wins)?;
        let lost = std::mem::replace(place, entry);
        written.then_some((lost.key, lost.key_span))
    }

    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}
