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
