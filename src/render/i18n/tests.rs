use super::*;

/// The names of `[page]`.
const PAGE: [&str; 22] = [
    "why",
    "forwarded",
    "subscribe",
    "preferences",
    "feed",
    "reply",
    "minutes",
    "links",
    "scroll",
    "newer",
    "older",
    "issues",
    "topics",
    "about",
    "skip",
    "none",
    "kind_paper",
    "kind_code",
    "kind_video",
    "kind_audio",
    "kind_post",
    "kind_docs",
];

#[test]
fn a_day_is_written_as_its_language_writes_it() {
    let day = jiff::civil::date(2022, 12, 30);
    assert_eq!(words("en-GB").day(day), "30 December 2022");
    assert_eq!(words("de").day(day), "30. Dezember 2022");
    assert_eq!(words("zh-Hans").day(day), "2022年12月30日");
    assert_eq!(words("pt-BR").day(day), "30 de dezembro de 2022");
    assert_eq!(words("pl").day(day), "30 grudnia 2022");
    assert_eq!(words("ko-KR").day(day), "2022년 12월 30일");
}

#[test]
fn every_language_is_complete_and_every_file_is_a_language() {
    for language in &LANGUAGES {
        let words = read(language.file).unwrap_or_else(|error| panic!("{}: {error}", language.tag));
        let text = &words.text;
        let said = [
            words.sponsor,
            words.watch,
            words.see_post,
            text.image,
            text.video,
            text.unsubscribe,
            text.view,
            text.archive,
        ];
        let all = said.into_iter().chain(words.alerts).chain(words.months.iter().map(String::as_str));
        for word in all {
            assert!(
                !word.is_empty() && word.trim() == word && !word.contains(['<', '>', '{', '\n']),
                "{}: {word:?}",
                language.tag
            );
        }
        let mut names: Vec<&str> = words.page.keys().copied().collect();
        let mut wanted = PAGE.to_vec();
        names.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(names, wanted, "{}", language.tag);
        for (name, place) in
            [("why", "{newsletter}"), ("minutes", "{n}"), ("links", "{n}"), ("about", "{topic}")]
        {
            assert_eq!(words.page(name).matches(place).count(), 1, "{}: {name}", language.tag);
        }
        assert_eq!(words.months.len(), 12, "{}", language.tag);
        for part in ["{d}", "{m}", "{y}"] {
            assert_eq!(words.date.matches(part).count(), 1, "{}: {}", language.tag, words.date);
        }
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/render/languages");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".toml", ""))
        .collect();
    let mut tags: Vec<_> = LANGUAGES.iter().map(|language| language.tag.to_owned()).collect();
    files.sort();
    tags.sort();
    assert_eq!(files, tags);
}

#[test]
fn texts_of_the_owner_replace_ours_one_by_one() {
    let mut own = OwnTexts::default();
    own.add(
        "de".to_owned(),
        toml::from_str("[alerts]\nnote = \"Achtung\"\n[date]\nday = \"{d}.{m} {y}\"").unwrap(),
    );
    own.add("sv".to_owned(), toml::from_str("[text]\nunsubscribe = \"Avsluta\"").unwrap());
    let german = words_with(&own, "de-AT");
    assert_eq!((german.alerts[0], german.alerts[1]), ("Achtung", words("de").alerts[1]));
    assert_eq!(german.day(jiff::civil::date(2022, 12, 30)), "30.Dezember 2022");
    assert_eq!(words_with(&own, "sv").text.unsubscribe, "Avsluta");
    assert_eq!(words_with(&own, "sv").alerts[0], "Note");
    assert!(std::ptr::eq(words_with(&own, "fr"), words("fr")));
}

#[test]
fn short_texts_stay_on_one_line_and_sentences_do_not() {
    let of = |name: &str| is_short(&name.split('.').map(str::to_owned).collect::<Vec<_>>());
    assert!(
        ["words.view", "words.unsubscribe", "issue.day", "issue.reading_time"].map(of).iter().all(|is| *is)
    );
    assert!(["words.why", "words.forwarded", "issue.title", "newsletter.name"].map(of).iter().all(|is| !*is));
    assert_eq!(unbroken("Read on the web"), "Read\u{a0}on\u{a0}the\u{a0}web");
    let long = "Read this letter in your browser, with all its pictures";
    assert_eq!(unbroken(long), long);
    // A phone has room for the longest of ours.
    for language in &LANGUAGES {
        let words = words(language.tag);
        let day = words.day(jiff::civil::date(2022, 9, 30));
        let all = [day, words.links(250), words.reading_time(5_000)].into_iter();
        let names = IN_TEMPLATES.iter().filter(|name| !SENTENCES.contains(name));
        for text in all.chain(names.filter_map(|name| words.in_template(name, "x"))) {
            assert!(!unbroken(&text).contains(' ') && text.chars().count() <= 30, "{}: {text}", language.tag);
        }
    }
}

#[test]
fn a_tag_finds_its_language_and_its_script() {
    for (tag, expected) in [
        ("de-AT", "Hinweis"),
        ("iw", "הערה"),
        ("zh", "当心"),
        ("zh-TW", "當心"),
        ("zh-Hant-CN", "當心"),
        ("zh-Hans-HK", "当心"),
        ("tlh", "Note"),
    ] {
        assert!(words(tag).alerts.contains(&expected), "{tag}: {:?}", words(tag).alerts);
    }
}
