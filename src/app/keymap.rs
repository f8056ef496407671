//! The one table of keys: it drives dispatch, the hints in the status line, the palette and the help.
//!
//! Pure; the inspector's rows are in its folder. A key that is not in the table for a context types, where one can type, and else does nothing.

mod context;

use crate::app::composer::{Edit, Motion};
use crate::app::form::FieldKey;
use crate::app::intent::{Choice, Intent, Keeping, Move, Reaching, SessionKey, SignKey, TrustKey};
use crate::app::key::{Code, Key};
use crate::app::state::Pane;

pub use context::Context;

/// One row of the table.
#[derive(Debug)]
pub struct Binding {
    /// Where it holds.
    pub contexts: &'static [Context],
    /// The keys, the one to show first.
    pub keys: &'static [Key],
    /// What is meant.
    pub intent: Intent,
    /// One or two words for the status line; empty: not shown there.
    pub label: &'static str,
    /// A sentence without its full stop, for the help and the palette.
    pub help: &'static str,
    /// Whether it has a row in the palette.
    pub palette: bool,
}

/// What this key means here.
pub fn lookup(context: Context, key: Key) -> Option<&'static Binding> {
    let row = |context: Context| {
        let mut rows = rows();
        rows.find(|row| row.contexts.contains(&context) && row.keys.contains(&key))
    };
    let beside = (context == Context::Completing).then_some(Context::Chat);
    row(context).or_else(|| row(beside?))
}

/// The rows that the status line shows in this context, the weightiest first.
pub fn hints(context: Context) -> impl Iterator<Item = &'static Binding> {
    rows().filter(move |row| !row.label.is_empty() && row.contexts.contains(&context))
}

/// The help: for each heading its rows of keys and sentence. What holds nearly everywhere stands once, at the top.
pub fn help() -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let row = |row: &Binding| (row.shown_keys(), row.help);
    let mut sections = vec![(
        "Everywhere",
        rows()
            .filter(|binding| binding.is_general())
            .map(row)
            .collect(),
    )];
    for context in Context::ALL {
        let rows: Vec<_> = rows()
            .filter(|binding| !binding.is_general() && binding.contexts.contains(&context))
            .map(row)
            .collect();
        if !rows.is_empty() {
            sections.push((context.title(), rows));
        }
    }
    sections
}

impl Binding {
    /// Its first key, as people write it.
    pub fn shown_key(&self) -> String {
        self.keys.first().map(Key::to_string).unwrap_or_default()
    }

    /// All its keys, as people write them.
    pub fn shown_keys(&self) -> String {
        let names: Vec<String> = self.keys.iter().map(Key::to_string).collect();
        names.join(", ")
    }

    /// Whether it holds in all three panes.
    fn is_general(&self) -> bool {
        [Context::Chat, Context::Calls, Context::Servers]
            .iter()
            .all(|pane| self.contexts.contains(pane))
    }
}

macro_rules! row {
    ($contexts:expr, [$($key:expr),+], $intent:expr, $label:literal, $help:literal) => {
        Binding {
            contexts: $contexts,
            keys: &[$($key),+],
            intent: $intent,
            label: $label,
            help: $help,
            palette: false,
        }
    };
    (palette $contexts:expr, [$($key:expr),+], $intent:expr, $label:literal, $help:literal) => {
        Binding { palette: true, ..row!($contexts, [$($key),+], $intent, $label, $help) }
    };
}

mod inspector;

/// All rows of the table, those of the inspector last.
pub fn rows() -> impl Iterator<Item = &'static Binding> {
    TABLE.iter().chain(inspector::rows())
}

use Context::{
    CallForm, Calls, Chat, Completing, Detail, Fields, Form, Help, OffersSearch, Palette, Pick,
    Question, Reason, Sampling, Servers, SignIn, Trust, Visit,
};

