//! The first run: the demo, from its first prompt to its last, against what lies on the disk.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::deck::{Deck, input, is_idle};
use crate::home::Home;
use crate::screen::{Key, LIMIT};

/// Tall enough for the longest answer.
const TALL: (u16, u16) = (120, 80);

const PROMPTS: [&str; 13] = [
    "List the files here",
    "Create `hello.txt` with \"Hello from MCP!\"",
    "Find every `.py` file below here",
    "Read `hello.txt` back",
    "Delete `hello.txt`",
    "Show the schema of customers and orders",
    "Show all customers with their e-mail",
    "Which customer has the highest order total?",
    "How many orders does each customer have?",
    "What is the total revenue?",
    "Prepare a meeting with Anh of Sao Mai Tech",
    "Analyse the sales pipeline",
    "Follow up with clients not contacted for over a week",
];

#[test]
fn the_demo_goes_from_prompt_to_prompt_by_enter_and_each_answer_is_true() {
    let home = Home::new();
    let folder = home.work().join("demo");
    let deck = Deck::open(home, TALL, &["demo", "--keep", &folder.to_string_lossy()]);
    deck.hear("I am a script that plays a model");
    deck.screen.wait_text("(a script plays the model, no LLM)");
    deck.ready(3, 3);
    let files = folder.join("files");
    let hello = files.join("hello.txt");
    let python: Vec<PathBuf> = below(&files)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "py"))
        .collect();
    let shop = Connection::open(folder.join("shop.db")).expect("the shop");

    let answer = ask(&deck, PROMPTS[0], &[]);
    let names = names(&files);
    assert!(answer.contains(&format!("There are {} entries", names.len())));
    holds_all(&answer, &names);

    let answer = ask(&deck, PROMPTS[1], &["files.write_file"]);
    assert_eq!(fs::read(&hello).expect("the new file"), b"Hello from MCP!");
    holds_all(&answer, &["I created hello.txt: 15 bytes."]);

    let answer = ask(&deck, PROMPTS[2], &[]);
    let paths: Vec<String> = python.iter().map(|path| inside(&files, path)).collect();
    assert!(paths.len() >= 6);
    assert!(answer.contains(&format!("{} files fit", paths.len())));
    holds_all(&answer, &paths);

    let answer = ask(&deck, PROMPTS[3], &[]);
    holds_all(
        &answer,
        &["hello.txt holds 1 line, 15 bytes: Hello from MCP!"],
    );

    let answer = ask(&deck, PROMPTS[4], &["files.delete_file"]);
    holds_all(&answer, &["hello.txt is gone from the workspace"]);
    assert!(!hello.exists());
    let kept = below(&deck.home.path(""))
        .into_iter()
        .find(|path| fs::read(path).is_ok_and(|bytes| bytes == b"Hello from MCP!"));
    let kept = kept.expect("what was deleted lies somewhere");
    let kept = kept.file_name().expect("a name").to_string_lossy();
    holds_all(&answer.replace(' ', ""), &[kept]);

    let answer = ask(&deck, PROMPTS[5], &[]);
    let columns = "SELECT name || ' │ ' || lower(type) FROM pragma_table_info('customers') \
                   UNION ALL SELECT name || ' │ ' || lower(type) FROM pragma_table_info('orders')";
    holds_all(&answer.to_lowercase(), &texts(&shop, columns));

    let answer = ask(&deck, PROMPTS[6], &[]);
    let people = texts(
        &shop,
        "SELECT name || ' │ ' || coalesce(email, '') FROM customers",
    );
    assert!(people.len() >= 20);
    assert!(answer.contains(&format!("{} customers:", people.len())));
    holds_all(&answer, &people);

    let answer = ask(&deck, PROMPTS[7], &[]);
    let best = "SELECT c.name || ' has the highest sum of orders: ' || printf('%,.2f', sum(o.total)) \
                || ' in ' || count(*) || ' orders.' FROM customers c JOIN orders o ON o.customer_id = c.id \
                GROUP BY c.id ORDER BY sum(o.total) DESC LIMIT 1";
    holds_all(&answer, &texts(&shop, best));

    let answer = ask(&deck, PROMPTS[8], &[]);
    let counts = "SELECT c.name || ' │ ' || count(o.id) FROM customers c \
                  LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id";
    let counts = texts(&shop, counts);
    assert_eq!(counts.len(), people.len());
    holds_all(&answer, &counts);

    let answer = ask(&deck, PROMPTS[9], &[]);
    let revenue = "SELECT printf('%,.2f', sum(total)) FROM orders";
    holds_all(&answer, &texts(&shop, revenue));

    second_tour(&deck, &folder);

    deck.say("Write me a poem about the sea");
    deck.hear("I am a script that plays a model, and I have no answer to that.");
    deck.idle();
    let answer = deck.answer_to("Write me a poem about the sea");
    holds_all(&answer, &PROMPTS.map(|prompt| prompt.replace('`', "")));
    holds_all(&answer, &["use a real model: mcpdeck demo --model-url URL"]);
    deck.quit();
}

