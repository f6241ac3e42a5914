use std::path::PathBuf;

/// The user's folder for what this program remembers outside of newsletters: below `$XDG_STATE_HOME`, or `~/.local/state`.
pub(super) fn state_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("mimeo"))
}
