//! The CRM server's tools through a real client. `session` is the same for every engine: what it holds, each store must hold.

use rmcp::ClientLifecycleMode;
use serde_json::{Value, json};

use crate::client::{Served, modern};

/// The time for which these stores take now.
pub const NOW: (&str, &str) = ("MCPDECK_NOW", "2026-11-22T09:00:00Z");

async fn serve(url: &str) -> Served {
    Served::start_with(&["crm", url], &[NOW], modern()).await
}

/// A store of its own in a new file.
async fn fresh() -> (tempfile::TempDir, Served) {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("crm.db").display());
    (dir, serve(&url).await)
}

#[tokio::test]
async fn a_session_on_sqlite() {
    let (_dir, server) = fresh().await;
    session(&server).await;
}

/// What a person does with a CRM, well and badly. Wants an empty store.
pub async fn session(server: &Served) {
    let (binh, anh) = contacts(server).await;
    searches(server, binh, anh).await;
    opportunities(server, binh, anh).await;
    activities(server, binh, anh).await;
    all_of_it(server, binh).await;
    updates(server, anh).await;
    odd_searches(server).await;
}

async fn create(server: &Served, arguments: Value) -> i64 {
    let created = server.good("create_contact", arguments).await;
    created["contact"]["id"].as_i64().unwrap()
}

async fn contacts(server: &Served) -> (i64, i64) {
    let first = json!({
        "name": " Trần  Thị Bình", "email": "Binh.Tran@example.com", "company": "Đặng Tech", "status": "prospect",
        "title": "Head of IT", "tags": ["Hội nghị", "VIP", "vip"], "note": "Met at the fair."
    });
    let created = server.good("create_contact", first).await;
    assert_eq!(created["company_created"], true);
    let contact = &created["contact"];
    assert_eq!(contact["name"], "Trần Thị Bình");
    assert_eq!(contact["tags"], json!(["Hội nghị", "VIP"]));
    assert_eq!(contact["last_contact"], Value::Null);
    let binh = contact["id"].as_i64().unwrap();

    // The same company, written by someone whose keyboard decomposes.
    let second = json!({"name": "Lê Hoàng Anh", "company": " đa\u{306}\u{323}ng tech", "status": "customer"});
    let created = server.good("create_contact", second).await;
    assert_eq!(created["company_created"], false);
    assert_eq!(created["contact"]["company"], contact["company"]);
    let anh = created["contact"]["id"].as_i64().unwrap();

    let again =
        json!({"name": "Someone", "email": "binh.TRAN@example.com", "company": "Elsewhere"});
    let said = server.refused("create_contact", again).await;
    assert!(
        said.contains("`email`") && said.contains(&format!("contact {binh} ")),
        "{said}"
    );
    let companies = server.good("list_companies", json!({})).await;
    assert_eq!(
        companies["total"], 1,
        "a refused contact left its company behind"
    );

    for (arguments, words) in [
        (json!({"name": "  "}), "`name` is empty"),
        (json!({"name": "A\u{7}b"}), "`name` has control characters"),
        (json!({"name": "A", "email": "a@b"}), "`email`"),
        (
            json!({"name": "A", "status": "prospekt"}),
            "did you mean `prospect`",
        ),
        (json!({"name": "A", "mail": "a@b.c"}), "mail"),
        (json!({"email": "a@b.c"}), "name"),
    ] {
        let said = server.refused("create_contact", arguments).await;
        assert!(said.contains(words), "{words}: {said}");
    }
    (binh, anh)
}

async fn found(server: &Served, arguments: Value) -> Vec<i64> {
    let found = server.good("search_contacts", arguments).await;
    let contacts = found["contacts"].as_array().unwrap();
    assert!(found["total"].as_u64().unwrap() >= contacts.len() as u64);
    contacts.iter().map(|c| c["id"].as_i64().unwrap()).collect()
}

