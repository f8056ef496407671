//! Text of models, tools and servers on a terminal's stdout and stderr: it can neither move the cursor nor hide.

use serde_json::json;

use crate::deck::{Deck, Ran, blocking, calls, chunk, model_at};
use crate::endpoint::{Endpoint, Reply};

/// Clears the screen, sets the title, uses the 8-bit forms, writes from right to left, and hides text in tag characters.
const HOSTILE: &str =
    "a\u{1b}[2Jb\u{1b}]0;title\u{7}c\u{9b}31md\u{202e}e\u{e0041}f\u{8}g\rh\u{0}i\u{1b}";

/// The first character that a terminal would act on, or that hides.
fn harmful(text: &str) -> Option<char> {
    let is_bad = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().find(|c| is_bad(*c))
}

#[track_caller]
fn is_clean(ran: &Ran) {
    for (name, text) in [("stdout", &ran.out), ("stderr", &ran.err)] {
        assert_eq!(harmful(text), None, "{name}: {text:?}");
    }
}

#[test]
fn the_check_finds_each_of_them() {
    for bad in [
        "\u{1b}[2J",
        "\u{9b}31m",
        "\u{7}",
        "\r",
        "\u{202e}",
        "\u{e0041}",
        "\u{8}",
        "\u{0}",
    ] {
        assert!(harmful(bad).is_some(), "{bad:?}");
    }
    assert_eq!(harmful("Tiếng Việt\n\tvà 中文 👩‍👧"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_models_text_is_cleaned_in_words_and_whole_in_events() {
    // Cut everywhere, so that sequences come in pieces.
    let mut chunks: Vec<_> = HOSTILE
        .chars()
        .map(|c| chunk(&json!({ "content": c.to_string() }), None))
        .collect();
    chunks.push(chunk(&json!({}), Some("stop")));
    let endpoint = Endpoint::with(vec![Reply::chunks(&chunks)]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let words = blocking(|| deck.run(&["ask", "x"])).expect(0);
    is_clean(&words);
    assert!(
        words.out.contains('a') && words.out.contains('i'),
        "{words}"
    );
    let events = blocking(|| deck.run(&["ask", "--json", "x"])).expect(0);
    assert_eq!(events.answer(), HOSTILE);
    is_clean(&Ran {
        out: events.out.replace(|c: char| !c.is_ascii(), ""),
        ..events
    });
}

fn hostile_server(deck: &Deck) {
    let text = serde_json::Value::from(HOSTILE)
        .to_string()
        .replace('\u{202e}', "\\u202e");
    let text = text
        .replace('\u{e0041}', "\\U000E0041")
        .replace('\u{9b}', "\\u009b");
    let script = format!(
        "[start]\nstderr = [{text}]\n\
         [[tools]]\nname = 'say'\ndescription = {text}\ninputSchema = {{ type = 'object' }}\n\
         [[on]]\nmethod = 'tools/call'\ntool = 'say'\nresult = {{ content = [{{ type = 'text', text = {text} }}] }}\n"
    );
    deck.scripted("s", &script, "approve = \"never\"");
    let ends = format!("[start]\nstderr = [{text}]\nstdout = [{text}]\nexit = 1\n");
    deck.scripted("ends", &ends, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_texts_of_servers_and_tools_are_cleaned_too() {
    let call = calls("s__say", &json!({ "x": HOSTILE }));
    let body = json!({ "error": { "message": HOSTILE } });
    let replies = vec![Reply::chunks(&call), Reply::json(401, &body)];
    let endpoint = Endpoint::with(replies).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    hostile_server(&deck);
    blocking(|| {
        for (args, code) in [
            (&["ask", "x"][..], 4),
            (&["list"], 0),
            (&["list", "s"], 0),
            (&["list", "ends"], 3),
            (&["call", "s", "say"], 0),
            (&["call", "s", "say", "--args", "{\"\u{1b}[2J\": "], 2),
            (&["call", "\u{1b}[2J", "say"], 2),
            (&["call", "s", "\u{1b}[2J"], 2),
        ] {
            let ran = deck.run(args).expect(code);
            is_clean(&ran);
            assert!(!ran.out.is_empty() || !ran.err.is_empty(), "{args:?}");
        }
        // The control: it did arrive.
        let ran = deck.run(&["call", "s", "say", "--json"]).expect(0);
        assert_eq!(ran.json()["content"][0]["text"], HOSTILE);
    });
}

#[test]
fn a_tab_in_data_stays_a_tab() {
    let deck = Deck::new("");
    let script = "[[tools]]\nname = 'say'\ninputSchema = { type = 'object' }\n\
                  [[on]]\nmethod = 'tools/call'\nresult = { content = [{ type = 'text', text = \"a\\tb\\n\" }] }\n";
    deck.scripted("s", script, "");
    assert_eq!(deck.run(&["call", "s", "say"]).expect(0).out, "a\tb\n");
}
