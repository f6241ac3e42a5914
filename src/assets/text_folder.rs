use super::sandbox::{Fence, Leads};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder of texts that name each other, such as templates, in the newsletter's folder. Nothing outside of that is read.
pub(crate) struct TextFolder<'a> {
    folder: &'a Path,
    /// None when the newsletter's folder is missing.
    fence: Option<Fence>,
}

impl<'a> TextFolder<'a> {
    /// The folder may be missing: then it is empty.
    pub(crate) fn new(folder: &'a Path) -> Self {
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        Self { folder, fence: Fence::new(above.unwrap_or(Path::new("."))).ok() }
    }

    /// The path of a file in it, as the user would write it.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The names of its files with this ending, without it.
    pub(crate) fn names(&self, ending: &str) -> Vec<String> {
        let fence = self.fence.as_ref().filter(|fence| matches!(fence.leads(self.folder), Leads::Inside(_)));
        let entries = fence.and_then(|_| fs::read_dir(self.folder).ok()).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(ending)?.to_owned()))
            .collect()
    }

    /// The text of a file; none when file not found.
    ///
    /// # Errors
    ///
    /// In words, when it is outside the newsletter's folder (a link can lead there), too long, or cannot be read.
    pub(crate) fn read(&self, path: &Path, bytes_max: usize) -> Result<Option<String>, String> {
        let path = self.path(path);
        let real = match self.fence.as_ref().map_or(Leads::Nowhere, |fence| fence.leads(&path)) {
            Leads::Inside(real) => real,
            Leads::Outside => return Err("it is outside the newsletter's folder".into()),
            Leads::Nowhere => return Ok(None),
        };
        let length = fs::metadata(&real).map_err(|error| error.to_string())?.len();
        if length > bytes_max as u64 {
            return Err(format!("it is longer than {bytes_max} bytes"));
        }
        fs::read_to_string(&real).map(Some).map_err(|error| error.to_string())
    }
}
