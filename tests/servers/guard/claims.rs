//! Tokens with one fault each, and the refusal that each must meet. The control at the end is a verifier that believes a token's
//! header, as many have: it lets the classics through.

use mcpdeck::servers::guard::Algorithm;
use mcpdeck::servers::guard::keys::KeySet;
use mcpdeck::servers::guard::token::issue::sign;
use mcpdeck::servers::guard::token::{Claims, Fault, check};
use serde_json::{Value, json};

use crate::guard::keyring::{
    ED, NOW, RSA, claims, expected, good, header, keys, part, token, verifying,
};

use Fault::{
    Audience, BadClaim, Early, Encoding, Expired, Header, Issuer, Json, Missing, NoClaim, Parts,
    Signature, TooLong, Type,
};

/// What is done to a good token.
#[derive(Debug)]
enum Twist {
    /// A claim gets another value, or goes.
    Claim(&'static str, Option<Value>),
    /// A member of the header gets another value, or goes.
    Head(&'static str, Option<Value>),
    /// The payload is this text.
    Payload(String),
    /// The header is this text.
    Heading(String),
    /// The finished token is changed.
    Text(fn(&str) -> String),
    /// It is looked at so many seconds later.
    Later(i64),
}

use Twist::{Claim, Head, Heading, Later, Payload, Text};

fn set(value: Value) -> Option<Value> {
    Some(value)
}

fn judge(twist: &Twist) -> Result<Claims, Fault> {
    let (mut head, mut said) = (header(Algorithm::EdDsa), claims());
    let (mut heading, mut payload, mut now) = (None, None, NOW);
    let mut finish: fn(&str) -> String = str::to_owned;
    let change = |object: &mut Value, name: &str, value: &Option<Value>| match value {
        Some(value) => object[name] = value.clone(),
        None => drop(object.as_object_mut().unwrap().remove(name)),
    };
    match twist {
        Claim(name, value) => change(&mut said, name, value),
        Head(name, value) => change(&mut head, name, value),
        Payload(text) => payload = Some(text.clone()),
        Heading(text) => heading = Some(text.clone()),
        Text(with) => finish = *with,
        Later(seconds) => now = now.saturating_add_signed(*seconds),
    }
    let heading = heading.unwrap_or_else(|| head.to_string());
    let payload = payload.unwrap_or_else(|| said.to_string());
    let token = finish(&token(Algorithm::EdDsa, &heading, &payload));
    check(&token, &keys(Algorithm::EdDsa), &expected(), now)
}

#[test]
fn a_good_token_says_who_may_do_what() {
    for algorithm in Algorithm::ALL {
        let said = check(&good(algorithm), &keys(algorithm), &expected(), NOW).unwrap();
        let scopes = vec!["tool:query_database".to_owned(), "resources".to_owned()];
        let whole = Claims {
            subject: "ann".to_owned(),
            id: Some("token-1".to_owned()),
            scopes,
            expires: NOW + 600,
        };
        assert_eq!(said, whole);
    }
}

#[test]
fn what_is_unusual_and_right_is_accepted() {
    let fine = [
        (
            "a list of audiences",
            Claim("aud", set(json!(["x", "deck"]))),
        ),
        (
            "times with a fraction",
            Claim("exp", set(json!(NOW as f64 + 0.5))),
        ),
        ("no iat", Claim("iat", None)),
        ("no jti", Claim("jti", None)),
        ("no scope", Claim("scope", None)),
        (
            "an unknown claim",
            Claim("roles", set(json!(["x", { "y": 1 }]))),
        ),
        (
            "the type of access tokens",
            Head("typ", set(json!("at+jwt"))),
        ),
        (
            "the type in full",
            Head("typ", set(json!("application/AT+JWT"))),
        ),
        ("no type", Head("typ", None)),
        (
            "a kid where there is one key",
            Head("kid", set(json!("any"))),
        ),
        ("a thumbprint", Head("x5t", set(json!("abc")))),
        ("just before the end of the leeway", Later(629)),
        ("just after the beginning of the leeway", Later(-90)),
        (
            "spaces in the header",
            Heading("{ \"alg\" :\n\"EdDSA\" }".to_owned()),
        ),
    ];
    for (name, twist) in fine {
        let judged = judge(&twist);
        assert!(judged.is_ok(), "{name}: {judged:?}");
    }
}

#[test]
fn scopes_come_under_three_names() {
    for (name, value) in [
        ("scp", json!("a b")),
        ("scp", json!(["a", "b"])),
        ("scopes", json!(["a", "b"])),
        ("scope", json!(" a  b ")),
    ] {
        let mut said = claims();
        said.as_object_mut().unwrap().remove("scope");
        said[name] = value;
        let heading = header(Algorithm::EdDsa).to_string();
        let token = token(Algorithm::EdDsa, &heading, &said.to_string());
        let judged = check(&token, &keys(Algorithm::EdDsa), &expected(), NOW).unwrap();
        assert_eq!(judged.scopes, ["a", "b"]);
    }
}

fn times() -> Vec<(Twist, Fault)> {
    let mut cases = vec![
        (Later(630), Expired),
        (Later(631), Expired),
        (Later(1_000_000), Expired),
        (Later(-91), Early),
        (Later(-1_000_000), Early),
        (Claim("exp", set(json!(NOW - 30))), Expired),
        (Claim("exp", set(json!(0))), Expired),
        (Claim("exp", set(json!(NOW - 31))), Expired),
        (Claim("nbf", set(json!(NOW + 31))), Early),
        (Claim("nbf", set(json!(NOW + 600))), Early),
        (Claim("iat", set(json!(NOW + 31))), Early),
        (Claim("iat", set(json!(NOW + 9999))), Early),
    ];
    for name in ["exp", "nbf", "iat"] {
        for bad in [
            json!(null),
            json!("1800000600"),
            json!("tomorrow"),
            json!(-1),
            json!(-0.5),
            json!(1e300),
            json!(253_402_300_800_u64),
            json!(u64::MAX),
            json!([NOW]),
            json!({ "at": NOW }),
            json!(true),
        ] {
            cases.push((Claim(name, set(bad)), BadClaim(name)));
        }
    }
    cases
}

fn names() -> Vec<(Twist, Fault)> {
    let mut cases = Vec::new();
    for name in ["exp", "nbf", "iss", "aud", "sub"] {
        cases.push((Claim(name, None), NoClaim(name)));
    }
    for other in [
        "https://issuer.example/",
        "https://ISSUER.example",
        "http://issuer.example",
        " https://issuer.example",
        "https://issuer.example.evil.example",
        "https://issuer.exampl",
        "",
    ] {
        cases.push((Claim("iss", set(json!(other))), Issuer));
    }
    for bad in [
        json!(null),
        json!(7),
        json!(["https://issuer.example"]),
        json!({}),
    ] {
        cases.push((Claim("iss", set(bad)), BadClaim("iss")));
    }
    for other in [
        json!("https://mcp.example"),
        json!("https://mcp.example/mcp/"),
        json!("DECK"),
        json!("deck "),
        json!("*"),
        json!(""),
        json!([]),
        json!(["x", "y"]),
    ] {
        cases.push((Claim("aud", set(other)), Audience));
    }
    for bad in [
        json!(null),
        json!(1),
        json!({ "deck": true }),
        json!(["deck", 1]),
        json!([["deck"]]),
    ] {
        cases.push((Claim("aud", set(bad)), BadClaim("aud")));
    }
    for bad in [
        json!(null),
        json!(1),
        json!(""),
        json!("  "),
        json!(" ann"),
        json!("ann "),
        json!("a\nb"),
        json!("a\u{1b}[31m"),
        json!(["ann"]),
        json!("x".repeat(257)),
    ] {
        cases.push((Claim("sub", set(bad.clone())), BadClaim("sub")));
        cases.push((Claim("jti", set(bad)), BadClaim("jti")));
    }
    for bad in [
        json!(null),
        json!(1),
        json!(["tool:*"]),
        json!({ "tool:*": true }),
        json!("tool:\"x\""),
        json!("tool:a\\b"),
        json!("tool:a\ttool:*"),
        json!("tool:é"),
        json!("x ".repeat(513)),
    ] {
        cases.push((Claim("scope", set(bad)), BadClaim("scope")));
    }
    cases.push((Claim("scp", set(json!("tool:*"))), BadClaim("scp")));
    cases.push((Claim("scopes", set(json!(["tool:*"]))), BadClaim("scopes")));
    cases
}

fn headers() -> Vec<(Twist, Fault)> {
    let mut cases = Vec::new();
    for other in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!(""),
        json!("HS256"),
        json!("RS256"),
        json!("ES256"),
        json!("eddsa"),
        json!("EDDSA"),
        json!("EdDSA "),
        json!("Ed25519"),
        json!(null),
        json!(["EdDSA"]),
        json!({ "EdDSA": 1 }),
        json!(8),
    ] {
        cases.push((Head("alg", set(other)), Fault::Algorithm));
    }
    cases.push((Head("alg", None), Fault::Algorithm));
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        (
            "jwk",
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }),
        ),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
        ("zip", json!("DEF")),
        ("kid", json!(1)),
        ("kid", json!("")),
        ("kid", json!(null)),
        ("kid", json!(["a"])),
        ("kid", json!("k".repeat(257))),
    ] {
        cases.push((Head(name, set(value)), Header(name)));
    }
    for other in [
        json!("JWE"),
        json!("JOSE"),
        json!("id_token"),
        json!("dpop+jwt"),
        json!("logout+jwt"),
        json!("secevent+jwt"),
        json!(""),
        json!(null),
        json!(1),
    ] {
        cases.push((Head("typ", set(other)), Type));
    }
    for text in [
        "",
        "null",
        "[]",
        "\"EdDSA\"",
        "{\"alg\":\"EdDSA\"",
        "{\"alg\":\"EdDSA\"} x",
        "{\"alg\":\"none\",\"alg\":\"EdDSA\"}",
        "{\"alg\":\"EdDSA\",\"\\u0061lg\":\"none\"}",
        "{\"alg\":\"EdDSA\",\"x\":{\"a\":1,\"a\":2}}",
        "{'alg':'EdDSA'}",
        "\u{feff}{\"alg\":\"EdDSA\"}",
    ] {
        let fault = if text.is_empty() {
            Parts
        } else {
            Json("header")
        };
        cases.push((Heading(text.to_owned()), fault));
    }
    cases
}

