//! Sign-ins against a real authorization server: the right way, each rule with a server that breaks it, and two windows at once.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use mcpdeck::config::{
    Grant, IdentityProvider, KeySource, Launch, OauthSettings, Secret, SigningAlgorithm,
};
use mcpdeck::mcp::auth::{Authorizer, Browser, SignIn, Store, Verdict};
use mcpdeck::mcp::wire::{Tap, WireFile};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::auth_site::{Rules, Site};
use crate::support::{binary, dialled, http, wait_for};

fn authorizer(site: &Site, browser: Browser, store: &Store) -> Authorizer {
    with(site, OauthSettings::default(), browser, store)
}

fn with(site: &Site, settings: OauthSettings, browser: Browser, store: &Store) -> Authorizer {
    Authorizer::new(&site.url(), settings, browser, store.clone()).unwrap()
}

/// A call as the transports make it: what it came to, and how often it was sent.
async fn call(site: &Site, who: &Authorizer) -> (Result<(), String>, usize) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for sent in 1..20 {
        let token = who.token().await;
        let mut request = http.post(site.url()).body("{}");
        if let Some(token) = &token {
            request = request.bearer_auth(token.expose());
        }
        let answer = request.send().await.unwrap();
        if answer.status().is_success() {
            return (Ok(()), sent);
        }
        let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
        let status = answer.status().as_u16();
        match who.refused(status, Some(challenge), token.as_ref()).await {
            Verdict::Retry => {}
            Verdict::SignIn { why } => return (Err(why), sent),
            Verdict::Later { why } => return (Err(format!("later: {why}")), sent),
        }
    }
    panic!("a call is sent for ever");
}

