//! Room in the model's context: what is folded, what is summed up, and that every request stays well formed.

use mcpdeck::agent::model::{Finish, Message, ModelErrorKind, ModelEvent, ModelRequest};
use mcpdeck::agent::transcript::{Compacted, Entry, Fold, Level, Transcript};
use mcpdeck::agent::window;
use mcpdeck::config::Limits;
use mcpdeck::host::{Command, Effect, Settings};
use mcpdeck::ids::CallId;

use crate::stage::*;

fn stage(context_tokens: u32) -> Stage {
    let limits = Limits {
        context_tokens: Some(context_tokens),
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    Stage::with(&config(vec![bundled("files")]), settings)
}

/// One turn with a read of this many tokens, and an answer.
fn turn(stage: &mut Stage, number: u32, tokens: usize) -> Vec<Effect> {
    let asked = stage.submit(&format!("question {number}"));
    turn_on(stage, asked, number, tokens)
}

fn turn_on(stage: &mut Stage, asked: Vec<Effect>, number: u32, tokens: usize) -> Vec<Effect> {
    let made = call(number, "files__read", &path(&number.to_string()));
    stage.model(stream(&asked), done(Finish::Stop, vec![made]));
    let id = stage.host.calls.len() as u64;
    let text = format!("HEAD{number} {} TAIL{number}", "x".repeat(tokens * 4));
    let asked = stage.outcome(id, answered(&text));
    let from = stream(&asked);
    stage.model(from, ModelEvent::Text(format!("answer {number}")));
    stage.model(from, done(Finish::Stop, Vec::new()));
    asked
}

fn compacted(stage: &Stage) -> Vec<Compacted> {
    let entries = stage.host.transcript.entries().iter();
    let of = |entry: &Entry| match entry {
        Entry::Compacted(of) => Some(of.clone()),
        _ => None,
    };
    entries.filter_map(of).collect()
}

fn tokens(request: &ModelRequest) -> u64 {
    request.messages.iter().map(window::of_message).sum()
}

fn all_text(request: &ModelRequest) -> String {
    format!("{:?}", request.messages)
}

#[test]
fn old_results_are_folded_before_the_context_is_full_and_nothing_of_the_record_is_changed() {
    let mut stage = stage(10_000);
    turn(&mut stage, 1, 3_000);
    turn(&mut stage, 2, 3_000);
    assert_eq!(compacted(&stage), []);
    let asked = turn(&mut stage, 3, 3_000);
    let seen = request(&asked);
    assert_well_formed(&seen);
    assert!(tokens(&seen) < 8_000, "{}", tokens(&seen));
    let texts: Vec<String> = results(&seen).into_iter().map(|(_, text)| text).collect();
    assert!(texts[0].contains("HEAD1") && texts[0].contains("TAIL1") && texts[0].len() < 2_000);
    assert_eq!(
        texts[2].len(),
        "HEAD3  TAIL3".len() + 12_000,
        "the newest is whole"
    );
    let marks = compacted(&stage);
    assert_eq!(marks[0].folded[0], (CallId(1), Fold::Ends));
    assert!(marks[0].before > marks[0].after, "{marks:?}");
    assert!(stage.call(1).result().expect("a result").as_text().len() > 12_000);
}

#[test]
fn when_folding_is_not_enough_the_model_sums_up_what_came_before_this_prompt() {
    let mut stage = stage(3_000);
    let long = "words ".repeat(900);
    for number in 1..3 {
        let asked = stage.submit(&format!("question {number} {long}"));
        let from = stream(&asked);
        if number == 1 {
            stage.model(from, ModelEvent::Text("answer 1".into()));
            stage.model(from, done(Finish::Stop, Vec::new()));
            continue;
        }
        let summing = request(&asked);
        assert_eq!(summing.tools, []);
        assert!(
            all_text(&summing).contains("question 1") && !all_text(&summing).contains("question 2")
        );
        assert!(tokens(&summing) < 3_000);
        assert!(stage.host.is_busy());
        stage.model(from, ModelEvent::Text("They asked question one.".into()));
        let effects = stage.model(from, done(Finish::Stop, Vec::new()));
        let asked = request(&effects);
        assert_well_formed(&asked);
        let seen = all_text(&asked);
        assert!(seen.contains("They asked question one.") && seen.contains("question 2"));
        assert!(!seen.contains("question 1 "), "{seen}");
        assert!(!asked.tools.is_empty());
    }
    let marks = compacted(&stage);
    assert!(
        marks[0].summary.is_some() && marks[0].after < marks[0].before,
        "{marks:?}"
    );
    // The record keeps every word.
    let all = format!("{:?}", stage.host.transcript.entries());
    assert!(all.contains("question 1 words"));
}

#[test]
fn a_summary_that_does_not_come_costs_no_turn() {
    for failure in [
        failed(ModelErrorKind::Server, None),
        done(Finish::Stop, Vec::new()),
    ] {
        let mut stage = stage(3_000);
        let long = "words ".repeat(900);
        let asked = stage.submit(&long);
        stage.model(stream(&asked), ModelEvent::Text("a".into()));
        stage.model(stream(&asked), done(Finish::Stop, Vec::new()));
        let summing = stage.submit(&long);
        let effects = stage.model(stream(&summing), failure);
        assert_eq!(last_user(&request(&effects)).trim(), long.trim());
        let notes = stage.notes();
        let (level, text) = notes.last().expect("a note");
        assert_eq!(*level, Level::Warning);
        assert!(
            text.starts_with("The conversation could not be summed up"),
            "{text}"
        );
    }
}

#[test]
fn an_interrupt_ends_the_summary_and_the_turn_that_waits_for_it() {
    let mut stage = stage(3_000);
    let long = "words ".repeat(900);
    let asked = stage.submit(&long);
    stage.model(stream(&asked), ModelEvent::Text("a".into()));
    stage.model(stream(&asked), done(Finish::Stop, Vec::new()));
    let summing = stream(&stage.submit(&long));
    let effects = stage.command(Command::Interrupt);
    assert!(
        effects.contains(&Effect::AbortModel { stream: summing }),
        "{effects:?}"
    );
    assert!(!stage.host.is_busy());
    assert_eq!(stage.model(summing, ModelEvent::Text("late".into())), []);
    assert_eq!(stage.model(summing, done(Finish::Stop, Vec::new())), []);
}

#[test]
fn a_request_that_the_endpoint_calls_too_long_is_made_shorter_once() {
    let mut stage = stage(1_000_000);
    turn(&mut stage, 1, 3_000);
    let asked = stage.submit("more");
    let before = tokens(&request(&asked));
    let summing = stage.model(stream(&asked), failed(ModelErrorKind::ContextTooLong, None));
    stage.model(stream(&summing), ModelEvent::Text("in short".into()));
    let again = stage.model(stream(&summing), done(Finish::Stop, Vec::new()));
    let shorter = request(&again);
    assert_well_formed(&shorter);
    assert!(
        tokens(&shorter) < before / 2,
        "{} of {before}",
        tokens(&shorter)
    );
    assert!(stage.host.window() < before, "remembered for the next");
    let effects = stage.model(stream(&again), failed(ModelErrorKind::ContextTooLong, None));
    assert_eq!(effects, [], "once");
    assert!(!stage.host.is_busy());
}

#[test]
fn the_person_can_have_it_done_and_say_what_matters() {
    let mut stage = stage(100_000);
    turn(&mut stage, 1, 3_000);
    let effects = stage.command(Command::Compact("the prices".into()));
    let summing = request(&effects);
    assert!(all_text(&summing).contains("The person says what matters most: the prices"));
    assert!(stage.host.is_busy());
    assert_eq!(stage.submit("meanwhile"), [], "one thing at a time");
    let from = stream(&effects);
    stage.model(from, ModelEvent::Text("Prices: 3 and 4.".into()));
    assert_eq!(stage.model(from, done(Finish::Stop, Vec::new())), []);
    let marks = compacted(&stage);
    assert!(
        marks[0].before > 3_000 && marks[0].after < 1_000,
        "{marks:?}"
    );
    let asked = request(&stage.submit("go on"));
    assert_well_formed(&asked);
    let seen = all_text(&asked);
    assert!(seen.contains("Prices: 3 and 4.") && seen.contains("go on") && !seen.contains("HEAD1"));
    assert_eq!(results(&asked), []);
}

#[test]
fn without_a_conversation_there_is_nothing_to_shorten() {
    let mut stage = stage(100_000);
    assert_eq!(stage.command(Command::Compact(String::new())), []);
    assert_eq!(
        stage.notes().last().map(|(_, text)| text.as_str()),
        Some("There is nothing to shorten yet")
    );
}

#[test]
fn what_the_model_sees_is_counted_by_part_and_adds_up() {
    let mut stage = stage(100_000);
    turn(&mut stage, 1, 3_000);
    turn(&mut stage, 2, 100);
    let context = stage.host.context();
    assert_eq!(context.window, 100_000);
    let sum: u64 = context.parts.iter().map(|part| part.tokens).sum();
    assert_eq!(context.used, sum);
    let first = &context.parts[0];
    assert_eq!(first.name, "Results of calls");
    assert_eq!(first.items[0].0, "1 files.read", "the largest first");
    let tools = context
        .parts
        .iter()
        .find(|part| part.name == "Tools of files")
        .expect("its tools");
    assert_eq!(tools.items.len(), 2);
    let tokens: Vec<u64> = context.parts.iter().map(|part| part.tokens).collect();
    assert!(tokens.is_sorted_by(|a, b| a >= b));
    let next = request(&stage.submit("x"));
    let offers: u64 = next.tools.iter().map(window::of_offer).sum();
    let real = next.messages.iter().map(window::of_message).sum::<u64>() + offers;
    assert!(
        real.abs_diff(context.used) < 60,
        "{real} against {}",
        context.used
    );
}

#[test]
fn the_markers_are_saved_with_the_conversation() {
    let mut stage = stage(10_000);
    (1..4).for_each(|number| {
        turn(&mut stage, number, 3_000);
    });
    let written = serde_json::to_string(&stage.host.transcript).expect("it can be written");
    let read: Transcript = serde_json::from_str(&written).expect("and read");
    assert_eq!(read, stage.host.transcript);
    assert_eq!(read.folds(), stage.host.transcript.folds());
    assert!(matches!(read.visible().entries[0], Entry::User { .. }));
    let told = |message: &Message| matches!(message, Message::System { .. });
    assert!(request(&stage.submit("x")).messages.iter().any(told));
}
