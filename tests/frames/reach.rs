//! Frames of resources, prompts, completions, forms and the blocks of an answer; and the same places with hostile text in them.

use std::collections::BTreeMap;

use mcpdeck::app::fields::Fields;
use mcpdeck::app::palette::Palette;
use mcpdeck::app::suggest::{Suggestion, Then};
use mcpdeck::app::{App, Detail, Overlay, Shelf};
use mcpdeck::host::{LogLine, Origin};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::event::Task;
use mcpdeck::mcp::listing::Rejected;
use mcpdeck::mcp::prompt::{Prompt, PromptArgument};
use mcpdeck::mcp::request::{ListKind, Method};
use mcpdeck::mcp::resource::{Resource, Template};
use mcpdeck::mcp::result::{Block, ToolResult};
use mcpdeck::mcp::status::Status;
use mcpdeck::mcp::tool::{Icon, TaskSupport};
use serde_json::json;

use crate::stage::{answered, at, call, fresh, screen, talk};

/// The head of a PNG of 640 by 480 pixels, and enough behind it to be a file.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA10dzkAAAAAElFTkSuQmCC";

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

fn prompt(name: &str, title: &str, arguments: &[(&str, &str, bool)]) -> Prompt {
    let argument = |(name, words, required): &(&str, &str, bool)| PromptArgument {
        name: (*name).into(),
        title: None,
        description: Some((*words).into()),
        required: *required,
    };
    Prompt {
        name: name.into(),
        title: Some(title.into()),
        description: Some("Viết lời nhắc: what changed, why, and what to look at first.".into()),
        arguments: arguments.iter().map(argument).collect(),
        icons: Vec::new(),
    }
}

fn resource(uri: &str, name: &str, mime: &str) -> Resource {
    Resource {
        uri: uri.into(),
        name: name.into(),
        title: None,
        description: Some(format!("{name}: 说明 of it")),
        mime: Some(mime.into()),
        size: Some(2_300),
        icons: Vec::new(),
    }
}

/// `files` has everything that a server can have.
fn stock(app: &mut App) {
    let server = &mut app.host.servers[0];
    server.resources = vec![
        resource("file:///ghi-chú.txt", "ghi chú", "text/plain"),
        resource("file:///报告.md", "报告", "text/markdown"),
        resource("file:///👩‍🚀.png", "👩‍🚀", "image/png"),
    ];
    server.templates = vec![Template {
        uri_template: "git:///{branch}/{+path}".into(),
        name: "file of a branch".into(),
        title: None,
        description: Some("A file as it is on a branch.".into()),
        mime: None,
    }];
    let arguments = [
        ("path", "which file", true),
        ("style", "brief or long", false),
    ];
    server.prompts = vec![
        prompt("review", "Xem lại mã", &arguments),
        prompt("hello", "你好", &[]),
    ];
    let odd = Rejected {
        name: Some("odd".into()),
        why: "its uri is not a text".into(),
    };
    server.rejected.insert(ListKind::Resources, vec![odd]);
    let changed = [
        ("file:///ghi-chú.txt", Some(at(10_000))),
        ("file:///报告.md", None),
    ];
    server.subscriptions = changed.map(|(uri, at)| (uri.to_owned(), at)).into();
    server.log_level = Some("warning".into());
    server.log.push_back(LogLine {
        at: at(11_000),
        level: "warning".into(),
        text: "ổ đĩa gần đầy".into(),
    });
    if let Some(tool) = server.tools.first_mut() {
        tool.title = Some("List a folder".into());
        tool.task = TaskSupport::Optional;
        tool.output_schema = Some(json!({"type": "object"}));
        tool.icons = vec![Icon {
            src: "https://example.com/a.png".into(),
            mime: Some("image/png".into()),
        }];
    }
    if let Status::Ready { hello, .. } = &mut server.status {
        hello.instructions = Some("Hãy đọc README trước.".into());
        hello.capabilities = json!({
            "tools": {"listChanged": true},
            "resources": {"subscribe": true, "listChanged": true},
            "prompts": {}, "completions": {}, "logging": {},
            "extensions": {"io.modelcontextprotocol/tasks": {}, "io.modelcontextprotocol/ui": {}}
        });
    }
}

fn stocked() -> App {
    let mut app = fresh();
    stock(&mut app);
    app
}

