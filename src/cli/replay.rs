//! `mcpdeck replay FILE`: a recorded session, with no server and no model: in the terminal, frame by frame as text, or as its
//! conversation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use crate::agent::transcript::{Entry, Level};
use crate::app::App;
use crate::app::replay::{Happened, Replay, Session, Step, Weight};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::{deck, output, recorded, setup};
use crate::host::outcome;
use crate::ids::CallId;
use crate::record::Kind;
use crate::terminal;
use crate::text::{clean, human};
use crate::view::{Memo, Theme, text};

/// `mcpdeck replay ...`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// What `--record` wrote
    pub file: PathBuf,
    /// Write every frame as text: into files of this new folder, or `-` for stdout; each is held against what was seen then
    #[arg(long, value_name = "FOLDER|-", conflicts_with = "transcript")]
    pub frames: Option<PathBuf>,
    /// Print the conversation
    #[arg(long)]
    pub transcript: bool,
}

/// Replays the session.
pub fn run(args: &ReplayArgs) -> Result<ExitCode, CliError> {
    let recording = recorded::load(&args.file)?;
    let session = Session::read(recording).map_err(|why| {
        CliError::new(
            ErrorKind::Usage,
            format!("the recording {}: {why}", args.file.display()),
        )
        .hint("a recording is read by the version of mcpdeck that wrote it, or a later one")
    })?;
    match &args.frames {
        Some(to) => frames(&session, to),
        None if args.transcript => {
            output::lines(&transcript(&played(&session)));
            Ok(ExitCode::SUCCESS)
        }
        None => watch(session),
    }
}

fn watch(session: Session) -> Result<ExitCode, CliError> {
    deck::in_terminal("without one, use `mcpdeck replay FILE --frames -` or `--transcript`")?;
    let mut replay = Replay::new(Arc::new(session));
    let runtime = setup::runtime()?;
    let ended = runtime.block_on(terminal::replay(&mut replay));
    // A thread that still reads stdin must not hold the process.
    runtime.shutdown_background();
    Ok(deck::exit_code(
        ended.map_err(|error| deck::no_terminal(&error))?,
    ))
}

/// The program after the last step.
fn played(session: &Session) -> App {
    let mut app = session.start.app();
    session.steps.iter().for_each(|step| step.apply(&mut app));
    app
}

/// What the frames came to.
#[derive(Default)]
struct Count {
    all: usize,
    /// The numbers of those that are not as they were seen.
    other: Vec<usize>,
    /// Those of which nothing was written, because a secret was being typed or said.
    untold: usize,
}

fn frames(session: &Session, to: &Path) -> Result<ExitCode, CliError> {
    let out = Out::open(to)?;
    let mut app = session.start.app();
    let (theme, mut memo) = (Theme::mono(), Memo::new());
    let mut count = Count::default();
    for step in &session.steps {
        let shown = match (&step.what, session.kind) {
            (Happened::Drawn(drawn), _) => Some((drawn.size, Some(drawn.frame.as_str()))),
            (_, Kind::Terminal) => None,
            // Nobody drew: a frame for whatever happened.
            (_, Kind::Headless) => (step.weight() > Weight::None).then_some((app.size, None)),
        };
        if session.kind == Kind::Headless {
            step.apply(&mut app);
        }
        if let Some((size, seen)) = shown {
            let (cells, _, _) = text::cells(&app, &theme, size, &mut memo);
            let text = text::of(&cells);
            count.all += 1;
            match seen {
                Some("") => count.untold += 1,
                Some(seen) if seen != text::digest(&text) => count.other.push(count.all),
                _ => {}
            }
            out.frame(count.all, step, size, &text)?;
        }
        if session.kind == Kind::Terminal {
            step.apply(&mut app);
        }
    }
    Ok(told(&count, session.kind))
}

