//! The few words that a letter says by itself, in the languages we know.

/// Words in one language.
#[derive(Debug)]
pub(crate) struct Words {
    /// Labels of note, tip, important, warning, caution.
    pub(crate) alerts: [&'static str; 5],
    /// The label of a sponsor slot.
    pub(crate) sponsor: &'static str,
    /// In front of a video's title.
    pub(crate) watch: &'static str,
    /// The link to a post.
    pub(crate) see_post: &'static str,
    /// From January.
    pub(crate) months: [&'static str; 12],
    /// How a date is put together: `{d}`, `{m}`, `{y}`.
    pub(crate) date: &'static str,
}

macro_rules! words {
    ($alerts:expr, $sponsor:expr, $watch:expr, $see_post:expr, $date:expr, $months:expr) => {
        Words {
            alerts: $alerts,
            sponsor: $sponsor,
            watch: $watch,
            see_post: $see_post,
            date: $date,
            months: $months,
        }
    };
}

const MONTHS_BY_NUMBER: [&str; 12] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];

static ENGLISH: Words = words!(
    ["Note", "Tip", "Important", "Warning", "Caution"],
    "Sponsor",
    "Watch",
    "See the post",
    "{d} {m} {y}",
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
);
static GERMAN: Words = words!(
    ["Hinweis", "Tipp", "Wichtig", "Warnung", "Vorsicht"],
    "Anzeige",
    "Ansehen",
    "Zum Beitrag",
    "{d}. {m} {y}",
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ]
);
static FRENCH: Words = words!(
    ["Note", "Astuce", "Important", "Avertissement", "Attention"],
    "Sponsor",
    "Regarder",
    "Voir la publication",
    "{d} {m} {y}",
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ]
);
static SPANISH: Words = words!(
    ["Nota", "Consejo", "Importante", "Advertencia", "Precaución"],
    "Patrocinador",
    "Ver",
    "Ver la publicación",
    "{d} de {m} de {y}",
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ]
);
static ARABIC: Words = words!(
    ["ملاحظة", "نصيحة", "مهم", "تحذير", "تنبيه"],
    "إعلان",
    "شاهد",
    "عرض المنشور",
    "{d} {m} {y}",
    [
        "يناير",
        "فبراير",
        "مارس",
        "أبريل",
        "مايو",
        "يونيو",
        "يوليو",
        "أغسطس",
        "سبتمبر",
        "أكتوبر",
        "نوفمبر",
        "ديسمبر",
    ]
);
static HEBREW: Words = words!(
    ["הערה", "טיפ", "חשוב", "אזהרה", "זהירות"],
    "חסות",
    "לצפייה",
    "לפוסט",
    "{d} ב{m} {y}",
    [
        "ינואר",
        "פברואר",
        "מרץ",
        "אפריל",
        "מאי",
        "יוני",
        "יולי",
        "אוגוסט",
        "ספטמבר",
        "אוקטובר",
        "נובמבר",
        "דצמבר",
    ]
);
static CHINESE: Words = words!(
    ["注意", "提示", "重要", "警告", "当心"],
    "赞助",
    "观看",
    "查看原帖",
    "{y}年{m}月{d}日",
    MONTHS_BY_NUMBER
);
static JAPANESE: Words = words!(
    ["注記", "ヒント", "重要", "警告", "注意"],
    "スポンサー",
    "見る",
    "投稿を見る",
    "{y}年{m}月{d}日",
    MONTHS_BY_NUMBER
);

/// The words of a language; English where we do not know it.
pub(crate) fn words(language: &str) -> &'static Words {
    match primary(language).as_str() {
        "de" => &GERMAN,
        "fr" => &FRENCH,
        "es" => &SPANISH,
        "ar" => &ARABIC,
        "he" | "iw" => &HEBREW,
        "zh" => &CHINESE,
        "ja" => &JAPANESE,
        _ => &ENGLISH,
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

impl Words {
    /// A day as people write it.
    pub(crate) fn day(&self, date: jiff::civil::Date) -> String {
        let month = self.months[usize::from(date.month().unsigned_abs()) - 1];
        self.date
            .replace("{d}", &date.day().to_string())
            .replace("{m}", month)
            .replace("{y}", &date.year().to_string())
    }
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

    #[test]
    fn a_day_is_written_as_its_language_writes_it() {
        let day = jiff::civil::date(2022, 12, 30);
        assert_eq!(words("en-GB").day(day), "30 December 2022");
        assert_eq!(words("de").day(day), "30. Dezember 2022");
        assert_eq!(words("zh-Hans").day(day), "2022年12月30日");
    }
}
