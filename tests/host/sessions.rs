//! Saved sessions on the host alone: what is written and when, and that whatever is left of a file is a conversation that a
//! model can go on with.

use std::time::Duration;

use mcpdeck::agent::model::{Completion, Finish, ModelEvent, Usage};
use mcpdeck::agent::transcript::{Entry, Level};
use mcpdeck::host::session::{
    FORMAT, Header, Line, Reading, Record, SessionWrite, Stage as Reached, summary,
};
use mcpdeck::host::{
    Answer, CallEnd, Command, Effect, HostEvent, Keep, Saving, SessionCommand, SessionEvent,
    SessionWish, Settings,
};
use mcpdeck::ids::Moment;
use mcpdeck::mcp::result::CallOutcome;
use proptest::prelude::*;

use crate::stage::{
    Stage, answered, assert_well_formed, bundled, call, config, done, foreign, path, request,
    results, stream,
};

fn kept() -> Settings {
    Settings {
        keeps_sessions: true,
        ..Settings::default()
    }
}

fn stage() -> Stage {
    Stage::with(
        &config(vec![bundled("files"), foreign("other", &["a"])]),
        kept(),
    )
}

fn writes(effects: &[Effect]) -> Vec<SessionWrite> {
    let write = |effect: &Effect| match effect {
        Effect::Keep(Keep::Session(write)) => Some(write.clone()),
        _ => None,
    };
    effects.iter().filter_map(write).collect()
}

fn header() -> Line {
    Line::Session(Header {
        format: FORMAT,
        id: "0190".into(),
        folder: "/work".into(),
        started: Moment(1_700_000_000_000_000),
        mcpdeck: "0.1.0".into(),
        config: None,
        from: None,
    })
}

fn bytes(lines: &[Line]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut bytes, line).expect("JSON");
        bytes.push(b'\n');
    }
    bytes
}

/// A stage that keeps everything that was to be written.
struct Kept {
    stage: Stage,
    lines: Vec<Line>,
    syncs: Vec<bool>,
}

impl Kept {
    fn new() -> Self {
        Self {
            stage: stage(),
            lines: vec![header()],
            syncs: Vec::new(),
        }
    }

    fn take(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        for write in writes(&effects) {
            self.lines.extend(write.lines);
            self.syncs.push(write.sync);
        }
        effects
    }

    fn submit(&mut self, text: &str) -> Vec<Effect> {
        let effects = self.stage.submit(text);
        self.take(effects)
    }

    fn model(&mut self, asked: &[Effect], event: ModelEvent) -> Vec<Effect> {
        let effects = self.stage.model(stream(asked), event);
        self.take(effects)
    }

    fn says(&mut self, asked: &[Effect], text: &str) {
        self.model(asked, ModelEvent::Text(text.into()));
        let usage = Some(Usage {
            prompt: 100,
            completion: 7,
        });
        let completion = Completion {
            finish: Finish::Stop,
            calls: Vec::new(),
            usage,
            notes: Vec::new(),
        };
        self.model(asked, ModelEvent::Done(completion));
    }
}

/// Two turns: a read that answers and a write that is asked for and refused; then a call by hand, a name, and a turn whose
/// call is still with its server.
fn story() -> Kept {
    let mut kept = Kept::new();
    let asked = kept.submit("Đọc tệp 📄");
    let calls = vec![
        call(1, "files__read", &path("a")),
        call(2, "other__write", &path("b")),
    ];
    kept.model(&asked, ModelEvent::Text("Let me see.".into()));
    kept.model(&asked, done(Finish::Stop, calls));
    let effects = kept.stage.outcome(1, answered("xin chào\n\"quoted\""));
    kept.take(effects);
    let question = kept.stage.host.questions[0].id;
    let effects = kept
        .stage
        .command(Command::Answer(question, Answer::No { reason: None }));
    let asked = kept.take(effects);
    kept.says(&asked, "It says *xin chào*.");
    let effects = kept.stage.command(Command::Call {
        server: "files".into(),
        tool: "read".into(),
        arguments: path("c"),
    });
    kept.take(effects);
    let effects = kept.stage.outcome(3, answered("by hand"));
    kept.take(effects);
    let effects = kept
        .stage
        .command(Command::Session(SessionCommand::Rename("Tệp".into())));
    kept.take(effects);
    let asked = kept.submit("And the other?");
    kept.model(
        &asked,
        done(Finish::Stop, vec![call(4, "files__read", &path("d"))]),
    );
    kept
}

