//! Takes the terminal and gives it back, on every way out: quit, error, panic, signal, Ctrl-Z.
//!
//! Asks the terminal nothing, so that no answer is ever waited for or left over. Writes straight to stdout.

use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::style::{Print, ResetColor};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue};

/// Buttons and wheel, with coordinates of any size. Not crossterm's own choice, which asks for every movement too.
const MOUSE_ON: &str = "\u{1b}[?1000h\u{1b}[?1006h";
const MOUSE_OFF: &str = "\u{1b}[?1006l\u{1b}[?1000l";

/// Whether the terminal is ours now: what is given back twice would undo what came after.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The thread that draws: a panic on another one does not end the program.
static DRAWS: Mutex<Option<ThreadId>> = Mutex::new(None);
/// Panics of other threads, told when the terminal is given back.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Holds the terminal. Dropping it gives it back.
#[derive(Debug)]
pub struct Guard {
    _private: (),
}

impl Guard {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, mouse, unambiguous keys where they are known.
    ///
    /// # Errors
    /// What the system says when there is no terminal.
    pub fn enter() -> io::Result<Self> {
        *lock(&DRAWS) = Some(thread::current().id());
        hook_panics();
        take()?;
        Ok(Self { _private: () })
    }

    /// Gives the terminal back for a while.
    pub fn leave(&self) {
        give_back();
    }

    /// Takes it again, also when it was never given back (after a `SIGSTOP` it may be in any state).
    ///
    /// # Errors
    /// What the system says.
    pub fn reenter(&self) -> io::Result<()> {
        give_back();
        take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
        for told in lock(&PANICS).drain(..) {
            // Nobody is left to hear of a closed stderr.
            let _ = writeln!(io::stderr(), "{told}");
        }
    }
}

/// What is written to the terminal, gathered until it is flushed. Half a frame that a panic left behind is dropped, and so is
/// what is written after the terminal was given back.
#[derive(Debug, Default)]
pub struct Screen {
    gathered: Vec<u8>,
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(&gathered)?;
        out.flush()
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    queue!(
        out,
        EnterAlternateScreen,
        EnableBracketedPaste,
        Print(MOUSE_ON)
    )?;
    if knows_private_sequences() {
        let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES;
        queue!(out, PushKeyboardEnhancementFlags(flags))?;
    }
    out.flush()
}

/// Whatever fails here, the rest is still done: there is nobody to tell.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = queue!(out, EndSynchronizedUpdate);
    if knows_private_sequences() {
        let _ = queue!(out, PopKeyboardEnhancementFlags);
    }
    let _ = execute!(
        out,
        Print(MOUSE_OFF),
        DisableBracketedPaste,
        ResetColor,
        LeaveAlternateScreen,
        Show
    );
    let _ = disable_raw_mode();
}

/// The Linux console prints the end of what it does not know; everything else ignores it.
fn knows_private_sequences() -> bool {
    !std::env::var("TERM").is_ok_and(|term| term == "linux" || term == "dumb")
}

/// The terminal first, then the words: a panic must be readable.
fn hook_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let draws = *lock(&DRAWS) == Some(thread::current().id());
            if draws || !TAKEN.load(Ordering::SeqCst) {
                give_back();
                before(info);
            } else {
                // The program goes on; words on the screen now would only tear it.
                tracing::error!("panic: {info}");
                lock(&PANICS).push(info.to_string());
            }
        }));
    });
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
