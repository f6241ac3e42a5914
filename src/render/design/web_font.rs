use super::values::Problem;
use crate::issue::Value;

/// A font on the web. Mail clients that do not fetch it use the next family of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebFont {
    /// The family's name, as in `font` or `heading_font`.
    pub family: String,
    /// Where the WOFF2 file is: an https address.
    pub url: String,
}

/// Reads `web_font`; `false` is none.
pub(super) fn web_font(value: &Value) -> Result<Option<WebFont>, Problem> {
    let help = || {
        Some(
            "write for example: web_font = { family = \"Inter\", url = \"https://example.org/inter.woff2\" }"
                .to_owned(),
        )
    };
    let Value::Map(map) = value else {
        if *value == Value::Bool(false) {
            return Ok(None);
        }
        return Err(("`web_font` in the design is not a table".to_owned(), help()));
    };
    let text = |name: &str| match map.get(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let family = text("family").filter(|family| !family.is_empty() && family.chars().all(is_plain));
    let is_safe = |url: &String| {
        url.starts_with("https://")
            && url::Url::parse(url).is_ok()
            && url.bytes().all(|b| b.is_ascii_graphic() && !b"\"'()<>\\".contains(&b))
    };
    match (family, text("url").filter(is_safe)) {
        (Some(family), Some(url)) if map.len() == 2 => Ok(Some(WebFont { family, url })),
        (None, _) => Err(("`web_font` in the design has no valid `family`".to_owned(), help())),
        (_, None) => Err(("`web_font` in the design has no https address".to_owned(), help())),
        _ => Err(("`web_font` in the design takes `family` and `url` only".to_owned(), help())),
    }
}
