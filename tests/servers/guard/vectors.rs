//! Project Wycheproof's vectors for JSON Web Signatures and Keys, when `MCPDECK_WYCHEPROOF` names the folder with
//! `json_web_signature_test.json` and `json_web_key_test.json` (Apache-2.0, github.com/C2SP/wycheproof, `testvectors_v1`).
//!
//! Each vector is held at the level of the signature: its payloads are no claims. One is applicable when its key is for one of the
//! four algorithms that a server can be told to accept; of the others all invalid ones must be refused by each of the four.

use std::path::PathBuf;

use mcpdeck::servers::guard::Algorithm;
use mcpdeck::servers::guard::keys::KeySet;
use mcpdeck::servers::guard::token::verify;
use serde_json::{Value, json};

/// Vectors that are called valid and are refused here on purpose.
const STRICTER: &[(u64, &str)] = &[
    (
        372,
        "a `?` in the header's base64url, which only a lenient reader skips",
    ),
    (
        373,
        "a `?` in the payload's base64url, which only a lenient reader skips",
    ),
];

/// Vectors that are called invalid and are byte for byte the vector 357 of the same group, which is called valid: the padding that
/// they were to show was lost on the way into the file.
const SAME_AS_VALID: &[u64] = &[367, 370];

fn read(file: &str) -> Option<Value> {
    let folder = PathBuf::from(std::env::var_os("MCPDECK_WYCHEPROOF")?);
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The public half as a server would have it: a set, which it is or becomes.
fn key_set(group: &Value) -> Value {
    let mut set = group.get("public").unwrap_or(&group["private"]).clone();
    if set.get("keys").is_none() {
        set = json!({ "keys": [set] });
    }
    set
}

fn algorithms(set: &Value) -> Vec<Algorithm> {
    let named = |key: &Value| key["alg"].as_str().map(str::to_owned);
    let all: Vec<Option<String>> = set["keys"].as_array().unwrap().iter().map(named).collect();
    let fits = |a: &Algorithm| {
        all.iter()
            .any(|n| n.as_deref().is_none_or(|n| n == a.name()))
    };
    Algorithm::ALL.into_iter().filter(fits).collect()
}

fn accepted(algorithm: Algorithm, set: &Value, jws: &Value) -> bool {
    let jws = jws.as_str().map_or_else(|| jws.to_string(), str::to_owned);
    KeySet::from_jwks(algorithm, set.to_string().as_bytes())
        .is_ok_and(|keys| verify(&jws, &keys).is_ok())
}

#[test]
fn wycheproof_finds_nothing() {
    let files = ["json_web_signature_test.json", "json_web_key_test.json"];
    let (mut refused, mut good, mut other) = (0, 0, 0);
    for file in files {
        let Some(vectors) = read(file) else {
            eprintln!("skipped: MCPDECK_WYCHEPROOF does not name the folder of the vectors");
            return;
        };
        for group in vectors["testGroups"].as_array().unwrap() {
            let set = key_set(group);
            let ours = algorithms(&set);
            let cases = group["tests"].as_array().unwrap();
            let valid = |jws: &Value| {
                let mut same = cases.iter().filter(|case| case["jws"] == *jws);
                same.any(|case| case["result"] == "valid")
            };
            for case in cases {
                let id = case["tcId"].as_u64().unwrap();
                let by = Algorithm::ALL.map(|a| accepted(a, &set, &case["jws"]));
                let passed = by.contains(&true);
                let words = format!("{file} {id} {}: {by:?}", case["comment"]);
                let stricter = STRICTER.iter().any(|(other, _)| *other == id);
                match case["result"].as_str().unwrap() {
                    "invalid" if valid(&case["jws"]) => {
                        assert!(SAME_AS_VALID.contains(&id), "{words}");
                    }
                    "invalid" => {
                        assert!(!passed, "{words}");
                        refused += 1;
                    }
                    "valid" if !ours.is_empty() && !stricter => {
                        assert!(passed, "{words}");
                        good += 1;
                    }
                    _ => {
                        assert!(!passed, "{words}");
                        other += 1;
                    }
                }
            }
        }
    }
    eprintln!(
        "{refused} invalid refused, {good} valid accepted, {other} valid of other algorithms"
    );
    assert!(refused >= 370 && good >= 20, "{refused} {good} {other}");
}
