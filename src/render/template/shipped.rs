//! The templates that ship with the program, for newsletters that have no file of that name.

/// Names and what they are for.
pub const SHIPPED: [(&str, &str); 3] = [
    ("default", "essays: one column, generous type"),
    ("digest", "link lists: denser, with the number of the edition on top"),
    ("plain", "as near to a personal letter as HTML can be"),
];

/// The text of a shipped file, by its path below `templates/`.
pub fn shipped(path: &str) -> Option<&'static str> {
    Some(match path {
        "default.mjml" => include_str!("../../../templates/default.mjml"),
        "digest.mjml" => include_str!("../../../templates/digest.mjml"),
        "plain.mjml" => include_str!("../../../templates/plain.mjml"),
        "partials/footer.mjml" => include_str!("../../../templates/partials/footer.mjml"),
        _ => return None,
    })
}
