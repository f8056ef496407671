//! Key sets: what is in them, which key is chosen, and what is not a set; a set from a URL, and a new key in it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use mcpdeck::servers::guard::keys::{KeySet, Source};
use mcpdeck::servers::guard::token::issue::keygen;
use mcpdeck::servers::guard::token::{Fault, verify};
use mcpdeck::servers::guard::{Algorithm, KeySource};
use serde_json::{Value, json};

use crate::guard::keyring::{claims, header, token, verifying};

fn jwk(kid: &str, pem: &str) -> Value {
    let key = DecodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    let x = URL_SAFE_NO_PAD.encode(key.try_get_as_bytes().unwrap());
    json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x })
}

fn own(kid: &str) -> Value {
    jwk(kid, verifying(Algorithm::EdDsa))
}

fn other(kid: &str) -> Value {
    jwk(kid, &keygen(Algorithm::EdDsa).unwrap().public.unwrap())
}

fn named(kid: Option<&str>) -> String {
    let mut head = header(Algorithm::EdDsa);
    if let Some(kid) = kid {
        head["kid"] = kid.into();
    }
    token(Algorithm::EdDsa, &head.to_string(), &claims().to_string())
}

fn set(keys: &[Value]) -> Result<KeySet, String> {
    KeySet::from_jwks(
        Algorithm::EdDsa,
        json!({ "keys": keys }).to_string().as_bytes(),
    )
}

#[test]
fn a_kid_chooses_among_the_configured_keys_and_nothing_else() {
    let two = set(&[other("a"), own("b")]).unwrap();
    assert!(verify(&named(Some("b")), &two).is_ok());
    assert_eq!(
        verify(&named(Some("a")), &two).unwrap_err(),
        Fault::Signature
    );
    for unknown in [Some("c"), Some("B"), Some("../b"), None] {
        let refused = verify(&named(unknown), &two).unwrap_err();
        assert_eq!(refused, Fault::UnknownKey, "{unknown:?}");
    }
    let one = set(&[own("b")]).unwrap();
    assert!(verify(&named(None), &one).is_ok());
    assert_eq!(
        verify(&named(Some("c")), &one).unwrap_err(),
        Fault::UnknownKey
    );
}

#[test]
fn what_is_meant_for_something_else_is_passed_over() {
    let with = |name: &str, value: Value| {
        let mut key = own("b");
        key[name] = value;
        key
    };
    for key in [
        with("use", json!("enc")),
        with("alg", json!("ES256")),
        with("crv", json!("Ed448")),
        with("kty", json!("RSA")),
        with("key_ops", json!(["sign"])),
        with("key_ops", json!("verify")),
        with("alg", json!(null)),
    ] {
        let refused = set(std::slice::from_ref(&key)).unwrap_err();
        assert!(refused.contains("no key for EdDSA"), "{refused} {key}");
        assert!(set(&[key, own("c")]).is_ok());
    }
}

#[test]
fn a_set_that_is_ambiguous_or_holds_what_it_must_not_is_refused() {
    let secret = json!({ "kty": "oct", "kid": "s", "k": URL_SAFE_NO_PAD.encode([7; 32]) });
    let mut private = own("b");
    private["d"] = json!("AAAA");
    let mut short = own("b");
    short["x"] = json!("AAAA");
    let mut padded = own("b");
    padded["x"] = json!(format!("{}=", padded["x"].as_str().unwrap()));
    for (keys, words) in [
        (vec![own("b"), own("b")], "same `kid`"),
        (vec![own("b"), secret], "secret"),
        (vec![private], "private"),
        (vec![short], "no Ed25519"),
        (vec![padded], "base64url"),
        (vec![], "no key for EdDSA"),
        (vec![json!("key")], "no object"),
        (vec![own("b"); 101], "more than 100"),
    ] {
        let refused = set(&keys).unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
    for text in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[],\"keys\":[]}"] {
        assert!(
            KeySet::from_jwks(Algorithm::EdDsa, text.as_bytes()).is_err(),
            "{text}"
        );
    }
}

/// A key set on loopback that can be changed; counts how often it is asked.
fn serve(body: Arc<Mutex<String>>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let body = body.lock().unwrap().clone();
            if body == "silence" {
                held.push(stream);
                continue;
            }
            let (status, body) = match body.strip_prefix("redirect ") {
                Some(to) => (format!("302 Found\r\nLocation: {to}"), String::new()),
                None => ("200 OK".to_owned(), body),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (format!("http://{address}/keys"), asked)
}

#[tokio::test]
async fn a_url_is_asked_again_for_an_unknown_kid_and_not_more_often_than_that() {
    let body = Arc::new(Mutex::new(json!({ "keys": [other("a")] }).to_string()));
    let (url, asked) = serve(body.clone());
    let source = Source::open(Algorithm::EdDsa, &KeySource::JwksUrl(url))
        .await
        .unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    for _ in 0..20 {
        assert!(!source.refresh().await, "it was read just now");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    *body.lock().unwrap() = json!({ "keys": [own("b")] }).to_string();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    assert!(source.refresh().await);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let keys = source.keys().await.unwrap();
    assert!(verify(&named(Some("b")), &keys).is_ok());
    // What is no key set leaves the last good one.
    *body.lock().unwrap() = "{}".to_owned();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    assert!(!source.refresh().await);
    assert!(verify(&named(Some("b")), &source.keys().await.unwrap()).is_ok());
    // For a day.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(25 * 60 * 60)).await;
    tokio::time::resume();
    assert!(source.keys().await.is_none());
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_holds_up_one_caller_and_not_all() {
    let body = Arc::new(Mutex::new(json!({ "keys": [own("b")] }).to_string()));
    let (url, asked) = serve(body.clone());
    let source = Source::open(Algorithm::EdDsa, &KeySource::JwksUrl(url)).await;
    let source = Arc::new(source.unwrap());
    *body.lock().unwrap() = "silence".to_owned();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11 * 60)).await;
    tokio::time::resume();
    let first = source.clone();
    let first = tokio::spawn(async move { first.keys().await });
    while asked.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let second = tokio::time::timeout(Duration::from_secs(5), source.keys()).await;
    assert!(second.unwrap().is_some());
    assert!(!first.is_finished());
    first.abort();
}

#[tokio::test]
async fn a_url_that_must_not_be_asked_or_answers_wrongly_is_refused_at_start() {
    for url in [
        "http://issuer.example/keys",
        "http://127.0.0.1.evil.example/keys",
        "http://169.254.169.254/latest",
        "ftp://127.0.0.1/keys",
        "file:///etc/passwd",
        "keys",
    ] {
        let refused = Source::open(Algorithm::EdDsa, &KeySource::JwksUrl(url.to_owned())).await;
        assert!(refused.is_err(), "{url}");
    }
    for body in [
        "redirect /other".to_owned(),
        "{}".to_owned(),
        " ".repeat(300 * 1024),
    ] {
        let (url, asked) = serve(Arc::new(Mutex::new(body)));
        let refused = Source::open(Algorithm::EdDsa, &KeySource::JwksUrl(url)).await;
        assert!(refused.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 1, "nothing else is asked");
    }
}
