//! Tells cargo that folders are compiled in, and compresses the static files for `web/assets`: slowly, once, here.
fn main() -> std::io::Result<()> {
    for folder in ["labs", "migrations", "static"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    #[cfg(feature = "server")]
    compressed::all()?;
    Ok(())
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
