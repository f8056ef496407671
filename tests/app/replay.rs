//! A session is written, read and replayed: the same state at each place, whichever way one came there, and nothing that a person
//! who looks around could change or send.

use std::sync::Arc;
use std::time::Duration;

use mcpdeck::agent::model::{Completion, Finish, ModelEvent};
use mcpdeck::app::recorded::{self, Start};
use mcpdeck::app::replay::{Happened, Replay, Session, Weight};
use mcpdeck::app::{App, AppEffect, AppEvent, Code, Context, Here, Key, Overlay};
use mcpdeck::config::{Config, Secret, ThemeChoice};
use mcpdeck::host::{Effect, HostEvent, ModelLabel, Settings};
use mcpdeck::ids::{Generation, Moment, Seq, ServerName, StreamId};
use mcpdeck::mcp::ask::Ask;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::status::{Era, Hello};
use mcpdeck::mcp::wire::record::{Direction, WireKind, WireRecord};
use mcpdeck::record::{Reader, Recording};
use mcpdeck::view::{Memo, Theme, text};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Play, server_spec};

const SECRET: &str = "hunter2-is-no-password";

/// A program whose events are written down as the terminal's loop does.
struct Written {
    app: App,
    now: Moment,
    lines: Vec<Value>,
    stream: Option<StreamId>,
}

fn start() -> Start {
    let mut spec = server_spec("files");
    if let mcpdeck::config::Launch::Stdio(stdio) = &mut spec.launch {
        stdio.args = vec!["--verbose".to_owned()];
        stdio.env.insert("KEY".to_owned(), Secret::new(SECRET));
    }
    Start {
        config: Arc::new(Config {
            servers: vec![spec],
            ..Config::default()
        }),
        settings: Settings::default(),
        size: (100, 30),
        here: Here::default(),
        opening: None,
        inspect: None,
        attached: None,
        asks: None,
    }
}

impl Written {
    fn begin() -> Self {
        let start = start();
        let header = json!({
            "mcpdeck_recording": 1, "program": "0", "kind": "terminal",
            "started": "2026-01-01T00:00:00Z", "start": start.to_write(),
        });
        Self {
            app: start.app(),
            now: Moment(0),
            lines: vec![header],
            stream: None,
        }
    }

    fn entry(&mut self, name: &str, body: Value) {
        self.lines.push(json!({ "at": self.now.0, name: body }));
    }

    fn start(&mut self) {
        self.entry("start", json!(true));
        self.app.start(self.now);
    }

    fn feed(&mut self, event: AppEvent) {
        self.now = self.now.plus(Duration::from_millis(40));
        if let AppEvent::Wire(record) = &event {
            let record = serde_json::to_value(record).unwrap();
            self.entry("wire", record);
        }
        let written = recorded::event(&self.app, &event).unwrap();
        let body = serde_json::to_value(&written.body).unwrap();
        self.entry(written.name, body);
        for effect in self.app.update(event, self.now) {
            if let AppEffect::Host(Effect::StreamModel { stream, .. }) = effect {
                self.stream = Some(stream);
            }
        }
    }

    fn drawn(&mut self) {
        let (cells, _, measured) =
            text::cells(&self.app, &Theme::mono(), self.app.size, &mut Memo::new());
        let frame = text::digest(&text::of(&cells));
        let drawn = recorded::Drawn {
            size: self.app.size,
            frame,
            measured: measured.clone(),
        };
        let drawn = serde_json::to_value(drawn).unwrap();
        self.entry("drawn", drawn);
        self.app.update(AppEvent::Drawn(measured), self.now);
    }

    fn model(&mut self, event: ModelEvent) {
        let stream = self.stream.unwrap();
        self.feed(AppEvent::Host(HostEvent::Model { stream, event }));
    }

    fn read(&self) -> Session {
        let mut reader = Reader::default();
        for line in &self.lines {
            reader.take(&line.to_string(), true).unwrap();
        }
        let recording: Recording = reader.finish().unwrap();
        Session::read(recording).unwrap()
    }
}

fn server(event: ServerEvent) -> AppEvent {
    AppEvent::Host(HostEvent::Server {
        server: ServerName::new("files"),
        generation: Generation(1),
        event,
    })
}

