//! A screen: a real program in a pseudo-terminal, and what a person would see of it.
//!
//! A thread reads all that the program writes into a terminal emulator; `wait` blocks until the screen satisfies a condition,
//! is woken by each change, never polls, and fails with the last screen printed. The screen answers the questions that a
//! terminal answers (cursor position, device attributes, background colour).

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process, kill_process_group};

/// Long enough for a busy machine; a wait that succeeds takes as long as the program does.
pub const LIMIT: Duration = Duration::from_secs(20);

/// How long a program is given to end by itself when its screen is dropped.
const FAREWELL: Duration = Duration::from_secs(10);

/// A key as a person presses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Ctrl(char),
    Alt(char),
    Enter,
    /// Alt and Enter together.
    AltEnter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    /// `F(1)` to `F(12)`.
    F(u8),
}

/// A running program and its screen. Dropping it ends the program.
pub struct Screen {
    shared: Arc<Shared>,
    to_program: Sender<Vec<u8>>,
    master: Box<dyn MasterPty + Send>,
    pid: Pid,
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

struct Seen {
    terminal: vt100::Parser<Terminal>,
    raw: Vec<u8>,
    /// In the middle of a frame: what the program has marked as one update is not looked at in pieces.
    torn: bool,
    /// Nothing more can come: the program and all who shared its terminal are gone.
    drained: bool,
    exit: Option<ExitStatus>,
}

/// What the program asked of the terminal beside drawing.
#[derive(Default)]
struct Terminal {
    answers: Vec<u8>,
    titles: Vec<String>,
    copied: Vec<String>,
    bells: usize,
    background: Option<(u8, u8, u8)>,
}

impl Screen {
    /// Starts a command on a screen of so many columns and rows. Only the variables set on the command are passed on, so
    /// make it with `Home::command`.
    #[track_caller]
    pub fn start(command: &Command, size: (u16, u16)) -> Self {
        Self::start_on(command, size, None)
    }

