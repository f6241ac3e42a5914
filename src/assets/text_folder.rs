use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder of texts that name each other, such as templates. Nothing outside it is read.
pub(crate) struct TextFolder<'a> {
    folder: &'a Path,
}

impl<'a> TextFolder<'a> {
    /// The folder may be missing: then it is empty.
    pub(crate) fn new(folder: &'a Path) -> Self {
        Self { folder }
    }

    /// The path of a file in it, as the user would write it.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The names of its files with this ending, without it.
    pub(crate) fn names(&self, ending: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(ending)?.to_owned()))
            .collect()
    }

    /// The text of a file; none when file not found.
    ///
    /// # Errors
    ///
    /// In words, when it is outside the folder (a link can lead there), too long, or cannot be read.
    pub(crate) fn read(&self, path: &Path, bytes_max: usize) -> Result<Option<String>, String> {
        let (Ok(real), Ok(folder)) = (self.path(path).canonicalize(), self.folder.canonicalize()) else {
            return Ok(None);
        };
        if !real.starts_with(folder) {
            return Err("it is outside the folder of templates".into());
        }
        let length = fs::metadata(&real).map_err(|error| error.to_string())?.len();
        if length > bytes_max as u64 {
            return Err(format!("it is longer than {bytes_max} bytes"));
        }
        fs::read_to_string(&real).map(Some).map_err(|error| error.to_string())
    }
}
