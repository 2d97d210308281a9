//! Hand-ins for tests.
use crate::engine::files::{File, Files};
use crate::engine::yaml::{self, Dialect, Stream};

pub fn files(parts: &[(&str, &str)]) -> Files {
    Files::new(parts.iter().map(|(path, text)| File { path: (*path).into(), bytes: text.as_bytes().to_vec() }).collect())
}

pub fn streams(files: &Files) -> Vec<Stream> {
    files.iter().map(|f| yaml::read(&f.path, &f.bytes, Dialect::Kubernetes)).collect()
}