/// A session with a server, a prompt that is typed, an answer in pieces, and the wire.
fn session() -> Written {
    let mut written = Written::begin();
    written.feed(AppEvent::Resize(90, 28));
    written.feed(AppEvent::Theme(ThemeChoice::Mono));
    written.drawn();
    written.start();
    written.feed(server(ServerEvent::Connected(Box::new(Hello {
        era: Era::Modern,
        revision: "2026-07-28".to_owned(),
        name: "files".to_owned(),
        version: "1".to_owned(),
        instructions: None,
        capabilities: json!({ "tools": {} }),
    }))));
    written.feed(AppEvent::Host(HostEvent::ModelFound(Ok(ModelLabel {
        model: "m".to_owned(),
        place: "here".to_owned(),
        scripted: false,
        context: None,
        notes: vec!["a note".to_owned()],
    }))));
    written.drawn();
    for c in "hello there".chars() {
        written.feed(AppEvent::Key(Key::char(c)));
        written.drawn();
    }
    written.feed(AppEvent::Key(Key::new(Code::Enter)));
    // The prompt waits for the server's list for a while.
    for _ in 0..200 {
        if written.stream.is_some() {
            break;
        }
        let timers = 1..30;
        for timer in timers {
            let timer = mcpdeck::ids::TimerId(timer);
            written.feed(AppEvent::Host(HostEvent::Timer(timer)));
        }
    }
    written.model(ModelEvent::Opened);
    for part in ["It is ", "**well**", ".\n\n- one\n", "- two\n"] {
        written.model(ModelEvent::Text(part.to_owned()));
        written.feed(AppEvent::Wire(WireRecord {
            seq: Seq(written.lines.len() as u64),
            at: written.now,
            server: ServerName::new("files"),
            generation: Generation(1),
            direction: Direction::In,
            kind: WireKind::NotJson,
            bytes: part.len(),
            text: part.to_owned(),
            carried: None,
        }));
        written.drawn();
    }
    written.model(ModelEvent::Done(Completion {
        finish: Finish::Stop,
        calls: Vec::new(),
        usage: None,
        notes: Vec::new(),
    }));
    written.drawn();
    written.feed(AppEvent::Key(Key::new(Code::Tab)));
    written.feed(AppEvent::Paste("pasted".to_owned()));
    written.drawn();
    written
}

fn screen(app: &App) -> String {
    let (cells, cursor, _) = text::cells(app, &Theme::mono(), app.size, &mut Memo::new());
    format!("{}{cursor:?} {:?}", text::of(&cells), app.now)
}

#[test]
fn what_is_written_is_read_back_and_each_frame_is_that_of_then() {
    let written = session();
    let words: String = written.lines.iter().map(Value::to_string).collect();
    assert!(!words.contains(SECRET), "{words}");
    assert!(
        words.contains("--verbose"),
        "what is started is in words: {words}"
    );
    let session = written.read();
    let mut app = session.start.app();
    let mut frames = 0;
    for step in &session.steps {
        if let Happened::Drawn(drawn) = &step.what {
            let (cells, _, measured) =
                text::cells(&app, &Theme::mono(), drawn.size, &mut Memo::new());
            assert_eq!(
                text::digest(&text::of(&cells)),
                drawn.frame,
                "{}",
                text::of(&cells)
            );
            assert_eq!(measured, drawn.measured);
            frames += 1;
        }
        step.apply(&mut app);
    }
    assert!(frames > 15);
    assert_eq!(screen(&app), screen(&written.app));
    assert_eq!(app.host.transcript, written.app.host.transcript);
    assert!(screen(&app).contains("It is well."), "{}", screen(&app));
}

#[test]
fn whoever_looks_around_changes_and_sends_nothing() {
    let session = Arc::new(session().read());
    let mut replay = Replay::new(session);
    replay.seek(usize::MAX);
    let before = screen(replay.recorded());
    let mut effects = Vec::new();
    // To the servers, the details, a restart, and out again.
    for key in [
        Key::new(Code::Tab),
        Key::new(Code::Enter),
        Key::char('r'),
        Key::char('d'),
        Key::char('p').ctrl(),
        Key::new(Code::Down),
        Key::new(Code::Enter),
        Key::char('x'),
        Key::new(Code::F(1)),
    ] {
        effects.extend(replay.key(key));
        assert_eq!(screen(replay.recorded()), before, "{key}");
    }
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, AppEffect::Host(_))),
        "{effects:?}"
    );
    assert!(replay.is_looking());
    replay.back(Weight::Step);
    assert!(
        !replay.is_looking(),
        "what was opened is gone when time moves"
    );
    replay.forward(Weight::Step);
    replay.seek(usize::MAX);
    assert_eq!(screen(replay.app()), before);
    assert!(matches!(replay.app().overlay, Overlay::None));
}