async fn searches(server: &Served, binh: i64, anh: i64) {
    // `anh` is in the middle of these two: behind the one who is called so.
    let khanh = create(server, json!({"name": "Đỗ Khánh Linh", "status": "lead"})).await;
    let odd = create(
        server,
        json!({"name": "100%_\\ Ltd", "email": "x_y@example.org", "tags": ["a%b"]}),
    )
    .await;
    for (arguments, expected) in [
        (json!({"query": "Tran Thi Binh"}), vec![binh]),
        (
            json!({"query": "tra\u{302}\u{300}n bi\u{300}nh"}),
            vec![binh],
        ),
        (json!({"query": "dang"}), vec![anh, binh]),
        (json!({"query": "DO KHANH"}), vec![khanh]),
        (json!({"query": "anh"}), vec![anh, khanh]),
        (json!({"name": "anh", "company": "tech"}), vec![anh]),
        (json!({"query": "binh.tran@example"}), vec![binh]),
        (json!({"email": "BINH.TRAN"}), vec![binh]),
        (json!({"query": "hoi nghi"}), vec![binh]),
        (json!({"tag": "HOI NGHI"}), vec![binh]),
        (json!({"tag": "hoi"}), vec![]),
        (json!({"status": "customer"}), vec![anh]),
        (json!({"query": "%"}), vec![odd]),
        (json!({"query": "_"}), vec![odd]),
        (json!({"query": "\\"}), vec![odd]),
        (json!({"query": "'"}), vec![]),
        (json!({"query": "\" OR 1=1 --"}), vec![]),
        (json!({"query": "?1"}), vec![]),
        (json!({}), vec![odd, khanh, anh, binh]),
    ] {
        assert_eq!(
            found(server, arguments.clone()).await,
            expected,
            "{arguments}"
        );
    }
    pages(server, vec![odd, khanh, anh, binh]).await;
    let said = server
        .refused("search_contacts", json!({"cursor": "nonsense"}))
        .await;
    assert!(said.contains("`cursor`"), "{said}");
    let said = server
        .refused(
            "search_contacts",
            json!({"last_contact_before": "22.11.2026"}),
        )
        .await;
    assert!(
        said.contains("`last_contact_before`") && said.contains("YYYY-MM-DD"),
        "{said}"
    );
}

/// Page by page comes what comes at once.
async fn pages(server: &Served, all: Vec<i64>) {
    for query in ["", "a", "n"] {
        let whole = found(server, json!({"query": query})).await;
        if query.is_empty() {
            assert_eq!(whole, all);
        }
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let page = json!({"query": query, "limit": 1, "cursor": cursor});
            let page = server.good("search_contacts", page).await;
            assert_eq!(page["total"], whole.len());
            seen.extend(
                page["contacts"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| c["id"].as_i64().unwrap()),
            );
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(seen, whole, "{query}");
    }
}

