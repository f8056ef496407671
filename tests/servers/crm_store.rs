//! The CRM's store: what must hold when several write, when it is old, new or another's, and whatever the amounts and names are.

use std::path::Path;
use std::process::Output;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::client::{LIMIT, Served, command, modern};

fn url(dir: &Path) -> String {
    format!("sqlite:{}", dir.join("crm.db").display())
}

async fn serve(url: &str) -> Served {
    Served::start_with(&["crm", url], &[], modern()).await
}

#[tokio::test]
async fn what_is_written_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(&url(dir.path())).await;
    server
        .good(
            "create_contact",
            json!({"name": "Emma Clarke", "company": "Wattle"}),
        )
        .await;
    assert!(server.leave().await.success());
    let server = serve(&url(dir.path())).await;
    let found = server
        .good("search_contacts", json!({"query": "emma wattle"}))
        .await;
    assert_eq!(found["total"], 1);
}

/// What a store is for others is its one file: a copy of it must not lack what was written last.
#[tokio::test]
async fn a_server_that_has_left_leaves_one_file_behind() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(&url(dir.path())).await;
    server
        .good("create_contact", json!({"name": "Emma Clarke"}))
        .await;
    server.good("search_contacts", json!({})).await;
    assert!(server.leave().await.success());
    let files = std::fs::read_dir(dir.path()).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["crm.db"]);
}

#[tokio::test]
async fn a_store_that_is_only_read_is_neither_made_nor_changed() {
    let dir = tempfile::tempdir().unwrap();
    let url = url(dir.path());
    let only_read = async |url: &str| {
        let arguments = ["crm", "--read-only", url];
        let child = command(&arguments, dir.path()).output();
        let done = tokio::time::timeout(LIMIT, child).await.unwrap().unwrap();
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    let said = only_read(&url).await;
    assert!(said.contains("--read-only none is made"), "{said}");
    assert!(!dir.path().join("crm.db").exists());

    let server = serve(&url).await;
    server
        .good("create_contact", json!({"name": "Emma Clarke"}))
        .await;
    assert!(server.leave().await.success());
    let before = std::fs::read(dir.path().join("crm.db")).unwrap();
    let arguments = ["crm", "--read-only", &url];
    let server = Served::start_with(&arguments, &[], modern()).await;
    let found = server.good("search_contacts", json!({"name": "emma"}));
    assert_eq!(found.await["total"], 1);
    assert!(server.leave().await.success());
    assert_eq!(std::fs::read(dir.path().join("crm.db")).unwrap(), before);

    let database = rusqlite::Connection::open(dir.path().join("crm.db")).unwrap();
    database
        .execute_batch("DELETE FROM crm_migrations")
        .unwrap();
    let said = only_read(&url).await;
    assert!(said.contains("without --read-only"), "{said}");
}

#[tokio::test]
async fn programs_that_start_and_write_at_once_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let url = url(dir.path());
    concurrent(&url).await;
    let database = rusqlite::Connection::open(dir.path().join("crm.db")).unwrap();
    let steps = database.query_row(
        "SELECT count(*), count(DISTINCT step) FROM crm_migrations",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    );
    let (steps, distinct) = steps.unwrap();
    assert!(steps >= 1 && steps == distinct);
}

/// Four processes on one new store: all of them make it, and all of them create the same forty people at the same company.
pub async fn concurrent(url: &str) {
    let servers = futures::future::join_all((0..4).map(|_| serve(url))).await;
    let work = servers.iter().enumerate().map(|(mine, server)| async move {
        let mut made = 0;
        for number in 0..40 {
            let email = format!("p{number}@example.com");
            let arguments = json!({"name": format!("Person {number}"), "email": email, "company": "One & Only"});
            let reply = server.call("create_contact", arguments).await;
            if reply.is_error {
                assert!(reply.text.contains("has this address already"), "{}", reply.text);
            } else {
                made += 1;
            }
            let note = json!({"contact_id": 1, "note": format!("from {mine}, {number}")});
            if number > 0 {
                server.good("update_contact_notes", note).await;
            }
        }
        made
    });
    let made: usize = futures::future::join_all(work).await.into_iter().sum();
    assert_eq!(made, 40);
    let server = &servers[0];
    assert_eq!(server.good("search_contacts", json!({})).await["total"], 40);
    assert_eq!(server.good("list_companies", json!({})).await["total"], 1);
    let details = server
        .good("get_contact_details", json!({"contact_id": 1}))
        .await;
    assert_eq!(details["notes_total"], 4 * 39);
}

pub async fn refused(url: &str, env: &[(&str, &str)]) -> String {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(&["crm", url], data.path());
    let output = command.envs(env.iter().copied()).output();
    let output: Output = tokio::time::timeout(LIMIT, output).await.unwrap().unwrap();
    assert!(!output.status.success(), "{url} was served");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_store_that_cannot_be_served_is_refused_with_its_reason_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let url = url(dir.path());
    assert!(serve(&url).await.leave().await.success());
    let database = rusqlite::Connection::open(dir.path().join("crm.db")).unwrap();
    database
        .execute_batch("INSERT INTO crm_migrations VALUES (999, 'x')")
        .unwrap();
    let said = refused(&url, &[]).await;
    assert!(
        said.contains("newer mcpdeck") && said.contains("999") && said.contains("update mcpdeck"),
        "{said}"
    );

    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE t (n)")
        .unwrap();
    let before = std::fs::read(&other).unwrap();
    let said = refused(&other.display().to_string(), &[]).await;
    assert!(said.contains("something else"), "{said}");
    assert_eq!(std::fs::read(&other).unwrap(), before);

    let text = dir.path().join("text.db");
    std::fs::write(
        &text,
        "this is no database, it is a text of some length\n".repeat(40),
    )
    .unwrap();
    let said = refused(&text.display().to_string(), &[]).await;
    assert!(said.contains("not an SQLite database"), "{said}");

    assert!(
        refused(&dir.path().display().to_string(), &[])
            .await
            .contains("not a regular file")
    );
    assert!(
        refused("sqlite::memory:", &[])
            .await
            .contains("give it a file")
    );
    let said = refused("mysql://me:secret@host/crm", &[]).await;
    assert!(
        said.contains("postgres://") && !said.contains("secret"),
        "{said}"
    );
    let fine = dir.path().join("fine.db").display().to_string();
    assert!(
        refused(&fine, &[("MCPDECK_NOW", "soon")])
            .await
            .contains("MCPDECK_NOW")
    );
}

