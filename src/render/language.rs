//! What a language's tag says: which of our files it has, and which way it is written.

/// The name of a language's file: `zh-Hant` for `zh-TW`, `de` for `de-AT`.
pub fn language_tag(language: &str) -> String {
    match primary(language).as_str() {
        "zh" if is_traditional(language) => "zh-Hant".to_owned(),
        "zh" => "zh-Hans".to_owned(),
        "iw" => "he".to_owned(),
        primary => primary.to_owned(),
    }
}

/// Whether Chinese is written in its traditional script, by the script of its tag or the usual one of its region.
fn is_traditional(language: &str) -> bool {
    let parts = || language.split(['-', '_']).skip(1).map(str::to_ascii_lowercase);
    match parts().find(|part| part.len() == 4) {
        Some(script) => script == "hant",
        None => parts().any(|part| matches!(part.as_str(), "tw" | "hk" | "mo")),
    }
}

fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a language is written from right to left, by its script subtag or its usual script.
pub(crate) fn is_right_to_left(language: &str) -> bool {
    let script = language.split(['-', '_']).skip(1).find(|part| part.len() == 4);
    if let Some(script) = script {
        return matches!(
            script.to_ascii_lowercase().as_str(),
            "arab" | "hebr" | "thaa" | "syrc" | "nkoo" | "adlm" | "rohg" | "aran"
        );
    }
    matches!(
        primary(language).as_str(),
        "ar" | "he"
            | "iw"
            | "fa"
            | "ur"
            | "ps"
            | "sd"
            | "ug"
            | "yi"
            | "ji"
            | "dv"
            | "ckb"
            | "arc"
            | "syr"
            | "nqo"
            | "ks"
            | "azb"
            | "lrc"
            | "mzn"
            | "pnb"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_follows_script_before_language() {
        for (language, expected) in [
            ("ar", true),
            ("en", false),
            ("he-IL", true),
            ("az-Arab", true),
            ("ar-Latn", false),
            ("UR-pk", true),
        ] {
            assert_eq!(is_right_to_left(language), expected, "{language}");
        }
    }
}