/// Goes on with what a reading holds, in a new run, and gives the stage and the effects of the next prompt.
fn go_on(reading: Reading) -> (Stage, Vec<Effect>) {
    let mut stage = stage();
    let asked = stage.command(Command::Session(SessionCommand::Resume("0190".into())));
    let Some(Effect::Session(SessionWish::Open { conversation, .. })) = asked.first() else {
        panic!("{asked:?}");
    };
    let conversation = *conversation;
    stage.tell(HostEvent::Session(SessionEvent::Opened {
        conversation,
        record: Box::new(Record::of("0190", reading, |_| Moment(0))),
        copy: None,
        age: Duration::from_secs(7200),
    }));
    let effects = stage.submit("go on");
    (stage, effects)
}

fn texts(stage: &Stage) -> Vec<String> {
    let text = |entry: &Entry| match entry {
        Entry::User { text, .. } => Some(format!("> {text}")),
        Entry::Assistant(step) => Some(step.text.clone()),
        Entry::Hand { call } => Some(format!("hand {call}")),
        Entry::Told { .. } | Entry::Compacted(_) | Entry::Note(_) => None,
    };
    let entries = stage.host.transcript.entries().iter();
    entries.filter_map(text).collect()
}

#[test]
fn nothing_is_written_before_the_person_has_spoken() {
    let mut stage = stage();
    assert_eq!(stage.host.session.saving, Saving::Nothing);
    let effects = stage.command(Command::Call {
        server: "files".into(),
        tool: "read".into(),
        arguments: path("c"),
    });
    assert_eq!(writes(&effects), []);
    let effects = stage.submit("hi");
    let lines = writes(&effects).remove(0).lines;
    let kinds: Vec<bool> = lines
        .iter()
        .filter(|line| !matches!(line, Line::Note { .. }))
        .map(|line| matches!(line, Line::Call(_)))
        .collect();
    // The call by hand from before, where it stands, and what was said.
    assert_eq!(kinds, [true, false, false], "{lines:#?}");
    assert_eq!(stage.host.session.saving, Saving::Going);
}

#[test]
fn a_run_that_keeps_nothing_writes_nothing() {
    let mut stage = Stage::ready();
    let effects = stage.submit("hi");
    assert_eq!(writes(&effects), []);
    assert_eq!(stage.host.session.saving, Saving::Off);
    let effects = stage.command(Command::Session(SessionCommand::Resume("x".into())));
    assert_eq!(effects, []);
    assert!(stage.host.session.word.1.is_err());
}

#[test]
fn a_call_is_written_before_it_is_sent_and_the_end_of_a_turn_is_synced() {
    let kept = story();
    let stages: Vec<(u64, u8)> = kept
        .lines
        .iter()
        .filter_map(|line| match line {
            Line::Call(call) => Some((call.call, call.stage.order())),
            _ => None,
        })
        .collect();
    assert_eq!(
        stages,
        [(1, 2), (2, 1), (1, 3), (2, 3), (3, 2), (3, 3), (4, 2)]
    );
    // Of the first turn only the last order is synced; idle, every one is; the last turn has not ended.
    assert_eq!(kept.syncs.first(), Some(&false));
    assert_eq!(kept.syncs.last(), Some(&false));
    assert_eq!(
        kept.syncs.iter().filter(|sync| **sync).count(),
        4,
        "{:?}",
        kept.syncs
    );
    let mut kept = kept;
    let effects = kept.stage.command(Command::Interrupt);
    let write = writes(&effects).remove(0);
    assert!(write.sync);
    let first = effects.first();
    assert!(
        matches!(first, Some(Effect::Keep(Keep::Session(_)))),
        "{first:?}"
    );
}

