//! What servers ask where nobody can be asked: declined, unless a flag has answered beforehand; their log messages on stderr.

use crate::kinds::fixture;

const ASKS: [(&str, &str, &[&str]); 2] = [
    ("legacy", "test_elicitation", &["message=Who are you?"]),
    ("modern", "test_input_required_result_elicitation", &[]),
];

#[test]
fn a_form_is_declined_and_the_person_is_told() {
    for (era, tool, arguments) in ASKS {
        let args = [&["call", "s", tool], arguments].concat();
        let ran = fixture(era).run(&args);
        assert!(ran.err.contains("nobody can be asked here"), "{era}: {ran}");
        assert!(!ran.out.contains("accept"), "{era}: {ran}");
    }
}

#[test]
fn a_form_is_filled_in_by_flags_in_both_eras() {
    let args = [
        "call",
        "s",
        "test_elicitation",
        "message=Who?",
        "--answer",
        "username=Thu",
        "--answer",
        "email=thu@example.com",
    ];
    let ran = fixture("legacy").run(&args).expect(0);
    assert!(
        ran.out.contains("Thu") && ran.out.contains("thu@example.com"),
        "{ran}"
    );
    let args = [
        "call",
        "s",
        "test_input_required_result_elicitation",
        "--answers",
        r#"{"name": "Thu"}"#,
    ];
    let ran = fixture("modern").run(&args).expect(0);
    assert!(
        ran.out.contains("Hello, ") && ran.out.contains("Thu"),
        "{ran}"
    );
}

#[test]
fn defaults_are_taken_with_an_empty_object_and_texts_become_what_the_form_wants() {
    let deck = fixture("legacy");
    let tool = "test_elicitation_sep1034_defaults";
    let ran = deck.run(&["call", "s", tool, "--answers", "{}"]).expect(0);
    assert!(
        ran.out.contains("John Doe") && ran.out.contains("30"),
        "{ran}"
    );
    let ran = deck
        .run(&[
            "call",
            "s",
            tool,
            "--answer",
            "age=41",
            "--answer",
            "verified=no",
        ])
        .expect(0);
    assert!(ran.out.contains("41") && ran.out.contains("false"), "{ran}");
}

#[test]
fn roots_are_those_of_the_flags_and_none_without() {
    let deck = fixture("modern");
    let tool = "test_input_required_result_list_roots";
    let told = deck.run(&["call", "s", tool, "--root", "."]).expect(0);
    assert!(
        told.out.contains("file://") && told.out.contains("work"),
        "{told}"
    );
    let ran = deck.run(&["call", "s", tool]);
    assert!(!ran.out.contains("file://"), "{ran}");
    let wrong = deck
        .run(&["call", "s", tool, "--root", "no-such-folder"])
        .expect(2);
    assert!(
        wrong.err.starts_with("error: --root no-such-folder: "),
        "{wrong}"
    );
}

#[test]
fn our_model_writes_nothing_without_a_word_for_it() {
    let ran = fixture("legacy").run(&["call", "s", "test_sampling", "prompt=hello"]);
    assert!(!ran.out.contains("LLM response"), "{ran}");
}

#[test]
fn flags_that_cannot_be_read_are_refused_before_anything_starts() {
    let deck = fixture("modern");
    for (args, words) in [
        (["--answer", "name"], "not KEY=VALUE"),
        (["--answer", "name:={"], "not valid JSON"),
        (["--answers", "[]"], "must be a JSON object"),
        (["--log-level", "loud"], "possible values"),
    ] {
        let all = [&["call", "s", "test_simple_text"][..], &args[..]].concat();
        let ran = deck.run(&all).expect(2);
        assert!(ran.err.contains(words), "{args:?}: {ran}");
    }
}

#[test]
fn log_messages_stand_on_stderr_from_the_level_that_was_asked_for() {
    for era in ["legacy", "modern"] {
        let deck = fixture(era);
        let tool = "test_tool_with_logging";
        let ran = deck
            .run(&["call", "s", tool, "--log-level", "info"])
            .expect(0);
        assert!(
            ran.err.contains("s info: Tool execution started"),
            "{era}: {ran}"
        );
        assert_eq!(ran.out, "All was logged\n", "{era}");
        let quiet = deck.run(&["call", "s", tool]).expect(0);
        assert_eq!(quiet.err, "", "{era}");
    }
}