async fn opportunities(server: &Served, binh: i64, anh: i64) {
    let new = json!({"contact_id": binh, "title": "AI Strategy Consulting", "amount": 75000});
    let made = server.good("create_opportunity", new).await["opportunity"].clone();
    assert_eq!(
        (
            &made["stage"],
            &made["probability"],
            &made["amount"],
            &made["currency"],
            &made["open"]
        ),
        (
            &json!("prospecting"),
            &json!(25),
            &json!("75000.00"),
            &json!("USD"),
            &json!(true)
        )
    );
    let id = made["id"].as_i64().unwrap();
    for (arguments, words) in [
        (
            json!({"contact_id": 999, "title": "x", "amount": 1}),
            "`contact_id`: there is no contact 999",
        ),
        (
            json!({"contact_id": anh, "title": "x", "amount": "1.005"}),
            "`amount`",
        ),
        (
            json!({"contact_id": anh, "title": "x", "amount": -5}),
            "`amount`",
        ),
        (
            json!({"contact_id": anh, "title": "x", "amount": 1, "probability": 101}),
            "`probability`",
        ),
        (
            json!({"contact_id": anh, "title": "x", "amount": 1, "stage": "negotation"}),
            "did you mean `negotiation`",
        ),
        (
            json!({"contact_id": anh, "title": "x", "amount": 1, "currency": "US"}),
            "`currency`",
        ),
        (
            json!({"contact_id": anh, "title": "x", "amount": 1, "expected_close": "2026-02-30"}),
            "`expected_close`",
        ),
    ] {
        let said = server.refused("create_opportunity", arguments).await;
        assert!(said.contains(words), "{words}: {said}");
    }
    let change = json!({"opportunity_id": id, "stage": "proposal", "amount": "80000.5"});
    let updated = server.good("update_opportunity", change).await;
    assert_eq!(
        (
            &updated["before"]["probability"],
            &updated["before"]["amount"]
        ),
        (&json!(25), &json!("75000.00"))
    );
    let now = &updated["opportunity"];
    assert_eq!(
        (&now["probability"], &now["amount"], &now["stage"]),
        (&json!(60), &json!("80000.50"), &json!("proposal"))
    );
    let said = server
        .refused("update_opportunity", json!({"opportunity_id": id}))
        .await;
    assert!(said.contains("Nothing to change"), "{said}");
    let said = server
        .refused(
            "update_opportunity",
            json!({"opportunity_id": 999, "stage": "won"}),
        )
        .await;
    assert!(said.contains("`opportunity_id`"), "{said}");

    for (title, amount, stage) in [
        ("Support", "90071992547409.93", "won"),
        ("Licences", "0.07", "prospecting"),
        ("Thử", "0.01", "lost"),
    ] {
        let new = json!({"contact_id": anh, "title": title, "amount": amount, "stage": stage, "currency": "eur"});
        server.good("create_opportunity", new).await;
    }
    let listed = server
        .good(
            "list_opportunities",
            json!({"open_only": true, "company": "dang"}),
        )
        .await;
    let titles: Vec<&str> = listed["opportunities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["AI Strategy Consulting", "Licences"]);
    let listed = server
        .good(
            "list_opportunities",
            json!({"limit": 2, "contact_status": "customer", "query": ""}),
        )
        .await;
    assert_eq!(
        (&listed["total"], listed["next_cursor"].is_string()),
        (&json!(3), true)
    );
    let next = json!({"contact_status": "customer", "cursor": listed["next_cursor"]});
    let listed = server.good("list_opportunities", next).await;
    assert_eq!(
        (
            listed["opportunities"].as_array().unwrap().len(),
            &listed["next_cursor"]
        ),
        (1, &Value::Null)
    );

    let report = server.good("pipeline_report", json!({})).await;
    let line = |stage: &str, currency: &str, sum: &str, weighted: &str| json!({"stage": stage, "currency": currency, "count": 1, "sum": sum, "weighted": weighted});
    assert_eq!(
        report["stages"],
        json!([
            line("prospecting", "EUR", "0.07", "0.0175"),
            line("proposal", "USD", "80000.50", "48000.30"),
            line("won", "EUR", "90071992547409.93", "90071992547409.93"),
            line("lost", "EUR", "0.01", "0.00"),
        ])
    );
    assert_eq!(
        report["open"],
        json!([
            {"currency": "EUR", "count": 1, "sum": "0.07", "weighted": "0.0175"},
            {"currency": "USD", "count": 1, "sum": "80000.50", "weighted": "48000.30"},
        ])
    );
}

async fn activities(server: &Served, binh: i64, anh: i64) {
    let log = |kind: &str, at: &str| json!({"contact_id": binh, "kind": kind, "subject": "About AI", "happened_at": at});
    let logged = server.good("log_activity", log("call", "2026-11-10")).await;
    assert_eq!(logged["last_contact"], "2026-11-10T12:00:00Z");
    let logged = server
        .good("log_activity", log("email", "2026-11-14T23:30:00-05:00"))
        .await;
    assert_eq!(logged["last_contact"], "2026-11-15T04:30:00Z");
    let logged = server
        .good("log_activity", log("meeting", "2026-11-01"))
        .await;
    assert_eq!(
        logged["last_contact"], "2026-11-15T04:30:00Z",
        "an older one moves nothing back"
    );
    let logged = server.good("log_activity", log("note", "2026-11-21")).await;
    assert_eq!(
        logged["last_contact"], "2026-11-15T04:30:00Z",
        "a note is no contact"
    );
    let plan =
        json!({"contact_id": binh, "kind": "call", "subject": "Follow up", "due_in_days": 2});
    let planned = server.good("log_activity", plan).await;
    assert_eq!(
        planned["last_contact"], "2026-11-15T04:30:00Z",
        "a plan is no contact"
    );
    assert_eq!(
        (&planned["activity"]["state"], &planned["activity"]["due"]),
        (&json!("planned"), &json!("2026-11-24"))
    );

    // Seven days ago is not more than seven days ago.
    let silent = |days: i64| json!({"not_contacted_for_days": days, "company": "tech"});
    assert_eq!(found(server, silent(7)).await, [anh]);
    assert_eq!(found(server, silent(6)).await, [anh, binh]);
    assert_eq!(
        found(
            server,
            json!({"last_contact_before": "2026-11-15", "company": "tech"})
        )
        .await,
        [anh]
    );
    assert_eq!(
        found(server, json!({"last_contact_after": "2026-11-14"})).await,
        [binh]
    );
    assert_eq!(
        found(server, json!({"last_contact_after": "2026-11-15"})).await,
        Vec::<i64>::new()
    );

    for (more, words) in [
        (json!({"due": "2026-11-01"}), "`due`"),
        (json!({"happened_at": "2026-12-01"}), "`happened_at`"),
        (
            json!({"happened_at": "2026-11-01", "due": "2026-12-01"}),
            "only one of",
        ),
        (json!({"happened_at": "yesterday"}), "`happened_at`"),
        (
            json!({"opportunity_id": 1, "contact_id": anh}),
            "`opportunity_id`",
        ),
        (json!({"contact_id": 999}), "`contact_id`"),
        (json!({"kind": "mail"}), "did you mean `email`"),
    ] {
        let mut arguments = json!({"contact_id": binh, "kind": "call", "subject": "x"});
        arguments
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let said = server.refused("log_activity", arguments).await;
        assert!(said.contains(words), "{words}: {said}");
    }
    let id = &planned["activity"]["id"];
    let done = server
        .good("complete_activity", json!({"activity_id": id}))
        .await;
    assert_eq!(
        (&done["activity"]["state"], &done["last_contact"]),
        (&json!("done"), &json!(NOW.1))
    );
    let said = server
        .refused("complete_activity", json!({"activity_id": id}))
        .await;
    assert!(said.contains("`activity_id`"), "{said}");
}

/// A contact that changes is found by what it is now, and by nothing that it was.
async fn updates(server: &Served, anh: i64) {
    let before = server
        .good("get_contact_details", json!({"contact_id": anh}))
        .await["contact"]
        .clone();
    let change = json!({
        "contact_id": anh, "name": "Lê Hoàng Ánh", "email": "anh@example.com", "company": "Sông Hồng", "status": "inactive",
        "phone": "+84 1", "tags": ["Đối tác"]
    });
    let updated = server.good("update_contact", change).await;
    assert_eq!(updated["before"], before);
    assert_eq!(updated["company_created"], true);
    let contact = &updated["contact"];
    assert_eq!(contact["name"], "Lê Hoàng Ánh");
    assert_eq!(contact["company"]["name"], "Sông Hồng");
    assert_eq!(contact["status"], "inactive");
    assert_eq!(contact["tags"], json!(["Đối tác"]));
    assert_eq!(contact["title"], before["title"], "not given, so it stays");
    for query in ["le hoang anh song hong", "doi tac", "ANH@example"] {
        assert_eq!(found(server, json!({"query": query})).await, [anh]);
    }
    let old = json!({"name": "hoang anh", "company": "dang tech"});
    assert_eq!(found(server, old).await, [] as [i64; 0]);

    // One's own address is no other one's; the empty text takes away.
    let own = json!({"contact_id": anh, "email": "ANH@example.com"});
    server.good("update_contact", own).await;
    let taken = json!({"contact_id": anh, "name": "X", "email": "binh.tran@EXAMPLE.com"});
    let said = server.refused("update_contact", taken).await;
    assert!(said.contains("has this address already"), "{said}");
    let less = json!({"contact_id": anh, "email": "", "phone": " ", "company": "", "tags": []});
    let updated = server.good("update_contact", less).await;
    let contact = &updated["contact"];
    assert_eq!(contact["name"], "Lê Hoàng Ánh", "the refused one changed");
    for gone in ["email", "phone", "company"] {
        assert_eq!(contact[gone], Value::Null, "{gone}");
    }
    assert_eq!(contact["tags"], json!([]));

    for (wrong, why) in [
        (json!({"contact_id": anh}), "Nothing to change"),
        (json!({"contact_id": 999, "name": "X"}), "no contact 999"),
        (json!({"contact_id": anh, "name": " "}), "`name` is empty"),
        (json!({"contact_id": anh, "email": "x"}), "no @"),
    ] {
        let said = server.refused("update_contact", wrong).await;
        assert!(said.contains(why), "{said}");
    }
    let back = json!({"contact_id": anh, "name": before["name"], "company": before["company"]["name"], "status": before["status"]});
    server.good("update_contact", back).await;
}

/// A cursor is good for its own search alone, and a NUL is no way to find everybody.
async fn odd_searches(server: &Served) {
    let page = server.good("search_contacts", json!({"limit": 1})).await;
    let other = json!({"query": "zzz", "cursor": page["next_cursor"]});
    let said = server.refused("search_contacts", other).await;
    assert!(said.contains("another search"), "{said}");
    for field in ["query", "name", "company", "email", "tag"] {
        let said = server
            .refused("search_contacts", json!({field: "\u{0}"}))
            .await;
        assert!(said.contains(field) && said.contains("NUL"), "{said}");
    }
}

async fn all_of_it(server: &Served, binh: i64) {
    for text in ["Line one\nLine two", "Ngân sách: 80.000 USD"] {
        server
            .good(
                "update_contact_notes",
                json!({"contact_id": binh, "note": text}),
            )
            .await;
    }
    let noted = json!({"contact_id": 999, "note": "x"});
    assert!(
        server
            .refused("update_contact_notes", noted)
            .await
            .contains("no contact 999")
    );
    let noted = json!({"contact_id": binh, "note": "a\u{0}b"});
    assert!(
        server
            .refused("update_contact_notes", noted)
            .await
            .contains("NUL")
    );
    let details = server
        .good("get_contact_details", json!({"contact_id": binh}))
        .await;
    let texts: Vec<&str> = details["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "Ngân sách: 80.000 USD",
            "Line one\nLine two",
            "Met at the fair."
        ]
    );
    assert_eq!(details["notes_total"], 3);
    assert_eq!(details["opportunities"][0]["amount"], "80000.50");
    assert_eq!(details["activities_total"], 5);
    assert_eq!(details["activities"][0]["subject"], "Follow up");
    assert_eq!(details["contact"]["days_since_contact"], 0);
    let said = server
        .refused("get_contact_details", json!({"contact_id": 999}))
        .await;
    assert!(
        said.contains("`contact_id`") && said.contains("search_contacts"),
        "{said}"
    );
}

#[tokio::test]
async fn read_only_leaves_out_what_changes_something() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("crm.db").display().to_string();
    assert!(serve(&file).await.leave().await.success());
    let server = Served::start(&["crm", "--read-only", &file]).await;
    let names: Vec<&str> = server.tools.iter().map(|tool| tool.name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "search_contacts",
            "get_contact_details",
            "list_companies",
            "list_opportunities",
            "pipeline_report"
        ]
    );
}

#[tokio::test]
async fn without_a_url_the_store_lies_in_the_data_directory_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = Served::start_with(&["crm"], &[], ClientLifecycleMode::Initialize).await;
    create(&server, json!({"name": "Emma Clarke"})).await;
    let file = server.data.path().join("crm.db");
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