/// Goes to the page as a browser does, and gives the address that it is sent to.
async fn visit(url: &str) -> String {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    let answer = http.build().unwrap().get(url).send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// A person's sign-in, the address pasted.
async fn sign_in(who: &Authorizer) -> Result<(), String> {
    let begun = begun(who).await?;
    let redirect = visit(begun.url()).await;
    begun.finish(&redirect).await.map_err(|error| error.why)
}

async fn begun(who: &Authorizer) -> Result<SignIn, String> {
    let begun = who.sign_in().await.map_err(|error| error.why)?;
    Ok(begun.expect("a person has to go somewhere"))
}

#[tokio::test]
async fn a_person_signs_in_by_a_browser_that_comes_back() {
    let site = Site::start(Rules::default()).await;
    let store = Store::memory();
    let who = authorizer(&site, Browser::Person, &store);
    let (refused, sent) = call(&site, &who).await;
    assert_eq!(
        (refused, sent),
        (Err("the server wants a sign-in (HTTP 401)".into()), 1)
    );

    let begun = begun(&who).await.unwrap();
    let back = visit(begun.url()).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // Another program's knock, and one with another state, end nothing.
    let door = url::Url::parse(&back)
        .unwrap()
        .origin()
        .ascii_serialization();
    let knocks = async {
        for target in ["/callback?code=x&state=forged", "/favicon.ico"] {
            let answer = http.get(format!("{door}{target}")).send().await.unwrap();
            assert_eq!(answer.status(), 404);
        }
        let page = http.get(&back).send().await.unwrap();
        assert_eq!(page.status(), 200);
        page.text().await.unwrap()
    };
    let (redirect, page) = tokio::join!(begun.redirected(), knocks);
    assert!(page.contains("go back to the terminal"), "{page}");
    assert_eq!(redirect, back);
    begun.finish(&redirect).await.unwrap();
    assert_eq!(call(&site, &who).await, (Ok(()), 1));

    let asked = &site.seen("/authorize")[0].fields;
    assert_eq!(
        (&*asked["scope"], &*asked["resource"]),
        ("read", &*site.url())
    );
    assert_eq!(asked["code_challenge_method"], "S256");
    let registered = &site.seen("/register")[0].body;
    assert_eq!(registered["application_type"], "native");
    assert_eq!(registered["redirect_uris"], json!([asked["redirect_uri"]]));
    let account = who.account().unwrap().unwrap();
    assert_eq!(
        (account.issuer, account.signed_in),
        (site.base.clone(), true)
    );
    assert!(who.sign_out().await.unwrap());
    assert!(who.token().await.is_none() && !who.sign_out().await.unwrap());
}

#[tokio::test]
async fn an_address_can_be_pasted_into_another_run_of_the_program() {
    let site = Site::start(Rules::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let store = || Store::folder(folder.path(), false);
    let first = authorizer(&site, Browser::Person, &store());
    let begun = begun(&first).await.unwrap();
    let redirect = visit(begun.url()).await;
    drop(begun);

    let second = authorizer(&site, Browser::Person, &store());
    let resumed = second.resume().await.unwrap();
    for nonsense in ["hello", "http://127.0.0.1:1/callback?state=x&code=y"] {
        assert!(resumed.finish(nonsense).await.is_err(), "{nonsense}");
    }
    assert!(site.seen("/token").is_empty());
    resumed.finish(&redirect).await.unwrap();
    assert_eq!(call(&site, &second).await, (Ok(()), 1));
    let third = authorizer(&site, Browser::Person, &store());
    assert!(
        third
            .resume()
            .await
            .unwrap_err()
            .why
            .contains("no sign-in was begun")
    );
    // The first window has not heard of it, and finds it when it is refused.
    assert_eq!(call(&site, &first).await, (Ok(()), 1));
}

#[tokio::test]
async fn a_server_that_breaks_a_rule_gets_no_code() {
    let elsewhere = Site::start(Rules::default()).await;
    let over = |fields: Value| Rules {
        over: fields,
        ..Rules::default()
    };
    let iss = |iss: Option<&str>| Rules {
        iss: Some(iss.map(str::to_owned)),
        ..Rules::default()
    };
    let cases = [
        (
            "another issuer in its metadata",
            over(json!({ "issuer": elsewhere.base })),
            "",
        ),
        (
            "no issuer in its metadata",
            over(json!({ "issuer": null })),
            "",
        ),
        (
            "no PKCE announced",
            over(json!({ "code_challenge_methods_supported": null })),
            "S256",
        ),
        (
            "plain PKCE alone",
            over(json!({ "code_challenge_methods_supported": ["plain"] })),
            "S256",
        ),
        (
            "a page without https",
            over(json!({ "authorization_endpoint": "http://example.com/a" })),
            "https",
        ),
        (
            "a page that is a script",
            over(json!({ "authorization_endpoint": "javascript:alert(1)" })),
            "",
        ),
        (
            "tokens without https",
            over(json!({ "token_endpoint": "http://example.com/t" })),
            "https",
        ),
        (
            "the clouds' own address",
            over(json!({ "token_endpoint": "https://169.254.169.254/t" })),
            "no reason",
        ),
        (
            "another `iss`",
            iss(Some(&elsewhere.base)),
            "another authorization server",
        ),
        ("no `iss`, though announced", iss(None), "no `iss`"),
        (
            "another `state`",
            Rules {
                state: Some("forged".into()),
                ..Rules::default()
            },
            "`state` differs",
        ),
    ];
    for (what, rules, words) in cases {
        let site = Site::start(rules).await;
        let who = authorizer(&site, Browser::Person, &Store::memory());
        assert!(call(&site, &who).await.0.is_err());
        let why = sign_in(&who).await.expect_err(what);
        assert!(why.contains(words), "{what}: {why}");
        assert!(site.seen("/token").is_empty(), "{what}: a code went out");
        assert!(who.token().await.is_none(), "{what}");
    }
    assert!(elsewhere.seen("/token").is_empty());
    // The letters count: one more of them is another issuer. The control is the same server without it.
    for (more, good) in [("/", false), ("", true)] {
        let site = Site::start(Rules::default()).await;
        let issuer = format!("{}{more}", site.base);
        site.change(|rules| rules.iss = Some(Some(issuer)));
        let who = authorizer(&site, Browser::Person, &Store::memory());
        assert_eq!(sign_in(&who).await.is_ok(), good, "{more:?}");
        assert_eq!(site.seen("/token").len(), usize::from(good));
    }
}

#[tokio::test]
async fn a_refusal_is_told_unless_it_comes_from_elsewhere() {
    for (iss, told) in [
        (None, true),
        (Some(Some("https://evil.example".to_owned())), false),
    ] {
        let error = Some("access_denied".to_owned());
        let site = Site::start(Rules {
            error,
            iss,
            ..Rules::default()
        })
        .await;
        let who = authorizer(&site, Browser::Person, &Store::memory());
        let why = sign_in(&who).await.unwrap_err();
        assert_eq!(why.contains("access_denied"), told, "{why}");
    }
}

#[tokio::test]
async fn servers_of_earlier_revisions_are_found_as_well() {
    for (metadata, announced) in [(true, true), (true, false), (false, true)] {
        let mut rules = Rules {
            resource_metadata: false,
            pointer: false,
            metadata,
            ..Rules::default()
        };
        if !announced {
            rules.over = json!({ "code_challenge_methods_supported": null });
        }
        if !metadata {
            // Nothing says who it is: then no `iss` can be compared.
            rules.iss = Some(None);
        }
        let site = Site::start(rules).await;
        let who = authorizer(&site, Browser::Headless, &Store::memory());
        assert_eq!(
            call(&site, &who).await,
            (Ok(()), 2),
            "metadata {metadata}, PKCE {announced}"
        );
    }
}

#[tokio::test]
async fn a_client_is_who_the_configuration_says_else_its_document_else_registered() {
    let document = "https://mcpdeck.example/client.json".to_owned();
    let settings = |id: Option<&str>| OauthSettings {
        client_id: id.map(str::to_owned),
        client_metadata_url: Some(document.clone()),
        ..OauthSettings::default()
    };
    for (takes, id, expected) in [
        (true, Some("by-hand"), "by-hand"),
        (true, None, &*document),
        (false, None, "client-1"),
    ] {
        let over = json!({ "client_id_metadata_document_supported": takes });
        let site = Site::start(Rules {
            over,
            ..Rules::default()
        })
        .await;
        let who = with(&site, settings(id), Browser::Headless, &Store::memory());
        assert_eq!(call(&site, &who).await, (Ok(()), 2));
        assert_eq!(site.seen("/authorize")[0].fields["client_id"], expected);
        assert_eq!(
            site.seen("/register").len(),
            usize::from(expected == "client-1")
        );
    }
}

#[tokio::test]
async fn a_registered_secret_is_kept_and_renews_tokens_in_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), false);
    let site = Site::start(Rules {
        secret: true,
        lasts: vec![1, 3600],
        ..Rules::default()
    })
    .await;
    sign_in(&authorizer(&site, Browser::Person, &store))
        .await
        .unwrap();
    let next = authorizer(&site, Browser::Person, &Store::folder(folder.path(), false));
    assert_eq!(
        call(&site, &next).await,
        (Ok(()), 1),
        "the token that ends soon was renewed before"
    );
    let renewal = &site.seen("/token")[1];
    assert_eq!(renewal.fields["grant_type"], "refresh_token");
    assert!(
        renewal
            .authorization
            .as_ref()
            .unwrap()
            .starts_with("Basic ")
    );
    // Signed in again, it is the same client.
    sign_in(&next).await.unwrap();
    assert_eq!(site.seen("/register").len(), 1);
    assert_private(folder.path());
}

