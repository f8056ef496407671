//! Which endpoint, and above all: which key goes where.

use mcpdeck::config::{Config, Flags, ModelOrigin, Provider, load_explained};

use crate::Machine;

const OPENAI: &str = "https://api.openai.com/v1";

/// URL, key, and where it comes from.
fn endpoint(machine: &Machine, flags: &Flags) -> (Option<String>, Option<String>, ModelOrigin) {
    let resolved = load_explained(flags, &machine.environment()).unwrap();
    let model = resolved.config.model;
    let key = model.api_key.map(|key| key.expose().to_owned());
    (model.base_url, key, resolved.model_origin)
}

fn url(url: &str) -> Flags {
    Flags {
        model_url: Some(url.to_owned()),
        ..Flags::default()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn without_a_word_a_local_endpoint_is_looked_for() {
    let found = endpoint(&Machine::new(), &Flags::default());
    assert_eq!(found, (None, None, ModelOrigin::Search));
}

#[test]
fn the_variables_alone_are_enough() {
    let machine = Machine::new().var("OPENAI_API_KEY", "sk");
    let found = endpoint(&machine, &Flags::default());
    assert_eq!(found, (some(OPENAI), some("sk"), ModelOrigin::Environment));
    assert!(machine.config().model.name.is_some());

    let machine = machine.var("OPENAI_BASE_URL", "http://proxy/v1");
    let found = endpoint(&machine, &Flags::default());
    assert_eq!(
        found,
        (
            some("http://proxy/v1"),
            some("sk"),
            ModelOrigin::Environment
        )
    );
    assert_eq!(machine.config().model.name, None);
}

#[test]
fn the_openai_key_goes_to_no_other_vendor() {
    let machine = Machine::new()
        .var("OPENAI_API_KEY", "sk")
        .project("[model]\nbase_url = 'https://other.example/v1'\n");
    let found = endpoint(&machine, &Flags::default());
    assert_eq!(
        found,
        (some("https://other.example/v1"), None, ModelOrigin::File)
    );
    let found = endpoint(&machine, &url("http://localhost:1234/v1"));
    assert_eq!(
        found,
        (some("http://localhost:1234/v1"), None, ModelOrigin::Flag)
    );
    for lookalike in [
        "https://api.openai.com.evil.example/v1",
        "http://api.openai.com/v1",
        "https://evil@api.openai.com:8443/v1",
    ] {
        assert_eq!(endpoint(&machine, &url(lookalike)).1, None, "{lookalike}");
    }
    assert_eq!(endpoint(&machine, &url(OPENAI)).1, some("sk"));
}

#[test]
fn a_broken_base_url_variable_does_not_send_its_key_to_openai() {
    let machine = Machine::new()
        .var("OPENAI_API_KEY", "for-my-proxy")
        .var("OPENAI_BASE_URL", "my-proxy:8080");
    let found = endpoint(&machine, &Flags::default());
    assert_eq!(found, (None, None, ModelOrigin::Search));
    assert!(machine.config().warnings[0].contains("OPENAI_BASE_URL"));
}

#[test]
fn a_named_key_stays_with_its_endpoint() {
    let machine = Machine::new()
        .var("MINE", "m")
        .var("OTHER", "o")
        .user("[model]\nbase_url = 'https://mine.example/v1'\napi_key_env = 'MINE'\nname = 'big'\nheaders = { X-Key = '${MINE}' }\nmax_tokens = 9\n");
    assert_eq!(endpoint(&machine, &Flags::default()).1, some("m"));
    assert_eq!(
        endpoint(&machine, &url("https://mine.example/v2")).1,
        some("m")
    );
    assert_eq!(endpoint(&machine, &url("https://other.example/v1")).1, None);
    let flags = Flags {
        model_key_env: Some("OTHER".to_owned()),
        ..url("https://other.example/v1")
    };
    assert_eq!(endpoint(&machine, &flags).1, some("o"));
    let config: Config = machine.load(&flags).unwrap();
    assert!(config.model.headers.is_empty());
    assert_eq!((config.model.name, config.model.max_tokens), (None, 9));

    // The same through a project's file.
    let machine = machine.project("[model]\nbase_url = 'https://evil.example/v1'\n");
    assert_eq!(endpoint(&machine, &Flags::default()).1, None);
    assert!(machine.config().model.headers.is_empty());
}

#[test]
fn a_key_that_is_not_set_is_a_warning() {
    let machine = Machine::new()
        .project("[model]\nbase_url = 'https://x.example/v1'\napi_key_env = 'NONE'\n");
    let config = machine.config();
    assert_eq!(config.model.api_key, None);
    assert!(config.warnings[0].contains("`NONE` is not set"));
}

#[test]
fn a_recording_plays_the_model_by_the_file_or_by_a_flag_and_no_key_goes_along() {
    let machine = Machine::new()
        .var("OPENAI_API_KEY", "sk")
        .project("[model]\nprovider = 'replay'\nrecording = 'bug.jsonl'\n");
    let model = machine.config().model;
    assert_eq!(model.provider, Provider::Replay);
    assert_eq!(model.recording, Some(machine.path("project/bug.jsonl")));
    assert_eq!(model.api_key, None);

    let machine = Machine::new()
        .var("OPENAI_API_KEY", "sk")
        .project("[model]\nbase_url = 'https://api.openai.com/v1'\nmode = 'prompt'\n");
    let flags = Flags {
        model_recording: Some("/tmp/bug.jsonl".into()),
        ..Flags::default()
    };
    let model = machine.load(&flags).unwrap().model;
    assert_eq!(model.provider, Provider::Replay);
    assert_eq!(model.recording, Some("/tmp/bug.jsonl".into()));
    assert_eq!((model.base_url, model.api_key), (None, None));
    assert_eq!(endpoint(&machine, &flags).2, ModelOrigin::Recording);
}

#[test]
fn a_script_or_no_model_is_a_choice_that_a_flag_overrules() {
    let machine = Machine::new()
        .var("OPENAI_API_KEY", "sk")
        .project("[model]\nprovider = 'scripted'\nscript = 'demo.toml'\n");
    let model = machine.config().model;
    assert_eq!(model.provider, Provider::Scripted);
    assert_eq!(model.script, Some(machine.path("project/demo.toml")));
    assert_eq!(model.api_key, None);
    assert_eq!(
        endpoint(&machine, &url("http://localhost:1/v1")).2,
        ModelOrigin::Flag
    );
    assert_eq!(
        machine
            .load(&url("http://localhost:1/v1"))
            .unwrap()
            .model
            .provider,
        Provider::Openai
    );

    let machine = Machine::new().project("[model]\nprovider = 'none'\n");
    assert_eq!(endpoint(&machine, &Flags::default()).2, ModelOrigin::Off);
}

#[test]
fn a_flag_that_is_no_url_is_refused() {
    let error = Machine::new().load(&url("localhost:11434")).unwrap_err();
    assert!(error.to_string().contains("--model-url"), "{error}");
}
