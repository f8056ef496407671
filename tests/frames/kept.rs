//! What is kept and what the model sees, as figures: the overlays, a kept answer's line, a conversation that was shortened.

use mcpdeck::agent::transcript::{Compacted, Entry, Fold, Summary};
use mcpdeck::app::{App, Detail, Overlay, Pane};
use mcpdeck::host::{CacheUse, ListState};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::status::Status;
use std::time::Duration;

use crate::stage::{at, screen, talk};

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

/// Two servers with kept answers, one of them with its list confirmed; one that starts with what it had last time.
fn kept() -> App {
    let mut app = talk();
    let servers = &mut app.host.servers;
    servers[0].cache = CacheUse {
        hits: 12,
        misses: 3,
        entries: 3,
        bytes: 4_321,
    };
    servers[1].cache = CacheUse {
        hits: 0,
        misses: 1,
        entries: 1,
        bytes: 12_345_678,
    };
    let list = |read, ttl, confirmed| ListState {
        read,
        ttl,
        public: false,
        confirmed,
    };
    servers[0].lists = [
        (ListKind::Tools, list(Some(at(3_000)), None, true)),
        (
            ListKind::Resources,
            list(Some(at(3_000)), Some(Duration::from_secs(60)), true),
        ),
    ]
    .into();
    servers[1].lists = [(ListKind::Tools, list(Some(at(4_000)), None, false))].into();
    servers[3].status = Status::Starting { since: at(9_000) };
    servers[3].tools = servers[0].tools.clone();
    servers[3].lists = [(ListKind::Tools, ListState::default())].into();
    app.host.calls[0].cached = Some(at(2));
    app.host.calls[1].cached = Some(at(9_021));
    app
}

fn over(mut app: App, of: Detail) -> App {
    app.overlay = Overlay::Detail { of, scroll: 0 };
    app
}

fn shortened() -> App {
    let mut app = kept();
    let folded = Compacted {
        folded: vec![(CallId(1), Fold::Ends), (CallId(2), Fold::Line)],
        summary: None,
        before: 27_412,
        after: 11_003,
    };
    let summary = Summary {
        text: "The person wants the **best customers**.\n\n- `shop` was asked; 3 rows".into(),
        keeps: 0,
    };
    let summed = Compacted {
        folded: Vec::new(),
        summary: Some(summary),
        before: 31_200,
        after: 900,
    };
    app.host.transcript.push(Entry::Compacted(folded));
    app.host.transcript.push(Entry::Compacted(summed));
    app
}

fn focused(mut app: App, pane: Pane) -> App {
    (app.focus, app.tab) = (pane, pane);
    app
}

frame!(the_cache_wide, over(kept(), Detail::Cache), 120, 40);
frame!(the_cache_narrow, over(kept(), Detail::Cache), 80, 24);
frame!(the_cache_tiny, over(kept(), Detail::Cache), 40, 12);
frame!(the_context_wide, over(kept(), Detail::Context), 120, 40);
frame!(the_context_narrow, over(kept(), Detail::Context), 80, 24);
frame!(the_context_tiny, over(kept(), Detail::Context), 40, 12);
frame!(kept_answers_among_the_calls_wide, kept(), 120, 40);
frame!(
    kept_answers_among_the_calls_tiny,
    focused(kept(), Pane::Calls),
    40,
    12
);
frame!(
    a_kept_answer_in_detail,
    over(kept(), Detail::Call(CallId(1))),
    80,
    24
);
frame!(
    a_server_that_starts_with_what_it_had,
    over(kept(), Detail::Tools),
    80,
    24
);
frame!(a_conversation_that_was_shortened, shortened(), 120, 40);
