//! Static files: compiled in, named by their hash, compressed once and cached for ever by browsers.
use crate::error::{Answer, Error};
use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse as _;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, LazyLock, OnceLock};

#[derive(rust_embed::Embed)]
#[folder = "static/"]
#[exclude = "vendor/build.sh"]
#[exclude = "vendor/package*.json"]
#[exclude = "vendor/*.src.js"]
#[exclude = "vendor/.npmrc"]
#[exclude = "vendor/SHA256SUMS"]
struct Static;

struct Asset {
    bytes: std::borrow::Cow<'static, [u8]>,
    kind: &'static str,
    hash: String,
    br: OnceLock<Arc<[u8]>>,
    gzip: OnceLock<Arc<[u8]>>,
}

static ASSETS: LazyLock<HashMap<String, Asset>> = LazyLock::new(|| {
    Static::iter()
        .filter_map(|name| {
            let file = Static::get(&name)?;
            let hash = file.metadata.sha256_hash()[..5].iter().map(|b| format!("{b:02x}")).collect();
            Some((name.to_string(), Asset { kind: kind(&name), bytes: file.data, hash, br: OnceLock::new(), gzip: OnceLock::new() }))
        })
        .collect()
});

type Compress = fn(&[u8]) -> std::io::Result<Vec<u8>>;

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}

/// The address of `static/{name}`: `/static/HASH/name`. A name that doesn't exist gets an address that answers 404.
pub fn url(name: &str) -> String {
    match ASSETS.get(name) {
        Some(asset) => format!("/static/{}/{name}", asset.hash),
        None => format!("/static/missing/{name}"),
    }
}

/// GET /static/{hash}/{name}
pub async fn show(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Answer {
    let asset = ASSETS.get(&name).ok_or(Error::NotFound)?;
    // The style sheet names its fonts relative to itself, so they are asked for under its hash; a new font gets a new name.
    let cache = if hash == asset.hash || asset.kind == "font/woff2" { "public, max-age=31536000, immutable" } else { "no-cache" };
    let base = [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, cache), (header::VARY, "accept-encoding")];
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|h| h.to_str().ok()).unwrap_or("");
    let small = asset.bytes.len() < 512 || asset.kind.starts_with("image/png") || asset.kind.starts_with("font/");
    if small {
        return Ok((base, asset.bytes.to_vec()).into_response());
    }
    let (encoding, cell, compress): (_, _, Compress) = if accepts.contains("br") {
        ("br", &asset.br, brotli_of)
    } else if accepts.contains("gzip") {
        ("gzip", &asset.gzip, gzip_of)
    } else {
        return Ok((base, asset.bytes.to_vec()).into_response());
    };
    let body = match cell.get() {
        Some(done) => done.clone(),
        None => {
            let made: Arc<[u8]> = tokio::task::spawn_blocking(move || compress(&asset.bytes)).await??.into();
            cell.get_or_init(|| made).clone()
        }
    };
    Ok((base, [(header::CONTENT_ENCODING, encoding)], axum::body::Bytes::from_owner(body)).into_response())
}

fn brotli_of(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() })?;
    Ok(out)
}

fn gzip_of(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest as _;
    use std::fs;
    use std::path::{Path as File, PathBuf};

    fn repository() -> &'static File {
        File::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn files_under(folder: &File, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_under(&path, ending, found);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }

    #[test]
    fn vendored_files_are_the_ones_that_were_built() {
        let vendor = repository().join("static/vendor");
        let sums = fs::read_to_string(vendor.join("SHA256SUMS")).unwrap();
        assert!(sums.lines().count() >= 5);
        for line in sums.lines() {
            let (sum, name) = line.split_once("  ").unwrap();
            let found: String = sha2::Sha256::digest(fs::read(vendor.join(name)).unwrap()).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(found, sum, "static/vendor/{name} changed: run static/vendor/build.sh");
        }
    }

    #[test]
    fn templates_hold_nothing_the_content_policy_forbids() {
        let mut templates = Vec::new();
        files_under(&repository().join("templates"), ".html", &mut templates);
        assert!(templates.len() > 3);
        let forbidden = regex::Regex::new(r#"\s(style|on[a-z]+|hx-on[:a-z-]*)\s*=\s*["']|<script>|<style|javascript:"#).unwrap();
        for path in templates {
            // A style element with the response's own nonce is what the policy allows.
            let text = fs::read_to_string(&path).unwrap().replace(r#"<style nonce="{{ site.nonce }}">"#, "");
            if let Some(found) = forbidden.find(&text) {
                let line = text[..found.start()].lines().count();
                panic!("{}:{line}: {:?} is not allowed by the content policy", path.display(), found.as_str());
            }
        }
    }

    /// The budget is 100 kB a page with its assets; what every page shares must leave room for the page.
    #[test]
    fn what_every_page_loads_is_small() {
        let shared = ["site.css", "site.js", "favicon.svg", "vendor/htmx.js", "vendor/htmx-sse.js"];
        let fonts = ["fonts/atkinson-hyperlegible-next.woff2", "fonts/plex-mono.woff2"];
        let compressed: usize = shared.iter().map(|name| brotli_of(&ASSETS[*name].bytes).unwrap().len()).sum();
        let whole: usize = fonts.iter().map(|name| ASSETS[*name].bytes.len()).sum();
        assert!(compressed + whole < 85_000, "{compressed} bytes compressed and {whole} of fonts");
    }
}