    /// The same on a terminal that tells its background colour when asked.
    #[track_caller]
    pub fn start_on(
        command: &Command,
        (cols, rows): (u16, u16),
        background: Option<(u8, u8, u8)>,
    ) -> Self {
        let pty = native_pty_system()
            .openpty(pty_size(cols, rows))
            .expect("a pseudo-terminal");
        let child = pty
            .slave
            .spawn_command(builder(command))
            .unwrap_or_else(|error| panic!("{command:?} could not be started: {error:#}"));
        // The program alone may hold its side, or its end would never be seen.
        drop(pty.slave);
        let terminal = Terminal {
            background,
            ..Terminal::default()
        };
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen {
                terminal: vt100::Parser::new_with_callbacks(
                    at_least_one(rows),
                    at_least_one(cols),
                    0,
                    terminal,
                ),
                raw: Vec::new(),
                torn: false,
                drained: false,
                exit: None,
            }),
            changed: Condvar::new(),
        });
        let pid = child.process_id().and_then(|id| Pid::from_raw(id as i32));
        let reader = pty.master.try_clone_reader().expect("a reader");
        let writer = pty.master.take_writer().expect("a writer");
        let (to_program, bytes) = mpsc::channel::<Vec<u8>>();
        // A thread of its own writes: a program that does not read must not keep us from reading what it writes.
        thread::spawn(move || write_all(writer, &bytes));
        let (reading, answers) = (Arc::clone(&shared), to_program.clone());
        thread::spawn(move || reading.read_all(reader, &answers));
        let waiting = Arc::clone(&shared);
        thread::spawn(move || waiting.await_end(child));
        Self {
            shared,
            to_program,
            master: pty.master,
            pid: pid.expect("a process id"),
        }
    }

    /// Sends bytes as they are.
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        // A program that has ended reads nothing; the next wait will say so.
        let _gone = self.to_program.send(bytes.as_ref().to_vec());
    }

    /// Presses a key, in the mode of the arrow keys that the program has chosen.
    pub fn key(&self, key: Key) {
        // A person does not wait for the end of a frame.
        let application = self.shared.lock().terminal.screen().application_cursor();
        self.send(key.bytes(application));
    }

    /// Pastes a text: in brackets when the program has asked for them, as typing otherwise. Line breaks go as a terminal
    /// sends them.
    pub fn paste(&self, text: &str) {
        let text = text.replace('\n', "\r");
        let bracketed = self.shared.lock().terminal.screen().bracketed_paste();
        if bracketed {
            self.send(format!("\x1b[200~{text}\x1b[201~"));
        } else {
            self.send(text);
        }
    }

    /// Turns the mouse wheel by one notch over a cell, counted from 0.
    pub fn wheel(&self, up: bool, (col, row): (u16, u16)) {
        let button = if up { 64 } else { 65 };
        self.send(format!("\x1b[<{button};{};{}M", col + 1, row + 1));
    }

    /// Changes the size; the program gets its `SIGWINCH`.
    pub fn resize(&self, (cols, rows): (u16, u16)) {
        self.shared
            .lock()
            .terminal
            .set_size(at_least_one(rows), at_least_one(cols));
        self.master
            .resize(pty_size(cols, rows))
            .expect("a new size of the terminal");
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("a signal to a living program");
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits until the screen satisfies the condition. Fails, with the screen printed, at the limit or as soon as the program
    /// has ended without.
    #[track_caller]
    pub fn wait(&self, what: &str, limit: Duration, until: impl Fn(&vt100::Screen) -> bool) {
        let (seen, satisfied) = self.shared.wait(
            limit,
            |seen| !seen.torn && until(seen.terminal.screen()),
            true,
        );
        let verdict = if seen.drained {
            "the program has ended"
        } else {
            "out of time"
        };
        let report =
            (!satisfied).then(|| format!("{verdict}, waiting for {what}\n{}", seen.report()));
        drop(seen);
        if let Some(report) = report {
            panic!("{report}");
        }
    }

    /// Whether the screen comes to satisfy the condition within the limit. For what must not happen, and to try again.
    pub fn becomes(&self, limit: Duration, until: impl Fn(&vt100::Screen) -> bool) -> bool {
        let (_seen, satisfied) = self.shared.wait(
            limit,
            |seen| !seen.torn && until(seen.terminal.screen()),
            true,
        );
        satisfied
    }

    /// Waits until the text stands on the screen.
    #[track_caller]
    pub fn wait_text(&self, text: &str) {
        self.wait(&format!("{text:?}"), LIMIT, |s| s.contents().contains(text));
    }

    /// Waits until the text stands nowhere on the screen.
    #[track_caller]
    pub fn wait_gone(&self, text: &str) {
        let what = format!("{text:?} to go");
        self.wait(&what, LIMIT, |s| !s.contents().contains(text));
    }

    /// Waits for the end of the program and of its output.
    #[track_caller]
    pub fn exit_status(&self, limit: Duration) -> ExitStatus {
        let (seen, _) = self
            .shared
            .wait(limit, |seen| seen.drained && seen.exit.is_some(), false);
        let (exit, report) = (seen.exit.clone(), seen.report());
        drop(seen);
        exit.unwrap_or_else(|| panic!("the program did not end within {limit:?}\n{report}"))
    }

    /// Looks at the screen as the emulator has it: cells, colours, modes.
    pub fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        let (seen, _) = self.shared.wait(LIMIT, |seen| !seen.torn, true);
        look(seen.terminal.screen())
    }

    /// The text on the screen, without blanks at the ends of lines.
    pub fn text(&self) -> String {
        self.look(vt100::Screen::contents)
    }

    /// One row of the screen, counted from 0.
    pub fn row(&self, row: u16) -> String {
        let (_, cols) = self.look(vt100::Screen::size);
        let text = self.look(|s| s.rows(0, cols.get()).nth(usize::from(row)));
        text.unwrap_or_default().trim_end().to_owned()
    }

    /// The cursor as column and row, counted from 0; none while it is hidden.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        self.look(|screen| {
            let (row, col) = screen.cursor_position();
            (!screen.hide_cursor()).then_some((col, row))
        })
    }

    /// Whether the program draws on the alternate screen.
    pub fn alternate_screen(&self) -> bool {
        self.look(vt100::Screen::alternate_screen)
    }

    /// Every byte that the program has written so far.
    pub fn raw_output(&self) -> Vec<u8> {
        self.shared.lock().raw.clone()
    }

    /// The window titles that were set, in order.
    pub fn titles(&self) -> Vec<String> {
        self.shared.lock().terminal.callbacks().titles.clone()
    }

    /// What was copied to the clipboard by OSC 52, in order, still in base64.
    pub fn copied(&self) -> Vec<String> {
        self.shared.lock().terminal.callbacks().copied.clone()
    }

    /// How often the bell rang.
    pub fn bells(&self) -> usize {
        self.shared.lock().terminal.callbacks().bells
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Asked first, so that a program can end its own children; a test that failed must not leave any behind.
        if self.shared.lock().exit.is_none() {
            let _gone = kill_process(self.pid, Signal::TERM);
        }
        let (seen, ended) = self
            .shared
            .wait(FAREWELL, |seen| seen.exit.is_some(), false);
        if !ended {
            let _gone = kill_process_group(self.pid, Signal::KILL);
        }
        drop(seen);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        // A panic in a test's condition poisons the lock; what was seen is whole all the same.
        self.seen
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }

    /// Waits for a condition up to a limit, and says whether it held. With `living`, the end of the output ends the wait.
    fn wait(
        &self,
        limit: Duration,
        until: impl Fn(&Seen) -> bool,
        living: bool,
    ) -> (MutexGuard<'_, Seen>, bool) {
        let deadline = Instant::now() + limit;
        let mut seen = self.lock();
        loop {
            if until(&seen) {
                return (seen, true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || (living && seen.drained) {
                return (seen, false);
            }
            let waited = self.changed.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(|broken| broken.into_inner()).0;
        }
    }

    fn read_all(&self, mut reader: Box<dyn Read + Send>, answers: &Sender<Vec<u8>>) {
        let mut buffer = [0; 8192];
        loop {
            let count = reader.read(&mut buffer).unwrap_or(0);
            let mut seen = self.lock();
            seen.take_in(&buffer[..count]);
            seen.drained = count == 0;
            let answer = std::mem::take(&mut seen.terminal.callbacks_mut().answers);
            drop(seen);
            self.changed.notify_all();
            if !answer.is_empty() {
                let _gone = answers.send(answer);
            }
            if count == 0 {
                return;
            }
        }
    }

    fn await_end(&self, mut child: Box<dyn Child + Send + Sync>) {
        let status = child
            .wait()
            .unwrap_or_else(|_| ExitStatus::with_exit_code(u32::MAX));
        self.lock().exit = Some(status);
        self.changed.notify_all();
    }
}

impl Seen {
    fn take_in(&mut self, bytes: &[u8]) {
        const MARK: &[u8] = b"\x1b[?2026";
        self.terminal.process(bytes);
        // A mark may be cut by the end of the last piece.
        let from = self.raw.len().saturating_sub(MARK.len());
        self.raw.extend_from_slice(bytes);
        for mark in self.raw[from..].windows(MARK.len() + 1) {
            if let Some(rest) = mark.strip_prefix(MARK) {
                self.torn = rest == b"h";
            }
        }
        self.torn &= !bytes.is_empty();
    }

    /// The screen in a frame, for the message of a failed wait.
    fn report(&self) -> String {
        let screen = self.terminal.screen();
        let (rows, cols) = screen.size();
        let (row, col) = screen.cursor_position();
        let edge = "-".repeat(usize::from(cols.get()));
        let mut out = format!("{cols}x{rows}, cursor at {col},{row}");
        if let Some(exit) = &self.exit {
            let _ = write!(out, ", ended: {exit}");
        }
        let _ = write!(out, "\n+{edge}\n");
        for line in screen.rows(0, cols.get()) {
            let _ = writeln!(out, "|{}", line.trim_end());
        }
        let tail = &self.raw[self.raw.len().saturating_sub(400)..];
        let _ = write!(out, "+{edge}\nlast bytes: {}", tail.escape_ascii());
        out
    }
}

impl vt100::Callbacks for Terminal {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.bells += 1;
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.titles
            .push(String::from_utf8_lossy(title).into_owned());
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.copied.push(String::from_utf8_lossy(data).into_owned());
    }

    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        match (first, last, params.first().and_then(|p| p.first())) {
            (None, 'n', Some(6)) => {
                let (row, col) = screen.cursor_position();
                let answer = format!("\x1b[{};{}R", row + 1, col + 1);
                self.answers.extend_from_slice(answer.as_bytes());
            }
            (None, 'c', None | Some(0)) => self.answers.extend_from_slice(b"\x1b[?62;22c"),
            _ => {}
        }
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, params: &[&[u8]]) {
        if let (Some((r, g, b)), [b"11", b"?"]) = (self.background, params) {
            let answer = format!("\x1b]11;rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}\x1b\\");
            self.answers.extend_from_slice(answer.as_bytes());
        }
    }
}