/// A sum by hand, digit by digit: another way than the server's.
fn added(a: &str, b: &str) -> String {
    let digits = |text: &str| {
        text.bytes()
            .rev()
            .filter(u8::is_ascii_digit)
            .map(|d| d - b'0')
            .collect::<Vec<_>>()
    };
    let (a, b) = (digits(a), digits(b));
    let (mut out, mut carry) = (Vec::new(), 0);
    for at in 0..a.len().max(b.len()).max(3) {
        let sum = a.get(at).unwrap_or(&0) + b.get(at).unwrap_or(&0) + carry;
        out.push(sum % 10 + b'0');
        carry = sum / 10;
    }
    if carry > 0 {
        out.push(carry + b'0');
    }
    while out.len() > 3 && out.last() == Some(&b'0') {
        out.pop();
    }
    out.insert(2, b'.');
    out.reverse();
    String::from_utf8(out).unwrap()
}

/// `amount` as often as `percent` says, with two more decimals.
fn weighted(sum_of: &[(String, usize)]) -> String {
    let mut total = "0.00".to_owned();
    for (amount, percent) in sum_of {
        for _ in 0..*percent {
            total = added(&total, amount);
        }
    }
    let digits: String = total.chars().filter(char::is_ascii_digit).collect();
    let digits = format!("{digits:0>5}");
    let (whole, part) = digits.split_at(digits.len() - 4);
    let mut text = format!("{whole}.{part}");
    for _ in 0..2 {
        if text.ends_with('0') {
            text.pop();
        }
    }
    text
}

#[tokio::test]
async fn sums_are_those_that_one_gets_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(&url(dir.path())).await;
    let contact =
        server.good("create_contact", json!({"name": "A"})).await["contact"]["id"].clone();
    let amount = prop_oneof![0_u64..10_000, (1_u64 << 53)..(1 << 60), Just(u64::MAX >> 1)];
    let rows = prop::collection::vec((amount, 0_usize..=100), 60);
    let rows = rows
        .new_tree(&mut TestRunner::deterministic())
        .unwrap()
        .current();
    let (mut sum, mut parts) = ("0.00".to_owned(), Vec::new());
    for (minor, percent) in rows {
        let digits = format!("{minor:0>3}");
        let (whole, part) = digits.split_at(digits.len() - 2);
        let amount = format!("{whole}.{part}");
        let new =
            json!({"contact_id": contact, "title": "x", "amount": amount, "probability": percent});
        let made = server.good("create_opportunity", new).await;
        assert_eq!(made["opportunity"]["amount"], amount);
        sum = added(&sum, &amount);
        parts.push((amount, percent));
    }
    let report = server.good("pipeline_report", json!({})).await;
    let expected =
        json!({"currency": "USD", "count": 60, "sum": sum, "weighted": weighted(&parts)});
    assert_eq!(report["open"], json!([expected]));
    assert!(sum.len() > 20, "{sum} would fit a float");
}

/// A name as a hurried person types it. Another way than the server's: by the letters' own decomposition, one by one.
fn hurried(name: &str) -> String {
    let plain = |c: char| c.nfd().find(|c| !is_combining_mark(*c)).unwrap_or(c);
    let typed: String = name.chars().map(plain).collect::<String>().to_lowercase();
    typed
        .replace('đ', "d")
        .replace('ø', "o")
        .replace('ł', "l")
        .replace('ß', "ss")
}

#[tokio::test]
async fn any_name_is_found_by_its_lower_case_letters_without_accents() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(&url(dir.path())).await;
    let word = "[A-ZĐÀÁẢÃẠÂẦẤẨẪẬĂẮẰẲẴẶÊỀẾỂỄỆÔỒỐỔỖỘƠỜỚỞỠỢƯỪỨỬỮỰÝỲỶỸỴŁØÑÇÖÜ][a-zđàáảãạâầấẩẫậăắằẳẵặêềếểễệôồốổỗộơờớởỡợưừứửữựýỳỷỹỵłøñçöüß]{1,7}";
    let name = format!("{word}( {word}){{1,3}}");
    let names = prop::collection::vec(name.as_str(), 60);
    let names = names
        .new_tree(&mut TestRunner::deterministic())
        .unwrap()
        .current();
    for name in names {
        let decomposed: String = name.nfd().collect();
        let created = server
            .good("create_contact", json!({"name": decomposed}))
            .await;
        assert_eq!(created["contact"]["name"], name);
        for query in [hurried(&name), name.clone(), decomposed] {
            let found = server
                .good("search_contacts", json!({"query": query, "limit": 100}))
                .await;
            let found = found["contacts"].as_array().unwrap();
            let named = |contact: &Value| contact["id"] == created["contact"]["id"];
            assert!(found.iter().any(named), "{name} by {query}");
        }
    }
}
