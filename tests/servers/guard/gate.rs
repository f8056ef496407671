//! The door of the HTTP side, by headers alone.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use mcpdeck::servers::guard::token::issue::{Wish, issue};
use mcpdeck::servers::guard::{
    Algorithm, Caller, Denial, Gate, Guard, KeySource, Need, Options, TokenOptions,
};
use serde_json::json;
use tempfile::TempDir;

use crate::guard::keyring::{ED, verifying};

const META: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";

pub fn tokens(folder: &Path) -> TokenOptions {
    let key = folder.join("key.pub");
    fs::write(&key, verifying(Algorithm::EdDsa)).unwrap();
    TokenOptions {
        algorithm: Algorithm::EdDsa,
        keys: KeySource::File(key),
        issuer: "https://issuer.example".to_owned(),
        audience: vec!["deck".to_owned()],
        authorization_servers: Vec::new(),
        deny_list: None,
    }
}

/// Both halves of the door, one after the other.
pub async fn admit(
    gate: &Gate,
    headers: &HeaderMap,
    need: Need<'_>,
) -> Result<Arc<Caller>, Denial> {
    gate.permit(gate.identify(headers).await?, need)
}

async fn gate(options: Options) -> Gate {
    Gate::new(Guard::open(options).await.unwrap(), META)
}

pub fn fresh(subject: &str, scopes: &[&str]) -> String {
    let wish = Wish {
        subject: subject.to_owned(),
        issuer: "https://issuer.example".to_owned(),
        audience: vec!["deck".to_owned()],
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        ttl: 600,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    issue(
        Algorithm::EdDsa,
        ED.private.as_bytes(),
        &wish,
        now.unwrap().as_secs(),
    )
    .unwrap()
}

fn bearing(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

fn challenge(denial: &Denial) -> &str {
    denial.headers[header::WWW_AUTHENTICATE].to_str().unwrap()
}

#[tokio::test]
async fn without_tokens_everybody_is_local() {
    let gate = gate(Options::default()).await;
    assert!(!gate.asks_for_tokens());
    let caller = admit(&gate, &HeaderMap::new(), Need::Tool("x"))
        .await
        .unwrap();
    assert_eq!(caller.subject, "local");
    assert!(caller.may_call("anything"));
}

#[tokio::test]
async fn a_stranger_is_told_where_tokens_come_from_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let gate = gate(Options {
        tokens: Some(tokens(folder.path())),
        ..Options::default()
    })
    .await;
    let denial = admit(&gate, &HeaderMap::new(), Need::Token)
        .await
        .unwrap_err();
    assert_eq!(denial.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        challenge(&denial),
        format!("Bearer resource_metadata=\"{META}\"")
    );
    let good = fresh("ann", &["tool:*"]);
    let mut twice = bearing(&good);
    twice.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    let raw = |text: &str| {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(text).unwrap())])
    };
    for (headers, need) in [
        (bearing("x.y.z"), Need::Token),
        (bearing(&format!("{good}x")), Need::Tool("a\"b")),
        (twice, Need::Token),
        (raw("Basic YTpi"), Need::Token),
        (raw("Bearer"), Need::Token),
        (raw("Bearer "), Need::Token),
        (raw(&good), Need::Token),
        (raw(&format!("Bearer {good} {good}")), Need::Token),
        (raw(&format!("Bearer {good},x")), Need::Token),
        (raw(&format!("Bearer\t{good}")), Need::Token),
    ] {
        let denial = admit(&gate, &headers, need).await.unwrap_err();
        assert_eq!(denial.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        let words = challenge(&denial);
        assert!(
            words.starts_with("Bearer error=\"invalid_token\", resource_metadata="),
            "{words}"
        );
        assert_eq!(denial.message, "the token is not valid");
    }
    let caller = admit(&gate, &raw(&format!("bearer {good}")), Need::Token).await;
    assert_eq!(caller.unwrap().subject, "ann");
}

