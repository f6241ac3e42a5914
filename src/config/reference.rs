/// All settings, with a comment each: what `mimeo settings` prints.
pub const REFERENCE: &str = include_str!("reference.toml");