fn told(count: &Count, kind: Kind) -> ExitCode {
    let (all, other) = (count.all, count.other.len());
    if count.untold > 0 {
        let untold = count.untold;
        output::note(&format!(
            "{untold} of {all} frames cannot be held against what was seen: a secret came into view letter by letter"
        ));
    }
    match (count.other.first(), kind) {
        (_, Kind::Headless) => {
            output::note(&format!(
                "{all} frames; nobody saw them when it was recorded"
            ));
            ExitCode::SUCCESS
        }
        (None, Kind::Terminal) => {
            let but = if count.untold > 0 {
                " but for those"
            } else {
                ""
            };
            output::note(&format!(
                "{}, each as it was seen{but}",
                human::plural(all, "frame")
            ));
            ExitCode::SUCCESS
        }
        (Some(first), Kind::Terminal) => {
            output::note(&format!(
                "{other} of {all} frames are not as they were seen, the first is {first}: \
                 a secret was taken out of the recording, or another version of mcpdeck draws otherwise"
            ));
            ExitCode::from(1)
        }
    }
}

/// Where the frames go.
enum Out {
    Stdout,
    Folder(PathBuf),
}

impl Out {
    fn open(to: &Path) -> Result<Self, CliError> {
        if to == Path::new("-") {
            return Ok(Self::Stdout);
        }
        fs::create_dir(to).map_err(|error| {
            CliError::new(
                ErrorKind::Usage,
                format!("cannot make the folder {}: {error}", to.display()),
            )
            .hint("give --frames a folder that does not exist yet, or - for stdout")
        })?;
        Ok(Self::Folder(to.to_owned()))
    }

    fn frame(
        &self,
        number: usize,
        step: &Step,
        (cols, rows): (u16, u16),
        text: &str,
    ) -> Result<(), CliError> {
        match self {
            Self::Stdout => {
                let at = step.at.0;
                output::data(&format!(
                    "--- frame {number} at {}.{:06} s, {cols}x{rows}\n{text}",
                    at / 1_000_000,
                    at % 1_000_000
                ));
                Ok(())
            }
            Self::Folder(folder) => {
                let path = folder.join(format!("{number:06}.txt"));
                fs::write(&path, text).map_err(|error| {
                    let what = format!("cannot write {}: {error}", path.display());
                    CliError::new(ErrorKind::Usage, what)
                })
            }
        }
    }
}

/// The conversation without times: two sessions that say the same have the same.
fn transcript(app: &App) -> String {
    let mut out = String::new();
    for entry in app.host.transcript.entries() {
        match entry {
            Entry::User { text, .. } => out.push_str(&block("You", text)),
            Entry::Assistant(step) => {
                if !step.text.trim().is_empty() {
                    out.push_str(&block("Model", &step.text));
                }
                step.calls
                    .iter()
                    .for_each(|id| out.push_str(&call(app, *id)));
            }
            Entry::Note(note) => {
                let level = match note.level {
                    Level::Error => "Error",
                    Level::Warning => "Warning",
                    Level::Info => "Note",
                };
                out.push_str(&block(level, &note.text));
            }
            Entry::Told { text } => out.push_str(&block("To the model", text)),
            Entry::Compacted(_) => out.push_str(&block("Note", "the model sees less of the above")),
            Entry::Hand { call: id } => out.push_str(&call(app, *id)),
        }
    }
    out
}

fn block(who: &str, text: &str) -> String {
    format!(
        "{who}: {}\n",
        clean::block(text).trim_end().replace('\n', "\n    ")
    )
}

fn call(app: &App, id: CallId) -> String {
    let Some(call) = app.host.call(id) else {
        return String::new();
    };
    let server = call.server.as_ref().map_or("-", |server| server.as_str());
    let head = format!("{server}.{} {}", call.tool, call.arguments);
    let end = match call.end() {
        Some(end) => format!("{}\n{}", end.word(), outcome::words(end)),
        None => "no answer".to_owned(),
    };
    block("Call", &format!("{head}\n→ {end}"))
}