fn payloads() -> Vec<(Twist, Fault)> {
    let good = claims().to_string();
    let inside = good.strip_suffix('}').unwrap().to_owned();
    let mut cases = Vec::new();
    for text in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good} x"),
        inside.clone(),
        format!("{inside},\"sub\":\"root\"}}"),
        format!("{inside},\"s\\u0075b\":\"root\"}}"),
        format!("{inside},\"exp\":{}}}", u32::MAX),
        format!("{inside},\"deep\":{{\"a\":1,\"a\":2}}}}"),
        format!("{inside},\"x\":NaN}}"),
        format!("{inside},\"x\":1e999}}"),
        format!("{inside},\"deep\":{}{}}}", "[".repeat(200), "]".repeat(200)),
        format!("{inside},}}"),
    ] {
        cases.push((Payload(text), Json("payload")));
    }
    cases
}

fn texts() -> Vec<(Twist, Fault)> {
    fn replaced(token: &str, at: usize, with: impl Fn(&str) -> String) -> String {
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        parts[at] = with(&parts[at]);
        parts.join(".")
    }
    vec![
        (Text(|_| String::new()), Missing),
        (Text(|t| t.replace('.', "")), Parts),
        (Text(|t| t.rsplit_once('.').unwrap().0.to_owned()), Parts),
        (Text(|t| format!("{t}.")), Parts),
        (Text(|t| format!("{t}.x")), Parts),
        (Text(|t| format!(".{t}")), Parts),
        (Text(|_| "..".to_owned()), Parts),
        (Text(|t| format!("{t}=")), Encoding("signature")),
        (Text(|t| format!("{t}==")), Encoding("signature")),
        (Text(|t| format!("{t}\n")), Encoding("signature")),
        (Text(|t| format!(" {t}")), Encoding("header")),
        (
            Text(|t| replaced(t, 0, |p| format!("{p}="))),
            Encoding("header"),
        ),
        (
            Text(|t| replaced(t, 0, |p| format!("{p}\u{e9}"))),
            Encoding("header"),
        ),
        (
            Text(|t| replaced(t, 1, |p| format!("{p}="))),
            Encoding("payload"),
        ),
        (
            Text(|t| replaced(t, 1, |p| format!("{p} "))),
            Encoding("payload"),
        ),
        (Text(|t| replaced(t, 1, |p| format!("{p}AAAA"))), Signature),
        (Text(|t| replaced(t, 2, |_| String::new())), Parts),
        (Text(|t| replaced(t, 2, |_| "AAAA".to_owned())), Signature),
        (Text(|t| replaced(t, 2, |p| format!("{p}AA"))), Signature),
        (Text(|t| replaced(t, 2, |p| p[..80].to_owned())), Signature),
        (
            Text(|t| replaced(t, 2, |p| p.replace(['-', '_'], "+") + "+")),
            Encoding("signature"),
        ),
        (Text(|t| replaced(t, 2, |_| "A".repeat(86))), Signature),
        (
            Text(|t| {
                t.replace(
                    &part(&header(Algorithm::EdDsa).to_string()),
                    &part("{\"alg\":\"EdDSA\"}"),
                )
            }),
            Signature,
        ),
        (Text(|t| format!("{t}{}", "A".repeat(9000))), TooLong),
        (Text(|_| "A".repeat(8 * 1024 + 1)), TooLong),
        (
            Text(|t| format!("{{\"payload\":\"{t}\"}}")),
            Encoding("signature"),
        ),
    ]
}

