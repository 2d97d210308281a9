//! Static files: compiled in, named by their hash, compressed when the program was built, cached for ever by browsers.
use crate::error::{Answer, Error};
use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse as _;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(rust_embed::Embed)]
#[folder = "static/"]
#[exclude = "vendor/build.sh"]
#[exclude = "vendor/package*.json"]
#[exclude = "vendor/*.src.js"]
#[exclude = "vendor/.npmrc"]
#[exclude = "vendor/SHA256SUMS"]
struct Static;

/// What `build.rs` made of them: `NAME.br` and `NAME.gz`.
#[derive(rust_embed::Embed)]
#[folder = "$OUT_DIR/static/"]
struct Compressed;

struct Asset {
    bytes: Cow<'static, [u8]>,
    kind: &'static str,
    hash: String,
    br: Option<Cow<'static, [u8]>>,
    gzip: Option<Cow<'static, [u8]>>,
}

static ASSETS: LazyLock<HashMap<String, Asset>> = LazyLock::new(|| {
    Static::iter()
        .filter_map(|name| {
            let file = Static::get(&name)?;
            let hash = file.metadata.sha256_hash()[..5].iter().map(|b| format!("{b:02x}")).collect();
            let compressed = |ending| Compressed::get(&format!("{name}.{ending}")).map(|file| file.data);
            Some((name.to_string(), Asset { kind: kind(&name), bytes: file.data, hash, br: compressed("br"), gzip: compressed("gz") }))
        })
        .collect()
});

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
    let (encoding, bytes) = match asset {
        Asset { br: Some(br), .. } if accepts.contains("br") => (Some("br"), br),
        Asset { gzip: Some(gzip), .. } if accepts.contains("gzip") => (Some("gzip"), gzip),
        _ => (None, &asset.bytes),
    };
    let body = match bytes {
        Cow::Borrowed(bytes) => axum::body::Bytes::from_static(bytes),
        Cow::Owned(bytes) => axum::body::Bytes::from(bytes.clone()),
    };
    let encoding = encoding.map(|encoding| [(header::CONTENT_ENCODING, encoding)]);
    Ok((base, encoding, body).into_response())
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
        let compressed: usize = shared.iter().map(|name| ASSETS[*name].br.as_ref().unwrap().len()).sum();
        let whole: usize = fonts.iter().map(|name| ASSETS[*name].bytes.len()).sum();
        assert!(compressed + whole < 85_000, "{compressed} bytes compressed and {whole} of fonts");
    }
}
