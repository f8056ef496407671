//! Snapshots at 120x40, 80x24 and 40x12.

use mcpdeck::app::palette::{Palette, PaletteRow};
use mcpdeck::app::{Detail, Overlay, Pane};
use mcpdeck::config::{Asks, Config, FolderFile};
use mcpdeck::ids::CallId;

use crate::stage::{drawn, fresh, no_model, question, screen, streaming, talk, troubled};

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

frame!(the_first_frame_wide, fresh(), 120, 40);
frame!(the_first_frame_narrow, fresh(), 80, 24);
frame!(the_first_frame_tiny, fresh(), 40, 12);
frame!(a_running_turn_wide, talk(), 120, 40);
frame!(a_running_turn_narrow, talk(), 80, 24);
frame!(a_running_turn_tiny, talk(), 40, 12);
frame!(text_streams_wide, streaming(), 120, 40);
frame!(a_question_wide, question(), 120, 40);
frame!(a_question_narrow, question(), 80, 24);
frame!(a_question_tiny, question(), 40, 12);
frame!(
    a_short_question_has_all_its_words_wide,
    {
        let mut app = question();
        app.host.calls[3].arguments = "{}".into();
        app
    },
    120,
    40
);
frame!(a_new_folder_wide, new_folder(false), 120, 40);
frame!(a_new_folder_narrow, new_folder(false), 80, 24);
frame!(a_new_folder_tiny, new_folder(false), 40, 12);
frame!(a_changed_folder_narrow, new_folder(true), 80, 24);
frame!(no_model_wide, no_model(), 120, 40);
frame!(no_model_narrow, no_model(), 80, 24);

/// The question whether a folder's file may run.
fn new_folder(changed: bool) -> mcpdeck::app::App {
    let says = [
        "Server kho-hàng",
        "  starts       npx -y @example/warehouse --dir=${HOME} --token ***",
        "  env          LOG=debug API_KEY=*** REGION=${REGION:-eu}",
        "  env_vars     GITHUB_TOKEN",
        "  ! gets your GITHUB_TOKEN, HOME, REGION",
        "  ! every tool of it runs without asking",
        "Server 天气",
        "  reaches      https://mcp.example.com/a/very/long/path/that/does/not/fit/on/one/row/of/the/question",
        "Model",
        "  base_url     https://models.example.com/v1",
        "  ! your key in OPENAI_API_KEY goes to https://models.example.com/v1",
    ];
    let says: Vec<String> = says.map(str::to_owned).into();
    let before = changed.then(|| {
        let mut before = says.clone();
        before[1] = "  starts       npx -y @example/warehouse".to_owned();
        before.remove(5);
        before
    });
    let asks = Asks {
        folder: FolderFile {
            path: "/home/anh/dự-án/mcp.toml".into(),
            digest: String::new(),
            says,
        },
        before,
        with: Config::default().into(),
        without: Config::default().into(),
    };
    let mut app = fresh();
    app.ask_for_trust(asks.into());
    app
}

fn detail(of: Detail) -> mcpdeck::app::App {
    let mut app = talk();
    app.overlay = Overlay::Detail { of, scroll: 0 };
    app
}

frame!(a_call_in_detail, detail(Detail::Call(CallId(2))), 120, 40);
frame!(
    a_running_call_in_detail,
    detail(Detail::Call(CallId(4))),
    80,
    24
);
frame!(
    a_failed_server_in_detail,
    detail(Detail::Server("ghost".into())),
    120,
    40
);
frame!(
    a_ready_server_in_detail,
    detail(Detail::Server("shop".into())),
    80,
    24
);
frame!(all_tools, detail(Detail::Tools), 80, 24);

fn focused(pane: Pane) -> mcpdeck::app::App {
    let mut app = talk();
    app.focus = pane;
    app.tab = pane;
    app
}

frame!(
    the_servers_have_the_keys_narrow,
    focused(Pane::Servers),
    80,
    24
);
frame!(the_calls_alone_tiny, focused(Pane::Calls), 40, 12);
frame!(the_servers_alone_tiny, focused(Pane::Servers), 40, 12);

fn helped() -> mcpdeck::app::App {
    let mut app = fresh();
    app.overlay = Overlay::Help { scroll: 0 };
    app
}

frame!(the_help, helped(), 80, 24);

fn palette() -> mcpdeck::app::App {
    let mut app = fresh();
    let row = |label: &str, key: &str, hits: &[u32]| PaletteRow {
        label: label.into(),
        key: key.into(),
        hits: hits.to_vec(),
    };
    app.overlay = Overlay::Palette(Palette {
        query: "res".into(),
        rows: vec![
            row("Restart files", "/restart", &[0, 1, 2]),
            row("Show the reasoning", "Ctrl-R", &[9, 10, 12]),
        ],
        marked: 0,
        ..Palette::default()
    });
    app
}

frame!(the_palette, palette(), 80, 24);

#[test]
fn a_question_shows_arguments_and_answers_at_any_usable_size() {
    for (cols, rows) in [(120, 40), (80, 24), (60, 20), (40, 12), (30, 10)] {
        let (text, measured) = drawn(&question(), cols, rows);
        let (all, shown) = measured.ask;
        assert!(all >= 6 && shown >= 1, "{cols}x{rows}: {:?}", measured.ask);
        for answer in ["y once", "s session", "a always", "n no", "r no, because"] {
            assert!(
                text.contains(answer),
                "{cols}x{rows}: no `{answer}` in\n{text}"
            );
        }
    }
}

/// Scrolled from the first line to the last, the question has shown every line of what will be sent.
#[test]
fn scrolling_the_question_leaves_no_line_unseen() {
    let mut app = question();
    let lines: Vec<String> = (0..40)
        .map(|n| format!("\"key{n}\":\"value{n}\""))
        .collect();
    app.host.calls[3].arguments = format!("{{{}}}", lines.join(","));
    for (cols, rows) in [(120, 40), (40, 12)] {
        let mut seen = String::new();
        app.ask.scroll = 0;
        loop {
            let (text, measured) = drawn(&app, cols, rows);
            seen.push_str(&text);
            let (all, shown) = measured.ask;
            if app.ask.scroll + shown >= all {
                break;
            }
            app.ask.scroll += shown;
        }
        for number in 0..40 {
            let line = format!("\"key{number}\": \"value{number}\"");
            assert!(seen.contains(&line), "{cols}x{rows}: {line}");
        }
    }
}

/// The servers pane with this server marked.
fn in_trouble(marked: usize) -> mcpdeck::app::App {
    let mut app = troubled();
    app.focus = Pane::Servers;
    app.tab = Pane::Servers;
    app.servers.marked = marked;
    app
}

frame!(servers_in_trouble_wide, in_trouble(2), 120, 40);
frame!(servers_in_trouble_narrow, in_trouble(1), 80, 24);
frame!(servers_in_trouble_tiny, in_trouble(3), 40, 12);
frame!(
    a_failing_server_in_detail,
    {
        let mut app = troubled();
        let of = Detail::Server("nhà-kho".into());
        app.overlay = Overlay::Detail { of, scroll: 0 };
        app
    },
    80,
    24
);
