//! `login`, `logout`, `auth status`: as a script sees them, without a browser.

use serde_json::json;

use crate::auth_site::{Rules, Site};
use crate::deck::{Deck, blocking};
use crate::eras::ERAS;

/// A configuration with one server that wants a sign-in.
async fn protected(era: &str) -> (Site, Deck) {
    let site = Site::start(Rules::default()).await;
    let deck = Deck::new(&format!(
        "[mcp_servers.site]\nurl = \"{}\"\nprotocol = \"{era}\"\n",
        site.url()
    ));
    (site, deck)
}

async fn visit(url: &str) -> String {
    let http = reqwest::Client::builder().no_proxy();
    let http = http.redirect(reqwest::redirect::Policy::none()).build();
    let answer = http.unwrap().get(url).send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_told_where_to_go_and_comes_back_with_the_address_in_both_eras() {
    for era in ERAS {
        signs_in(era).await;
    }
}

async fn signs_in(era: &str) {
    let (site, deck) = protected(era).await;
    let refused = blocking(|| deck.run(&["list", "site"])).expect(3);
    assert!(refused.err.contains("wants a sign-in"), "{}", refused.err);
    assert!(
        refused.err.contains("hint: mcpdeck login site"),
        "{}",
        refused.err
    );
    let status = blocking(|| deck.run(&["auth", "status"])).expect(0);
    assert_eq!(
        status.out,
        "site  signed-out  if it wants a sign-in: mcpdeck login site\n"
    );

    let begun = blocking(|| deck.run(&["login", "site", "--no-browser"])).expect(3);
    assert!(
        begun.out.starts_with(&format!("{}/authorize?", site.base)),
        "{}",
        begun.out
    );
    assert!(
        begun.err.contains("mcpdeck login site --redirect"),
        "{}",
        begun.err
    );
    let redirect = visit(begun.out.trim()).await;
    let forged = redirect.replace("code=", "code=x");
    let failed = blocking(|| deck.run(&["login", "site", "--redirect", &forged])).expect(3);
    assert!(failed.err.contains("did not come about"), "{}", failed.err);
    let done = blocking(|| deck.run(&["login", "site", "--redirect", &redirect]));
    assert!(
        done.err.contains("signed in at server `site`"),
        "{}",
        done.err
    );
    done.expect(0);

    blocking(|| deck.run(&["list", "site"])).expect(0);
    let status = blocking(|| deck.run(&["auth", "status", "--json"])).expect(0);
    assert!(
        !status.out.contains("access-") && !status.out.contains("refresh-"),
        "{}",
        status.out
    );
    let known = &status.json()["servers"][0];
    assert_eq!(
        (
            &known["state"],
            &known["account"]["issuer"],
            &known["account"]["scopes"]
        ),
        (&json!("signed-in"), &json!(site.base), &json!(["read"]))
    );
    let again = blocking(|| deck.run(&["login", "site"])).expect(0);
    assert!(again.err.contains("lets you in already"), "{}", again.err);
    for (words, code) in [("signed out", 0), ("you were not signed in", 0)] {
        let out = blocking(|| deck.run(&["logout", "site"])).expect(code);
        assert!(out.err.contains(words), "{}", out.err);
    }
    blocking(|| deck.run(&["list", "site"])).expect(3);
}

#[test]
fn what_cannot_be_signed_in_to_is_said_at_once() {
    let deck = Deck::new(
        "[mcp_servers.told]\nurl = \"https://x.example\"\nhttp_headers = { Authorization = \"Bearer x\" }\n",
    );
    deck.scripted("program", "", "");
    for (server, words) in [
        ("program", "is a program"),
        ("told", "from the configuration"),
        ("nobody", "no server `nobody`"),
    ] {
        for command in ["login", "logout"] {
            let ran = deck.run(&[command, server]).expect(2);
            assert!(ran.err.contains(words), "{}", ran.err);
        }
    }
    let status = deck.run(&["auth", "status"]).expect(0);
    assert!(status.out.starts_with("told  configured"), "{}", status.out);
}
