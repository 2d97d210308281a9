//! The files of a hand-in, as given: names and bytes, nothing read yet.
use serde::{Deserialize, Serialize};

/// One file. `path` is relative, with `/`, and was checked by whoever took the file in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub path: String,
    #[serde(with = "text_or_bytes")]
    pub bytes: Vec<u8>,
}

/// Text travels to the child as text: as numbers it would be four times as long.
pub mod text_or_bytes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.serialize(to),
            Err(_) => bytes.serialize(to),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        Ok(match Either::deserialize(from)? {
            Either::Text(text) => text.into_bytes(),
            Either::Bytes(bytes) => bytes,
        })
    }
}

/// The files of one hand-in, sorted by path so that the same files give the same report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files(Vec<File>);

impl Files {
    pub fn new(mut files: Vec<File>) -> Files {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Files(files)
    }

    pub fn iter(&self) -> impl Iterator<Item = &File> {
        self.0.iter()
    }

    pub fn get(&self, path: &str) -> Option<&File> {
        let at = self.0.partition_point(|f| f.path.as_str() < path);
        self.0.get(at).filter(|f| f.path == path)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}
