//! `read`, `prompt`, `complete`, `watch`, and what `list` and `call` show besides tools and text: against the suite's fixture, in
//! both eras.

use serde_json::json;

use crate::deck::{BIN, Deck, quoted};
use crate::eras::ERAS;

/// A deck whose server `s` is the fixture, in this era.
pub fn fixture(era: &str) -> Deck {
    let deck = Deck::new("");
    deck.add(&format!(
        "[mcp_servers.s]\ncommand = {}\nargs = [\"serve\", \"conformance\"]\nprotocol = \"{era}\"\n",
        quoted(BIN)
    ));
    deck
}

/// A server with a resource that changes as soon as somebody has subscribed.
fn changing(deck: &Deck) {
    let script = r#"
[[on]]
method = "initialize"
result = { protocolVersion = "2025-11-25", capabilities = { resources = { subscribe = true } }, serverInfo = { name = "s", version = "1" } }
[[on]]
method = "resources/list"
result = { resources = [{ uri = "a://1", name = "one" }] }
[[on]]
method = "resources/templates/list"
result = { resourceTemplates = [] }
[[on]]
method = "resources/subscribe"
stdout = ['{"jsonrpc":"2.0","id":{id},"result":{}}', '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://1"}}', '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://1"}}']
silent = true
"#;
    deck.scripted("s", script, "protocol = \"legacy\"");
}

#[test]
fn a_resource_is_text_on_stdout_in_both_eras() {
    for era in ERAS {
        let ran = fixture(era)
            .run(&["read", "s", "test://static-text"])
            .expect(0);
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.out, @"This is the content of the static text resource.");
        }
        assert_eq!(ran.err, "", "{era}");
    }
}

#[test]
fn bytes_go_to_a_file_or_into_json_and_never_to_the_terminal() {
    let deck = fixture("modern");
    let refused = deck.run(&["read", "s", "test://static-binary"]).expect(2);
    insta::assert_snapshot!(refused.err, @r"
    error: the content is not text (image/png)
    hint: give --out FILE to write it to a file, or --json for base64
    ");
    assert_eq!(refused.out, "");
    deck.run(&["read", "s", "test://static-binary", "--out", "image.png"])
        .expect(0);
    let written = std::fs::read(deck.home.work().join("image.png")).expect("the file");
    assert!(written.starts_with(b"\x89PNG"), "{written:?}");
    let document = deck
        .run(&["read", "s", "test://static-binary", "--json"])
        .expect(0)
        .json();
    assert_eq!(document["outcome"], "ok");
    assert_eq!(document["contents"][0]["mime"], "image/png");
    assert!(document["contents"][0]["blob"].is_string(), "{document:#}");
}

#[test]
fn a_resource_that_there_is_not_is_the_servers_refusal() {
    for era in ERAS {
        let ran = fixture(era).run(&["read", "s", "test://nothing"]).expect(1);
        assert!(
            ran.err.starts_with("error: the server refused"),
            "{era}: {ran}"
        );
        assert_eq!(ran.out, "");
    }
}

#[test]
fn a_prompt_prints_its_messages_with_their_arguments_filled_in() {
    for era in ERAS {
        let args = [
            "prompt",
            "s",
            "test_prompt_with_arguments",
            "arg1=một",
            "arg2=a=b",
        ];
        let ran = fixture(era).run(&args).expect(0);
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.out, @"user: Prompt with arguments: arg1='một', arg2='a=b'");
        }
    }
    let args = ["prompt", "s", "test_prompt_with_image", "--json"];
    let document = fixture("modern").run(&args).expect(0).json();
    assert_eq!(document["messages"][0]["role"], "user");
    assert_eq!(document["messages"][0]["content"]["type"], "image");
    assert_eq!(
        document["messages"][1]["content"]["text"],
        "Please analyze the image above."
    );
}

