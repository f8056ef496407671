//! Frames of the list of saved sessions, and of the mark that says whether the conversation is saved.

use std::time::Duration;

use mcpdeck::app::palette::Palette;
use mcpdeck::app::{App, Overlay, Shelf};
use mcpdeck::host::Saving;
use mcpdeck::host::session::{Shelf as Saved, Summary};

use crate::stage::{screen, talk};

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

fn summary(id: u8, name: &str, turns: usize, age: u64) -> Summary {
    Summary {
        id: format!("0190{id:04x}-6800-7abc-8def-0123456789ab"),
        name: name.into(),
        folder: "/home/ánh/dự án".into(),
        config: Some("/home/ánh/dự án/mcp.toml".into()),
        turns,
        age: Duration::from_secs(age),
        tokens: (12_345, 678),
        ..Summary::default()
    }
}

/// Names in three scripts; one is open elsewhere, one has trouble, in one nobody spoke.
fn sessions() -> App {
    let mut app = talk();
    let mut open = summary(2, "分析今年的销售数据 📈 并写一份报告", 1, 7_300);
    open.open = true;
    let mut torn = summary(4, "👩‍🚀 Kế hoạch", 3, 864_000);
    torn.trouble = Some("1 line cannot be read".into());
    let long = "Tổng doanh thu của từng khách hàng trong quý này là bao nhiêu?";
    app.host.session.saving = Saving::Saved;
    app.host.session.shelf = Some(Saved {
        sessions: vec![
            summary(1, long, 12, 30),
            open,
            summary(3, "Find every `.py` file below here", 2, 90_000),
            torn,
            summary(5, "(nothing said)", 0, 2_000_000),
        ],
        more: 0,
        trouble: None,
    });
    let mut palette = Palette::of(Shelf::Sessions, &app.host);
    palette.marked = 1;
    app.overlay = Overlay::Palette(palette);
    app
}

/// The key that deletes was pressed once, and the disk is full.
fn doomed() -> App {
    let mut app = sessions();
    if let Overlay::Palette(palette) = &mut app.overlay {
        palette.doomed = Some("x".into());
    }
    app.host.session.saving = Saving::Failed {
        why: "the disk is full".into(),
    };
    app
}

/// Nothing on top, and not all is on the disk yet.
fn saving() -> App {
    let mut app = talk();
    app.host.session.saving = Saving::Going;
    app
}

frame!(the_list_wide, sessions(), 120, 40);
frame!(the_list_narrow, sessions(), 80, 24);
frame!(the_list_tiny, sessions(), 40, 12);
frame!(a_session_to_be_deleted_narrow, doomed(), 80, 24);
frame!(a_session_to_be_deleted_tiny, doomed(), 40, 12);
frame!(a_conversation_on_its_way_to_the_disk, saving(), 120, 40);

#[test]
fn a_session_is_found_by_its_words_its_folder_and_its_name_for_programs() {
    for (query, found) in [
        ("doanh thu", 1),
        ("报告", 1),
        ("kế hoạch", 1),
        ("0190 0003", 1),
        ("01900003", 1),
        ("dự án", 5),
        ("zzz", 0),
    ] {
        let mut app = sessions();
        if let Overlay::Palette(palette) = &mut app.overlay {
            palette.query = query.into();
            palette.filter(&app.host);
            assert_eq!(palette.rows.len(), found, "{query}");
        }
    }
}
