//! An MCP server that wants a sign-in and its authorization server, in one, with a rule to break at will.

#![allow(dead_code, clippy::unwrap_used)] // Each binary of tests uses its part.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

/// What a site does, right unless it is told otherwise.
#[derive(Clone)]
pub struct Rules {
    /// Whether the resource has metadata of its own (not before 2025-06-18).
    pub resource_metadata: bool,
    /// Whether the challenge points to it.
    pub pointer: bool,
    /// Where the resource's metadata point; the site itself when absent.
    pub points_to: Option<String>,
    /// Whether the authorization server has metadata.
    pub metadata: bool,
    /// Fields laid over the authorization server's metadata; null takes one out.
    pub over: Value,
    /// `iss` in the answer: as it is, left out, or another.
    pub iss: Option<Option<String>>,
    /// Another `state` in the answer.
    pub state: Option<String>,
    /// The answer is this error.
    pub error: Option<String>,
    /// Registered clients get a secret, and need it.
    pub secret: bool,
    /// How long each token lasts, the last one for ever on.
    pub lasts: Vec<u64>,
    /// Rights that the server wants one call after the other; the last one for ever on.
    pub needs: Vec<String>,
    /// Never grants a right.
    pub grants_nothing: bool,
    /// The token endpoint redirects there.
    pub redirects: Option<String>,
    /// The identity token that it vouches for.
    pub vouches_for: Option<String>,
    /// Only this client may get tokens by itself.
    pub machine: Option<(String, String)>,
    /// A renewal is answered only with a permit of this; the spent refresh token is spent before.
    pub gate: Option<Arc<Semaphore>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            resource_metadata: true,
            pointer: true,
            points_to: None,
            metadata: true,
            over: json!({}),
            iss: None,
            state: None,
            error: None,
            secret: false,
            lasts: vec![3600],
            needs: vec!["read".to_owned()],
            grants_nothing: false,
            redirects: None,
            vouches_for: None,
            machine: None,
            gate: None,
        }
    }
}

/// A request that the site has seen.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub authorization: Option<String>,
    pub fields: HashMap<String, String>,
    pub body: Value,
}

#[derive(Default)]
struct Books {
    seen: Vec<Seen>,
    clients: HashMap<String, Option<String>>,
    codes: HashMap<String, HashMap<String, String>>,
    tokens: HashMap<String, HashSet<String>>,
    refresh: HashMap<String, String>,
    spent: HashSet<String>,
    reused: usize,
    issued: usize,
    calls: usize,
}

/// A running site.
#[derive(Clone)]
pub struct Site {
    pub base: String,
    rules: Arc<Mutex<Rules>>,
    books: Arc<Mutex<Books>>,
}

type Fields = HashMap<String, String>;

impl Site {
    pub async fn start(rules: Rules) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let site = Self {
            base: format!("http://{address}"),
            rules: Arc::new(Mutex::new(rules)),
            books: Arc::default(),
        };
        let app = Router::new()
            .route("/mcp", post(mcp))
            .route("/.well-known/oauth-protected-resource/mcp", get(resource))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/authorize", get(authorize))
            .route("/register", post(register))
            .route("/token", post(token))
            .fallback(elsewhere)
            .with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        site
    }

    pub fn url(&self) -> String {
        format!("{}/mcp", self.base)
    }

    pub fn change(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.rules.lock().unwrap());
    }

    fn rules(&self) -> Rules {
        self.rules.lock().unwrap().clone()
    }

    /// The requests to a path so far.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        let books = self.books.lock().unwrap();
        let to = |seen: &&Seen| seen.path == path;
        books.seen.iter().filter(to).cloned().collect()
    }

    /// How often a refresh token came that was spent.
    pub fn reused(&self) -> usize {
        self.books.lock().unwrap().reused
    }

    /// Takes back every token that it gave.
    pub fn revoke(&self) {
        self.books.lock().unwrap().tokens.clear();
    }

    /// Takes back every refresh token as well.
    pub fn forget(&self) {
        let mut books = self.books.lock().unwrap();
        books.tokens.clear();
        books.refresh.clear();
    }

    fn note(&self, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Fields {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let query = uri.query().unwrap_or_default();
        let fields: Fields = url::form_urlencoded::parse(format!("{query}&{text}").as_bytes())
            .into_owned()
            .collect();
        let authorization = headers.get(header::AUTHORIZATION);
        self.books.lock().unwrap().seen.push(Seen {
            path: uri.path().to_owned(),
            authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
            fields: fields.clone(),
            body: serde_json::from_str(text).unwrap_or_default(),
        });
        fields
    }

    fn challenge(&self, rest: &str) -> String {
        let pointer = format!(
            "resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\", ",
            self.base
        );
        let pointer = if self.rules().pointer { &*pointer } else { "" };
        format!("Bearer {pointer}{rest}")
    }

    fn grant(&self, client: &str, scopes: &str) -> Value {
        let rules = self.rules();
        let mut books = self.books.lock().unwrap();
        books.issued += 1;
        let number = books.issued;
        let lasts = rules.lasts.get(number - 1).or(rules.lasts.last());
        let granted = match rules.grants_nothing {
            true => HashSet::new(),
            false => scopes.split_whitespace().map(str::to_owned).collect(),
        };
        let (token, refresh) = (format!("access-{number}"), format!("refresh-{number}"));
        books.tokens.insert(token.clone(), granted);
        books.refresh.insert(refresh.clone(), client.to_owned());
        json!({
            "access_token": token, "token_type": "Bearer", "refresh_token": refresh,
            "expires_in": lasts, "scope": scopes,
        })
    }
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}