#[test]
fn a_prompt_without_what_it_needs_is_a_matter_of_usage() {
    let deck = fixture("modern");
    let lacking = deck
        .run(&["prompt", "s", "test_prompt_with_arguments", "arg1=x"])
        .expect(2);
    insta::assert_snapshot!(lacking.err, @r"
    error: the prompt needs the argument `arg2`
    hint: arg2=...  The second argument
    ");
    let unknown = deck.run(&["prompt", "s", "test_simple_promt"]).expect(2);
    insta::assert_snapshot!(unknown.err, @r"
    error: server `s` has no prompt `test_simple_promt`
    hint: did you mean `test_simple_prompt`?
    ");
}

#[test]
fn completions_are_a_line_each_of_prompts_and_of_templates() {
    for era in ERAS {
        let deck = fixture(era);
        let of_prompt = [
            "complete",
            "s",
            "prompt",
            "test_prompt_with_arguments",
            "arg1",
            "testV",
        ];
        let ran = deck.run(&of_prompt).expect(0);
        assert_eq!(ran.out, "testValue1\ntestValue2\n", "{era}");
        let of_template = [
            "complete",
            "s",
            "template",
            "test://template/{id}/data",
            "id",
            "12",
            "--json",
        ];
        let document = deck.run(&of_template).expect(0).json();
        assert_eq!(document["values"], json!(["12", "123"]), "{era}");
    }
}

#[test]
fn a_server_is_listed_with_everything_it_offers() {
    let deck = fixture("modern");
    let ran = deck.run(&["list", "s"]).expect(0);
    let from = ran
        .out
        .find("resources\n")
        .expect("a paragraph of resources");
    insta::assert_snapshot!(&ran.out[from..], @r"
    resources
      test://static-text  static-text: A text that never changes
      test://static-binary  static-binary: An image that never changes
      test://watched-resource  watched-resource: A text that may be subscribed to
    resource templates
      test://template/{id}/data  template-data: The data of any id
    prompts
      test_simple_prompt  A prompt without arguments
      test_prompt_with_arguments(arg1, arg2)  A prompt of two arguments
      test_prompt_with_embedded_resource(resourceUri)  A prompt with a resource in it
      test_prompt_with_image  A prompt with an image in it
      test_input_required_result_prompt  Asks for the context that it is about
    ");
    let document = deck.run(&["list", "s", "--json"]).expect(0).json();
    let server = &document["servers"][0];
    assert_eq!(server["era"], "modern");
    assert!(
        server["capabilities"]["resources"].is_object(),
        "{server:#}"
    );
    assert_eq!(server["resources"][0]["uri"], "test://static-text");
    assert_eq!(
        server["templates"][0]["uri_template"],
        "test://template/{id}/data"
    );
    assert_eq!(server["prompts"][1]["arguments"][0]["name"], "arg1");
}

#[test]
fn every_change_of_a_resource_is_a_line() {
    let deck = Deck::new("");
    changing(&deck);
    let ran = deck.run(&["watch", "s", "a://1", "--count", "2"]).expect(0);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("a://1\na://1\n", "watching 1 resource of s\n")
    );
    let events = deck
        .run(&["watch", "s", "a://1", "--count", "1", "--json"])
        .expect(0)
        .events();
    assert_eq!(
        events,
        [json!({ "type": "resource_updated", "server": "s", "uri": "a://1" })]
    );
}

#[test]
fn what_cannot_be_watched_says_so() {
    let deck = Deck::new("");
    deck.scripted("s", "", "protocol = \"legacy\"");
    let ran = deck.run(&["watch", "s", "a://1", "--count", "1"]).expect(3);
    assert!(ran.err.starts_with("error: "), "{ran}");
    assert_eq!(ran.out, "");
}

#[test]
fn images_and_sound_of_a_result_are_written_to_a_folder_and_nothing_is_overwritten() {
    let deck = fixture("modern");
    for (tool, expected) in [
        ("test_image_content", "test_image_content-1.png"),
        ("test_audio_content", "test_audio_content-1.wav"),
        ("test_image_content", "test_image_content-2.png"),
    ] {
        let ran = deck
            .run(&["call", "s", tool, "--output", "saved"])
            .expect(0);
        assert!(ran.err.contains(expected), "{ran}");
        assert!(
            deck.home.work().join("saved").join(expected).is_file(),
            "{expected}"
        );
    }
    let args = [
        "call",
        "s",
        "test_simple_text",
        "--output",
        "none",
        "--json",
    ];
    assert_eq!(deck.run(&args).expect(0).json()["saved"], json!([]));
    assert!(!deck.home.work().join("none").exists());
}
