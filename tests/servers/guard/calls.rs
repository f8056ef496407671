//! Calls under the rules: time, places, rates, and what is said of them.

use std::sync::Arc;
use std::time::Duration;

use mcpdeck::servers::guard::{Call, Caller, Ended, Guard, Options};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What a tool gave.
#[derive(Debug, PartialEq)]
pub struct Gave(pub &'static str);

impl Ended for Gave {
    fn outcome(&self) -> &'static str {
        self.0
    }
}

pub async fn call(
    guard: &Guard,
    caller: &Caller,
    arguments: &Value,
    run: impl Future<Output = Gave>,
) -> Result<Gave, String> {
    let stop = CancellationToken::new();
    let call = Call {
        caller,
        tool: "change",
        arguments,
        changes: true,
        stop: &stop,
    };
    let called = guard.call(call, || None, run).await;
    called.map_err(|refusal| refusal.0)
}

async fn open(options: Options) -> Arc<Guard> {
    Guard::open(options).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_stopped_and_its_outcome_called_unknown() {
    let call_timeout = Some(Duration::from_secs(5));
    let guard = open(Options {
        call_timeout,
        ..Options::default()
    })
    .await;
    let stop = CancellationToken::new();
    for (changes, words) in [(true, "unknown"), (false, "changes nothing")] {
        let arguments = json!({});
        let call = Call {
            caller: &Caller::local(),
            tool: "slow",
            arguments: &arguments,
            changes,
            stop: &stop,
        };
        let refused = guard
            .call(call, || None, std::future::pending::<Gave>())
            .await;
        let refused = refused.unwrap_err().0;
        assert!(
            refused.contains("5 s") && refused.contains(words),
            "{refused}"
        );
        assert!(stop.is_cancelled());
    }
    let quick = call(&guard, &Caller::local(), &json!({}), async { Gave("done") }).await;
    assert_eq!(quick, Ok(Gave("done")));
}

#[tokio::test]
async fn places_are_counted_for_all_and_for_each_and_given_back() {
    for (all, each, other_may) in [(Some(1), None, false), (None, Some(1), true)] {
        let guard = open(Options {
            max_concurrent: all,
            max_concurrent_subject: each,
            ..Options::default()
        })
        .await;
        let (ann, bob) = (Caller::new("ann", None), Caller::new("bob", None));
        let (inside, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let first = tokio::spawn({
            let (guard, ann) = (guard.clone(), ann.clone());
            let (inside, go) = (inside.clone(), go.clone());
            async move {
                let run = async {
                    inside.notify_one();
                    go.notified().await;
                    Gave("done")
                };
                call(&guard, &ann, &json!({}), run).await
            }
        });
        inside.notified().await;
        let done = async { Gave("done") };
        let second = call(&guard, &ann, &json!({}), done).await.unwrap_err();
        assert!(second.contains("nothing ran"), "{second}");
        let third = call(&guard, &bob, &json!({}), async { Gave("done") }).await;
        assert_eq!(third.is_ok(), other_may, "{third:?}");
        go.notify_one();
        assert_eq!(first.await.unwrap(), Ok(Gave("done")));
        let again = call(&guard, &ann, &json!({}), async { Gave("done") }).await;
        assert_eq!(again, Ok(Gave("done")));
    }
}

#[tokio::test]
async fn a_call_too_many_does_not_run() {
    let guard = open(Options {
        rate: Some("2/day".parse().unwrap()),
        rate_tools: vec![("other".to_owned(), "1/s".parse().unwrap())],
        ..Options::default()
    })
    .await;
    let (ann, bob) = (Caller::new("ann", None), Caller::new("bob", None));
    for _ in 0..2 {
        assert!(
            call(&guard, &ann, &json!({}), async { Gave("done") })
                .await
                .is_ok()
        );
    }
    let ran = std::cell::Cell::new(false);
    let third = call(&guard, &ann, &json!({}), async {
        ran.set(true);
        Gave("done")
    })
    .await;
    let third = third.unwrap_err();
    assert!(third.contains("nothing ran; call again in "), "{third}");
    assert!(!ran.get());
    assert!(
        call(&guard, &bob, &json!({}), async { Gave("done") })
            .await
            .is_ok()
    );
}
