//! `mcpdeck lint`: a server held against the rules, and what it offers against how it was, for the CI of whoever writes it.
//!
//! The rules are `mcp::lint`; here they are asked, filtered and printed. The exit code is what CI goes by: 0 nothing to say, 1
//! findings or drift, 3 the server does not start.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::inspect::given;
use crate::cli::interrupt::Interrupt;
use crate::cli::target::Target;
use crate::cli::{failure, output, pins, setup};
use crate::config::Provider;
use crate::driver::headless::Headless;
use crate::host::{Command, Server, Settings};
use crate::mcp::lint::baseline::{Baseline, Drift, Offers};
use crate::mcp::lint::{Finding, Level, rules};
use crate::mcp::pins::Pins;
use crate::mcp::request::ListKind;
use crate::text::human::plural;
use crate::text::{clean, wrap};

/// `mcpdeck lint ...`
#[derive(Debug, Args)]
pub struct LintArgs {
    /// The server.
    #[command(flatten)]
    pub target: Target,
    /// Tell findings of this level and above, and fail on them
    #[arg(long, value_name = "LEVEL", default_value = "warning", value_parser = levels())]
    pub level: String,
    /// Say nothing of this rule
    #[arg(long, value_name = "RULE", value_parser = ids())]
    pub ignore: Vec<String>,
    /// Fail when what is offered is not as in this file: tools, resources, templates, prompts
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write what is offered now, and how it is defined, into this file
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub write_baseline: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

fn levels() -> PossibleValuesParser {
    PossibleValuesParser::new([Level::Note, Level::Warning, Level::Error].map(Level::word))
}

fn ids() -> PossibleValuesParser {
    PossibleValuesParser::new(rules::ALL.iter().map(|rule| rule.id))
}

/// What there is to say.
struct Report {
    findings: Vec<Finding>,
    drift: Vec<Drift>,
    code: u8,
}

/// Starts the server, looks at it, and prints what there is to say.
pub fn run(args: &LintArgs, global: &Global) -> Result<ExitCode, CliError> {
    let baseline = args.baseline.as_deref().map(read).transpose()?;
    let mut config = args.target.config(global)?;
    config.model.provider = Provider::None;
    let settings = Settings {
        headless: true,
        probe_every: None,
        // What is looked at for a moment is not met: nothing is pinned, and nothing is held against a pin.
        pins: Pins::default(),
        pins_file: None,
        ..setup::settings(&config)
    };
    setup::block_on(async {
        let mut run = setup::headless(config, settings, global)?;
        run.start();
        let outcome = look(args, &mut run, baseline.as_ref()).await;
        let closed = run.shutdown().await;
        let code = outcome?;
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
        Ok(code)
    })
}

async fn look(
    args: &LintArgs,
    run: &mut Headless,
    baseline: Option<&Baseline>,
) -> Result<ExitCode, CliError> {
    let mut interrupt = Interrupt::listen();
    failure::listed(run, &mut interrupt).await?;
    let names: Vec<_> = run.host.servers.iter().map(|it| it.name.clone()).collect();
    for name in names {
        run.command(Command::ListUndeclared(name));
    }
    failure::listed(run, &mut interrupt).await?;
    let Some(server) = run.host.servers.first() else {
        return Err(CliError::new(
            ErrorKind::Usage,
            "there is no server to look at",
        ));
    };
    let report = report(args, server, baseline);
    output::data(&match args.json {
        true => clean::json(format!("{:#}\n", as_json(server, &report))),
        false => as_text(server, &report),
    });
    if let Some(path) = args.write_baseline.as_deref() {
        write(path, server)?;
    }
    Ok(ExitCode::from(report.code))
}

fn report(args: &LintArgs, server: &Server, baseline: Option<&Baseline>) -> Report {
    let least = Level::of(&args.level).unwrap_or(Level::Warning);
    let mut findings = server.findings(given(&args.target));
    findings.retain(|found| {
        let ignored = args.ignore.iter().any(|id| id == found.rule.id);
        found.rule.level >= least && !ignored
    });
    // A server that is not there has not lost what it offers.
    let is_there = server.status.is_ready();
    let drift = baseline
        .filter(|_| is_there)
        .map(|was| was.drift(offers(server)));
    let drift = drift.unwrap_or_default();
    let code = match (is_there, findings.is_empty() && drift.is_empty()) {
        (false, _) => ErrorKind::Server.code(),
        (true, false) => ErrorKind::Tool.code(),
        (true, true) => 0,
    };
    Report {
        findings,
        drift,
        code,
    }
}

fn read(path: &Path) -> Result<Baseline, CliError> {
    let wrong = |why: String| {
        CliError::new(
            ErrorKind::Usage,
            format!("cannot read {}: {why}", path.display()),
        )
        .hint("`mcpdeck lint --write-baseline FILE ...` writes one")
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Baseline::read(&text).map_err(wrong)
}

fn write(path: &Path, server: &Server) -> Result<(), CliError> {
    if !server.status.is_ready() {
        let what = format!("{} is not written: the server is not there", path.display());
        return Err(CliError::new(ErrorKind::Server, what));
    }
    let rejected = server.rejected_tools().iter();
    let mut rejected = rejected.filter(|it| it.name.is_none() && server.tools.is_empty());
    if let Some(refused) = rejected.next() {
        let (path, why) = (path.display(), clean::line(&refused.why));
        let what = format!("{path} is not written: the tools are not known: {why}");
        return Err(CliError::new(ErrorKind::Server, what));
    }
    let baseline = Baseline::of(offers(server));
    replace(path, &baseline.text()).map_err(|error| {
        let what = format!("cannot write {}: {error}", path.display());
        CliError::new(ErrorKind::Usage, what)
            .hint("give a file in a folder that exists and can be written to")
    })?;
    let counted = baseline.counts().into_iter();
    // The tools are told even where there are none.
    let counted = counted.filter(|(kind, count)| *count > 0 || *kind == ListKind::Tools);
    let counted: Vec<String> = counted
        .map(|(kind, count)| plural(count, kind.word()))
        .collect();
    output::note(&format!("{}: {}", path.display(), counted.join(", ")));
    Ok(())
}

/// Writes a file as a whole: what stood there before stays until all of it is written.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
    if path.exists() && !is_file {
        return std::fs::write(path, text);
    }
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        // What is not there cannot be removed.
        let _gone = std::fs::remove_file(&new);
    }
    written
}

