//! The ten prompts of the demo end in true answers: each is held against the files and the database themselves.

use rusqlite::Connection;

use crate::deck::{Deck, Ran};

fn ask(deck: &Deck, prompt: &str) -> Ran {
    let ran = deck
        .run(&["ask", "--json", "--approve", "files.*", prompt])
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
