//! From files to jobs: each with its configuration and settings in place. Everything that is wrong is said before anything runs.

use std::path::Path;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::test::TestArgs;
use crate::cli::{failure, output, setup};
use crate::config::cases::{self, OWN_NAME, Suite, Under};
use crate::config::{Config, Environment, Provider};
use crate::host::{Settings, arguments};
use crate::text::clean;

/// The longest test file; keeps a wrong path such as `/dev/zero` from filling the memory.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A file that is ready to be run.
pub struct Job {
    /// The file.
    pub suite: Suite,
    /// Its server alone, and its model.
    pub config: Config,
    /// How the host is to be.
    pub settings: Settings,
}

impl Job {
    /// The server's name.
    pub fn server(&self) -> &str {
        match &self.suite.server {
            Under::Named(name) => name.as_str(),
            Under::Own(_) => OWN_NAME,
        }
    }
}

pub fn jobs(args: &TestArgs, global: &Global) -> Result<Vec<Job>, CliError> {
    let suites = read(args, global)?;
    let mut jobs = Vec::new();
    for suite in suites {
        jobs.push(job(suite, args, global)?);
    }
    Ok(jobs)
}

/// Reads all files; gives every finding of all of them, or the cases that are to be run.
fn read(args: &TestArgs, global: &Global) -> Result<Vec<Suite>, CliError> {
    let environment = Environment::read();
    let mut suites = Vec::new();
    let mut wrong = Vec::new();
    for file in &args.files {
        let path = environment.cwd.join(file);
        let read = text_of(&path).map_err(|why| vec![format!("{}: {why}", file.display())]);
        let suite = read.and_then(|text| cases::read(&text, &path, &global.flags(), &environment));
        match suite {
            Ok(suite) => {
                wrong.extend(schema_faults(&suite));
                suites.push(suite);
            }
            Err(found) => wrong.extend(found),
        }
    }
    if !wrong.is_empty() {
        return Err(CliError::new(ErrorKind::Usage, wrong.join("\n")));
    }
    if let Some(filter) = &args.filter {
        choose(&mut suites, filter)?;
    }
    Ok(suites)
}

fn text_of(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| format!("cannot read it: {error}"))?;
    let mut text = String::new();
    let read = file.take(LARGEST + 1).read_to_string(&mut text);
    read.map_err(|error| format!("cannot read it: {error}"))?;
    match text.len() as u64 > LARGEST {
        true => Err("it is larger than 4 MB".to_owned()),
        false => Ok(text),
    }
}

/// Schemas that are none: a case could only fail, or pass for nothing.
fn schema_faults(suite: &Suite) -> Vec<String> {
    let schemas = suite
        .cases
        .iter()
        .filter_map(|case| case.expect.schema.as_ref());
    let fault = |schema: &cases::Schema| {
        let why = arguments::schema_fault(&schema.value)?;
        let place = schema.place.as_ref().map(ToString::to_string);
        let place = place.unwrap_or_else(|| suite.shown.display().to_string());
        Some(format!(
            "{place}: case.expect.schema: not a JSON Schema: {why}\n  expected a schema that points to nothing outside itself"
        ))
    };
    schemas.filter_map(fault).collect()
}

/// Leaves only the cases that the filter names. None at all is a slip: it would pass for nothing.
fn choose(suites: &mut [Suite], filter: &str) -> Result<(), CliError> {
    let wanted = filter.to_lowercase();
    for suite in suites.iter_mut() {
        suite
            .cases
            .retain(|case| case.name.to_lowercase().contains(&wanted));
    }
    if suites.iter().all(|suite| suite.cases.is_empty()) {
        let what = format!("--filter {filter}: no case has this in its name");
        return Err(CliError::new(ErrorKind::Usage, what));
    }
    Ok(())
}

fn job(suite: Suite, args: &TestArgs, global: &Global) -> Result<Job, CliError> {
    let mut config = config(&suite, global)?;
    for warning in &suite.warnings {
        output::note(&format!("warning: {}", clean::block(warning)));
    }
    match &suite.model {
        Some(model) => config.model = (**model).clone(),
        None if args.replies.allow_sampling => {}
        None => config.model.provider = Provider::None,
    }
    let mut settings = settings(&suite, &config);
    args.replies.apply(&mut settings, &mut config)?;
    let _every_secret_is_known = setup::redactor(&config);
    Ok(Job {
        suite,
        config,
        settings,
    })
}

/// The server alone: one of the configuration, as far as its folder is trusted, or the file's own.
fn config(suite: &Suite, global: &Global) -> Result<Config, CliError> {
    match &suite.server {
        Under::Named(name) => {
            let mut config = setup::config(global)?;
            failure::keep_only(&mut config, name.as_str()).map_err(|error| CliError {
                message: format!("{}: {}", suite.shown.display(), error.message),
                ..error
            })?;
            Ok(config)
        }
        Under::Own(spec) => {
            let config = Config {
                servers: vec![(**spec).clone()],
                ..Config::default()
            };
            setup::begin(&config);
            Ok(config)
        }
    }
}

fn settings(suite: &Suite, config: &Config) -> Settings {
    // What a script says is written in a file of the person's own; what a model says is not.
    let approve = match config.model.provider {
        Provider::Scripted => vec!["*".to_owned()],
        _ => suite.approve.clone(),
    };
    let mut settings = Settings {
        headless: true,
        probe_every: None,
        approve,
        ..setup::settings(config)
    };
    if let Under::Own(_) = suite.server {
        // A server under work changes its tools all the time, and its name is that of every other.
        settings.pins = Default::default();
        settings.pins_file = None;
        settings.eras.clear();
        settings.eras_file = None;
    }
    settings
}