/// The three prompts across files, shop and CRM: after each, the store and the file are read back.
#[track_caller]
fn second_tour(deck: &Deck, folder: &Path) {
    let crm = Connection::open(folder.join("crm.db")).expect("the CRM");
    let offers = "SELECT c.name || ' ' || o.amount_minor || ' ' || o.stage || ' ' || o.probability FROM crm_opportunities o \
                  JOIN crm_contacts c ON c.id = o.contact_id WHERE o.title = 'AI Strategy Consulting'";
    assert_eq!(texts(&crm, offers), Vec::<String>::new());
    let answer = ask(
        deck,
        PROMPTS[10],
        &["crm.create_opportunity", "files.write_file"],
    );
    holds_all(
        &answer,
        &["I created the opportunity AI Strategy Consulting: 75,000.00 USD, prospecting, 25 %."],
    );
    assert_eq!(texts(&crm, offers), ["Lê Hoàng Anh 7500000 prospecting 25"]);
    let note = folder.join("files/notes/meeting with Lê Hoàng Anh.md");
    let note = fs::read_to_string(note).expect("the note");
    assert!(
        note.contains("AI Strategy Consulting: 75000.00 USD"),
        "{note}"
    );

    let answer = ask(deck, PROMPTS[11], &["files.write_file"]);
    let sum = "SELECT printf('%,d.%02d', sum(o.amount_minor) / 100, sum(o.amount_minor) % 100) || ' USD in ' || count(*) FROM crm_opportunities o \
               JOIN crm_contacts c ON c.id = o.contact_id WHERE c.status = 'prospect' AND o.stage NOT IN ('won', 'lost')";
    holds_all(&answer, &texts(&crm, sum));
    let people = texts(
        &crm,
        "SELECT name FROM crm_contacts WHERE status = 'prospect'",
    );
    holds_all(&answer, &people);
    let report = fs::read_to_string(folder.join("files/reports/pipeline.md")).expect("the report");
    holds_all(&report, &people);

    let silent = "SELECT name FROM crm_contacts WHERE status IN ('customer', 'prospect') \
                  AND julianday('now') - julianday(date(last_contact_at)) > 8 ORDER BY id";
    let silent = texts(&crm, silent);
    assert_eq!(silent.len(), 4);
    let answer = ask(deck, PROMPTS[12], &["crm.log_activity"; 4]);
    holds_all(&answer, &silent);
    let planned = "SELECT c.name FROM crm_activities a JOIN crm_contacts c ON c.id = a.contact_id \
                   WHERE a.state = 'planned' ORDER BY c.id";
    assert_eq!(texts(&crm, planned), silent);
}

/// Sends the prompt that is proposed, says yes to the calls that are asked about, and gives the answer.
#[track_caller]
fn ask(deck: &Deck, prompt: &str, asks: &[&str]) -> String {
    let offered = prompt;
    deck.screen.wait("the next prompt offered", LIMIT, |s| {
        let words: Vec<String> = input(s).split_whitespace().map(str::to_owned).collect();
        is_idle(s) && words.join(" ").contains(offered)
    });
    deck.screen.key(Key::Enter);
    deck.hear(&format!("❯ {prompt}"));
    for call in asks {
        deck.question(call);
        let asked = deck.screen.look(question);
        deck.screen.key(Key::Char('y'));
        // Where several wait, the next one stands in its place.
        deck.screen
            .wait("the question answered", LIMIT, |s| question(s) != asked);
    }
    deck.screen.wait("the end of the turn", LIMIT, |s| {
        is_idle(s) && !input(s).contains(prompt)
    });
    deck.answer_to(prompt)
}

/// What stands behind the question: how many wait.
fn question(screen: &vt100::Screen) -> Option<String> {
    let text = screen.contents();
    let (_, rest) = text.split_once("Allow this call?")?;
    Some(rest.chars().take(8).collect())
}

#[track_caller]
fn holds_all(answer: &str, wanted: &[impl AsRef<str>]) {
    // A table pads its cells.
    let answer = words(answer);
    for text in wanted {
        let text = words(text.as_ref());
        assert!(answer.contains(&text), "{text:?} is not in {answer:?}");
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(name);
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn inside(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).expect("a path below the root");
    path.to_string_lossy().into_owned()
}

fn texts(database: &Connection, sql: &str) -> Vec<String> {
    let mut query = database.prepare(sql).expect("good SQL");
    let rows = query.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a text")).collect()
}
