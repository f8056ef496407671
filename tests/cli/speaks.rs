//! What the protocol has, in both of its eras: once by hand from a script, once by the agent. The server is the bundled one that the
//! protocol's own suite is run against; it speaks both.

use crate::deck::{BIN, Deck, Ran, quoted};
use crate::eras::ERAS;

/// What the agent is asked, and what it then does; a call's answer is what it says.
const AGENT: &str = r#"
opening = "o"
fallback = "A poem of ours."
pace_ms = 0

[[reply]]
prompt = "blocks"
[[reply.step]]
call = { tool = "s.test_multiple_content_types", arguments = {} }
[[reply.step]]
say = "{{ results[0].text }}"

[[reply]]
prompt = "resources"
[[reply.step]]
call = { tool = "mcpdeck.list_resources", arguments = {} }
[[reply.step]]
call = { tool = "mcpdeck.read_resource", arguments = { server = "s", uri = "test://template/7/data" } }
[[reply.step]]
say = "{{ results[0].text }} {{ results[1].text }}"

[[reply]]
prompt = "prompts"
[[reply.step]]
call = { tool = "mcpdeck.list_prompts", arguments = {} }
[[reply.step]]
call = { tool = "mcpdeck.get_prompt", arguments = { server = "s", name = "test_prompt_with_arguments", arguments = { arg1 = "tea", arg2 = "rice" } } }
[[reply.step]]
say = "{{ results[0].text }} {{ results[1].text }}"

[[reply]]
prompt = "form in the legacy era"
[[reply.step]]
call = { tool = "s.test_elicitation", arguments = { message = "Who?" } }
[[reply.step]]
say = "{{ results[0].text }}"

[[reply]]
prompt = "form in the modern era"
[[reply.step]]
call = { tool = "s.test_input_required_result_elicitation", arguments = {} }
[[reply.step]]
say = "{{ results[0].text }}"

[[reply]]
prompt = "sampling in the legacy era"
[[reply.step]]
call = { tool = "s.test_sampling", arguments = { prompt = "Write." } }
[[reply.step]]
say = "{{ results[0].text }}"

[[reply]]
prompt = "sampling in the modern era"
[[reply.step]]
call = { tool = "s.test_input_required_result_sampling", arguments = {} }
[[reply.step]]
say = "{{ results[0].text }}"

[[reply]]
prompt = "failure"
[[reply.step]]
call = { tool = "s.test_error_handling", arguments = {} }
on_error = "it failed: {{ results[0].text }}"
[[reply.step]]
say = "it went well"
"#;

/// The server as `s` in one era, and a script for a model.
fn deck(era: &str) -> Deck {
    let deck = Deck::new(&format!(
        "[mcp_servers.s]\ncommand = {}\nargs = [\"serve\", \"conformance\"]\nprotocol = \"{era}\"",
        quoted(BIN)
    ));
    let script = deck.home.write("agent.toml", AGENT);
    let script = quoted(&script.to_string_lossy());
    deck.add(&format!(
        "[model]\nprovider = \"scripted\"\nscript = {script}"
    ));
    deck
}

/// Has the agent do it, with everything allowed.
fn asked(era: &str, what: &str, flags: &[&str]) -> Ran {
    let args = [&["ask", what, "--approve-all"][..], flags].concat();
    deck(era).run(&args).expect(0)
}

#[test]
fn every_list_is_printed_in_both_eras() {
    for era in ERAS {
        let ran = deck(era).run(&["list", "s"]).expect(0);
        for what in [
            "test_simple_text",
            "test://static-text",
            "test://template/{id}/data",
            "test_prompt_with_arguments",
        ] {
            assert!(ran.out.contains(what), "{era}: {what} in {ran}");
        }
    }
}

#[test]
fn every_kind_of_block_is_kept_in_both_eras() {
    for era in ERAS {
        let deck = deck(era);
        let kinds = |tool: &str| {
            let value = deck.run(&["call", "s", tool, "--json"]).expect(0).json();
            let content = value["content"].as_array().cloned().unwrap_or_default();
            let kinds = content.iter().map(|block| block["type"].to_string());
            kinds.collect::<Vec<_>>().join(" ").replace('"', "")
        };
        assert_eq!(
            kinds("test_multiple_content_types"),
            "text image resource",
            "{era}"
        );
        assert_eq!(kinds("test_audio_content"), "audio", "{era}");
    }
}

#[test]
fn resources_are_read_in_both_eras() {
    for era in ERAS {
        let deck = deck(era);
        let ran = deck.run(&["read", "s", "test://static-text"]).expect(0);
        assert!(ran.out.contains("static text resource"), "{era}: {ran}");
        let ran = deck.run(&["read", "s", "test://template/7/data"]).expect(0);
        assert!(ran.out.contains("Data for ID: 7"), "{era}: {ran}");
        let file = deck.home.work().join("pixel.png");
        let out = file.to_string_lossy().into_owned();
        let args = ["read", "s", "test://static-binary", "--out", &out];
        deck.run(&args).expect(0);
        let bytes = std::fs::read(file).expect("the file");
        assert!(bytes.starts_with(b"\x89PNG"), "{era}: {bytes:?}");
    }
}

#[test]
fn prompts_are_filled_in_in_both_eras() {
    for era in ERAS {
        let prompt = ["prompt", "s", "test_prompt_with_arguments"];
        let args = [prompt.as_slice(), &["arg1=tea", "arg2=rice"]].concat();
        let ran = deck(era).run(&args).expect(0);
        assert!(ran.out.contains("arg1='tea', arg2='rice'"), "{era}: {ran}");
    }
}