fn offers(server: &Server) -> Offers<'_> {
    Offers {
        tools: &server.tools,
        prompts: &server.prompts,
        resources: &server.resources,
        templates: &server.templates,
    }
}

fn as_text(server: &Server, report: &Report) -> String {
    let mut text = String::new();
    let ids = report.findings.iter().map(|found| found.rule.id.len());
    let wide = ids.max().unwrap_or(0);
    for found in &report.findings {
        let id = wrap::pad(found.rule.id, wide);
        let (about, says) = (found.object.words(), clean::line(&found.says));
        let level = found.rule.level.word();
        text.push_str(&format!(
            "{level:<7}  {id}  {}: {says}\n",
            clean::line(&about)
        ));
        text.push_str(&format!(
            "         rule: {} ({})\n",
            found.rule.text, found.rule.source
        ));
        text.push_str(&format!("         fix: {}\n", clean::line(&found.fix)));
    }
    for drift in &report.drift {
        let about = clean::line(&drift.object().words());
        text.push_str(&format!("drift    {about} {}\n", drift.word()));
        if let Drift::Changed(_, differences) = drift {
            text.push_str(&pins::words(differences.clone()));
        }
    }
    text.push_str(&format!(
        "{}: {}\n",
        clean::line(server.name.as_str()),
        summary(server, report)
    ));
    text
}

/// `ready, 2025-11-25, 3 tools: 1 error, 2 warnings`
fn summary(server: &Server, report: &Report) -> String {
    let mut parts = vec![server.status.word().to_owned()];
    parts.extend(
        server
            .hello
            .as_ref()
            .map(|hello| clean::line(&hello.revision)),
    );
    if server.status.is_ready() {
        parts.push(plural(server.tools.len(), "tool"));
    }
    let mut said: Vec<String> = counts(report)
        .into_iter()
        .rev()
        .map(|(level, count)| plural(count, level.word()))
        .collect();
    if !report.drift.is_empty() {
        said.push(drifted(report) + " otherwise than in the baseline");
    }
    let said = match said.is_empty() {
        true => "nothing to say".to_owned(),
        false => said.join(", "),
    };
    format!("{}: {said}", parts.join(", "))
}

/// `2 tools, 1 prompt`
fn drifted(report: &Report) -> String {
    let mut words: Vec<(&str, usize)> = Vec::new();
    for drift in &report.drift {
        let word = drift.object().word();
        match words.last_mut().filter(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => words.push((word, 1)),
        }
    }
    let words = words.into_iter().map(|(word, count)| plural(count, word));
    words.collect::<Vec<_>>().join(", ")
}

fn counts(report: &Report) -> BTreeMap<Level, usize> {
    let mut counts = BTreeMap::new();
    for found in &report.findings {
        *counts.entry(found.rule.level).or_default() += 1;
    }
    counts
}

fn as_json(server: &Server, report: &Report) -> Value {
    let drift = |drift: &Drift| {
        let object = drift.object();
        let mut value = json!({ object.word(): object.name(), "change": drift.word() });
        if let Drift::Changed(_, how) = drift {
            value["differences"] = pins::as_value(object.name(), how)["differences"].take();
        }
        value
    };
    json!({
        "server": server.name,
        "state": server.status.word(),
        "revision": server.hello.as_ref().map(|hello| &hello.revision),
        "tools": server.tools.len(),
        "findings": report.findings,
        "drift": report.drift.iter().map(drift).collect::<Vec<_>>(),
        "exit_code": report.code,
    })
}
