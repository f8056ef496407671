//! Nothing is changed before a person has seen it and said yes.

use std::fs;

use crate::deck::{
    Deck, WIDE, arguments, assert_well_formed, calls, endpoint, input, messages, model, prompts,
    says, scripted, sent,
};
use crate::home::Home;
use crate::screen::Key;

const SERVER: &str = r#"
[[tools]]
name = "put"
inputSchema = { type = "object" }
[[tools]]
name = "drop"
inputSchema = { type = "object" }
"#;

/// What hides if it can: escapes, a zero-width space, a direction mark, numbers that a rounding would change.
const TRICKY: &str = r#"{"text":"a \"quote\", a \\ and an é","n":9007199254740993,"f":0.1,"deep":[true,null,{"k":"v"}],"empty":{}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_shown_is_what_is_sent_and_each_answer_does_what_it_says() {
    let told = endpoint(vec![
        calls(&[("s__put", TRICKY)]),
        says("First done."),
        calls(&[("s__put", r#"{"a":2}"#)]),
        says("Second done."),
        calls(&[("s__put", r#"{"a":3}"#)]),
        says("Third done."),
        calls(&[("s__put", r#"{"a":4}"#)]),
        says("Fourth done."),
        calls(&[("s__put", r#"{"a":5}"#)]),
        says("Fifth done."),
        calls(&[("s__drop", r#"{"a":6}"#)]),
        says("Sixth done."),
    ])
    .await;
    let home = Home::new();
    let config = model(&told) + &scripted(&home, "s", SERVER);
    home.write("mcp.toml", &config);
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(1, 1);

    deck.say("one");
    deck.question("s.put");
    let shown = deck.screen.look(arguments);
    deck.screen.key(Key::Char('y'));
    deck.hear("First done.");

    deck.say("two");
    deck.answer("s.put", 'n');
    deck.hear("Second done.");

    deck.say("three");
    deck.question("s.put");
    deck.screen.key(Key::Char('r'));
    deck.screen.wait_text("why not, for the model");
    deck.screen.send("use the táble B");
    deck.screen.wait_text("use the táble B");
    deck.screen.key(Key::Enter);
    deck.hear("Third done.");

    deck.say("four");
    deck.answer("s.put", 's');
    deck.hear("Fourth done.");
    deck.say("five");
    deck.hear("Fifth done.");

    deck.say("six");
    deck.answer("s.drop", 'a');
    deck.hear("Sixth done.");

    let seen = prompts(&told);
    let last = |request: usize| {
        let all = messages(&seen[request]);
        all.last()
            .map(|m| m["content"].to_string())
            .unwrap_or_default()
    };
    assert!(last(3).contains("denied: "), "{}", last(3));
    assert!(last(5).contains("denied: "), "{}", last(5));
    assert!(last(5).contains("use the táble B"), "{}", last(5));
    seen.iter().for_each(|request| assert_well_formed(request));

    let sent = sent(&deck.quit(), "tools/call");
    assert_eq!(sent.len(), 4, "the refused ones were not sent: {sent:#?}");
    let shown = shown.replace("\": ", "\":").replace(", ", ",");
    let bytes = |text: &str| text.replace(", ", ",");
    assert!(
        bytes(&sent[0]).contains(&format!("\"arguments\":{shown}")),
        "{shown}\n{}",
        sent[0]
    );
    assert!(bytes(&sent[0]).contains(&bytes(TRICKY)), "{}", sent[0]);

    let own = fs::read_to_string(deck.home.config_dir().join("mcp.toml")).expect("the rule");
    assert!(
        own.contains("[[allow]]") && own.contains("tool = \"drop\""),
        "{own}"
    );
    assert!(
        !own.contains("put"),
        "the session's answer is not kept: {own}"
    );

    // The next start remembers "always", and "session" is forgotten.
    let told = endpoint(vec![
        calls(&[("s__drop", r#"{"a":7}"#)]),
        says("Seventh done."),
        calls(&[("s__put", r#"{"a":8}"#)]),
        says("Eighth done."),
    ])
    .await;
    let Deck { screen, home } = deck;
    drop(screen);
    home.write("mcp.toml", &(model(&told) + &scripted(&home, "s", SERVER)));
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(1, 1);
    deck.say("seven");
    deck.hear("Seventh done.");

    // A hand that was typing when the question came has not answered it.
    deck.say("eight");
    deck.screen.wait_text("Allow this call?");
    deck.screen.send("yes, yes\r");
    deck.question("s.put");
    assert_eq!(prompts(&told).len(), 3, "nothing was answered");
    deck.screen.key(Key::Char('n'));
    deck.hear("Eighth done.");
    let written = deck.screen.look(input);
    assert!(
        !written.contains("yes"),
        "it was written into the input: {written}"
    );
    assert_eq!(crate::deck::sent(&deck.quit(), "tools/call").len(), 1);
}
