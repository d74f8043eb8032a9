//! The watch page of a title, and the files of the player in the browser, which are compiled in.
//!
//! `/watch/TITLE` names the files below `/_player/DIGEST/`, where they never change. Below `/_player/`
//! itself they are those of this release, for pages of other sites.

use super::origin::Origin;
use super::page::NO_CACHE;
use crate::manifest::check_title_name;
use crate::origin::error::{OriginError, Result};
use crate::origin::http::{Reply, accepted_coding, headers};
use crate::origin::titles::{Coding, ENTRY, Object};
use crate::segment::hex;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, RANGE};
use axum::response::Response;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::sync::LazyLock;

const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

macro_rules! file {
    ($name:literal, $kind:expr, $path:literal) => {
        (
            $name,
            $kind,
            include_bytes!(concat!("../../../static/", $path)).as_slice(),
        )
    };
    ($name:literal, $kind:expr) => {
        (
            $name,
            $kind,
            include_bytes!(concat!("../../../static/player/", $name)).as_slice(),
        )
    };
}

/// Names, media types and contents.
#[rustfmt::skip] // A table.
const FILES: &[(&str, &str, &[u8])] = &[
    file!("abi.js", JS),
    file!("adapter.js", JS),
    file!("boxes.js", JS),
    file!("bytes.js", JS),
    file!("carrier.js", JS),
    file!("choices.js", JS),
    file!("clock.js", JS),
    file!("compare.js", JS),
    file!("controls.js", JS),
    file!("download.js", JS),
    file!("engine.js", JS),
    file!("fragments.js", JS),
    file!("frames.js", JS),
    file!("generator.js", JS),
    file!("keys.js", JS),
    file!("link.js", JS),
    file!("live.js", JS),
    file!("markup.js", JS),
    file!("original.js", JS),
    file!("pace.js", JS),
    file!("patience.js", JS),
    file!("previews.js", JS),
    file!("overlay.js", JS),
    file!("pool.js", JS),
    file!("promptus-player.js", JS),
    file!("samples.js", JS),
    file!("session.js", JS),
    file!("sources.js", JS),
    file!("style.js", JS),
    file!("timing.js", JS),
    file!("transfer.js", JS),
    file!("watch.js", JS),
    file!("workers.js", JS),
    file!("watch.css", CSS),
    file!("icon.svg", "image/svg+xml", "page/icon.svg"),
    file!("uplot.min.css", CSS, "report/uplot.min.css"),
    file!("uplot.min.js", JS, "report/uplot.min.js"),
    file!("uplot.LICENSE", "text/plain; charset=utf-8", "report/uplot.LICENSE"),
    file!("trace.csv", "text/csv; charset=utf-8", "demo/trace.csv"),
];

/// The watch page; what it names is in the table.
const PAGE: &str = include_str!("../../../static/player/watch.html");

/// The module that `tools/web/build.sh` makes, in brotli.
const MODULE: &[u8] = include_bytes!("../../../static/player/promptus.wasm.br");

/// As the catalogue's, and WebAssembly in workers. A worker follows the policy of its own script, so
/// all files have it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
     style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'self'",
);

/// The folder in which the files never change: a digest of them all.
static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for (name, _, content) in FILES {
        digest.update(format!("{name} {}\n", content.len()));
        digest.update(content);
    }
    digest.update(PAGE);
    digest.update(MODULE);
    hex(&digest.finalize()[..8])
});

/// The module unpacked, and in brotli.
static MODULES: LazyLock<Option<[Object; 2]>> = LazyLock::new(|| {
    let mut bytes = Vec::new();
    brotli::BrotliDecompress(&mut &*MODULE, &mut bytes).ok()?;
    let plain = Object::new(Bytes::from(bytes), "application/wasm");
    let coded = plain.encoded(Coding::Brotli, Bytes::from_static(MODULE));
    Some([plain, coded])
});

/// Names of a title's original in its folder: a recipe with its photographs, or a video that browsers play.
const ORIGINALS: [&str; 2] = ["recipe.json", "original.mp4"];

/// The watch page; `original` is the name of the title's original, empty if there is none.
fn page(original: &str) -> Object {
    let text = PAGE
        .replace("../_player/", &format!("../_player/{}/", *DIGEST))
        .replace(
            "name=\"original\" content=\"\"",
            &format!("name=\"original\" content=\"{original}\""),
        );
    Object::new(Bytes::from(text), "text/html; charset=utf-8")
}

/// `/watch/TITLE`. Names the title's original, if its folder has one.
pub(super) async fn watch(
    State(origin): State<Origin>,
    Path(title): Path<String>,
    request: Request,
) -> Result<Response> {
    if check_title_name(OsStr::new(&title)).is_err() {
        return Err(OriginError::not_found(request.uri().path()));
    }
    let titles = &origin.shared.titles;
    titles.file(&format!("{title}/{ENTRY}"), false).await?;
    let mut original = "";
    for name in ORIGINALS {
        if titles.file(&format!("{title}/{name}"), false).await.is_ok() {
            original = name;
            break;
        }
    }
    send(&origin, request, page(original), false).await
}

/// `/_player/NAME`.
pub(super) async fn file(
    State(origin): State<Origin>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response> {
    let object = object(&name, request.headers()).await?;
    send(&origin, request, object, false).await
}

/// `/_player/DIGEST/NAME`.
pub(super) async fn immutable_file(
    State(origin): State<Origin>,
    Path((digest, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    if digest != *DIGEST {
        return Err(OriginError::not_found(request.uri().path()));
    }
    let object = object(&name, request.headers()).await?;
    send(&origin, request, object, true).await
}

async fn object(name: &str, headers: &HeaderMap) -> Result<Object> {
    if name == "promptus.wasm" {
        return module(headers).await;
    }
    let found = FILES.iter().find(|(known, ..)| *known == name);
    let (_, kind, content) = found.ok_or_else(|| OriginError::not_found(name))?;
    Ok(Object::new(Bytes::from_static(content), kind))
}

/// The module as the client takes it: ranges are of the unpacked bytes.
async fn module(headers: &HeaderMap) -> Result<Object> {
    let brotli = accepted_coding(headers) == Some(Coding::Brotli) && !headers.contains_key(RANGE);
    // Unpacking takes some 30 ms, once.
    let modules = tokio::task::spawn_blocking(|| MODULES.as_ref()).await;
    let [plain, coded] = modules
        .ok()
        .flatten()
        .ok_or_else(|| OriginError::damaged("promptus.wasm", "it is not brotli".to_owned()))?;
    Ok(if brotli { coded } else { plain }.clone())
}

async fn send(
    origin: &Origin,
    request: Request,
    object: Object,
    immutable: bool,
) -> Result<Response> {
    let (request, _) = request.into_parts();
    let reply = Reply {
        titles: &origin.shared.titles,
        method: &request.method,
        headers: &request.headers,
        object,
        cache_control: match immutable {
            true => &headers::IMMUTABLE,
            false => &NO_CACHE,
        },
        immutable,
    };
    let mut response = reply.response().await?;
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}
