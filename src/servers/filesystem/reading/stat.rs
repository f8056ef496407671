//! `get_file_info` and `list_allowed_directories`: what is known without reading.

use cap_std::fs::MetadataExt;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::names::shown_path;
use crate::servers::filesystem::reading::read::{NoArgs, PathArgs, modified, rfc3339};
use crate::servers::filesystem::roots::kind_name;
use crate::servers::toolbox::{Answer, Refusal};

/// What is known of a file without reading it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Info {
    /// The file or folder.
    path: String,
    /// `file`, `directory`, `symlink` or `other`; a link is not followed.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["file", "directory", "symlink", "other"]))]
    kind: &'static str,
    /// What a link says; it may lead nowhere, or out of the allowed folders, where nothing follows it.
    target: Option<String>,
    /// Bytes.
    size: u64,
    /// When it was last changed, RFC 3339.
    modified: Option<String>,
    /// When it was last read, RFC 3339, as far as the file system keeps that.
    accessed: Option<String>,
    /// When it was made, RFC 3339, where the file system knows.
    created: Option<String>,
    /// Permissions in octal, such as `644`.
    permissions: String,
    /// How many names the file has on its file system.
    links: u64,
}

/// `get_file_info`
pub fn get_file_info(
    files: &Files,
    args: PathArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Info>, Refusal> {
    let place = files.roots.find(&args.path)?;
    let meta = place.root.dir.symlink_metadata(place.way());
    let meta = meta.map_err(|error| place.failure("describe", &error))?;
    if !meta.is_symlink() {
        place.must_be_in_sight()?;
    }
    let target = || place.root.dir.read_link_contents(place.way()).ok();
    let link = meta.is_symlink();
    let info = Info {
        path: place.shown(),
        kind: kind_name(meta.file_type()),
        target: link.then(target).flatten().map(|path| shown_path(&path)),
        size: meta.len(),
        modified: modified(&meta),
        accessed: meta.accessed().ok().map(|time| rfc3339(time.into_std())),
        created: meta.created().ok().map(|time| rfc3339(time.into_std())),
        permissions: format!("{:03o}", meta.mode() & 0o7777),
        links: meta.nlink(),
    };
    let to = info.target.as_ref().map(|target| format!(" to {target}"));
    let text = format!(
        "{} {}{}, {} bytes, modified {}, permissions {}",
        info.kind,
        info.path,
        to.unwrap_or_default(),
        info.size,
        info.modified.as_deref().unwrap_or("unknown"),
        info.permissions
    );
    Ok(Answer::new(info, text))
}

/// The roots.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Allowed {
    /// Their paths.
    directories: Vec<String>,
}

/// `list_allowed_directories`
pub fn list_allowed_directories(
    files: &Files,
    _args: NoArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Allowed>, Refusal> {
    let directories = files.roots.iter().map(|root| shown_path(&root.path));
    let directories: Vec<String> = directories.collect();
    let text = if directories.is_empty() {
        files.roots.nothing().to_owned()
    } else {
        directories.join("\n")
    };
    Ok(Answer::new(Allowed { directories }, text))
}
