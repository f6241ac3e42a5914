/// The words that the text part says by itself, in one language.
pub(super) struct Labels {
    /// In front of an image's alternative text.
    pub(super) image: &'static str,
    /// In front of a video's title.
    pub(super) video: &'static str,
    /// In front of the link to leave.
    pub(super) unsubscribe: &'static str,
    /// In front of the address on the web.
    pub(super) view: &'static str,
    /// In front of the address of earlier letters.
    pub(super) archive: &'static str,
}

macro_rules! labels {
    ($($name:ident = $image:literal, $video:literal, $unsubscribe:literal, $view:literal, $archive:literal;)*) => {
        $(static $name: Labels = Labels {
            image: $image,
            video: $video,
            unsubscribe: $unsubscribe,
            view: $view,
            archive: $archive,
        };)*
    };
}

labels! {
    ENGLISH = "Image", "Video", "Unsubscribe", "Read on the web", "Earlier letters";
    GERMAN = "Bild", "Video", "Abmelden", "Im Web lesen", "Frühere Briefe";
    FRENCH = "Image", "Vidéo", "Se désabonner", "Lire sur le web", "Lettres précédentes";
    SPANISH = "Imagen", "Vídeo", "Darse de baja", "Leer en la web", "Cartas anteriores";
    ARABIC = "صورة", "فيديو", "إلغاء الاشتراك", "القراءة على الويب", "الرسائل السابقة";
    HEBREW = "תמונה", "סרטון", "ביטול הרשמה", "לקריאה באתר", "מכתבים קודמים";
    CHINESE = "图片", "视频", "退订", "在网页上阅读", "往期信件";
    JAPANESE = "画像", "動画", "配信停止", "ウェブで読む", "これまでの便り";
}

/// The words of a language; English where we do not know it.
pub(super) fn labels(language: &str) -> &'static Labels {
    match language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
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