#[tokio::test]
async fn what_the_scopes_do_not_name_is_forbidden() {
    let folder = TempDir::new().unwrap();
    let gate = gate(Options {
        tokens: Some(tokens(folder.path())),
        ..Options::default()
    })
    .await;
    let one = bearing(&fresh("ann", &["tool:read"]));
    let caller = admit(&gate, &one, Need::Tool("read")).await.unwrap();
    assert!(caller.may_call("read") && !caller.may_call("write"));
    assert!(!caller.may_read() && !caller.may_prompt());
    for (need, scope) in [
        (Need::Tool("write"), "tool:write"),
        (Need::Tool("read2"), "tool:read2"),
        (Need::Tool("READ"), "tool:READ"),
        (Need::Tool("*"), "tool:*"),
        (Need::Tool(""), "tool:*"),
        (Need::Tool("a b"), "tool:*"),
        (Need::Resources, "resources"),
        (Need::Prompts, "prompts"),
    ] {
        let denial = admit(&gate, &one, need).await.unwrap_err();
        assert_eq!(denial.status, StatusCode::FORBIDDEN, "{need:?}");
        let words = format!(
            "Bearer error=\"insufficient_scope\", scope=\"{scope}\", resource_metadata=\"{META}\""
        );
        assert_eq!(challenge(&denial), words);
    }
    let none = bearing(&fresh("ann", &[]));
    assert!(admit(&gate, &none, Need::Token).await.is_ok());
    assert!(admit(&gate, &none, Need::Tool("read")).await.is_err());
    let all = bearing(&fresh("ann", &["tool:*", "resources", "prompts"]));
    for need in [Need::Tool("read"), Need::Resources, Need::Prompts] {
        assert!(admit(&gate, &all, need).await.is_ok(), "{need:?}");
    }
}

#[tokio::test]
async fn one_call_too_many_is_told_when_to_come_again() {
    let folder = TempDir::new().unwrap();
    let gate = gate(Options {
        tokens: Some(tokens(folder.path())),
        rate_tools: vec![("read".to_owned(), "1/hour".parse().unwrap())],
        ..Options::default()
    })
    .await;
    let headers = bearing(&fresh("ann", &["tool:*"]));
    assert!(admit(&gate, &headers, Need::Tool("read")).await.is_ok());
    let denial = admit(&gate, &headers, Need::Tool("read"))
        .await
        .unwrap_err();
    assert_eq!(denial.status, StatusCode::TOO_MANY_REQUESTS);
    let after: u64 = denial.headers[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((3_500..=3_600).contains(&after), "{after}");
    assert!(admit(&gate, &headers, Need::Tool("write")).await.is_ok());
    let other = bearing(&fresh("bob", &["tool:*"]));
    assert!(admit(&gate, &other, Need::Tool("read")).await.is_ok());
}

#[tokio::test]
async fn the_deny_list_is_read_again_and_without_it_nobody_comes_in() {
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("deny");
    let mut options = tokens(folder.path());
    options.deny_list = Some(list.clone());
    let missing = Guard::open(Options {
        tokens: Some(options.clone()),
        ..Options::default()
    })
    .await;
    assert!(missing.unwrap_err().to_string().contains("deny list"));
    fs::write(&list, "# nobody yet\n\n").unwrap();
    let gate = gate(Options {
        tokens: Some(options),
        ..Options::default()
    })
    .await;
    let (ann, bob) = (
        bearing(&fresh("ann", &["tool:*"])),
        bearing(&fresh("bob", &[])),
    );
    let caller = admit(&gate, &ann, Need::Token).await.unwrap();
    assert!(admit(&gate, &bob, Need::Token).await.is_ok());
    fs::write(&list, format!("{}\n", caller.token.as_deref().unwrap())).unwrap();
    assert_eq!(
        admit(&gate, &ann, Need::Token).await.unwrap_err().status,
        401
    );
    assert!(admit(&gate, &bob, Need::Token).await.is_ok());
    fs::write(&list, "sub:bob\n").unwrap();
    assert!(admit(&gate, &ann, Need::Token).await.is_ok());
    assert_eq!(
        admit(&gate, &bob, Need::Token).await.unwrap_err().status,
        401
    );
    for broken in [&b"sub:\n"[..], b"\xff\xfe\n"] {
        fs::write(&list, broken).unwrap();
        assert_eq!(
            admit(&gate, &ann, Need::Token).await.unwrap_err().status,
            503
        );
    }
    fs::remove_file(&list).unwrap();
    assert_eq!(
        admit(&gate, &ann, Need::Token).await.unwrap_err().status,
        503
    );
}

#[tokio::test]
async fn the_metadata_says_who_gives_tokens() {
    let folder = TempDir::new().unwrap();
    let gate = gate(Options {
        tokens: Some(tokens(folder.path())),
        ..Options::default()
    })
    .await;
    let told = gate.metadata("https://mcp.example/mcp");
    let whole = json!({
        "resource": "https://mcp.example/mcp",
        "authorization_servers": ["https://issuer.example"],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["tool:*", "resources", "prompts"],
    });
    assert_eq!(told, whole);
}

#[test]
fn the_need_follows_from_the_method() {
    for (method, name, need) in [
        ("tools/call", Some("x"), Need::Tool("x")),
        ("tools/call", None, Need::Tool("")),
        ("resources/read", None, Need::Resources),
        ("prompts/get", Some("p"), Need::Prompts),
        ("tools/list", None, Need::Token),
        ("initialize", None, Need::Token),
    ] {
        assert_eq!(Need::of(method, name), need, "{method}");
    }
}