async fn mcp(State(site): State<Site>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    site.note(&uri, &headers, &body);
    let sent = headers.get(header::AUTHORIZATION);
    let sent = sent.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let rules = site.rules();
    let (granted, need) = {
        let mut books = site.books.lock().unwrap();
        let granted = sent.and_then(|token| books.tokens.get(token).cloned());
        let need = rules.needs.get(books.calls).or(rules.needs.last()).cloned();
        if let (Some(granted), Some(need)) = (&granted, &need)
            && granted.contains(need)
        {
            books.calls += 1;
        }
        (granted, need.unwrap_or_default())
    };
    let (status, rest) = match granted {
        None => (401, format!("error=\"invalid_token\", scope=\"{need}\"")),
        Some(granted) if granted.contains(&need) => {
            return answer(&body, sent.unwrap_or_default());
        }
        Some(_) => (
            403,
            format!("error=\"insufficient_scope\", scope=\"{need}\""),
        ),
    };
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::WWW_AUTHENTICATE, site.challenge(&rest))]).into_response()
}

/// What an MCP server without anything answers.
fn answer(body: &Bytes, token: &str) -> Response {
    let asked: Value = serde_json::from_slice(body).unwrap();
    let result = match asked["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "site", "version": "1" },
        }),
        Some("server/discover") => json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
            "ttlMs": 0, "cacheScope": "private",
        }),
        Some("tools/list") => json!({ "tools": [] }),
        // Says what it should keep to itself.
        Some("tools/call") => {
            json!({ "content": [{ "type": "text", "text": format!("came with {token}") }] })
        }
        _ if asked["id"].is_null() => return StatusCode::ACCEPTED.into_response(),
        _ => json!({}),
    };
    Json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).into_response()
}