#[test]
fn a_token_with_one_fault_meets_its_refusal() {
    let all = [times(), names(), headers(), payloads(), texts()];
    let mut count = 0;
    for (number, (twist, fault)) in all.into_iter().flatten().enumerate() {
        let judged = judge(&twist);
        assert_eq!(judged, Err(fault), "case {number}: {twist:?}");
        count += 1;
    }
    assert!(count >= 180, "{count} cases");
}

/// Also where the leeway would let both times pass.
#[test]
fn a_token_may_not_end_before_it_begins() {
    let mut said = claims();
    said["exp"] = json!(NOW - 5);
    said["nbf"] = json!(NOW + 5);
    let token = token(
        Algorithm::EdDsa,
        &header(Algorithm::EdDsa).to_string(),
        &said.to_string(),
    );
    let judged = check(&token, &keys(Algorithm::EdDsa), &expected(), NOW);
    assert_eq!(judged, Err(BadClaim("exp")));
}

#[test]
fn no_key_verifies_the_token_of_another_algorithm() {
    for (of, with) in Algorithm::ALL
        .into_iter()
        .flat_map(|a| Algorithm::ALL.map(|b| (a, b)))
    {
        let judged = check(&good(of), &keys(with), &expected(), NOW);
        assert_eq!(judged.is_ok(), of == with, "{of:?} {with:?}");
    }
}