#[test]
fn what_was_saved_is_the_conversation_again() {
    let kept = story();
    let (stage, effects) = go_on(Reading::of(&bytes(&kept.lines)));
    let mut said = texts(&kept.stage);
    said.extend(["> go on".to_owned(), String::new()]);
    assert_eq!(texts(&stage), said);
    let request = request(&effects);
    assert_well_formed(&request);
    let results = results(&request);
    assert_eq!(results[0].1, "xin chào\n\"quoted\"");
    assert_eq!(results[1].1, "denied: the person refused this call");
    assert!(
        results[2]
            .1
            .starts_with("outcome unknown: mcpdeck ended while the call was with its server"),
        "{results:?}"
    );
    assert_eq!(stage.host.usage, kept.stage.host.usage);
    assert_eq!(stage.host.session.title.as_deref(), Some("Tệp"));
    let mut notes = stage.notes();
    notes.retain(|(_, text)| !text.contains("look like"));
    assert!(
        notes[0]
            .1
            .starts_with("Resumed “Tệp”: 2 turns, 4 calls, written 2 h ago"),
        "{notes:?}"
    );
    assert_eq!(notes[1].0, Level::Warning);
    assert!(
        notes[1].1.starts_with("1 call was with its server"),
        "{notes:?}"
    );
    // What ended by the end of the program is written as over, and its numbers go on.
    let lines = writes(&effects).remove(0).lines;
    let Some(Line::Call(last)) = lines.first() else {
        panic!("{lines:#?}");
    };
    assert_eq!(last.call, 4);
    let Reached::Over { how, .. } = &last.stage else {
        panic!("{last:#?}");
    };
    assert_eq!(how.word(), "outcome unknown");
    assert!(!lines.iter().any(|line| matches!(line, Line::Title { .. })));
}

#[test]
fn a_look_into_a_session_writes_nothing() {
    let kept = story();
    let mut stage = stage();
    let asked = stage.command(Command::Session(SessionCommand::Resume("0190".into())));
    assert_eq!(asked.len(), 1);
    assert!(stage.host.session.opening);
    let effects = stage.tell(HostEvent::Session(SessionEvent::Opened {
        conversation: 1,
        record: Box::new(Record::of("0190", Reading::of(&bytes(&kept.lines)), |_| {
            Moment(0)
        })),
        copy: None,
        age: Duration::ZERO,
    }));
    assert_eq!(writes(&effects), []);
    assert_eq!(stage.host.session.saving, Saving::Saved);
    // A name is written at once.
    let effects = stage.command(Command::Session(SessionCommand::Rename("x".into())));
    assert_eq!(
        writes(&effects).remove(0).lines,
        [Line::Title { title: "x".into() }]
    );
}

#[test]
fn a_new_conversation_is_another_session_whose_calls_are_counted_from_one() {
    let mut kept = story();
    let effects = kept.stage.command(Command::Clear);
    let last = writes(&effects);
    assert_eq!(last.len(), 1);
    assert!(
        last[0].sync && last[0].last,
        "all of the old one is on the disk"
    );
    assert_eq!(kept.stage.host.session.saving, Saving::Nothing);
    let asked = kept.stage.submit("new");
    let new = writes(&asked).remove(0);
    assert_eq!(new.conversation, last[0].conversation + 1);
    assert_eq!(new.lines.len(), 1, "{:#?}", new.lines);
    let effects = kept.stage.model(
        stream(&asked),
        done(Finish::Stop, vec![call(9, "files__read", &path("z"))]),
    );
    let new = writes(&effects).remove(0);
    assert!(
        matches!(&new.lines[0], Line::Call(call) if call.call == 1),
        "{:#?}",
        new.lines
    );
    // A late word on the old one says nothing of the new one.
    let batch = last[0].batch;
    kept.stage.tell(HostEvent::Session(SessionEvent::Written {
        batch,
        id: "old".into(),
        synced: true,
    }));
    assert_eq!(kept.stage.host.session.id, None);
}

#[test]
fn saved_is_shown_only_when_the_last_order_is_on_the_disk_and_a_failure_is_said_once() {
    let mut stage = stage();
    let asked = stage.submit("hi");
    let first = writes(&asked).remove(0);
    let report = |batch, synced| {
        HostEvent::Session(SessionEvent::Written {
            batch,
            id: "0190".into(),
            synced,
        })
    };
    stage.tell(report(first.batch, first.sync));
    assert_eq!(stage.host.session.saving, Saving::Going);
    let effects = stage.model(stream(&asked), done(Finish::Stop, Vec::new()));
    let last = writes(&effects).remove(0);
    assert!(last.sync);
    let failed = |batch| {
        HostEvent::Session(SessionEvent::Unwritten {
            batch,
            why: "the disk is full".into(),
        })
    };
    let warned = |stage: &Stage| {
        let notes = stage.notes();
        notes
            .iter()
            .filter(|(_, text)| text.contains("not saved"))
            .count()
    };
    let again = writes(&stage.tell(failed(last.batch))).remove(0);
    assert_eq!(writes(&stage.tell(failed(again.batch))), []);
    assert_eq!(warned(&stage), 1);
    assert!(matches!(stage.host.session.saving, Saving::Failed { .. }));
    stage.tell(report(again.batch, true));
    assert_eq!(stage.host.session.saving, Saving::Saved);
}

