//! A program in a pseudo-terminal, as far as its first frames go, and the baseline program: this binary started again to do
//! nothing but open the screen and draw.

use std::io::{self, Read, Write, stdout};
use std::num::NonZeroU16;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::widgets::{Block, Paragraph};

/// The argument that makes this binary the baseline program.
pub const BASELINE: &str = "--baseline-program";
/// What both programs write after a frame.
const FRAME_END: &[u8] = b"\x1b[?2026l";
/// No program takes longer for what is waited for here.
const LIMIT: Duration = Duration::from_secs(60);

/// A program under way on a screen of 120 by 40. Dropping it ends it.
pub struct Running {
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<(Instant, Vec<u8>)>,
    started: Instant,
    screen: vt100::Parser,
    bytes: Vec<u8>,
    // Closing our side hangs up on the program.
    _master: Box<dyn MasterPty + Send>,
}

impl Running {
    /// Starts a program in a folder with these arguments; it finds no model and nobody's configuration.
    pub fn start(program: &str, arguments: &[&str], folder: &std::path::Path) -> Self {
        let size = PtySize {
            rows: 40,
            cols: 120,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(folder);
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        for name in ["HOME", "TMPDIR", "MCPDECK_CONFIG_DIR", "MCPDECK_DATA_DIR"] {
            command.env(name, folder);
        }
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender
                    .send((Instant::now(), buffer[..count].to_vec()))
                    .is_err()
                {
                    return;
                }
            }
        });
        let started = Instant::now();
        let child = pty.slave.spawn_command(command).expect("a program");
        Self {
            child,
            output,
            started,
            screen: vt100::Parser::new(at_least_one(40), at_least_one(120), 0),
            bytes: Vec::new(),
            _master: pty.master,
        }
    }

    /// Waits for the end of the first frame; gives the time since the program was started.
    pub fn first_frame(&mut self) -> Duration {
        self.until("the first frame", |running| {
            let mut windows = running.bytes.windows(FRAME_END.len());
            windows.any(|window| window == FRAME_END)
        })
    }

    /// Waits until the screen shows what is wished; gives the time since the program was started.
    pub fn shows(&mut self, what: &str, wish: impl Fn(&str) -> bool) -> Duration {
        self.until(what, |running| wish(&running.screen.screen().contents()))
    }

    fn until(&mut self, what: &str, wish: impl Fn(&Self) -> bool) -> Duration {
        let mut last = self.started;
        while !wish(self) {
            let left = LIMIT.saturating_sub(self.started.elapsed());
            let Ok((when, bytes)) = self.output.recv_timeout(left) else {
                let screen = self.screen.screen().contents();
                panic!("never came: {what}; the screen:\n{screen}");
            };
            self.screen.process(&bytes);
            self.bytes.extend(bytes);
            last = when;
        }
        last.duration_since(self.started)
    }

    /// The resident memory of the program alone, without its children, in bytes.
    pub fn resident(&self) -> u64 {
        let id = self.child.process_id().expect("a living program");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kilobytes.expect("the program's /proc/PID/status") * 1024
    }
}

fn at_least_one(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(id) = self
            .child
            .process_id()
            .and_then(|id| i32::try_from(id).ok())
            && let Some(id) = rustix::process::Pid::from_raw(id)
        {
            // An orderly end, so that its servers end with it.
            let _gone = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _gone = self.child.wait();
    }
}

/// What `mcpdeck` is compared with: takes the screen, draws one frame of borders and words, and waits to be ended.
pub fn baseline() -> ExitCode {
    match draw() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn draw() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen)?;
    let mut terminal = Terminal::new(CrosstermBackend::new(io::BufWriter::new(stdout())))?;
    execute!(terminal.backend_mut(), BeginSynchronizedUpdate)?;
    terminal.draw(|frame| {
        let words = "A frame of words. ".repeat(200);
        let paragraph = Paragraph::new(words)
            .wrap(ratatui::widgets::Wrap { trim: true })
            .block(Block::bordered().title("baseline"));
        frame.render_widget(paragraph, frame.area());
    })?;
    execute!(terminal.backend_mut(), EndSynchronizedUpdate)?;
    terminal.backend_mut().flush()?;
    // Until the signal or the end of the terminal.
    let _ended = io::stdin().read(&mut [0]);
    execute!(stdout(), LeaveAlternateScreen, Show)?;
    disable_raw_mode()
}