/// The three classics: no signature, the public key as a secret, a key in the header.
fn classics() -> Vec<(&'static str, String)> {
    let said = part(&claims().to_string());
    let none = format!("{}.{said}.", part("{\"alg\":\"none\"}"));
    let none_signed = format!("{}.{said}.AAAA", part("{\"alg\":\"none\"}"));
    let public = verifying(Algorithm::Rs256);
    let signed = format!("{}.{said}", part("{\"alg\":\"HS256\"}"));
    // A signer that does not look at its key, as an attacker's does not.
    let tag = hmac(public.trim_end().as_bytes(), signed.as_bytes());
    vec![
        ("no signature", none),
        ("no signature but something there", none_signed),
        ("the public key as secret", format!("{signed}.{tag}")),
    ]
}

fn hmac(key: &[u8], data: &[u8]) -> String {
    use jsonwebtoken::{Algorithm as Named, EncodingKey, crypto};
    crypto::sign(data, &EncodingKey::from_secret(key), Named::HS256).unwrap()
}

/// A verifier as many have written it: it does what the token's header says.
fn believes_the_header(token: &str, key: &str) -> bool {
    let mut parts = token.split('.');
    let (head, said) = (parts.next().unwrap(), parts.next().unwrap());
    let signature = parts.next().unwrap_or_default();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, head);
    let head_json: Value = serde_json::from_slice(&decoded.unwrap()).unwrap();
    let signed = format!("{head}.{said}");
    match head_json["alg"].as_str().unwrap() {
        "none" => true,
        "HS256" => hmac(key.trim_end().as_bytes(), signed.as_bytes()) == signature,
        _ => KeySet::from_file(Algorithm::Rs256, key.as_bytes())
            .unwrap()
            .choose(None)
            .unwrap()
            .verify(&signed, signature)
            .is_ok(),
    }
}

