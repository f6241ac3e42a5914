use std::path::{Path, PathBuf};

/// A path below a folder, as a person would write it: nothing before it when the folder is the current one.
pub(super) fn under(folder: &Path, path: impl AsRef<Path>) -> PathBuf {
    if folder == Path::new(".") { path.as_ref().to_owned() } else { folder.join(path) }
}