const ALL: &[Context] = &Context::ALL;
const PANES: &[Context] = &[Chat, Calls, Servers, Question, Visit, Sampling];
const PLACES: &[Context] = &[Chat, Calls, Servers, Question, Visit, Sampling, Form, Pick];
const FORMS: &[Context] = &[Form, Pick];
const CHOICES: &[Context] = &[Question, Visit, Sampling];
const ASKS: &[Context] = &[Question, Visit, Sampling, Form, Pick];
const LISTS: &[Context] = &[Calls, Servers];
const TEXTS: &[Context] = &[Detail, Help];
const INPUTS: &[Context] = &[
    Chat,
    Reason,
    OffersSearch,
    CallForm,
    Form,
    SignIn,
    Context::WireFilter,
    Fields,
];
const TYPED: &[Context] = &[
    Chat,
    Reason,
    OffersSearch,
    CallForm,
    Palette,
    Form,
    SignIn,
    Context::WireFilter,
    Fields,
];

const fn key(code: Code) -> Key {
    Key::new(code)
}

const fn c(c: char) -> Key {
    Key::char(c)
}

const fn ctrl(c: char) -> Key {
    Key::char(c).ctrl()
}

const fn alt(c: char) -> Key {
    Key::char(c).alt()
}

const fn delete(motion: Motion) -> Intent {
    Intent::Edit(Edit::Delete(motion))
}

const fn go(motion: Motion) -> Intent {
    Intent::Edit(Edit::Move(motion))
}