#[test]
fn the_classics_pass_a_verifier_that_believes_the_header_and_not_this_one() {
    let key = verifying(Algorithm::Rs256);
    assert!(
        believes_the_header(&good(Algorithm::Rs256), key),
        "the control verifies at all"
    );
    for (name, token) in classics() {
        assert!(
            believes_the_header(&token, key),
            "{name}: the control is not known bad"
        );
        for algorithm in Algorithm::ALL {
            let judged = check(&token, &keys(algorithm), &expected(), NOW);
            assert!(judged.is_err(), "{name} {algorithm:?}");
        }
    }
}

#[test]
fn key_files_that_are_not_fit_are_refused_when_they_are_read() {
    let ed_private = ED.private.as_bytes();
    let pem = verifying(Algorithm::Rs256).as_bytes();
    let twice = [pem, pem].concat();
    for (algorithm, bytes, words) in [
        (Algorithm::Hs256, pem, "PEM"),
        (
            Algorithm::Hs256,
            &b"0123456789012345678901234567890"[..],
            "248 bits",
        ),
        (
            Algorithm::Hs256,
            b"0123456789012345678901234567890\n",
            "248 bits",
        ),
        (Algorithm::Hs256, b"", "0 bits"),
        (Algorithm::Hs256, &[b'x'; 64], "over and over"),
        (Algorithm::EdDsa, ed_private, "private"),
        (Algorithm::Rs256, RSA.private.as_bytes(), "private"),
        (Algorithm::Rs256, &twice, "exactly one"),
        (Algorithm::EdDsa, pem, "no PEM public key for EdDSA"),
        (Algorithm::Es256, pem, "no PEM public key for ES256"),
        (
            Algorithm::Rs256,
            verifying(Algorithm::Es256).as_bytes(),
            "no PEM public key for RS256",
        ),
        (Algorithm::Rs256, b"nothing", "exactly one"),
        (Algorithm::Rs256, RSA_1024.as_bytes(), "1024 bits"),
        (Algorithm::Es256, P384.as_bytes(), "P-256"),
    ] {
        let refused = KeySet::from_file(algorithm, bytes).unwrap_err();
        assert!(refused.contains(words), "{algorithm:?}: {refused}");
    }
    let refused = sign(Algorithm::Hs256, b"short", "x").unwrap_err();
    assert!(refused.contains("40 bits"), "{refused}");
}

/// Public keys that are too weak, or of another curve.
const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCpkwH27615IXjx8BVIUromzPoF
HvcYvsk1PB5FuR1xjAtxxgXxz3MgaM3udJK7+kRowShzeRBowu/CvaArpBA0jDhJ
7ygY5r3QiAMiRNtSiJeRD2yRq9cH+LMhpDzrnIhV/pKjtRU2enZbU5O+vhhOYQVH
if7VLfM+1hbeq1v8owIDAQAB
-----END PUBLIC KEY-----";
const P384: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEIRJjUYNe5wkuXjIhKPKe1MltGarOsh1O
1DnkwQzUIvjb/P+jTMa7XSrTXpW+qKY/PC7czs3Ih58GjrqjIBnIGX2MR85xTuZx
8yInXquxOA+9sTRruc4aQJbP61w8NVv0
-----END PUBLIC KEY-----";
