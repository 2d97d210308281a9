//! Tells cargo that folders are compiled in, unpacks the schemas of Kubernetes for `engine/kubernetes/catalog`, and compresses
//! the static files for `web/assets`: slowly, once, here.
fn main() -> std::io::Result<()> {
    for folder in ["labs", "migrations", "static", "src/engine/data"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    schemas::all()?;
    #[cfg(feature = "server")]
    compressed::all()?;
    Ok(())
}

/// Schemas are embedded as text with an index: a program that starts for one manifest unpacks nothing and reads a few of them.
mod schemas {
    use serde_json::{Map, Value};
    use std::fmt::Write as _;
    use std::io::{Error, Result};
    use std::path::PathBuf;
    use std::{env, fs};

    /// Writes `NAME.txt`, the schemas one after the other, and `NAME.rs`, their index, for every file of schemas.
    pub fn all() -> Result<()> {
        for version in ["1.35", "1.36", "1.37"] {
            let name = format!("kubernetes-{version}");
            let mut file = read(&name)?;
            let definitions = file.get_mut("$defs").and_then(Value::as_object_mut).map(std::mem::take).unwrap_or_default();
            write(&name, definitions.iter().map(|(name, schema)| (name.as_str(), described(schema).unwrap_or_default(), schema)))?;
        }
        let file = read("custom-resources")?;
        let split = |name: &str| name.split_once(' ').map(|(api, kind)| (api.to_owned(), kind.to_owned())).unwrap_or_default();
        write("custom-resources", file.iter().map(|(name, schema)| (name.as_str(), split(name), schema)))
    }

    fn read(name: &str) -> Result<Map<String, Value>> {
        let file = fs::File::open(format!("src/engine/data/{name}.json.gz"))?;
        Ok(serde_json::from_reader(flate2::read::GzDecoder::new(file))?)
    }

    /// The `apiVersion` and `kind` that a definition is about.
    /// Several groups at once mean a helper of every group, like DeleteOptions: nothing one hands in.
    fn described(schema: &Value) -> Option<(String, String)> {
        let [one] = schema["x-kubernetes-group-version-kind"].as_array()?.as_slice() else { return None };
        let text = |key: &str| one[key].as_str().unwrap_or("");
        let api = if text("group").is_empty() { text("version").to_owned() } else { format!("{}/{}", text("group"), text("version")) };
        Some((api, text("kind").to_owned()))
    }

    fn write<'a>(name: &str, schemas: impl Iterator<Item = (&'a str, (String, String), &'a Value)>) -> Result<()> {
        let (mut text, mut index) = (String::new(), String::from("&["));
        for (name, (api, kind), schema) in schemas {
            let start = text.len();
            text += &schema.to_string();
            writeln!(index, "({name:?}, {api:?}, {kind:?}, {start}, {}),", text.len()).map_err(Error::other)?;
        }
        let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| Error::other("cargo sets OUT_DIR"))?);
        fs::write(out.join(format!("{name}.txt")), text)?;
        fs::write(out.join(format!("{name}.rs")), index + "]")
    }
}

#[cfg(feature = "server")]
mod compressed {
    use std::io::{Error, Result, Write as _};
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    /// Writes `OUT_DIR/static/NAME.br` and `.gz` for every text of `static/` that is served.
    pub fn all() -> Result<()> {
        let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| Error::other("cargo sets OUT_DIR"))?).join("static");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        folder(Path::new("static"), &out)
    }

    fn folder(from: &Path, to: &Path) -> Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() {
                folder(&path, &to.join(name))?;
                continue;
            }
            let name = name.to_string_lossy();
            if [".css", ".js", ".svg"].iter().any(|ending| name.ends_with(ending)) && !name.ends_with(".src.js") {
                let bytes = fs::read(&path)?;
                fs::write(to.join(format!("{name}.br")), brotli_of(&bytes)?)?;
                fs::write(to.join(format!("{name}.gz")), gzip_of(&bytes)?)?;
            }
        }
        Ok(())
    }

    fn brotli_of(bytes: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        brotli::BrotliCompress(&mut &bytes[..], &mut out, &brotli::enc::BrotliEncoderParams::default())?;
        Ok(out)
    }

    fn gzip_of(bytes: &[u8]) -> Result<Vec<u8>> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes)?;
        encoder.finish()
    }
}
