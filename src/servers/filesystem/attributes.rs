//! What a file has beside its content: owner, permissions, extended attributes, carried over to the file that takes its place.

use std::io;

use cap_std::fs::{File, Metadata, MetadataExt, Permissions, PermissionsExt};
use rustix::fs::{Gid, Uid, XattrFlags};

/// Bits that lend the owner's rights to whoever runs the file.
const LENDING: u32 = 0o6000;

/// The longest extended attribute that the system knows.
const MAX_ATTRIBUTE: usize = 64 * 1024;

/// Gives `new` the owner, permissions and extended attributes of `old`, as far as the system permits. Where it does not permit
/// the owner, the rights of the old owner are not lent either.
///
/// # Errors
/// The permissions cannot be set.
pub fn carry(old: &File, meta: &Metadata, new: &File) -> io::Result<()> {
    let made = new.metadata()?;
    let same = (made.uid(), made.gid()) == (meta.uid(), meta.gid());
    let owner = Some(Uid::from_raw(meta.uid()));
    let group = Some(Gid::from_raw(meta.gid()));
    let given = same || rustix::fs::fchown(new, owner, group).is_ok();
    if !given {
        // The group alone is often permitted.
        let _not_permitted = rustix::fs::fchown(new, None, group);
    }
    carry_attributes(old, new);
    set_mode(new, meta, given)
}

/// Gives the permissions of `meta`; the lent rights only when `lend` is set.
///
/// # Errors
/// The system refuses.
pub fn set_mode(new: &File, meta: &Metadata, lend: bool) -> io::Result<()> {
    let mode = meta.mode() & 0o7777;
    let mode = if lend { mode } else { mode & !LENDING };
    new.set_permissions(Permissions::from_mode(mode))
}

/// Those of the person and the access list. What the system itself hangs on a file is not for us to carry.
fn carry_attributes(old: &File, new: &File) {
    let mut list = vec![0_u8; MAX_ATTRIBUTE];
    let Ok(length) = rustix::fs::flistxattr(old, list.as_mut_slice()) else {
        return;
    };
    let names = list.get(..length).unwrap_or_default();
    for name in names.split(|byte| *byte == 0) {
        if !name.starts_with(b"user.") && name != b"system.posix_acl_access" {
            continue;
        }
        let mut value = vec![0_u8; MAX_ATTRIBUTE];
        if let Ok(length) = rustix::fs::fgetxattr(old, name, value.as_mut_slice()) {
            let value = value.get(..length).unwrap_or_default();
            let _not_permitted = rustix::fs::fsetxattr(new, name, value, XattrFlags::empty());
        }
    }
}
