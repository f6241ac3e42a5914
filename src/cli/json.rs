//! What `--json` prints: a versioned object, also for errors. `docs/schemas/` describes each output.

use std::ffi::OsStr;

use serde::Serialize;
use serde_json::Value;

/// Changes when a program that reads some output would have to change. New fields can come without a change.
pub(super) const VERSION: u32 = 1;

/// An object with the version of its form.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Versioned<T> {
    /// Changes when a program that reads the output would have to change
    version: u32,
    #[serde(flatten)]
    value: T,
}

impl<T> Versioned<T> {
    pub(super) fn new(value: T) -> Self {
        Self { version: VERSION, value }
    }
}

/// Adds the version to an object that was made field by field.
pub(super) fn versioned(mut object: Value) -> Value {
    object["version"] = VERSION.into();
    object
}

/// Why a command failed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ErrorReport {
    /// What went wrong
    pub(super) error: ErrorBody,
}

/// What went wrong.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ErrorBody {
    /// The kind: `failed`, `usage`, `bad_input`, `unfinished`, `stopped` or `interrupted`, one for each exit code; `declined` if
    /// you were asked and said no
    pub(super) code: &'static str,
    /// The exit code of the program
    pub(super) exit_code: u8,
    /// What went wrong, in words; each cause is on a line of its own
    pub(super) message: String,
    /// What to do about it
    pub(super) hint: Option<String>,
    /// What is wrong in files, at which places: as in `mimeo check --format json`
    pub(super) diagnostics: Vec<Value>,
}

/// Whether the command line asks for JSON; it may not be a valid one.
pub(super) fn is_wanted<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> bool {
    let mut is_format = false;
    for argument in arguments {
        let argument = argument.as_ref();
        if argument == "--" {
            break;
        }
        if argument == "--json" || argument == "--format=json" || is_format && argument == "json" {
            return true;
        }
        is_format = argument == "--format";
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_wanted_where_an_option_says_so() {
        for (line, expected) in [
            ("send 95 --json", true),
            ("check --format json", true),
            ("check --format=json", true),
            ("check --format sarif json", false),
            ("new -- --json", false),
            ("send json", false),
        ] {
            assert_eq!(is_wanted(line.split(' ')), expected, "{line}");
        }
    }
}