fn row(label: &str, note: &str, hits: &[u32]) -> Suggestion {
    Suggestion {
        insert: format!("{label} "),
        label: label.into(),
        note: note.into(),
        hits: hits.to_vec(),
        then: Then::Write,
    }
}

fn mentioned() -> App {
    let mut app = talk();
    stock(&mut app);
    app.composer.set("so sánh @fi");
    let suggest = &mut app.reach.suggest;
    suggest.awake = true;
    suggest.rows = vec![
        row("@files:", "3 resources, 1 template", &[1, 2]),
        row(
            "@files:file:///ghi-chú.txt",
            "ghi chú · text/plain",
            &[1, 2],
        ),
        row("@files:file:///报告.md", "报告 · text/markdown", &[1, 2]),
        row(
            "@files:git:///{branch}/{+path}",
            "file of a branch · template",
            &[1, 2],
        ),
    ];
    suggest.marked = 1;
    app
}

frame!(a_mention_is_completed_wide, mentioned(), 120, 40);
frame!(a_mention_is_completed_narrow, mentioned(), 80, 24);
frame!(a_mention_is_completed_tiny, mentioned(), 40, 12);

fn form() -> App {
    let mut app = stocked();
    let server = app.host.servers[0].name.clone();
    let given = BTreeMap::from([("style".to_owned(), "ngắn gọn".to_owned())]);
    let mut fields = Fields::of_prompt(&server, &app.host.servers[0].prompts[0], &given);
    fields.complaint = Some("`path` is required.".into());
    app.overlay = Overlay::Fields(Box::new(fields));
    app
}

frame!(the_form_of_a_prompt, form(), 80, 24);
frame!(the_form_of_a_prompt_tiny, form(), 40, 12);

fn template_form() -> App {
    let mut app = stocked();
    let server = app.host.servers[0].name.clone();
    let template = app.host.servers[0].templates[0].clone();
    let words = template.description;
    let mut fields = Fields::of_template(&server, &template.uri_template, words, None).unwrap();
    fields.rows[0].value.set("nhánh chính");
    fields.at = 1;
    app.overlay = Overlay::Fields(Box::new(fields));
    app
}

frame!(the_form_of_a_template, template_form(), 80, 24);

fn listed(shelf: Shelf) -> App {
    let mut app = stocked();
    app.overlay = Overlay::Palette(Palette::of(shelf, &app.host));
    app
}

frame!(all_resources, listed(Shelf::Resources), 80, 24);
frame!(all_prompts, listed(Shelf::Prompts), 80, 24);
frame!(all_resources_tiny, listed(Shelf::Resources), 40, 12);

fn server_detail() -> App {
    let mut app = stocked();
    let of = Detail::Server("files".into());
    app.overlay = Overlay::Detail { of, scroll: 0 };
    app
}

frame!(a_server_with_everything, server_detail(), 120, 60);