/// Only the owner can read what is kept, and no part of a file was left behind.
fn assert_private(folder: &Path) {
    let mut kept = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(name.ends_with(".json") || name.ends_with(".lock"), "{name}");
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
        kept += usize::from(name.ends_with(".json"));
    }
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn a_token_that_is_taken_back_is_renewed_once_for_all_windows() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(Rules::default()).await;
    let window = || authorizer(&site, Browser::Person, &Store::folder(folder.path(), false));
    sign_in(&window()).await.unwrap();
    let windows = [window(), window(), window()];
    for who in &windows {
        assert_eq!(call(&site, who).await, (Ok(()), 1));
    }
    site.revoke();
    let calls = windows
        .iter()
        .flat_map(|who| (0..8).map(|_| call(&site, who)));
    for (outcome, sent) in futures::future::join_all(calls).await {
        assert_eq!((outcome, sent), (Ok(()), 2));
    }
    let renewals = site.seen("/token").len() - 1;
    assert_eq!((renewals, site.reused()), (1, 0));
    // A refresh token that is refused as well leaves a person, and nothing that could be sent.
    site.forget();
    let (outcome, sent) = call(&site, &windows[0]).await;
    assert_eq!(
        (outcome.unwrap_err(), sent),
        (
            "the server no longer accepts the sign-in (HTTP 401)".into(),
            1
        )
    );
    assert!(windows[0].token().await.is_none() && window().token().await.is_none());
    sign_in(&windows[1]).await.unwrap();
    assert_eq!(call(&site, &windows[0]).await, (Ok(()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_renew_one_token_once() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(Rules {
        lasts: vec![1, 3600],
        ..Rules::default()
    })
    .await;
    let store = Store::folder(folder.path().join("credentials"), false);
    sign_in(&authorizer(&site, Browser::Person, &store))
        .await
        .unwrap();
    let config = format!(
        "[mcp_servers.s]\nurl = \"{}\"\nprotocol = \"legacy\"\n",
        site.url()
    );
    std::fs::write(folder.path().join("mcp.toml"), config).unwrap();
    let run = || {
        let mut command = tokio::process::Command::new(binary());
        command
            .args(["list", "s", "--config", "mcp.toml"])
            .current_dir(folder.path());
        command
            .env("MCPDECK_DATA_DIR", folder.path())
            .env("HOME", folder.path());
        command.env_remove("XDG_CONFIG_HOME").stdin(Stdio::null());
        command.output()
    };
    let (first, second): (Result<Output, _>, Result<Output, _>) = tokio::join!(run(), run());
    for output in [first.unwrap(), second.unwrap()] {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    }
    let tokens = site.seen("/token");
    let kinds: Vec<&str> = tokens
        .iter()
        .map(|seen| &*seen.fields["grant_type"])
        .collect();
    assert_eq!(kinds, ["authorization_code", "refresh_token"]);
    assert_eq!(site.reused(), 0);
    let sent = site.seen("/mcp");
    assert!(sent.len() >= 2);
    for seen in sent {
        assert_eq!(seen.authorization.as_deref(), Some("Bearer access-2"));
    }
}

#[tokio::test]
async fn more_rights_are_asked_for_with_those_that_there_are() {
    let needs = ["read", "write", "admin"].map(String::from).to_vec();
    let site = Site::start(Rules {
        needs,
        ..Rules::default()
    })
    .await;
    let who = authorizer(&site, Browser::Headless, &Store::memory());
    for _ in 0..3 {
        assert_eq!(call(&site, &who).await, (Ok(()), 2));
    }
    let asked: Vec<String> = site
        .seen("/authorize")
        .iter()
        .map(|seen| seen.fields["scope"].clone())
        .collect();
    assert_eq!(asked, ["read", "read write", "read write admin"]);
    // A person is told what for.
    let needs = ["read", "write"].map(String::from).to_vec();
    let site = Site::start(Rules {
        needs,
        ..Rules::default()
    })
    .await;
    let who = authorizer(&site, Browser::Person, &Store::memory());
    sign_in(&who).await.unwrap();
    assert_eq!(call(&site, &who).await, (Ok(()), 1));
    let why = call(&site, &who).await.0.unwrap_err();
    assert!(
        why.contains("more rights") && why.contains("write"),
        "{why}"
    );
    sign_in(&who).await.unwrap();
    assert_eq!(site.seen("/authorize")[1].fields["scope"], "read write");
    assert_eq!(call(&site, &who).await, (Ok(()), 1));
}

#[tokio::test]
async fn a_server_that_is_never_content_is_asked_three_times() {
    let site = Site::start(Rules {
        grants_nothing: true,
        ..Rules::default()
    })
    .await;
    let who = authorizer(&site, Browser::Headless, &Store::memory());
    let (outcome, _) = call(&site, &who).await;
    assert!(outcome.unwrap_err().contains("3 new tokens"));
    assert!((2..=3).contains(&site.seen("/authorize").len()));
}

#[tokio::test]
async fn another_authorization_server_gets_nothing_of_the_first() {
    let second = Site::start(Rules::default()).await;
    let first = Site::start(Rules {
        secret: true,
        ..Rules::default()
    })
    .await;
    let store = Store::memory();
    let who = authorizer(&first, Browser::Person, &store);
    sign_in(&who).await.unwrap();
    assert_eq!(call(&first, &who).await, (Ok(()), 1));
    first.revoke();
    first.change(|rules| rules.points_to = Some(second.base.clone()));
    let refreshed = first.seen("/token").len();
    assert!(
        call(&first, &who).await.0.is_err(),
        "a person is asked again"
    );
    assert_eq!(
        first.seen("/token").len(),
        refreshed,
        "not even the first one is asked in silence"
    );
    assert!(second.seen("/token").is_empty());
    let begun = begun(&who).await.unwrap();
    assert!(begun.url().starts_with(&second.base));
    assert_eq!(second.seen("/register").len(), 1);
    let asked = url::Url::parse(begun.url()).unwrap();
    assert!(
        asked
            .query_pairs()
            .any(|(key, value)| key == "client_id" && value == "client-1")
    );
    drop(begun);
    // A client id that was given out by hand belongs to the first one it was used at.
    let settings = OauthSettings {
        client_id: Some("by-hand".into()),
        client_secret: Some(Secret::new("hush-hush")),
        ..OauthSettings::default()
    };
    first.change(|rules| rules.points_to = None);
    let by_hand = with(&first, settings.clone(), Browser::Person, &Store::memory());
    sign_in(&by_hand).await.unwrap();
    first.change(|rules| rules.points_to = Some(second.base.clone()));
    let why = begun_err(&by_hand).await;
    assert!(why.contains("another authorization server"), "{why}");
    // And where the configuration names it, from the start.
    let named = OauthSettings {
        issuer: Some(first.base.clone()),
        ..settings
    };
    let why = begun_err(&with(&first, named, Browser::Person, &Store::memory())).await;
    assert!(why.contains("another authorization server"), "{why}");
}

async fn begun_err(who: &Authorizer) -> String {
    begun(who).await.expect_err("it cannot be begun")
}

#[tokio::test]
async fn a_token_endpoint_that_sends_elsewhere_takes_no_secret_there() {
    let elsewhere = Site::start(Rules::default()).await;
    for (redirects, good) in [
        (Some(format!("{}/token", elsewhere.base)), false),
        (None, true),
    ] {
        let site = Site::start(Rules {
            redirects,
            secret: true,
            ..Rules::default()
        })
        .await;
        let who = authorizer(&site, Browser::Person, &Store::memory());
        assert_eq!(sign_in(&who).await.is_ok(), good);
        assert_eq!(site.seen("/token").len(), 1);
    }
    assert!(elsewhere.seen("/token").is_empty());
}

#[tokio::test]
async fn programs_sign_in_by_themselves() {
    let machine = || Some(("robot".to_owned(), "robot-secret".to_owned()));
    let basic = OauthSettings {
        client_id: Some("robot".into()),
        client_secret: Some(Secret::new("robot-secret")),
        ..OauthSettings::default()
    };
    // Found out from what the authorization server offers, or said by the configuration.
    let alone = json!({ "grant_types_supported": ["client_credentials"] });
    let said = OauthSettings {
        grant: Grant::ClientCredentials,
        ..basic.clone()
    };
    for (over, settings) in [(alone, basic), (json!({}), said)] {
        let site = Site::start(Rules {
            over,
            machine: machine(),
            ..Rules::default()
        })
        .await;
        let who = with(&site, settings, Browser::Person, &Store::memory());
        assert_eq!(call(&site, &who).await, (Ok(()), 2));
        let asked = &site.seen("/token")[0].fields;
        assert_eq!(
            (&*asked["resource"], &*asked["scope"]),
            (&*site.url(), "read")
        );
        site.revoke();
        assert_eq!(call(&site, &who).await, (Ok(()), 2));
        assert!(site.seen("/authorize").is_empty());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let key = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/tls/test-only-one.key.pem"
    ));
    std::fs::write(&file, key.unwrap()).unwrap();
    let signed = OauthSettings {
        client_id: Some("robot".into()),
        private_key: Some(KeySource::File(file)),
        signing_algorithm: SigningAlgorithm::ES256,
        grant: Grant::ClientCredentials,
        ..OauthSettings::default()
    };
    let site = Site::start(Rules {
        machine: machine(),
        ..Rules::default()
    })
    .await;
    let who = with(&site, signed, Browser::Person, &Store::memory());
    assert_eq!(call(&site, &who).await, (Ok(()), 2));
    assert!(site.seen("/token")[0].fields["client_assertion"].starts_with("eyJ"));
}

#[tokio::test]
async fn nothing_shows_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(Rules {
        secret: true,
        lasts: vec![1],
        ..Rules::default()
    })
    .await;
    let who = authorizer(&site, Browser::Person, &Store::folder(folder.path(), false));
    let begun = begun(&who).await.unwrap();
    let redirect = visit(begun.url()).await;
    begun.finish(&redirect).await.unwrap();
    let shown = format!("{who:?} {begun:?} {:?}", who.account());
    for secret in ["access-", "refresh-", "secret-of", "code-"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains(&site.base));
}