#[test]
fn a_file_that_was_removed_is_written_once_more_whole() {
    let mut kept = story();
    let effects = kept
        .stage
        .tell(HostEvent::Session(SessionEvent::Gone { conversation: 0 }));
    let write = writes(&effects).remove(0);
    assert_eq!(write.conversation, 1);
    let mut lines = vec![header()];
    lines.extend(write.lines);
    let (stage, effects) = go_on(Reading::of(&bytes(&lines)));
    assert_well_formed(&request(&effects));
    assert_eq!(stage.host.calls.len(), 4);
    assert!(texts(&stage).starts_with(&texts(&kept.stage)[..3]));
}

#[test]
fn every_prefix_of_a_file_is_a_session_with_every_complete_line() {
    let lines = story().lines;
    let all = bytes(&lines);
    let mut requests = 0;
    let mut last = usize::MAX;
    for end in 0..=all.len() {
        let part = &all[..end];
        let reading = Reading::of(part);
        let whole = part.iter().filter(|byte| **byte == b'\n').count();
        // The last line is whole without its line break as well.
        let unended = usize::from(reading.unended);
        assert_eq!(
            usize::from(reading.header.is_some()) + reading.lines.len(),
            whole + unended
        );
        assert_eq!((reading.garbage, reading.unknown), (0, 0));
        let expected: Vec<Line> = lines
            .iter()
            .skip(1)
            .take(reading.lines.len())
            .cloned()
            .collect();
        assert_eq!(reading.lines, expected);
        let good = usize::try_from(reading.good).expect("small");
        assert_eq!(reading.torn, good < end, "{end}");
        assert_eq!(Reading::of(&part[..good]).lines, reading.lines);
        let name = summary::of("0190", part).name;
        assert_eq!(Record::of("0190", reading.clone(), |at| at).name(), name);
        if reading.lines.len() != last {
            last = reading.lines.len();
            let (_, effects) = go_on(reading);
            assert_well_formed(&request(&effects));
            requests += 1;
        }
    }
    assert_eq!(requests, lines.len());
}

#[test]
fn a_newer_file_a_file_without_its_first_line_and_garbage_are_read_as_far_as_they_go() {
    let mut lines = story().lines;
    let garbage = b"\x00\xff\x00\n{\"line\":\"user\"}\n[1]\n{\"line\":\"dream\",\"x\":[[[]]]}\n\n";
    let (first, rest) = lines.split_at(3);
    let file = [bytes(first), garbage.to_vec(), bytes(rest)].concat();
    let reading = Reading::of(&file);
    assert_eq!((reading.garbage, reading.unknown), (3, 1));
    assert_eq!(reading.lines, lines[1..]);
    assert_eq!(reading.must_not_grow(), None);
    let trouble = reading.trouble().expect("trouble");
    assert_eq!(
        trouble,
        "3 lines could not be read and were left out; 1 line of a kind that this version does not know was left out"
    );
    assert!(summary::of("x", &file).trouble.is_some());

    let headless = Reading::of(&bytes(&lines[1..]));
    assert!(
        headless
            .must_not_grow()
            .expect("why")
            .contains("first line")
    );
    let (_, effects) = go_on(headless);
    assert_well_formed(&request(&effects));

    let Line::Session(header) = &mut lines[0] else {
        panic!("a header")
    };
    header.format = FORMAT + 1;
    let newer = Reading::of(&bytes(&lines));
    assert!(newer.must_not_grow().expect("why").contains("newer"));
    assert_eq!(newer.lines.len(), lines.len() - 1);
}

#[test]
fn a_call_that_waited_for_an_answer_was_not_sent() {
    let mut kept = Kept::new();
    let asked = kept.submit("write");
    kept.model(
        &asked,
        done(Finish::Stop, vec![call(1, "other__write", &path("b"))]),
    );
    let (stage, effects) = go_on(Reading::of(&bytes(&kept.lines)));
    let results = results(&request(&effects));
    assert_eq!(
        results[0].1,
        "error: not sent, because mcpdeck ended before it was sent"
    );
    assert!(matches!(stage.end(1), CallEnd::Unavailable { .. }));
}