/// Every kind of block, in the order of the type.
fn blocks() -> ToolResult {
    let image = || Block::Image {
        mime: "image/png".into(),
        data: PNG.into(),
    };
    ToolResult {
        content: vec![
            Block::Text {
                text: "một dòng\nhai 行".into(),
            },
            image(),
            Block::Audio {
                mime: "audio/wav".into(),
                data: "YWJj".repeat(500),
            },
            Block::Link {
                uri: "file:///báo cáo.pdf".into(),
                name: Some("report".into()),
                title: Some("Báo cáo 📈".into()),
                description: Some("The report of this year.".into()),
                mime: Some("application/pdf".into()),
                size: Some(48_000),
            },
            Block::Resource {
                uri: "db://khách/1".into(),
                mime: Some("application/json".into()),
                text: Some(r#"{"tên": "Ánh", "city": "东京"}"#.into()),
                blob: None,
            },
            Block::Resource {
                uri: "db://file/7".into(),
                mime: Some("application/zip".into()),
                text: None,
                blob: Some("YWJj".repeat(40)),
            },
            Block::Said {
                role: "assistant".into(),
                block: Box::new(image()),
            },
            Block::Other {
                value: json!({"type": "video", "data": "QUJD".repeat(100), "fps": 24}),
            },
        ],
        structured: Some(json!({"ok": true, "name": "Zoë"})),
        is_error: false,
    }
}

fn answer() -> App {
    let mut app = talk();
    app.host.calls = vec![call(1, "files", "show", "{}", answered(12, blocks()))];
    app.host.calls[0].mismatch = Some("\"ok\" is not a number".into());
    let of = Detail::Call(CallId(1));
    app.overlay = Overlay::Detail { of, scroll: 0 };
    app
}

frame!(every_block_in_detail, answer(), 80, 48);

fn by_hand() -> App {
    let mut app = fresh();
    let mut read = call(
        1,
        "files",
        "file:///ghi-chú.txt",
        "{}",
        answered(3, blocks()),
    );
    read.method = Method::Resource;
    read.origin = Origin::Hand;
    app.host.calls = vec![read];
    let entry = mcpdeck::agent::transcript::Entry::Hand { call: CallId(1) };
    app.host.transcript.push(entry);
    app
}

frame!(every_block_in_the_chat, by_hand(), 120, 40);

fn task() -> App {
    let mut app = talk();
    app.host.calls[3].task = Some(Task {
        id: "task-786".into(),
        status: "working".into(),
        message: Some("đang quét 30/100".into()),
    });
    let of = Detail::Call(CallId(4));
    app.overlay = Overlay::Detail { of, scroll: 0 };
    app
}

frame!(a_call_that_is_a_task, task(), 80, 24);

#[test]
fn base64_is_named_and_never_written_out() {
    for app in [answer(), by_hand()] {
        let text = screen(&app, 120, 200);
        for digits in ["YWJjYWJj", "QUJDQUJD", "iVBORw0KGgo"] {
            assert!(!text.contains(digits), "{text}");
        }
        assert!(text.contains("[image image/png, 640x480, 45 B]"), "{text}");
    }
}

/// Puts a text in every place of this kind.
pub fn fill(app: &mut App, text: &str) {
    let own = || text.to_owned();
    stock(app);
    let server = &mut app.host.servers[0];
    for resource in &mut server.resources {
        (resource.uri, resource.name) = (own(), own());
        (resource.title, resource.mime, resource.description) =
            (Some(own()), Some(own()), Some(own()));
    }
    server.templates[0].uri_template = format!("{text}{{{text}}}");
    server.templates[0].description = Some(own());
    for prompt in &mut server.prompts {
        (prompt.name, prompt.title, prompt.description) = (own(), Some(own()), Some(own()));
        for argument in &mut prompt.arguments {
            (argument.name, argument.description) = (own(), Some(own()));
        }
    }
    let odd = Rejected {
        name: Some(own()),
        why: own(),
    };
    server.rejected.insert(ListKind::Prompts, vec![odd]);
    server.subscriptions = [(own(), None)].into();
    server.log_level = Some(own());
    if let Some(tool) = server.tools.first_mut() {
        tool.title = Some(own());
        tool.icons[0].mime = Some(own());
    }
    if let Some(call) = app.host.calls.get_mut(3) {
        call.mismatch = Some(own());
        call.task = Some(Task {
            id: own(),
            status: own(),
            message: Some(own()),
        });
    }
}

/// Opens one of the lists, a form, or the completions.
pub fn cover(app: &mut App, text: &str, pick: u8) {
    let server = app.host.servers[0].name.clone();
    app.overlay = match pick % 5 {
        0 => Overlay::Palette(Palette::of(Shelf::Resources, &app.host)),
        1 => Overlay::Palette(Palette::of(Shelf::Prompts, &app.host)),
        2 => {
            let given = BTreeMap::from([(text.to_owned(), text.to_owned())]);
            let prompt = &app.host.servers[0].prompts[0];
            let mut fields = Fields::of_prompt(&server, prompt, &given);
            fields.complaint = Some(text.into());
            Overlay::Fields(Box::new(fields))
        }
        3 => {
            let template = format!("x://{text}/{{a}}{{b}}");
            Fields::of_template(&server, &template, Some(text.into()), None)
                .map_or(Overlay::None, |fields| Overlay::Fields(Box::new(fields)))
        }
        _ => Overlay::None,
    };
    if pick % 5 == 4 {
        app.host.questions.clear();
        app.ask = Default::default();
        app.focus = mcpdeck::app::Pane::Chat;
        app.tab = app.focus;
        app.reach.suggest.awake = true;
        app.reach.suggest.rows = vec![row(text, text, &[0, 3, 999]), row("x", text, &[])];
        app.reach.suggest.marked = usize::from(pick);
    }
}