impl Key {
    /// The bytes that a terminal sends, in the application mode of the arrow keys or in the other.
    fn bytes(self, application: bool) -> Vec<u8> {
        let arrow = |letter: char| {
            let lead = if application { 'O' } else { '[' };
            format!("\x1b{lead}{letter}").into_bytes()
        };
        match self {
            Self::Char(c) => c.to_string().into_bytes(),
            Self::Ctrl(c) => vec![c.to_ascii_uppercase() as u8 & 0x1f],
            Self::Alt(c) => format!("\x1b{c}").into_bytes(),
            Self::Enter => b"\r".to_vec(),
            Self::AltEnter => b"\x1b\r".to_vec(),
            Self::Esc => b"\x1b".to_vec(),
            Self::Tab => b"\t".to_vec(),
            Self::BackTab => b"\x1b[Z".to_vec(),
            Self::Backspace => b"\x7f".to_vec(),
            Self::Delete => b"\x1b[3~".to_vec(),
            Self::Up => arrow('A'),
            Self::Down => arrow('B'),
            Self::Right => arrow('C'),
            Self::Left => arrow('D'),
            Self::Home => arrow('H'),
            Self::End => arrow('F'),
            Self::PageUp => b"\x1b[5~".to_vec(),
            Self::PageDown => b"\x1b[6~".to_vec(),
            Self::F(n @ 1..=4) => vec![0x1b, b'O', b'P' + n - 1],
            Self::F(n) => {
                let codes = [15, 17, 18, 19, 20, 21, 23, 24];
                let code = codes[usize::from(n) - 5];
                format!("\x1b[{code}~").into_bytes()
            }
        }
    }
}

fn write_all(mut writer: Box<dyn Write + Send>, bytes: &mpsc::Receiver<Vec<u8>>) {
    for chunk in bytes {
        if writer
            .write_all(&chunk)
            .and_then(|()| writer.flush())
            .is_err()
        {
            return;
        }
    }
}

/// The same command in the words of the pseudo-terminal's crate, without its own additions to the environment.
pub fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            builder.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        builder.cwd(folder);
    }
    builder
}

fn pty_size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn at_least_one(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN)
}
