//! The terminal's events as the app knows them.
//!
//! The only place that reads crossterm's keys: what differs between terminals is evened out here.

use std::io::{self, IsTerminal as _};
use std::thread;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;

use crate::app::{AppEvent, Code, Key, Mouse, MouseKind};

/// Events that may wait for the loop before the reader waits: more than a person types between two frames.
const WAITING: usize = 1024;

/// The terminal's events, read by a thread of their own: a channel can be looked into without waiting, where
/// crossterm's stream wakes only the task that asked first.
pub struct Input {
    events: mpsc::Receiver<AppEvent>,
}

impl Input {
    /// Starts reading. The threads end with the program, or when the terminal is gone.
    pub fn new() -> Self {
        let (send, events) = mpsc::channel(WAITING);
        let gone = send.clone();
        thread::spawn(move || {
            if is_hung_up() {
                // Where nobody listens any more, the program ends already.
                let _is_heard = gone.blocking_send(AppEvent::Terminate);
            }
        });
        thread::spawn(move || {
            loop {
                let event = match crossterm::event::read() {
                    Ok(event) => translate(event),
                    Err(_) => Some(AppEvent::Terminate),
                };
                let is_last = event == Some(AppEvent::Terminate);
                let is_heard = event.is_none_or(|event| send.blocking_send(event).is_ok());
                if is_last || !is_heard {
                    return;
                }
            }
        });
        Self { events }
    }

    /// The next event that means something. When the terminal is gone, [`AppEvent::Terminate`]. Loses nothing when dropped.
    pub async fn next(&mut self) -> AppEvent {
        self.events.recv().await.unwrap_or(AppEvent::Terminate)
    }

    /// The next event, if one is there already.
    pub fn ready(&mut self) -> Option<AppEvent> {
        self.events.try_recv().ok()
    }
}

/// Whether the terminal on standard input, on which the program began, is gone: what fails in it now fails for that reason.
pub fn is_gone() -> bool {
    !io::stdin().is_terminal()
}

/// Waits until it is hung up, which crossterm's reader takes for an empty read and reads again. A signal tells of it too, but
/// not whoever was started without it. False where that cannot be waited for.
fn is_hung_up() -> bool {
    let stdin = io::stdin();
    while !is_gone() {
        // Asked for nothing, it tells of an end alone.
        match poll(&mut [PollFd::new(&stdin, PollFlags::empty())], None) {
            Ok(_) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}

/// One event, if it means something here.
pub fn translate(event: Event) -> Option<AppEvent> {
    match event {
        Event::Key(key) => translate_key(key).map(AppEvent::Key),
        Event::Paste(text) => Some(AppEvent::Paste(text)),
        Event::Mouse(mouse) => translate_mouse(mouse).map(AppEvent::Mouse),
        Event::Resize(columns, rows) => Some(AppEvent::Resize(columns, rows)),
        Event::FocusGained | Event::FocusLost => None,
    }
}

fn translate_key(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let held = |modifier| key.modifiers.contains(modifier);
    let (ctrl, shift) = (held(KeyModifiers::CONTROL), held(KeyModifiers::SHIFT));
    let (code, shift) = match key.code {
        // Shift is in the character; but some terminals tell of Alt-Shift-z as a small letter with Shift.
        KeyCode::Char(c) if ctrl => (Code::Char(controlled(c)), false),
        KeyCode::Char(c) if shift => (Code::Char(upper(c)), false),
        KeyCode::Char(c) => (Code::Char(c), false),
        KeyCode::BackTab => (Code::Tab, true),
        other => (named(other)?, shift),
    };
    Some(Key {
        code,
        ctrl,
        alt: held(KeyModifiers::ALT) || held(KeyModifiers::META),
        shift,
    })
}

/// A key that types nothing; none for keys that mean nothing here.
fn named(code: KeyCode) -> Option<Code> {
    Some(match code {
        KeyCode::Enter => Code::Enter,
        KeyCode::Tab => Code::Tab,
        KeyCode::Esc => Code::Esc,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    })
}

fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Ctrl with a character: letters are small, and the byte 0x1f, which terminals send for Ctrl-_, Ctrl-/ and Ctrl-7 alike, is
/// Ctrl-_.
fn controlled(c: char) -> char {
    match c {
        '7' | '/' | '-' => '_',
        c => c.to_ascii_lowercase(),
    }
}

fn translate_mouse(mouse: MouseEvent) -> Option<Mouse> {
    let kind = match mouse.kind {
        MouseEventKind::ScrollUp => MouseKind::WheelUp,
        MouseEventKind::ScrollDown => MouseKind::WheelDown,
        MouseEventKind::Down(MouseButton::Left) => MouseKind::Click,
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => return None,
    };
    Some(Mouse {
        kind,
        x: mouse.column,
        y: mouse.row,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        translate_key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn what_terminals_tell_of_in_different_ways_is_the_same_key() {
        let undo = Some(Key::char('_').ctrl());
        assert_eq!(key(KeyCode::Char('7'), KeyModifiers::CONTROL), undo);
        assert_eq!(key(KeyCode::Char('_'), KeyModifiers::CONTROL), undo);
        let both = KeyModifiers::CONTROL | KeyModifiers::SHIFT;
        assert_eq!(key(KeyCode::Char('C'), both), Some(Key::char('c').ctrl()));
        let back = Some(Key::new(Code::Tab).shift());
        assert_eq!(key(KeyCode::BackTab, KeyModifiers::SHIFT), back);
        assert_eq!(key(KeyCode::BackTab, KeyModifiers::NONE), back);
        let alt_shift = KeyModifiers::ALT | KeyModifiers::SHIFT;
        assert_eq!(
            key(KeyCode::Char('z'), alt_shift),
            Some(Key::char('Z').alt())
        );
        assert_eq!(
            key(KeyCode::Char('Z'), KeyModifiers::ALT),
            Some(Key::char('Z').alt())
        );
        assert_eq!(
            key(KeyCode::Char('Ế'), KeyModifiers::SHIFT),
            Some(Key::char('Ế'))
        );
    }

    #[test]
    fn letting_a_key_go_is_no_key() {
        let event = KeyEvent::new_with_kind(
            KeyCode::Char('y'),
            KeyModifiers::NONE,
            KeyEventKind::Release,
        );
        assert_eq!(translate_key(event), None);
    }
}