#[tokio::test]
async fn an_employer_vouches_for_a_person() {
    for (vouches_for, good) in [("id-token-of-ana", true), ("id-token-of-eve", false)] {
        let provider = Site::start(Rules {
            vouches_for: Some(vouches_for.to_owned()),
            ..Rules::default()
        });
        let provider = provider.await;
        let site = Site::start(Rules::default()).await;
        let settings = OauthSettings {
            grant: Grant::Enterprise,
            client_id: Some("deck".into()),
            client_secret: Some(Secret::new("deck-secret")),
            identity_provider: Some(IdentityProvider {
                issuer: provider.base.clone(),
                token_endpoint: format!("{}/token", provider.base),
                client_id: "deck-at-idp".into(),
                client_secret: None,
                id_token: Secret::new("id-token-of-ana"),
            }),
            ..OauthSettings::default()
        };
        let who = with(&site, settings, Browser::Person, &Store::memory());
        let (outcome, _) = call(&site, &who).await;
        let asked = &provider.seen("/token")[0].fields;
        assert_eq!(asked["subject_token"], "id-token-of-ana");
        assert_eq!(
            (&asked["audience"], &asked["resource"]),
            (&site.base, &site.url())
        );
        assert_eq!(site.seen("/token").len(), usize::from(good));
        match good {
            true => {
                assert_eq!(outcome, Ok(()));
                let redeemed = &site.seen("/token")[0];
                assert!(
                    redeemed
                        .authorization
                        .as_ref()
                        .unwrap()
                        .starts_with("Basic ")
                );
                assert!(redeemed.fields["assertion"].starts_with("eyJ"));
            }
            false => {
                let why = outcome.unwrap_err();
                assert!(why.contains("could not vouch"), "{why}");
                assert!(!why.contains("id-token-of-ana"), "{why}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_renewed_for_a_call_that_is_cancelled_is_kept() {
    let gate = Arc::new(Semaphore::new(0));
    let site = Site::start(Rules {
        gate: Some(gate.clone()),
        ..Rules::default()
    })
    .await;
    let who = authorizer(&site, Browser::Person, &Store::memory());
    sign_in(&who).await.unwrap();
    site.revoke();
    let (other, place) = (who.clone(), site.clone());
    let cancelled = tokio::spawn(async move { call(&place, &other).await });
    wait_for(|| site.seen("/token").len() == 2).await;
    cancelled.abort();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    gate.add_permits(10);
    assert_eq!(call(&site, &who).await, (Ok(()), 1));
    assert_eq!((site.seen("/token").len(), site.reused()), (2, 0));
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_hold_up_the_browser() {
    let site = Site::start(Rules::default()).await;
    let who = authorizer(&site, Browser::Person, &Store::memory());
    let begun = begun(&who).await.unwrap();
    let back = visit(begun.url()).await;
    let door = url::Url::parse(&back).unwrap();
    // A browser opens connections ahead.
    let door = ("127.0.0.1", door.port().unwrap());
    let silent = tokio::net::TcpStream::connect(door).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let both = async { tokio::join!(begun.redirected(), http.get(&back).send()) };
    let in_time = tokio::time::timeout(Duration::from_secs(8), both).await;
    let (redirect, page) = in_time.expect("the silent one is not waited for");
    assert_eq!((redirect, page.unwrap().status().as_u16()), (back, 200));
    drop(silent);
}

#[tokio::test]
async fn a_token_that_came_later_stays_out_of_the_wire_log() {
    let site = Site::start(Rules::default()).await;
    let who = authorizer(&site, Browser::Person, &Store::memory());
    sign_in(&who).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wire.jsonl");
    let log = WireFile::create(&file).unwrap();
    let tap = Tap::new(std::time::Instant::now(), Some(log), None);
    let mut server = dialled(http(&site.url()), |dial| {
        if let Launch::Http(launch) = &mut dial.spec.launch {
            launch.headers.clear();
        }
        dial.authorizer = who;
        dial.tap = tap.clone();
    });
    server.connected().await;
    assert_eq!(
        server.text(1, "t", json!({})).await,
        "came with access-1",
        "what the server says is not changed"
    );
    server.closed().await;
    tap.flush().await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("came with ***"), "{text}");
    assert!(!text.contains("access-1"), "{text}");
}

#[tokio::test]
async fn a_renewal_that_fails_is_not_tried_for_each_request_that_waits_for_it() {
    let site = Site::start(Rules {
        lasts: vec![1],
        ..Rules::default()
    })
    .await;
    let who = authorizer(&site, Browser::Person, &Store::memory());
    sign_in(&who).await.unwrap();
    let documents = || site.seen("/.well-known/oauth-authorization-server").len();
    let before = documents();
    // Nothing listens there.
    site.change(|rules| rules.over = json!({ "token_endpoint": "http://127.0.0.1:9/token" }));
    let tokens = futures::future::join_all((0..8).map(|_| who.token())).await;
    assert!(tokens.iter().all(Option::is_some), "the old one goes out");
    assert_eq!(documents(), before + 1);
}

#[tokio::test]
async fn an_authorization_server_that_is_away_costs_no_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(Rules::default()).await;
    let window = || authorizer(&site, Browser::Person, &Store::folder(folder.path(), false));
    sign_in(&window()).await.unwrap();
    site.revoke();
    // Nothing listens there.
    site.change(|rules| rules.over = json!({ "token_endpoint": "http://127.0.0.1:9/token" }));
    let (outcome, sent) = call(&site, &window()).await;
    let why = outcome.unwrap_err();
    assert!(why.starts_with("later: "), "{why}");
    assert_eq!(sent, 1);
    site.change(|rules| rules.over = json!({}));
    assert_eq!(call(&site, &window()).await, (Ok(()), 2));
}
