//! What mail clients make of a letter that recolor letters themselves, simulated: their rules are not published, and what
//! is here follows what people have seen. They ignore the letter's own dark colors.

/// A client that recolors letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recoloring {
    /// Gmail's app on iOS: every color is turned around, light and dark alike.
    Gmail,
    /// Outlook on the web and on phones: light backgrounds become dark, and dark texts light; the rest stays.
    Outlook,
}

/// The light letter as that client shows it in the dark.
pub(super) fn recolored(light: &str, client: Recoloring) -> String {
    let mut out = String::with_capacity(light.len());
    let mut rest = light;
    while let Some(at) = rest.find('#') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let digits = from.get(1..7).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let ends = !from.as_bytes().get(7).is_some_and(u8::is_ascii_hexdigit);
        match (digits, property(&out)) {
            (Some(digits), Some(kind)) if ends => {
                out.push_str(&turned(digits, kind, client));
                rest = &from[7..];
            }
            _ => {
                out.push('#');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    // What says nothing of its colors is on the client's own background.
    let own = match client {
        Recoloring::Gmail => "<style>html{background:#121212;color:#e8e8e8}</style></head>",
        Recoloring::Outlook => "<style>html{background:#1f1f1f;color:#e8e8e8}</style></head>",
    };
    out.replacen("</head>", own, 1)
}

/// What a color is for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Background,
    Line,
}

/// What the color is for that follows this; none where no color can follow.
fn property(before: &str) -> Option<Kind> {
    let tail = &before[before.char_indices().rev().take(60).last().map_or(0, |(at, _)| at)..];
    if tail.ends_with("bgcolor=\"") {
        return Some(Kind::Background);
    }
    if tail.ends_with(" color=\"") {
        return Some(Kind::Line);
    }
    let start = tail.rfind([';', '{', '"', '\'', '}']).map_or(0, |at| at + 1);
    let name = tail[start..].split_once(':')?.0.trim();
    match name {
        "color" => Some(Kind::Text),
        "background" | "background-color" => Some(Kind::Background),
        name if name.starts_with("border") => Some(Kind::Line),
        _ => None,
    }
}

fn turned(digits: &str, kind: Kind, client: Recoloring) -> String {
    let part = |at: usize| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap_or_default()) / 255.0;
    let rgb = [part(0), part(2), part(4)];
    let (low, high) = (rgb.iter().copied().fold(1.0, f64::min), rgb.iter().copied().fold(0.0, f64::max));
    let lightness = f64::midpoint(low, high);
    let turns = match (client, kind) {
        (Recoloring::Gmail, _) => true,
        (Recoloring::Outlook, Kind::Text) => lightness < 0.5,
        (Recoloring::Outlook, Kind::Background | Kind::Line) => lightness > 0.5,
    };
    if !turns {
        return format!("#{digits}");
    }
    // From 7 to 93 of 100: clients avoid pure black and white.
    let wanted = 0.07 + (1.0 - lightness) * 0.86;
    let room = |lightness: f64| 1.0 - (2.0 * lightness - 1.0).abs();
    let scale = if room(lightness) > 0.0 { room(wanted) / room(lightness) } else { 0.0 };
    let turned = rgb.map(|value| {
        let value = wanted + (value - lightness) * scale.min(1.0);
        (value.clamp(0.0, 1.0) * 255.0).round() as u8
    });
    format!("#{:02x}{:02x}{:02x}", turned[0], turned[1], turned[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_turned_and_what_is_no_color_stays() {
        let html = "<head></head><td bgcolor=\"#ffffff\" style=\"background-color:#ffffff;color:#222222;border:1px solid #dddddd\">\
                    <a href=\"#aabbcc\" style=\"color:#ffffff\">#123456</a></td>";
        let gmail = recolored(html, Recoloring::Gmail);
        assert!(
            gmail.contains("bgcolor=\"#121212\"") && gmail.contains("background-color:#121212"),
            "{gmail}"
        );
        assert!(gmail.contains("href=\"#aabbcc\"") && gmail.contains(">#123456<"), "{gmail}");
        assert!(!gmail.contains("color:#222222") && !gmail.contains("style=\"color:#ffffff\""), "{gmail}");
        // A gradient is a picture, and pictures stay: a logo keeps its plate.
        let plate = "<td style=\"background-image:linear-gradient(#fffefb,#fffefb);padding:10px\">";
        assert_eq!(recolored(plate, Recoloring::Gmail), plate);
        let outlook = recolored(html, Recoloring::Outlook);
        assert!(outlook.contains("style=\"color:#ffffff\""), "light words stay light: {outlook}");
        assert!(!outlook.contains("color:#222222"), "{outlook}");
    }
}