#[test]
fn arguments_are_completed_in_both_eras() {
    for era in ERAS {
        let deck = deck(era);
        let of_prompt = [
            "complete",
            "s",
            "prompt",
            "test_prompt_with_arguments",
            "arg1",
            "testV",
        ];
        let ran = deck.run(&of_prompt).expect(0);
        assert_eq!(ran.out, "testValue1\ntestValue2\n", "{era}: {ran}");
        let of_template = [
            "complete",
            "s",
            "template",
            "test://template/{id}/data",
            "id",
            "12",
        ];
        let ran = deck.run(&of_template).expect(0);
        assert_eq!(ran.out, "12\n123\n", "{era}: {ran}");
    }
}

#[test]
fn a_form_is_filled_in_by_flags_in_both_eras() {
    let [old, new] = ERAS.map(deck);
    let call = ["call", "s", "test_elicitation", "message=Who?"];
    let flags = [
        "--answer",
        "username=ann",
        "--answer",
        "email=ann@example.com",
    ];
    let ran = old.run(&[call.as_slice(), &flags].concat()).expect(0);
    assert!(
        ran.out.contains("action=accept") && ran.out.contains("ann@example.com"),
        "{ran}"
    );
    let ran = old.run(&call).expect(0);
    assert!(ran.out.contains("action=decline"), "{ran}");
    let call = ["call", "s", "test_input_required_result_elicitation"];
    let ran = new.run(&[call.as_slice(), &["--answer", "name=Ann"]].concat());
    assert!(ran.expect(0).out.contains("Hello, Ann!"));
}

#[test]
fn our_model_writes_for_a_server_when_a_flag_allows_it_in_both_eras() {
    for (era, call) in [
        (
            "legacy",
            &["call", "s", "test_sampling", "prompt=Write."][..],
        ),
        (
            "modern",
            &["call", "s", "test_input_required_result_sampling"],
        ),
    ] {
        let deck = deck(era);
        let ran = deck
            .run(&[call, &["--allow-sampling"][..]].concat())
            .expect(0);
        assert!(ran.out.contains("A poem of ours."), "{era}: {ran}");
        let ran = deck.run(call);
        assert!(!ran.out.contains("A poem of ours."), "{era}: {ran}");
    }
}

#[test]
fn log_messages_are_shown_from_a_level_on_in_both_eras() {
    for (era, tool) in [
        ("legacy", "test_tool_with_logging"),
        ("modern", "test_logging_tool"),
    ] {
        let deck = deck(era);
        let ran = deck
            .run(&["call", "s", tool, "--log-level", "info"])
            .expect(0);
        assert!(ran.err.contains("Tool processing data"), "{era}: {ran}");
        let ran = deck
            .run(&["call", "s", tool, "--log-level", "error"])
            .expect(0);
        assert!(!ran.err.contains("Tool processing data"), "{era}: {ran}");
    }
}

#[test]
fn roots_are_told_where_a_flag_names_them() {
    let deck = deck("modern");
    let root = deck.home.work().to_string_lossy().into_owned();
    let call = [
        "call",
        "s",
        "test_input_required_result_list_roots",
        "--root",
        &root,
    ];
    let ran = deck.run(&call).expect(0);
    assert!(ran.out.contains(&format!("file://{root}")), "{ran}");
}

#[test]
fn the_agent_sees_every_block_in_both_eras() {
    for era in ERAS {
        let ran = asked(era, "blocks", &[]);
        // The text, that there is an image, and the text of the resource.
        for what in ["Multiple content types", "image/png", "\"test\":\"data\""] {
            assert!(ran.out.contains(what), "{era}: {what} in {ran}");
        }
    }
}

#[test]
fn the_agent_hears_that_a_tool_has_failed_in_both_eras() {
    for era in ERAS {
        let ran = asked(era, "failure", &[]);
        assert!(ran.out.contains("it failed: "), "{era}: {ran}");
    }
}

#[test]
fn the_agent_finds_and_reads_resources_in_both_eras() {
    for era in ERAS {
        let ran = asked(era, "resources", &[]);
        for what in ["test://static-text", "Data for ID: 7"] {
            assert!(ran.out.contains(what), "{era}: {what} in {ran}");
        }
    }
}

#[test]
fn the_agent_finds_and_gets_prompts_in_both_eras() {
    for era in ERAS {
        let ran = asked(era, "prompts", &[]);
        for what in ["test_simple_prompt", "arg1='tea', arg2='rice'"] {
            assert!(ran.out.contains(what), "{era}: {what} in {ran}");
        }
    }
}

#[test]
fn a_form_of_the_agents_call_is_filled_in_in_both_eras() {
    let flags = [
        "--answer",
        "username=ann",
        "--answer",
        "email=a@example.com",
    ];
    let ran = asked("legacy", "form in the legacy era", &flags);
    assert!(ran.out.contains("a@example.com"), "{ran}");
    let ran = asked(
        "modern",
        "form in the modern era",
        &["--answer", "name=Ann"],
    );
    assert!(ran.out.contains("Hello, Ann!"), "{ran}");
}

#[test]
fn a_call_of_the_agent_may_ask_our_model_in_both_eras() {
    for era in ERAS {
        let what = format!("sampling in the {era} era");
        let ran = asked(era, &what, &["--allow-sampling"]);
        assert!(ran.out.contains("A poem of ours."), "{era}: {ran}");
    }
}
