//! The templates that ship with the program, for newsletters that have no file of that name.

/// Names and what they are for.
pub const SHIPPED: [(&str, &str); 5] = [
    ("essay", "essays: one column, generous type"),
    ("digest", "lists of links: dense, sections with counts, cards in two columns"),
    ("plain", "as near to a personal letter as HTML can be"),
    ("magazine", "several parts and pictures: a cover, pictures from edge to edge, color"),
    ("announcement", "one message and one button"),
];

/// The text of a shipped file, by its path below `templates/`. `default` is the name that `essay` had.
pub fn shipped(path: &str) -> Option<&'static str> {
    Some(match path {
        "essay.mjml" | "default.mjml" => include_str!("../../../templates/essay.mjml"),
        "digest.mjml" => include_str!("../../../templates/digest.mjml"),
        "plain.mjml" => include_str!("../../../templates/plain.mjml"),
        "magazine.mjml" => include_str!("../../../templates/magazine.mjml"),
        "announcement.mjml" => include_str!("../../../templates/announcement.mjml"),
        "partials/footer.mjml" => include_str!("../../../templates/partials/footer.mjml"),
        _ => return None,
    })
}
