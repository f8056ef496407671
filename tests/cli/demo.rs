//! The prompts of the demo end in true answers: each is held against the files and the databases themselves.

use rusqlite::Connection;

use crate::deck::{Deck, Ran};

fn ask(deck: &Deck, prompt: &str) -> Ran {
    let ran = deck
        .run(&[
            "ask",
            "--json",
            "--approve",
            "files.*",
            "--approve",
            "crm.*",
            prompt,
        ])
        .expect(0);
    assert_eq!(ran.turn_end()["stop_reason"], "answered");
    assert!(
        ran.of_type("tool_result")
            .iter()
            .all(|result| result["is_error"] == false),
        "{ran}"
    );
    ran
}

fn rows<T: rusqlite::types::FromSql>(deck: &Deck, sql: &str) -> Vec<(String, T)> {
    let database = Connection::open(deck.database()).expect("the database");
    let mut statement = database.prepare(sql).expect("SQL");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

/// `11678.3` as `11,678.30`.
fn money(amount: f64) -> String {
    let text = format!("{amount:.2}");
    let (whole, cents) = text.split_once('.').expect("a point");
    let mut grouped = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{cents}")
}

#[test]
fn the_files_are_those_on_the_disk() {
    let deck = Deck::demo();
    let answer = ask(&deck, "List the files here").answer();
    let on_disk: Vec<String> = std::fs::read_dir(deck.files())
        .expect("the files")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(
        answer.contains(&format!("**{} entries**", on_disk.len())),
        "{answer}"
    );
    for name in on_disk {
        assert!(answer.contains(&format!("| {name} |")), "{name}: {answer}");
    }
}

#[test]
fn a_file_is_created_read_back_and_moved_to_the_trash() {
    let deck = Deck::demo();
    let path = deck.files().join("hello.txt");
    let answer = ask(&deck, "Create `hello.txt` with \"Hello from MCP!\"").answer();
    assert!(answer.contains("I created `hello.txt`"), "{answer}");
    assert_eq!(
        std::fs::read_to_string(&path).expect("the file"),
        "Hello from MCP!"
    );

    std::fs::write(&path, "changed behind its back").expect("the file");
    let answer = ask(&deck, "Read `hello.txt` back").answer();
    assert!(answer.contains("changed behind its back"), "{answer}");

    let ran = ask(&deck, "Delete `hello.txt`");
    assert!(!path.exists());
    let trashed = ran.of_type("tool_result")[0]["structured_content"]["trashed_to"].clone();
    let trashed = trashed.as_str().expect("a place");
    assert!(ran.answer().contains(trashed), "{ran}");
    // It goes when the workspace goes, and nothing of it is in the person's own data.
    let workspace = deck.files().parent().map(std::path::Path::to_owned);
    let trash = workspace.expect("the workspace").join("data/trash");
    assert!(std::path::Path::new(trashed).starts_with(&trash), "{ran}");
    let kept = std::fs::read_to_string(deck.files().join(trashed));
    assert_eq!(
        kept.expect("the file in the trash"),
        "changed behind its back"
    );
}

#[test]
fn every_python_file_is_found() {
    fn below(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "py") {
                found.push(
                    path.file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
    }
    let deck = Deck::demo();
    let mut on_disk = Vec::new();
    below(&deck.files(), &mut on_disk);
    assert!(on_disk.len() > 5);
    let answer = ask(&deck, "Find every `.py` file below here").answer();
    assert!(
        answer.contains(&format!("**{} files** fit", on_disk.len())),
        "{answer}"
    );
    for name in on_disk {
        assert!(answer.contains(&name), "{name}: {answer}");
    }
}

#[test]
fn the_schemas_have_every_column() {
    let deck = Deck::demo();
    let answer = ask(&deck, "Show the schema of customers and orders").answer();
    for table in ["customers", "orders"] {
        let columns: Vec<(String, String)> = rows(
            &deck,
            &format!("SELECT name, type FROM pragma_table_info('{table}')"),
        );
        assert!(columns.len() > 3);
        for (name, kind) in columns {
            assert!(
                answer.contains(&format!("| {name} | {kind} |")),
                "{table}.{name}: {answer}"
            );
        }
    }
}

#[test]
fn every_customer_has_the_right_address() {
    let deck = Deck::demo();
    let customers: Vec<(String, String)> = rows(&deck, "SELECT name, email FROM customers");
    let answer = ask(&deck, "Show all customers with their e-mail").answer();
    assert!(
        answer.contains(&format!("**{} customers**", customers.len())),
        "{answer}"
    );
    for (name, email) in customers {
        assert!(
            answer.contains(&format!("| {name} | {email} |")),
            "{name}: {answer}"
        );
    }
}

#[test]
fn the_best_customer_is_the_one_with_the_highest_sum() {
    let deck = Deck::demo();
    let sums: Vec<(String, f64)> = rows(
        &deck,
        "SELECT c.name, SUM(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.id ORDER BY 2 DESC",
    );
    let answer = ask(&deck, "Which customer has the highest order total?").answer();
    let (name, sum) = &sums[0];
    assert!(
        answer.contains(&format!(
            "**{name}** has the highest sum of orders: **{}**",
            money(*sum)
        )),
        "{answer}"
    );
    let singles: Vec<(String, f64)> = rows(
        &deck,
        "SELECT c.name, o.total FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY 2 DESC",
    );
    assert!(
        answer.contains(&format!("by {}: {}", singles[0].0, money(singles[0].1))),
        "{answer}"
    );
}

#[test]
fn every_customers_orders_are_counted_and_added() {
    let deck = Deck::demo();
    let counts: Vec<(String, i64)> = rows(
        &deck,
        "SELECT name, (SELECT count(*) FROM orders WHERE customer_id = customers.id) FROM customers",
    );
    let answer = ask(&deck, "How many orders does each customer have?").answer();
    for (name, count) in counts {
        assert!(
            answer.contains(&format!("| {name} | {count} |")),
            "{name}: {answer}"
        );
    }
    let revenue: Vec<(String, f64)> = rows(
        &deck,
        "SELECT CAST(count(*) AS TEXT), SUM(total) FROM orders",
    );
    let answer = ask(&deck, "What is the total revenue?").answer();
    let (orders, sum) = &revenue[0];
    assert!(
        answer.contains(&format!("**{}** over {orders} orders", money(*sum))),
        "{answer}"
    );
}

#[test]
fn the_answers_follow_the_database_and_not_the_script() {
    let deck = Deck::demo();
    let database = Connection::open(deck.database()).expect("the database");
    database
        .execute("UPDATE orders SET total = total + 1000 WHERE id = 1", [])
        .expect("an update");
    let revenue: Vec<(String, f64)> = rows(&deck, "SELECT '', SUM(total) FROM orders");
    let answer = ask(&deck, "What is the total revenue?").answer();
    assert!(answer.contains(&money(revenue[0].1)), "{answer}");
}

#[test]
fn asked_anything_else_it_says_what_it_is_and_what_it_knows() {
    let deck = Deck::demo();
    let ran = deck
        .run(&["ask", "Write me a poem about the sea"])
        .expect(0);
    assert!(ran.out.contains("script that plays a model"), "{ran}");
    for known in [
        "List the files here",
        "What is the total revenue?",
        "--model-url",
    ] {
        assert!(ran.out.contains(known), "{known}: {ran}");
    }
}

fn texts(deck: &Deck, sql: &str) -> Vec<String> {
    let store = Connection::open(deck.crm()).expect("the CRM");
    let mut statement = store.prepare(sql).expect("SQL");
    let rows = statement.query_map([], |row| row.get(0));
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

fn calls(ran: &Ran) -> Vec<String> {
    let calls = ran.of_type("tool_call");
    let names = calls.iter().map(|call| call["tool"].as_str());
    names.map(|name| name.expect("a tool").to_owned()).collect()
}

#[test]
fn a_meeting_is_prepared_across_the_servers_and_twice_makes_one_opportunity() {
    let deck = Deck::demo();
    let prompt = "Prepare a meeting with Anh of Sao Mai Tech";
    let offers = "SELECT o.amount_minor || ' ' || o.currency || ' ' || o.stage || ' ' || c.name FROM crm_opportunities o \
                  JOIN crm_contacts c ON c.id = o.contact_id WHERE o.title = 'AI Strategy Consulting'";
    assert!(texts(&deck, offers).is_empty());
    let bought: Vec<(String, f64)> = rows(
        &deck,
        "SELECT CAST(count(*) AS TEXT), SUM(total) FROM orders JOIN customers c ON c.id = customer_id WHERE c.email = 'anh.le@example.com'",
    );
    let (orders, total) = &bought[0];
    let path = deck.files().join("notes/meeting with Lê Hoàng Anh.md");

    let first = ask(&deck, prompt);
    let made = ["7500000 USD prospecting Lê Hoàng Anh"];
    assert_eq!(texts(&deck, offers), made);
    assert!(
        first.answer().contains("I created the opportunity"),
        "{first}"
    );
    assert!(
        first
            .answer()
            .contains(&format!("**{}** in {orders} orders", money(*total))),
        "{first}"
    );
    let note = std::fs::read_to_string(&path).expect("the note");
    for part in [
        "# Meeting with Lê Hoàng Anh",
        "Sao Mai Tech",
        "AI Strategy Consulting: 75000.00 USD, prospecting, 25 %",
        "Office tea subscription",
        "board",
    ] {
        assert!(note.contains(part), "{part}: {note}");
    }

    let second = ask(&deck, prompt);
    assert_eq!(texts(&deck, offers), made);
    assert!(second.answer().contains("was there already"), "{second}");
    assert_eq!(std::fs::read_to_string(&path).expect("the note"), note);
    assert_eq!(calls(&first).len(), calls(&second).len() + 1, "{second}");
}

#[test]
fn the_pipeline_is_that_of_the_store() {
    let deck = Deck::demo();
    let ran = ask(&deck, "Analyse the sales pipeline");
    let prospects = texts(
        &deck,
        "SELECT name FROM crm_contacts WHERE status = 'prospect'",
    );
    assert_eq!(prospects.len(), 4);
    let report =
        std::fs::read_to_string(deck.files().join("reports/pipeline.md")).expect("the report");
    for name in prospects {
        assert!(
            ran.answer().contains(&name) && report.contains(&name),
            "{name}: {ran}"
        );
    }
    let sum = "SELECT printf('%d.%02d', sum(o.amount_minor) / 100, sum(o.amount_minor) % 100) FROM crm_opportunities o \
               JOIN crm_contacts c ON c.id = o.contact_id WHERE c.status = 'prospect' AND o.stage NOT IN ('won', 'lost')";
    let sum = &texts(&deck, sum)[0];
    assert!(report.contains(&format!("{sum} USD")), "{sum}: {report}");
    let shown = money(sum.parse().expect("a number"));
    assert!(
        ran.answer().contains(&format!("**{shown} USD**")),
        "{shown}: {ran}"
    );
}

#[test]
fn clients_who_were_not_contacted_for_over_a_week_get_one_planned_call_each() {
    let deck = Deck::demo();
    let prompt = "Follow up with clients not contacted for over a week";
    let planned = "SELECT c.name || ': ' || a.subject FROM crm_activities a JOIN crm_contacts c ON c.id = a.contact_id \
                   WHERE a.state = 'planned' AND a.kind = 'call' ORDER BY c.id";
    let before = "SELECT group_concat(last_contact_at) FROM crm_contacts";
    let contacted = texts(&deck, before);
    let first = ask(&deck, prompt).answer();
    let expected = [
        "Trần Thị Bình: Follow up: Welcome tea for 120 rooms",
        "Sofia Rossi: Follow up: Ceramics for the spring catalogue",
        "James Wilson: Follow up: Cold brew sets for six cafés",
        "Đặng Thu Hà: Follow up: Coffee corner",
    ];
    assert_eq!(texts(&deck, planned), expected);
    assert_eq!(texts(&deck, before), contacted, "a plan is no contact");
    assert!(first.contains("I planned 4 calls"), "{first}");
    assert!(
        first.contains("pending: Coffee corner, 4,120.75 USD"),
        "{first}"
    );
    assert!(
        !first.contains("Lukas") && !first.contains("陈伟"),
        "{first}"
    );

    let second = ask(&deck, prompt).answer();
    assert_eq!(texts(&deck, planned), expected);
    assert!(second.contains("planned already"), "{second}");
}