async fn resource(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Response {
    site.note(&uri, &headers, &Bytes::new());
    let rules = site.rules();
    if !rules.resource_metadata {
        return StatusCode::NOT_FOUND.into_response();
    }
    let points_to = rules.points_to.unwrap_or_else(|| site.base.clone());
    let scopes = ["read"];
    Json(json!({
        "resource": site.url(), "authorization_servers": [points_to], "scopes_supported": scopes,
    }))
    .into_response()
}

async fn metadata(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Response {
    site.note(&uri, &headers, &Bytes::new());
    let rules = site.rules();
    if !rules.metadata {
        return StatusCode::NOT_FOUND.into_response();
    }
    let base = &site.base;
    let mut document = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "registration_endpoint": format!("{base}/register"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    for (key, value) in rules.over.as_object().unwrap() {
        match value {
            Value::Null => document.as_object_mut().unwrap().remove(key),
            value => document
                .as_object_mut()
                .unwrap()
                .insert(key.clone(), value.clone()),
        };
    }
    Json(document).into_response()
}

async fn register(State(site): State<Site>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    site.note(&uri, &headers, &body);
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let mut books = site.books.lock().unwrap();
    let id = format!("client-{}", books.clients.len() + 1);
    let secret = site.rules().secret.then(|| format!("secret-of-{id}"));
    books.clients.insert(id.clone(), secret.clone());
    let mut answer = json!({ "client_id": id, "redirect_uris": asked["redirect_uris"] });
    if let Some(secret) = secret {
        answer["client_secret"] = secret.into();
    }
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn authorize(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = site.note(&uri, &headers, &Bytes::new());
    let rules = site.rules();
    let mut back = url::Url::parse(&asked["redirect_uri"]).unwrap();
    let state = rules.state.as_ref().unwrap_or(&asked["state"]);
    back.query_pairs_mut().append_pair("state", state);
    match &rules.iss {
        None => drop(back.query_pairs_mut().append_pair("iss", &site.base)),
        Some(Some(iss)) => drop(back.query_pairs_mut().append_pair("iss", iss)),
        Some(None) => {}
    }
    match &rules.error {
        Some(error) => drop(back.query_pairs_mut().append_pair("error", error)),
        None => {
            let mut books = site.books.lock().unwrap();
            let code = format!("code-{}", books.codes.len() + 1);
            back.query_pairs_mut().append_pair("code", &code);
            books.codes.insert(code, asked);
        }
    }
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

/// The client that a token request proves to be.
fn prover(site: &Site, headers: &HeaderMap, fields: &Fields) -> Option<String> {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| {
        let text = value.to_str().ok()?.strip_prefix("Basic ")?;
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(text)
            .ok()?;
        let (id, secret) = String::from_utf8(decoded)
            .ok()?
            .split_once(':')
            .map(|(id, secret)| (id.to_owned(), secret.to_owned()))?;
        Some((id, secret))
    });
    let (id, secret) = match basic {
        Some((id, secret)) => (id, Some(secret)),
        None => (
            fields.get("client_id")?.clone(),
            fields.get("client_secret").cloned(),
        ),
    };
    let known = site.books.lock().unwrap().clients.get(&id).cloned();
    match known {
        Some(needed) => (needed == secret).then_some(id),
        // A client of another kind: its id is a URL, or was given out by hand.
        None => Some(id),
    }
}

async fn token(State(site): State<Site>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let fields = site.note(&uri, &headers, &body);
    let rules = site.rules();
    if let Some(elsewhere) = rules.redirects {
        return (
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, elsewhere)],
        )
            .into_response();
    }
    if fields["grant_type"] == "client_credentials" {
        let good = rules.machine.is_some_and(|(id, secret)| {
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
            let sent = headers
                .get(header::AUTHORIZATION)
                .map(|value| value.to_str().unwrap());
            sent == Some(&format!("Basic {basic}"))
                || fields.get("client_secret") == Some(&secret)
                || fields
                    .get("client_assertion")
                    .is_some_and(|jwt| jwt.matches('.').count() == 2)
        });
        return match good {
            true => {
                let mut answer = site.grant("machine", fields.get("scope").map_or("read", |s| s));
                answer.as_object_mut().unwrap().remove("refresh_token");
                Json(answer).into_response()
            }
            false => refuse("invalid_client"),
        };
    }
    if fields["grant_type"].ends_with("token-exchange") {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({ "alg": "ES256", "typ": "oauth-id-jag+jwt" }));
        let claims = part(json!({
            "iss": site.base, "aud": fields["audience"], "client_id": "deck", "sub": "ana",
            "jti": "1", "iat": 1, "exp": 9_999_999_999_u64, "resource": fields["resource"],
            "scope": fields["scope"],
        }));
        let issued = rules.vouches_for.as_ref() == Some(&fields["subject_token"]);
        return match issued {
            true => Json(json!({
                "access_token": format!("{header}.{claims}.c2ln"), "token_type": "N_A",
                "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
                "scope": fields["scope"], "expires_in": 300,
            }))
            .into_response(),
            false => refuse("invalid_grant"),
        };
    }
    if fields["grant_type"].ends_with("jwt-bearer") {
        return Json(json!({
            "access_token": site.grant("vouched", "read")["access_token"],
            "token_type": "Bearer", "expires_in": 3600, "scope": "read",
        }))
        .into_response();
    }
    let Some(client) = prover(&site, &headers, &fields) else {
        return refuse("invalid_client");
    };
    match fields["grant_type"].as_str() {
        "authorization_code" => {
            let asked = site.books.lock().unwrap().codes.remove(&fields["code"]);
            let Some(asked) = asked else {
                return refuse("invalid_grant");
            };
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(fields["code_verifier"].as_bytes()));
            let good = asked["code_challenge"] == digest
                && asked["code_challenge_method"] == "S256"
                && asked["redirect_uri"] == fields["redirect_uri"]
                && asked["resource"] == site.url()
                && fields["resource"] == site.url()
                && asked["client_id"] == client;
            match good {
                true => {
                    Json(site.grant(&client, asked.get("scope").map_or("", |s| s))).into_response()
                }
                false => refuse("invalid_grant"),
            }
        }
        "refresh_token" => {
            let spent = fields["refresh_token"].clone();
            let owner = {
                let mut books = site.books.lock().unwrap();
                let owner = books.refresh.remove(&spent);
                if owner.is_none() && books.spent.contains(&spent) {
                    books.reused += 1;
                }
                books.spent.insert(spent);
                owner
            };
            let good =
                owner.as_deref() == Some(client.as_str()) && fields["resource"] == site.url();
            let answer = match good {
                true => Json(site.grant(&client, fields.get("scope").map_or("read", |s| s)))
                    .into_response(),
                false => refuse("invalid_grant"),
            };
            if let Some(gate) = &rules.gate {
                gate.acquire().await.unwrap().forget();
            }
            answer
        }
        _ => refuse("unsupported_grant_type"),
    }
}

async fn elsewhere(
    State(site): State<Site>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    site.note(&uri, &headers, &body);
    StatusCode::NOT_FOUND.into_response()
}
