//! Snapshots at 120x40, 80x24 and 40x12.

use mcpdeck::app::palette::{Palette, PaletteRow};
use mcpdeck::app::{Detail, Overlay, Pane};
use mcpdeck::ids::CallId;

use crate::stage::{fresh, no_model, question, screen, streaming, talk};

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
frame!(no_model_wide, no_model(), 120, 40);
frame!(no_model_narrow, no_model(), 80, 24);

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
