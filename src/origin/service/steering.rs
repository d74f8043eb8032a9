//! `/steering.json`: the pathways in the order that a session should try them in, one format for
//! HLS (RFC 8216bis §7.1) and DASH (ETSI TS 103 998).

use super::origin::Origin;
use crate::origin::error::{OriginError, Result};
use crate::origin::http::headers::NO_STORE;
use crate::origin::steering::{HERE, Pathway};
use crate::origin::telemetry::cmcd::Cmcd;
use crate::segment::hex;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;

/// The client's address; in a request's extensions where there is steering.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// `/steering.json`: for the session of CMCD, for that of an earlier response, or else for the
/// client's address.
pub(super) async fn steer(State(origin): State<Origin>, request: Request) -> Result<Response> {
    let live = origin.live();
    let steering = live.settings.steering.as_ref();
    let steering = steering.ok_or_else(|| OriginError::not_found("steering.json"))?;
    let session = session(&request);
    let order = steering.order(&session);
    let priority: Vec<&str> = order.iter().map(|pathway| pathway.id.as_str()).collect();
    // Pathways that the manifest does not list: the same with another host (RFC 8216bis §7.2).
    let clone = |Pathway { id, host, .. }: &Pathway| {
        let host = host.as_deref()?;
        Some(json!({ "BASE-ID": HERE, "ID": id, "URI-REPLACEMENT": { "HOST": host } }))
    };
    let clones: Vec<_> = steering.pathway.iter().filter_map(clone).collect();
    let answer = json!({
        "VERSION": 1,
        "TTL": steering.ttl_s,
        "RELOAD-URI": format!("steering.json?session={session}"),
        "PATHWAY-PRIORITY": priority,
        "PATHWAY-CLONES": clones,
    });
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(answer)).into_response())
}

/// A short name of the session, valid in a URL.
fn session(request: &Request) -> String {
    let query = request.uri().query();
    let mut parts = query.unwrap_or("").split('&');
    let given = parts.find_map(|part| part.strip_prefix("session="));
    let plain = |name: &&str| name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(given) = given.filter(plain) {
        return given.to_owned();
    }
    let cmcd = Cmcd::of(query, request.headers());
    let name = match (cmcd.text("sid"), request.extensions().get()) {
        (Some(sid), _) => sid.to_owned(),
        (None, Some(Peer(address))) => address.ip().to_string(),
        (None, None) => String::new(),
    };
    hex(&Sha256::digest(name)[..8])
}
