//! Where the journal's places are opened again: beneath the roots that are served, or, from the command line, beneath the roots
//! that were recorded. Either way the kernel resolves them anew, so that taking a change back leads out no more than making it.

use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::servers::filesystem::changes::Ground;
use crate::servers::filesystem::changes::record::Where;
use crate::servers::filesystem::changes::spot::Spot;
use crate::servers::filesystem::names::shown_path;
use crate::servers::filesystem::roots::Roots;
use crate::servers::toolbox::Refusal;

impl Ground for Roots {
    fn holds(&self, place: &Where) -> bool {
        let path = place.absolute();
        self.iter().any(|root| {
            let rel = path.strip_prefix(&root.path);
            rel.is_ok_and(|rel| !rel.as_os_str().is_empty() && !root.hides(rel))
        })
    }

    fn open(&self, place: &Where) -> Result<Spot, Refusal> {
        let path = place.absolute();
        let found = self
            .iter()
            .find_map(|root| Some((root, path.strip_prefix(&root.path).ok()?)));
        let Some((root, rel)) = found else {
            return Err(Refusal(format!(
                "`{}` lies outside the allowed folders.",
                shown_path(&path)
            )));
        };
        root.must_be_there()?;
        let told = if self.iter().count() > 1 {
            shown_path(&path)
        } else {
            shown_path(rel)
        };
        spot(&root.dir, &root.path, rel, told)
    }
}

/// All roots that the journal names.
pub struct Recorded;

impl Ground for Recorded {
    fn holds(&self, _place: &Where) -> bool {
        true
    }

    fn open(&self, place: &Where) -> Result<Spot, Refusal> {
        let told = shown_path(&place.absolute());
        let root = open_root(&place.root).map_err(|error| {
            Refusal(format!(
                "The folder `{}`, below which the change was made, cannot be opened any more: {error}. Nothing was undone.",
                shown_path(&place.root)
            ))
        })?;
        spot(&root, &place.root, &place.rel, told)
    }
}

/// Opens a root that was recorded without links, and only if no link has come into its path since.
fn open_root(path: &Path) -> io::Result<Dir> {
    if path.canonicalize()? != path {
        let what = "a link has taken the place of a folder in its path";
        return Err(io::Error::other(what));
    }
    Dir::open_ambient_dir(path, ambient_authority())
}

fn spot(root: &Dir, path: &Path, rel: &Path, told: String) -> Result<Spot, Refusal> {
    let (Some(parent), Some(name)) = (rel.parent(), rel.file_name()) else {
        return Err(Refusal::new("The allowed folder itself cannot be changed."));
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let dir = root.open_dir(parent).map_err(|error| {
        Refusal(match error.kind() {
            io::ErrorKind::NotFound => format!(
                "The folder that held `{told}` does not exist any more. Create it again, or undo the change that removed it \
                 first."
            ),
            // cap_std's own word for a way out, which carries no number of the system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                format!("The folder that held `{told}` leads out of the allowed folders now, so it is not touched.")
            }
            _ => format!("Cannot open the folder that held `{told}`: {error}."),
        })
    })?;
    Ok(Spot {
        place: Where {
            root: path.to_owned(),
            rel: rel.to_owned(),
        },
        dir,
        name: name.to_owned(),
        shown: told,
    })
}
