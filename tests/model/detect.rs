//! Looking for local endpoints: only an answer of the right shape is believed.

use std::time::Duration;

use mcpdeck::agent::model::ModelErrorKind as Kind;
use mcpdeck::agent::model::detect::{Candidate, Family, detect, models, survey};
use mcpdeck::config::Secret;
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Gate, Reply};

/// Long enough for a busy machine; a probe that answers does not wait for it.
const LIMIT: Duration = Duration::from_secs(10);

async fn server(routes: Vec<(&'static str, Value)>) -> Endpoint {
    Endpoint::start(move |seen| {
        let found = routes.iter().find(|(path, _)| *path == seen.path);
        found.map_or_else(
            || Reply::new(404, "text/plain", "no"),
            |(_, body)| Reply::json(200, body),
        )
    })
    .await
}

fn candidate(family: Family, endpoint: &Endpoint) -> Candidate {
    Candidate {
        family,
        root: endpoint.root().to_owned(),
    }
}

async fn ollama(running: Value) -> Endpoint {
    let model = |name: &str, family: &str| json!({"name": name, "model": name, "details": {"family": family}});
    server(vec![
        ("/api/tags", json!({"models": [model("nomic-embed-text:latest", "nomic-bert"), model("qwen3:8b", "qwen3"), model("llama3.2:3b", "llama")]})),
        ("/api/ps", running),
        ("/api/show", json!({"capabilities": ["completion", "tools"]})),
    ])
    .await
}

fn llama_cpp() -> Value {
    json!({"object": "list", "data": [{"id": "local", "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx": 8192}}]})
}

#[tokio::test]
async fn a_loaded_model_is_preferred_and_an_embedding_model_never_taken() {
    let running = json!({"models": [{"name": "nomic-embed-text:latest"}, {"name": "llama3.2:3b", "context_length": 4096}]});
    let endpoint = ollama(running).await;
    let found = detect(&[candidate(Family::Ollama, &endpoint)], LIMIT)
        .await
        .unwrap();
    assert_eq!(
        (found.who.as_str(), found.model.as_str(), found.context),
        ("Ollama", "llama3.2:3b", Some(4096))
    );
    assert_eq!(found.base_url, endpoint.base_url());
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("OLLAMA_CONTEXT_LENGTH")),
        "{found:?}"
    );
    let endpoint = ollama(json!({"models": []})).await;
    let found = detect(&[candidate(Family::Ollama, &endpoint)], LIMIT)
        .await
        .unwrap();
    assert_eq!(found.model, "qwen3:8b");
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("have to be loaded")),
        "{found:?}"
    );
}

#[tokio::test]
async fn among_several_servers_the_one_with_a_loaded_model_wins() {
    let first = ollama(json!({"models": []})).await;
    let second = server(vec![("/v1/models", llama_cpp())]).await;
    let places = [
        candidate(Family::Ollama, &first),
        candidate(Family::LlamaCpp, &second),
    ];
    let found = detect(&places, LIMIT).await.unwrap();
    assert_eq!(
        (found.who.as_str(), found.context),
        ("llama.cpp", Some(8192))
    );
}

