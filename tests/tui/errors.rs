//! An endpoint that fails is told of in a sentence with a next step, and the conversation is kept.

use serde_json::json;

use crate::deck::{
    Deck, WIDE, assert_well_formed, endpoint, event, messages, model, piece, prompts, says,
};
use crate::endpoint::Reply;
use crate::home::Home;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_endpoint_that_fails_is_told_of_and_the_conversation_goes_on() {
    let refusal = |status, words: &str| {
        Reply::json(
            status,
            &json!({ "error": { "message": words, "type": "error" } }),
        )
    };
    let inside = json!({ "error": { "message": "the engine is overloaded", "code": 503 } });
    let told = endpoint(vec![
        says("The capital is Huế."),
        refusal(401, "Incorrect API key provided"),
        refusal(429, "Slow down").header("retry-after", "1"),
        says("After a wait."),
        Reply::stream(piece("This sentence will never")).then_cut(),
        Reply::stream(piece("Half an answer") + &format!("data: {inside}\n\n")),
        Reply::stream(
            event(&json!({ "content": "Whole again." }), Some("stop")) + "data: [DONE]\n\n",
        ),
    ])
    .await;
    let home = Home::new();
    home.write("mcp.toml", &model(&told));
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(0, 0);

    deck.say("first");
    deck.hear("The capital is Huế.");
    deck.idle();

    deck.say("second");
    deck.hear("did not accept the key (HTTP 401): Incorrect API key provided");
    deck.hear("`api_key_env = \"NAME\"` in `[model]`");
    deck.idle();

    deck.say("third");
    deck.hear("retrying in");
    deck.hear("After a wait.");
    deck.idle();

    deck.say("fourth");
    deck.hear("This sentence will never");
    deck.hear("ended before its end");
    deck.hear("Send the prompt again");
    deck.idle();

    deck.say("fifth");
    deck.hear("Half an answer");
    deck.hear("the engine is overloaded");
    deck.idle();

    deck.say("sixth");
    deck.hear("Whole again.");
    deck.idle();

    let asked = prompts(&told);
    assert_eq!(asked.len(), 7, "only the one that may be repeated was");
    asked.iter().for_each(assert_well_formed);
    assert_eq!(asked[2]["messages"], asked[3]["messages"], "the same again");
    // Prompts that got no answer stand together: many endpoints want the roles to take turns.
    let said: Vec<&str> = messages(&asked[6])
        .iter()
        .filter(|message| message["role"] == "user")
        .flat_map(|message| {
            message["content"]
                .as_str()
                .unwrap_or_default()
                .split("\n\n")
        })
        .collect();
    assert_eq!(
        said,
        ["first", "second", "third", "fourth", "fifth", "sixth"]
    );
    let kept = asked[6].to_string();
    for words in [
        "The capital is Huế.",
        "After a wait.",
        "This sentence will never",
    ] {
        assert!(kept.contains(words), "{words:?} is not in {kept}");
    }
    deck.quit();
}