#[test]
fn time_goes_at_the_speed_that_was_asked_for_and_stops_at_the_end() {
    let session = Arc::new(session().read());
    let mut replay = Replay::new(session.clone());
    assert_eq!(replay.wait(), None, "at rest");
    replay.key(Key::char(' '));
    assert!(replay.is_playing() && replay.wait().is_some());
    replay.advance(Duration::from_millis(200));
    let once = replay.position();
    assert!(once > 0 && replay.now() == Moment(200_000));
    replay.key(Key::char('+'));
    replay.advance(Duration::from_millis(200));
    assert_eq!(replay.now(), Moment(600_000), "twice as fast");
    assert!(replay.position() > once);
    replay.advance(Duration::from_secs(3600));
    assert!(!replay.is_playing());
    assert_eq!(
        (replay.position(), replay.now()),
        (session.steps.len(), session.end())
    );
    replay.key(Key::char(' '));
    assert!(
        replay.is_playing() && replay.position() == 0,
        "once more from the start"
    );
}

#[test]
fn what_is_typed_into_a_field_for_secrets_is_not_written() {
    let mut play = Play::ready();
    let ask = |schema| Ask::Form {
        message: "Sign in".into(),
        schema,
    };
    let push = |play: &mut Play, id: u64, what| {
        play.ask(id, what);
        play.update(AppEvent::Tick);
        play.wait(1_000);
    };
    let schema =
        |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } } });
    push(&mut play, 70, ask(schema("city")));
    let key = AppEvent::Key(Key::char('x'));
    let body = |play: &Play, event: &AppEvent| {
        let written = recorded::event(&play.app, event).unwrap();
        serde_json::to_string(&written.body).unwrap()
    };
    assert!(body(&play, &key).contains("\"x\""), "the control");
    play.app.host.questions.clear();
    push(&mut play, 71, ask(schema("password")));
    assert!(play.app.types_secret());
    assert!(body(&play, &key).contains("\"*\"") && !body(&play, &key).contains("\"x\""));
    let pasted = AppEvent::Paste("opensesame".to_owned());
    assert_eq!(body(&play, &pasted), r#"{"Paste":"**********"}"#);
    let enter = AppEvent::Key(Key::new(Code::Enter));
    assert!(
        body(&play, &enter).contains("Enter"),
        "what types nothing stays"
    );
}

#[test]
fn what_is_typed_into_a_calls_field_for_secrets_is_not_written() {
    let mut play = Play::ready();
    let server = &mut play.app.host.servers[0];
    let fields = json!({ "city": { "type": "string" }, "password": { "type": "string" } });
    server.tools[0].input_schema = json!({ "type": "object", "properties": fields });
    let name = server.name.clone();
    play.app.inspect_alone(name);
    play.type_text("2");
    play.press(Code::Enter);
    assert_eq!(play.app.context(), Context::CallForm);
    let body = |play: &Play| {
        let key = AppEvent::Key(Key::char('x'));
        let written = recorded::event(&play.app, &key).unwrap();
        serde_json::to_string(&written.body).unwrap()
    };
    assert!(body(&play).contains("\"x\"") && !play.app.types_secret());
    play.press(Code::Tab);
    assert!(body(&play).contains("\"*\"") && play.app.types_secret());
    play.type_text("opensesame");
    let given = |key| recorded::given(&play.app, &AppEvent::Key(key)).map(str::to_owned);
    assert_eq!(given(Key::char('x')), None);
    assert_eq!(given(Key::new(Code::Backspace)), None);
    assert_eq!(
        given(Key::new(Code::Left)),
        None,
        "it is half of one, perhaps"
    );
    assert_eq!(given(Key::char('s').ctrl()).as_deref(), Some("opensesame"));
    play.ctrl('r');
    assert!(
        body(&play).contains("\"x\""),
        "as JSON it is known by its name"
    );
}

#[derive(Debug, Clone)]
enum Go {
    Forward(bool),
    Back(bool),
    Seek(usize),
    Look,
    Play(u64),
}

fn go() -> impl Strategy<Value = Go> {
    prop_oneof![
        any::<bool>().prop_map(Go::Forward),
        any::<bool>().prop_map(Go::Back),
        (0usize..200).prop_map(Go::Seek),
        Just(Go::Look),
        (1u64..2_000).prop_map(Go::Play),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whichever_way_one_comes_to_a_place_it_is_the_same(ways in proptest::collection::vec(go(), 1..25)) {
        let session = Arc::new(session().read());
        let mut replay = Replay::new(session.clone());
        let weight = |scene| if scene { Weight::Scene } else { Weight::Step };
        for way in ways {
            match way {
                Go::Forward(scene) => replay.forward(weight(scene)),
                Go::Back(scene) => replay.back(weight(scene)),
                Go::Seek(to) => replay.seek(to),
                Go::Look => { replay.key(Key::new(Code::Tab)); }
                Go::Play(millis) => {
                    replay.key(Key::char(' '));
                    replay.advance(Duration::from_millis(millis));
                }
            }
            let mut straight = session.start.app();
            for step in &session.steps[..replay.position()] {
                step.apply(&mut straight);
            }
            prop_assert_eq!(screen(replay.recorded()), screen(&straight));
        }
    }
}
