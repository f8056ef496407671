//! Esc stops what runs, at once, and the conversation goes on.

use std::time::{Duration, Instant};

use crate::deck::{
    Deck, WIDE, assert_well_formed, calls, endpoint, messages, model, piece, prompts, says,
    scripted, sent,
};
use crate::endpoint::{Gate, Reply};
use crate::home::Home;
use crate::screen::Key;

const SERVER: &str = r#"
[[tools]]
name = "slow"
inputSchema = { type = "object" }
[[tools]]
name = "seen"
inputSchema = { type = "object" }
[[on]]
method = "tools/call"
tool = "slow"
progress = [{ progress = 1, total = 2 }]
silent = true
"#;

/// What Esc may take. Of a few tries the fastest counts: the others tell of the machine, not of the program.
const AT_ONCE: Duration = Duration::from_millis(500);
const TRIES: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn esc_hangs_up_on_a_model_that_streams_and_cancels_a_call_that_runs() {
    let never = Gate::new();
    let mut replies: Vec<Reply> = (0..TRIES)
        .map(|_| Reply::stream(piece("The first words")).then_wait(&never))
        .collect();
    replies.push(says("A whole answer."));
    replies.extend((0..TRIES).map(|n| calls(&[("s__slow", &format!(r#"{{"n":{n}}}"#))])));
    replies.push(calls(&[("s__seen", "{}")]));
    replies.push(says("That was all."));
    let told = endpoint(replies).await;
    let home = Home::new();
    let server = scripted(&home, "s", SERVER) + "approve = \"never\"\n";
    home.write("mcp.toml", &(model(&told) + &server));
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(1, 1);

    let mut fastest = Duration::MAX;
    for count in 1..=TRIES {
        let prompt = format!("stream {count}");
        deck.say(&prompt);
        deck.hear(&format!("❯ {prompt} The first words"));
        let pressed = Instant::now();
        deck.screen.key(Key::Esc);
        told.wait_for_hang_ups(count).await;
        fastest = fastest.min(pressed.elapsed());
        deck.hear("The first words i Interrupted");
        deck.idle();
    }
    assert!(fastest < AT_ONCE, "the model heard of it after {fastest:?}");
    deck.say("whole");
    deck.hear("A whole answer.");

    let mut fastest = Duration::MAX;
    for count in 1..=TRIES {
        deck.say(&format!("call {count}"));
        // What is not on the wire yet needs no cancellation.
        deck.screen.wait_text("50 %");
        let pressed = Instant::now();
        deck.screen.key(Key::Esc);
        deck.idle();
        fastest = fastest.min(pressed.elapsed());
        deck.screen.wait_gone("running");
    }
    assert!(
        fastest < AT_ONCE,
        "the call was cancelled after {fastest:?}"
    );
    deck.screen.wait_text("cancelled");
    deck.say("what came");
    deck.hear("That was all.");

    let asked = prompts(&told);
    asked.iter().for_each(assert_well_formed);
    // What the server saw comes back as the result of `seen`.
    let last = asked.last().map(messages).and_then(<[_]>::last);
    let seen = last.map(|message| message["content"].to_string());
    let seen = seen.unwrap_or_default();
    assert_eq!(
        seen.matches("notifications/cancelled").count(),
        TRIES,
        "{seen}"
    );
    assert!(
        asked
            .iter()
            .any(|body| body.to_string().contains("the person cancelled it"))
    );
    assert_eq!(sent(&deck.quit(), "notifications/cancelled").len(), TRIES);
}
