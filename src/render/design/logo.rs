use super::values::{Problem, known_names, number};
use crate::issue::Value;

/// The picture at the head of the letter.
#[derive(Clone, Debug, PartialEq)]
pub struct Logo {
    /// A path below the newsletter's folder, or an https address.
    pub light: String,
    /// The picture for readers who prefer a dark background: a path or an https address.
    pub dark: Option<String>,
    /// Alternative text; the newsletter's name when it is not given.
    pub alt: Option<String>,
    /// Shown width in CSS pixels; the picture's own, up to 240, when it is not given.
    pub width: Option<u32>,
}

impl Logo {
    /// Its files or addresses.
    pub fn pictures(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.light.as_str()).chain(self.dark.as_deref())
    }
}

/// Reads `logo`: a path, a table, or `false` for none.
pub(super) fn logo(value: &Value) -> Result<Option<Logo>, Problem> {
    let map = match value {
        Value::Text(path) if path.is_empty() => return Ok(None),
        Value::Text(path) => {
            return Ok(Some(Logo { light: path.clone(), dark: None, alt: None, width: None }));
        }
        Value::Bool(false) => return Ok(None),
        Value::Map(map) => map,
        _ => return Err(("`logo` in the design is neither a path nor a table".into(), None)),
    };
    let text = |name: &str| match map.get(name) {
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        None => Ok(None),
        Some(_) => Err((format!("`{name}` of the logo is not a text"), None)),
    };
    const KNOWN: [&str; 4] = ["light", "dark", "alt", "width"];
    if let Some(unknown) = map.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err((
            format!("unknown logo setting `{unknown}`"),
            Some(known_names(unknown, KNOWN.into_iter())),
        ));
    }
    let Some(light) = text("light")? else {
        return Err(("the logo has no `light` picture".into(), Some("give the path of a picture".into())));
    };
    let width = map.get("width").map(|width| number("width", width, 16, 960)).transpose()?;
    Ok(Some(Logo { light, dark: text("dark")?, alt: text("alt")?, width }))
}