#[tokio::test]
async fn lm_studio_is_known_in_both_of_its_forms() {
    let new = json!({"models": [
        {"type": "embedding", "key": "text-embedding-nomic", "loaded_instances": [{"id": "x", "config": {"context_length": 2048}}]},
        {"type": "llm", "key": "big", "loaded_instances": [], "max_context_length": 131072, "capabilities": {"trained_for_tool_use": true}},
        {"type": "llm", "key": "small", "loaded_instances": [{"id": "small", "config": {"context_length": 4096}}], "capabilities": {"trained_for_tool_use": false}},
    ]});
    let old = json!({"object": "list", "data": [
        {"id": "emb", "type": "embeddings", "state": "loaded"},
        {"id": "a", "type": "llm", "state": "not-loaded", "max_context_length": 8192},
        {"id": "b", "type": "vlm", "state": "loaded", "loaded_context_length": 4096},
    ]});
    for (path, body, model) in [
        ("/api/v1/models", new, "small"),
        ("/api/v0/models", old, "b"),
    ] {
        let endpoint = server(vec![(path, body)]).await;
        let found = detect(&[candidate(Family::LmStudio, &endpoint)], LIMIT)
            .await
            .unwrap();
        assert_eq!(
            (found.who.as_str(), found.model.as_str(), found.context),
            ("LM Studio", model, Some(4096))
        );
        assert_eq!(
            found
                .notes
                .iter()
                .any(|note| note.contains("not made for tools")),
            model == "small",
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn vllm_is_known_by_its_owner_and_a_stranger_by_the_form_alone() {
    let vllm = json!({"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "vllm", "max_model_len": 32768}]});
    let other =
        json!({"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "me"}]});
    for (body, who, context) in [
        (vllm, "vLLM", Some(32768)),
        (other, "an OpenAI-compatible server", None),
    ] {
        let endpoint = server(vec![("/v1/models", body)]).await;
        let found = detect(&[candidate(Family::Vllm, &endpoint)], LIMIT)
            .await
            .unwrap();
        assert_eq!((found.who.as_str(), found.context), (who, context));
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_not_believed() {
    let shapes = [
        json!({"data": [{"id": 7}]}),
        json!([]),
        json!({"data": [{"id": "user-7"}]}),
        json!("hello"),
        json!({"models": [{}]}),
    ];
    for shape in shapes {
        let paths = [
            "/v1/models",
            "/api/tags",
            "/api/v1/models",
            "/api/v0/models",
        ];
        let endpoint = server(
            paths
                .into_iter()
                .map(|path| (path, shape.clone()))
                .collect(),
        )
        .await;
        for family in [
            Family::Ollama,
            Family::LmStudio,
            Family::LlamaCpp,
            Family::Jan,
        ] {
            assert_eq!(
                detect(&[candidate(family, &endpoint)], LIMIT).await,
                None,
                "{family:?} {shape}"
            );
        }
    }
    let page = Endpoint::with(vec![Reply::new(200, "text/html", "<html>")]).await;
    assert_eq!(
        detect(&[candidate(Family::LlamaCpp, &page)], LIMIT).await,
        None
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_left_out() {
    let gate = Gate::new();
    let held = gate.clone();
    let endpoint = Endpoint::start(move |_| Reply::json(200, &llama_cpp()).held(&held)).await;
    assert_eq!(
        detect(
            &[candidate(Family::LlamaCpp, &endpoint)],
            Duration::from_millis(50)
        )
        .await,
        None
    );
}

#[tokio::test]
async fn a_locked_jan_and_a_server_without_models_are_noted() {
    let jan = Endpoint::with(vec![Reply::json(401, &json!({"error": "key"}))]).await;
    let empty = server(vec![("/api/tags", json!({"models": []}))]).await;
    let survey = survey(
        &[
            candidate(Family::Jan, &jan),
            candidate(Family::Ollama, &empty),
        ],
        LIMIT,
    )
    .await;
    assert_eq!(survey.found, None);
    assert!(
        survey.notes[0].contains("wants a key") && survey.notes[1].contains("no model"),
        "{survey:?}"
    );
}

#[tokio::test]
async fn the_models_of_a_named_endpoint_are_listed_with_its_key() {
    let endpoint = Endpoint::start(|seen| match seen.header("authorization") {
        Some("Bearer k") if seen.path == "/v1/models" => Reply::json(200, &llama_cpp()),
        _ => Reply::json(401, &json!({})),
    })
    .await;
    let listed = models(&endpoint.base_url(), Some(&Secret::new("k\n")), LIMIT)
        .await
        .unwrap();
    assert_eq!((listed.len(), listed[0].id.as_str()), (1, "local"));
    let error = models(&endpoint.base_url(), None, LIMIT).await.unwrap_err();
    assert_eq!(error.kind, Kind::Key);
    let page = Endpoint::with(vec![Reply::new(200, "text/html", "<html>")]).await;
    assert_eq!(
        models(&page.base_url(), None, LIMIT)
            .await
            .unwrap_err()
            .kind,
        Kind::Malformed
    );
}