#[test]
fn a_resumed_session_comes_behind_the_calls_of_the_one_before() {
    let saved = bytes(&story().lines);
    let mut kept = story();
    let asked = kept.stage.command(Command::Interrupt);
    drop(asked);
    let effects = kept
        .stage
        .command(Command::Session(SessionCommand::Resume("0190".into())));
    assert_eq!(effects.len(), 1);
    kept.stage.tell(HostEvent::Session(SessionEvent::Opened {
        conversation: 1,
        record: Box::new(Record::of("0190", Reading::of(&saved), |_| Moment(0))),
        copy: Some("another window has it open".into()),
        age: Duration::ZERO,
    }));
    assert_eq!(kept.stage.host.calls.len(), 8);
    for (place, call) in kept.stage.host.calls.iter().enumerate() {
        assert_eq!(call.id.0, place as u64 + 1);
    }
    let effects = kept.stage.submit("go on");
    let request = request(&effects);
    assert_well_formed(&request);
    assert_eq!(results(&request).len(), 3);
    // A copy has no file until the person speaks, and its calls keep the numbers of the session.
    let lines = writes(&effects).remove(0).lines;
    assert!(
        matches!(&lines[0], Line::Call(call) if call.call == 4),
        "{lines:#?}"
    );
}

#[test]
fn an_answer_of_many_megabytes_is_kept_to_its_bound() {
    let mut kept = Kept::new();
    let asked = kept.submit("read");
    kept.model(
        &asked,
        done(Finish::Stop, vec![call(1, "files__read", &path("a"))]),
    );
    let effects = kept.stage.outcome(1, answered(&"ế".repeat(2 << 20)));
    kept.take(effects);
    let size = bytes(&kept.lines).len();
    assert!(size < (1 << 20) + 16_384, "{size}");
    let record = Record::of("0190", Reading::of(&bytes(&kept.lines)), |at| at);
    let Reached::Over {
        how: CallEnd::Outcome {
            outcome: CallOutcome::Answered { result },
        },
        ..
    } = &record.calls[0].stage
    else {
        panic!("{:#?}", record.calls[0].stage)
    };
    assert!(result.as_text().ends_with("was too long to be kept"));
}

#[test]
fn an_export_holds_what_was_said_and_ends_no_block_early() {
    let mut kept = Kept::new();
    let asked = kept.submit("read");
    kept.model(
        &asked,
        done(Finish::Stop, vec![call(1, "files__read", &path("a"))]),
    );
    let effects = kept
        .stage
        .outcome(1, answered("```\n# not a heading\n\u{1b}[31mred"));
    let asked = kept.take(effects);
    kept.says(&asked, "Done.");
    let record = Record::of("0190", Reading::of(&bytes(&kept.lines)), |at| at);
    let text = record.markdown(|_| "at noon".to_owned());
    assert!(text.contains("## You, at noon\n\nread\n"), "{text}");
    assert!(text.contains("### Call 1: `files.read`, ok"), "{text}");
    assert!(text.contains("````text\n```\n# not a heading"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let json = record.json(|_| "at noon".to_owned());
    let entries = json["entries"].as_array().expect("entries");
    let step = entries.iter().find(|entry| entry["entry"] == "step");
    assert_eq!(step.expect("a step")["calls"][0]["end"], "ok");
    assert_eq!(json["usage"]["prompt_tokens"], 100);
    assert_eq!(json["turns"], 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Lines lost, doubled and out of their order, bytes flipped and cut: always a conversation that a model can go on with.
    #[test]
    fn whatever_is_left_of_a_file_can_be_gone_on_with(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let lines = story().lines;
        let mixed: Vec<Line> = picks.iter().map(|pick| pick.get(&lines).clone()).collect();
        let mut file = bytes(&mixed);
        for (at, byte) in flips {
            if !file.is_empty() {
                let at = at.index(file.len());
                file[at] = byte;
            }
        }
        file.truncate(cut.index(file.len() + 1));
        let reading = Reading::of(&file);
        let again = Reading::of(&file[..usize::try_from(reading.good).expect("small")]);
        prop_assert_eq!(&again.lines, &reading.lines);
        let (_, effects) = go_on(reading);
        assert_well_formed(&request(&effects));
    }

    /// A line goes to the disk and comes back the same.
    #[test]
    fn lines_come_back_as_they_were(text in "\\PC{0,40}", number in any::<u64>(), sent in any::<bool>()) {
        let line = Line::User { text, at: Moment(number), sent };
        let file = bytes(std::slice::from_ref(&line));
        prop_assert_eq!(Reading::of(&file).lines, vec![line]);
    }
}