/// The table. A long list that only says; the order is that of the hints and the help.
#[rustfmt::skip]
static TABLE: &[Binding] = &[
    // What is most wanted in each context comes first, because the status line may be short.
    row!(&[Chat], [key(Code::Enter)], Intent::Submit, "send", "Send, or while a turn runs, keep it to go out next; in the empty input, send the prompt that is proposed"),
    row!(&[Reason], [key(Code::Enter)], Intent::Answer(Choice::Reason), "say no", "Say no with this reason"),
    row!(&[Reason], [key(Code::Esc)], Intent::LeaveReason, "back", "Go back to the answers"),
    row!(&[Question], [c('y')], Intent::Answer(Choice::Once), "once", "Yes, this call"),
    row!(&[Question], [c('s')], Intent::Answer(Choice::Session), "session", "Yes, and this tool until the program ends"),
    row!(&[Question], [c('a')], Intent::Answer(Choice::Always), "always", "Yes, and this tool from now on: written to your configuration"),
    row!(&[Question], [c('n')], Intent::Answer(Choice::No), "no", "No"),
    row!(&[Question], [c('r'), c('w')], Intent::Answer(Choice::Reason), "no, because", "No, with a reason for the model"),
    row!(CHOICES, [key(Code::Left), key(Code::Up)], Intent::PreviousAnswer, "", "Mark the answer before"),
    row!(CHOICES, [key(Code::Right), key(Code::Down)], Intent::NextAnswer, "", "Mark the answer after"),
    row!(CHOICES, [key(Code::Enter)], Intent::AnswerMarked, "choose", "Give the marked answer"),
    row!(ASKS, [key(Code::PageUp)], Intent::Arguments(Move::PageUp), "", "Scroll what is asked up"),
    row!(ASKS, [key(Code::PageDown)], Intent::Arguments(Move::PageDown), "scroll", "Scroll what is asked down"),
    row!(&[Question], [key(Code::Esc)], Intent::Back, "interrupt", "Interrupt the turn"),
    row!(&[Sampling], [c('y')], Intent::Answer(Choice::Once), "once", "Yes, this once: our model writes, and the server gets what it wrote"),
    row!(&[Sampling], [c('s')], Intent::Answer(Choice::Session), "session", "Yes, and whatever this server asks our model until the program ends"),
    row!(&[Visit], [c('y'), c('o')], Intent::Answer(Choice::Open), "open it", "Yes: open the address in the browser"),
    row!(&[Visit], [c('c')], Intent::Answer(Choice::Copy), "copy", "Copy the address; nothing is answered yet"),
    row!(&[Visit], [c('e')], Intent::Answer(Choice::Elsewhere), "elsewhere", "Yes: the address is opened elsewhere, by hand"),
    row!(&[Visit, Sampling], [c('n')], Intent::Answer(Choice::No), "no", "No"),
    row!(FORMS, [key(Code::Enter)], Intent::Answer(Choice::Accept), "accept", "Accept what is filled in, once it fits"),
    row!(FORMS, [ctrl('x')], Intent::Answer(Choice::No), "no", "No: the server is told so"),
    row!(&[Visit, Sampling, Form, Pick], [key(Code::Esc)], Intent::Answer(Choice::Dismiss), "cancel", "Close it: the server is told neither yes nor no"),
    row!(&[Pick], [c(' ')], Intent::Field(FieldKey::Toggle), "choose", "Choose, or take the choice back"),
    row!(FORMS, [key(Code::Tab)], Intent::Field(FieldKey::Next), "next field", "Go to the next field"),
    row!(FORMS, [key(Code::Tab).shift()], Intent::Field(FieldKey::Previous), "", "Go to the field before"),
    row!(FORMS, [key(Code::Up)], Intent::Field(FieldKey::Up), "", "One row up, or the field before"),
    row!(FORMS, [key(Code::Down)], Intent::Field(FieldKey::Down), "", "One row down, or the next field"),
    row!(&[Pick], [key(Code::Left)], Intent::Field(FieldKey::Left), "", "The option before; yes"),
    row!(&[Pick], [key(Code::Right)], Intent::Field(FieldKey::Right), "", "The option after; no"),
    row!(&[Pick], [key(Code::Backspace), key(Code::Delete), ctrl('t')], Intent::Field(FieldKey::Clear), "", "Choose nothing"),
    row!(&[Form], [ctrl('t'), key(Code::Delete).shift()], Intent::Field(FieldKey::Clear), "take out", "Of the folders: take this one out"),
    row!(&[SignIn], [key(Code::Enter)], Intent::Sign(SignKey::Go), "go on", "Go on with the address that is pasted; after a failure, begin anew"),
    row!(&[SignIn], [ctrl('o')], Intent::Sign(SignKey::Open), "open it", "Open the address in the browser"),
    row!(&[SignIn], [ctrl('y')], Intent::Sign(SignKey::Copy), "copy", "Copy the address"),
    row!(&[SignIn], [key(Code::Esc)], Intent::Sign(SignKey::Abort), "give up", "Give the sign-in up"),
    row!(&[SignIn], [key(Code::PageUp)], Intent::Move(Move::PageUp), "", "Scroll up"),
    row!(&[SignIn], [key(Code::PageDown)], Intent::Move(Move::PageDown), "scroll", "Scroll down"),
    row!(&[Trust], [c('y')], Intent::Trust(TrustKey::Yes), "trust it", "Yes: it may run as it is now, once its end has been in sight"),
    row!(&[Trust], [c('n'), key(Code::Esc)], Intent::Trust(TrustKey::No), "no", "No: open without it, or go on as it was"),
    row!(&[Trust], [c('q')], Intent::Trust(TrustKey::Quit), "quit", "Neither: end the program"),
    row!(&[Trust], [key(Code::Up), ctrl('k')], Intent::Move(Move::Up), "", "One row up"),
    row!(&[Trust], [key(Code::Down), ctrl('j')], Intent::Move(Move::Down), "", "One row down"),
    row!(&[Trust], [key(Code::PageUp)], Intent::Move(Move::PageUp), "", "Scroll up"),
    row!(&[Trust], [key(Code::PageDown)], Intent::Move(Move::PageDown), "scroll", "Scroll down"),
    row!(&[Servers, Detail], [c('s')], Intent::SignIn(None), "sign in", "Sign in at the server"),
    row!(&[Completing], [key(Code::Enter)], Intent::Reach(Reaching::Take { sends: true }), "take", "Take the marked completion; a command that nothing can follow goes out"),
    row!(&[Completing], [key(Code::Tab)], Intent::Reach(Reaching::Take { sends: false }), "complete", "Take the marked completion"),
    row!(&[Completing], [key(Code::Up)], Intent::Move(Move::Up), "", "Mark the completion before"),
    row!(&[Completing], [key(Code::Down)], Intent::Move(Move::Down), "", "Mark the completion after"),
    row!(&[Completing], [key(Code::Esc)], Intent::Reach(Reaching::Dismiss), "close", "Close the completions"),
    row!(&[Fields], [key(Code::Enter)], Intent::Reach(Reaching::SendFields), "send", "Take the marked value, else go to what is missing, else send"),
    row!(&[Fields], [key(Code::Tab)], Intent::Reach(Reaching::NextField), "next field", "Go to the next field"),
    row!(&[Fields], [key(Code::Tab).shift()], Intent::Reach(Reaching::PreviousField), "", "Go to the field before"),
    row!(&[Fields], [key(Code::Up)], Intent::Move(Move::Up), "", "Mark the value before; without values, go to the field before"),
    row!(&[Fields], [key(Code::Down)], Intent::Move(Move::Down), "values", "Mark the value after; without values, go to the next field"),
    row!(&[Fields], [key(Code::Esc)], Intent::Back, "close", "Close the form"),
    row!(&[Palette], [key(Code::Enter)], Intent::Run, "choose", "Do what the marked row says"),
    row!(&[Palette], [key(Code::Delete)], Intent::Session(SessionKey::Delete), "remove", "Of the saved sessions: delete the marked one; pressed once more, it is gone"),
    row!(LISTS, [key(Code::Enter)], Intent::Open, "open", "Open all about the marked row"),
    row!(&[Calls, Detail], [c('c')], Intent::LookAfter, "check", "Of a call whose outcome is unknown: write a look by a tool that only reads into the input"),
    row!(&[Calls, Detail], [c('x')], Intent::RepeatCall, "send again", "Of a call whose outcome is unknown: send it once more; pressed twice"),
    row!(&[Calls], [c('y')], Intent::CopyResult, "copy", "Copy the result of the marked call"),
    row!(&[Servers, Detail], [c('a')], Intent::Pins(None), "changes", "Look at what a server has changed in its tools; there, accept it"),
    row!(&[Calls, Detail], [c('f')], Intent::Keeping(Keeping::Afresh), "fresh", "Make a call once more whose answer was kept, and ask the server itself"),
    row!(&[Servers, Detail], [c('r')], Intent::Restart(None), "restart", "Start the server anew"),
    row!(&[Servers, Detail], [c('d')], Intent::Disable(None), "disable", "Switch the server off"),
    row!(&[Servers, Detail], [c('e')], Intent::Enable(None), "enable", "Switch the server on"),
    row!(&[Detail], [c('y')], Intent::CopyResult, "copy", "Copy the result"),
    row!(&[Detail], [c('w')], Intent::Reach(Reaching::SaveBlocks), "save files", "Write the pictures, sounds and files of the answer to files"),
    row!(TEXTS, [key(Code::Esc), c('q'), key(Code::Enter)], Intent::Back, "close", "Close"),
    row!(&[Palette], [key(Code::Esc)], Intent::Back, "close", "Close"),
    row!(&[Chat], [key(Code::Esc)], Intent::Back, "interrupt", "Interrupt the turn"),
    row!(LISTS, [key(Code::Esc)], Intent::Back, "back", "Interrupt the turn, else go back to the chat"),
    row!(&[Chat, Reason, Form], [ctrl('j'), key(Code::Enter).alt(), key(Code::Enter).shift()], Intent::Newline, "new line", "Begin a new line"),

    row!(palette PLACES, [key(Code::F(1))], Intent::Help, "help", "Show the keys"),
    row!(&[Reason, Palette, Fields, Detail, Help, SignIn, Trust], [key(Code::F(1))], Intent::Help, "", "Show or close the keys"),
    row!(LISTS, [c('?')], Intent::Help, "", "Show the keys"),
    row!(PLACES, [ctrl('p')], Intent::Palette, "commands", "Open the command palette"),
    row!(&[Palette, Detail, Help], [ctrl('p')], Intent::Palette, "", "Open or close the command palette"),
    row!(PANES, [key(Code::Tab)], Intent::NextPane, "next pane", "Go to the next pane; in the empty input, take the prompt that is proposed"),
    row!(PANES, [key(Code::Tab).shift()], Intent::PreviousPane, "", "Go to the pane before"),
    row!(palette PLACES, [key(Code::F(2))], Intent::Focus(Pane::Chat), "", "Go to the chat"),
    row!(palette PLACES, [key(Code::F(3))], Intent::Focus(Pane::Calls), "", "Go to the tool calls"),
    row!(palette PLACES, [key(Code::F(4))], Intent::Focus(Pane::Servers), "", "Go to the servers"),
    row!(palette PANES, [ctrl('r')], Intent::Reasoning, "", "Show or fold the model's reasoning"),
    row!(palette PANES, [ctrl('y')], Intent::CopyAnswer, "", "Copy the model's last answer"),
    row!(ALL, [ctrl('c')], Intent::Cancel, "", "Close, clear the input or interrupt; twice, quit"),
    row!(palette ALL, [ctrl('l')], Intent::Redraw, "", "Draw the screen anew"),
    row!(palette ALL, [ctrl('z')], Intent::Suspend, "", "Go back to the shell until `fg`"),

    row!(&[Chat], [key(Code::PageUp)], Intent::Move(Move::PageUp), "", "Scroll the chat up"),
    row!(&[Chat], [key(Code::PageDown)], Intent::Move(Move::PageDown), "", "Scroll the chat down"),
    row!(&[Chat], [key(Code::Home).ctrl()], Intent::Move(Move::Top), "", "Go to the start of the chat"),
    row!(&[Chat], [key(Code::End).ctrl()], Intent::Move(Move::Bottom), "", "Go to the end of the chat and follow it"),
    row!(&[Chat, Reason], [key(Code::Up)], Intent::Move(Move::Up), "", "One row up; on the first row of the chat's input, what waits to go out or was sent before"),
    row!(&[Chat, Reason], [key(Code::Down)], Intent::Move(Move::Down), "", "One row down; on the last row of the chat's input, what was sent after"),
    row!(&[Calls, Servers, Palette, Detail, Help], [key(Code::Up), ctrl('k')], Intent::Move(Move::Up), "", "One up"),
    row!(&[Calls, Servers, Palette, Detail, Help], [key(Code::Down), ctrl('j')], Intent::Move(Move::Down), "", "One down"),
    row!(&[Calls, Servers, Palette, Detail, Help], [key(Code::PageUp)], Intent::Move(Move::PageUp), "", "One screen up"),
    row!(&[Calls, Servers, Palette, Detail, Help], [key(Code::PageDown)], Intent::Move(Move::PageDown), "", "One screen down"),
    row!(&[Calls, Servers, Detail, Help], [key(Code::Home), key(Code::Home).ctrl()], Intent::Move(Move::Top), "", "To the first"),
    row!(&[Calls, Servers, Detail, Help], [key(Code::End), key(Code::End).ctrl()], Intent::Move(Move::Bottom), "", "To the last; the newest call is followed"),

    row!(INPUTS, [key(Code::Left), ctrl('b')], go(Motion::Left), "", "Left"),
    row!(INPUTS, [key(Code::Right), ctrl('f')], go(Motion::Right), "", "Right"),
    row!(INPUTS, [key(Code::Left).ctrl(), key(Code::Left).alt(), alt('b')], go(Motion::WordLeft), "", "One word left"),
    row!(INPUTS, [key(Code::Right).ctrl(), key(Code::Right).alt(), alt('f')], go(Motion::WordRight), "", "One word right"),
    row!(INPUTS, [key(Code::Home), ctrl('a')], go(Motion::LineStart), "", "To the start of the line"),
    row!(INPUTS, [key(Code::End), ctrl('e')], go(Motion::LineEnd), "", "To the end of the line"),
    row!(INPUTS, [alt('<')], go(Motion::Start), "", "To the start of the text"),
    row!(INPUTS, [alt('>')], go(Motion::End), "", "To the end of the text"),
    row!(TYPED, [key(Code::Backspace), ctrl('h'), key(Code::Backspace).shift()], delete(Motion::Left), "", "Delete the character before"),
    row!(INPUTS, [key(Code::Delete)], delete(Motion::Right), "", "Delete the character after"),
    row!(&[Chat], [ctrl('d')], Intent::EndOfInput, "", "Delete the character after; in the empty input, quit"),
    row!(&[Reason, Form, SignIn, Fields], [ctrl('d')], delete(Motion::Right), "", "Delete the character after"),
    row!(TYPED, [ctrl('w'), key(Code::Backspace).alt(), key(Code::Backspace).ctrl()], delete(Motion::WordLeft), "", "Delete the word before"),
    row!(INPUTS, [alt('d'), key(Code::Delete).ctrl()], delete(Motion::WordRight), "", "Delete the word after"),
    row!(TYPED, [ctrl('u')], delete(Motion::LineStart), "", "Delete to the start of the line"),
    row!(INPUTS, [ctrl('k')], delete(Motion::LineEnd), "", "Delete to the end of the line"),
    row!(INPUTS, [ctrl('_'), alt('z')], Intent::Edit(Edit::Undo), "", "Undo"),
    row!(INPUTS, [alt('/'), alt('Z')], Intent::Edit(Edit::Redo), "", "Redo"),
];
