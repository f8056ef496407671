//! What is kept, on the real screen: answers, lists over a restart, and a conversation that is summed up.

use crate::deck::{Deck, WIDE, calls, endpoint, model, says, scripted};
use crate::home::Home;
use crate::screen::Key;

const SERVER: &str = r#"
[[tools]]
name = "look"
inputSchema = { type = "object" }
[[on]]
method = "tools/call"
tool = "look"
result = { content = [{ type = "text", text = "twelve apples" }] }
"#;

const KEEP: &str = "[mcp_servers.s.tools.look]\ncache_sec = 600\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_equal_call_is_answered_from_what_is_kept_and_f_asks_the_server() {
    let told = endpoint(vec![says("Never asked.")]).await;
    let home = Home::new();
    let server = scripted(&home, "s", SERVER) + KEEP;
    home.write("mcp.toml", &(model(&told) + &server));
    let deck = Deck::open(home, WIDE, &[]);
    let screen = &deck.screen;
    deck.ready(1, 1);
    deck.say("/call s look");
    screen.wait_text("twelve apples");
    deck.say("/call s look");
    screen.wait_text("cached");
    screen.wait_text("Tool calls · 2");
    deck.say("/cache");
    screen.wait_text("Kept answers and lists");
    screen.wait_text("50 %");
    screen.key(Key::Esc);
    screen.wait_gone("Kept answers and lists");
    screen.key(Key::F(3));
    screen.send("f");
    screen.wait_text("Tool calls · 3");
    screen.key(Key::F(2));
    deck.say("/cache clear s");
    screen.wait_text("What was kept of s is forgotten.");
    deck.say("/cache");
    screen.wait_text("0 B");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_conversation_is_summed_up_on_demand_and_what_the_model_sees_can_be_looked_at() {
    let told = endpoint(vec![
        calls(&[("s__look", "{}")]),
        says("There are twelve."),
        says("Twelve apples were counted."),
        says("Still twelve."),
    ])
    .await;
    let home = Home::new();
    let server = scripted(&home, "s", SERVER) + "approve = \"never\"\n";
    home.write("mcp.toml", &(model(&told) + &server));
    let deck = Deck::open(home, WIDE, &[]);
    let screen = &deck.screen;
    deck.ready(1, 1);
    deck.say("count");
    screen.wait_text("There are twelve.");
    deck.say("/context");
    screen.wait_text("What the model sees");
    screen.wait_text("1 s.look");
    screen.key(Key::Esc);
    screen.wait_gone("What the model sees");
    deck.say("/compact the apples");
    screen.wait_text("Twelve apples were counted.");
    screen.wait_text("tokens before");
    deck.say("and now?");
    screen.wait_text("Still twelve.");
    deck.say("/context");
    screen.wait_text("The summary of earlier");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_tools_of_the_last_run_are_there_before_a_slow_server_is() {
    let told = endpoint(vec![says("Hello.")]).await;
    let home = Home::new();
    let server = scripted(&home, "s", SERVER);
    home.write("mcp.toml", &(model(&told) + &server));
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(1, 1);
    deck.quit();
    let Deck { screen, home } = deck;
    drop(screen);
    // The same server, started in the same way, that does not answer the handshake this time.
    let silent = "[[on]]\nmethod = \"initialize\"\nsilent = true\n[[on]]\nmethod = \"server/discover\"\nsilent = true\n";
    scripted(&home, "s", &format!("{silent}{SERVER}"));
    let deck = Deck::open(home, WIDE, &[]);
    let screen = &deck.screen;
    screen.wait_text("1 tool, not confirmed yet");
    deck.say("hello");
    screen.wait_text("Hello.");
    deck.say("/call s look");
    screen.wait_text("waiting");
}
