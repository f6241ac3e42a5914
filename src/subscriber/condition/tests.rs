use proptest::prelude::*;

use super::*;
use crate::address::EmailAddress;

fn now() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn ann() -> Subscriber {
    let mut ann = Subscriber::new(EmailAddress::parse("Ann@example.com").unwrap());
    ann.name = Some("Ann Lee".to_owned());
    for (name, value) in [
        ("city", "Berlin"),
        ("age", "41"),
        ("prénom", "Ann"),
        ("class", "gold"),
        ("tags", "beta,two words;gold"),
        ("joined_at", "2025-12-24 18:00:00"),
        ("since", "2020-05-01"),
    ] {
        ann.fields.insert(name, value);
    }
    ann
}

#[test]
fn conditions_say_whom_they_mean() {
    for (text, expected) in [
        ("city=Berlin", true),
        ("City = \"Berlin\"", true),
        ("city=berlin", false),
        ("zip=", true),
        ("tags=\"beta\"", true),
        ("tags=beta", true),
        ("tags=two words", true),
        ("tags=words", false),
        ("prénom=Ann", true),
        ("name=Ann Lee", true),
        ("email=Ann@example.com", true),
        ("subscriber.city=Berlin", true),
        ("city == \"Berlin\" && \"beta\" in tags", true),
        ("city == 'Berlin' && !('gold' in tags)", false),
        ("subscriber.city == \"Berlin\"", true),
        ("subscriber[\"prénom\"] == \"Ann\"", true),
        ("subscriber[\"class\"] == \"gold\"", true),
        ("has(subscriber.city) && !has(subscriber.zip)", true),
        ("has(subscriber.tags) && !has(subscriber.topics)", true),
        ("has(subscriber.joined_at)", true),
        ("int(age) > 40 && double(age) < 41.5", true),
        ("city in [\"Ulm\", \"Berlin\"]", true),
        ("city.startsWith(\"Ber\") || false", true),
        ("city.lower() == \"berlin\" && city.lowerAscii() == 'berlin'", true),
        ("city.matches(\"^B.*n$\")", true),
        ("email.endsWith(\"@example.com\")", true),
        ("tags.exists(tag, tag.startsWith(\"go\"))", true),
        ("tags.all(tag, size(tag) > 4)", false),
        ("tags.exists_one(city, city == \"beta\")", true),
        ("size(tags.filter(tag, tag != \"beta\")) == 2", true),
        ("tags.map(tag, tag.size()) == [4, 4, 9]", false),
        ("joined_at > date(\"2025-12-01\")", true),
        ("joined_at > timestamp(\"2025-12-24T18:00:00Z\")", false),
        ("now - joined_at > duration(\"720h\")", true),
        ("joined_at.getFullYear() == 2025", true),
        ("date(since) < joined_at", true),
        ("status == \"active\"", true),
        ("language == \"\"", true),
        ("type(city) == string", true),
        ("(city == \"Ulm\" ? 1 : 2) == 2", true),
        ("true", true),
    ] {
        let condition = Condition::parse(text, now()).unwrap_or_else(|found| panic!("{text}: {found:?}"));
        assert_eq!(condition.matches(&ann()), Ok(expected), "{text}");
        let columns =
            ["city", "age", "prénom", "class", "tags", "topics", "joined_at", "since", "zip", "language"];
        condition.check(columns.into_iter()).unwrap();
    }
}

#[test]
fn what_is_wrong_is_said_at_its_column_before_anybody_is_asked() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        ("", "1 the condition is empty"),
        ("city", "1 the condition is text, not true or false"),
        ("tags", "1 the condition is a list, not true or false"),
        ("city == 3", "6 text is never a number"),
        ("age > 40", "5 text is never compared with a number"),
        ("joined_at > \"2026-01-01\"", "11 a time is never compared with text"),
        ("joined_at=2026-01-01", "1 a time is never text"),
        ("tags == \"beta\"", "6 a list is never text"),
        ("\"lin\" in city", "7 text is not a list"),
        ("3 in tags", "3 a number is never in a list of texts"),
        ("city && true", "1 text is neither true nor false"),
        ("!city", "1 text is neither true nor false"),
        ("city.startWith(\"B\")", "15 unknown function `startWith`"),
        ("date(\"soon\") < now", "5 `soon` is not a date"),
        ("timestamp(\"2026-03-01\") < now", "10 `timestamp` cannot read `2026-03-01`"),
        ("now - joined_at > duration(\"30 days\")", "27 `duration` cannot read `30 days`"),
        ("int(age) > int(\"four\")", "15 `int` cannot read `four`"),
        ("city.matches(\"[\")", "13 `matches` cannot read `[`"),
        ("city == \"Berlin", "9 unexpected character"),
        ("city == ", "9 the condition is incomplete"),
        ("städte == \"x\"", "3 unexpected character"),
        ("city == \"a\" &&& tags", "15 unexpected character"),
        ("(city = \"Berlin\")", "7 unexpected character"),
        ("city.exists(c, c == \"B\")", "12 text is not a list"),
        ("city.zip == \"1\"", "5 text has nothing called `zip`"),
        ("subscriber == \"x\"", "1 `subscriber` is the whole person"),
        ("subscriber[city] == \"x\"", "11 the name of a field is not a text"),
        ("Person{name: \"x\"} == 3", "7 unknown type `Person`"),
        ("city + 3 == \"x\"", "6 cannot calculate with text and a number"),
        ("for == \"x\"", "1 `for` is a word of the language: write subscriber[\"for\"]"),
    ] {
        let found = Condition::parse(text, now()).expect_err(text);
        let first = &found[0];
        let crate::source::Place::Text { start, .. } = &first.place else { panic!("{first:?}") };
        let said = format!("{} {}", start.column, first.message);
        if said != expected {
            wrong.push(format!("{text}: {said}, not {expected}"));
        }
        assert!(first.help.is_some(), "{text}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let both = Condition::parse("city == 3 && tags == \"x\"", now()).unwrap_err();
    assert_eq!(both.len(), 2, "all problems at once");
}

#[test]
fn fields_that_the_list_does_not_have_are_named_with_the_nearest() {
    let condition =
        Condition::parse("citty == \"Berlin\" && subscriber.zap == \"1\" && name != \"\"", now()).unwrap();
    let found = condition.check(["email", "city", "tags"].into_iter()).unwrap_err();
    let said: Vec<String> =
        found.iter().map(|one| format!("{one}; {}", one.help.as_deref().unwrap_or_default())).collect();
    assert_eq!(
        said,
        [
            "--where:1:1: unknown field `citty`; did you mean `city`?",
            "--where:1:22: unknown field `zap`; the list has: email, city, tags"
        ]
    );
}

#[test]
fn words_that_there_are_not_are_named_with_the_nearest() {
    for (text, expected) in [
        ("\"tae\" in topics", "1 unknown topic `tae`; did you mean `tea`?"),
        ("city == \"Ulm\" && !(\"x\" in topics)", "20 unknown topic `x`; there are: tea, cups"),
        ("topics=tee", "1 unknown topic `tee`; did you mean `tea`?"),
        ("status == \"activ\"", "11 unknown status `activ`; did you mean `active`?"),
        ("\"Active\" != status", "1 unknown status `Active`; did you mean `active`?"),
        ("status in [\"active\", \"pasued\"]", "22 unknown status `pasued`; did you mean `paused`?"),
        (
            "\"tea\" in topics && status == \"paused\" && \"tae\" in tags && topics.exists(t, t == \"tae\")",
            "",
        ),
    ] {
        let condition = Condition::parse(text, now()).unwrap_or_else(|found| panic!("{text}: {found:?}"));
        let mut found = Diagnostics::new();
        found.extend(condition.check_words("topics", &["tea", "cups"]).err().unwrap_or_default());
        found.extend(condition.check_words("status", &["active", "paused"]).err().unwrap_or_default());
        let said: Vec<String> = found
            .iter()
            .map(|one| {
                let crate::source::Place::Text { start, .. } = &one.place else { panic!("{one:?}") };
                format!("{} {}; {}", start.column, one.message, one.help.as_deref().unwrap_or_default())
            })
            .collect();
        assert_eq!(said.join(" / "), expected, "{text}");
    }
}

#[test]
fn a_value_that_cannot_be_used_is_an_error_and_not_a_no() {
    for (text, field, why) in [
        ("int(city) > 3", Some("city"), "`int` cannot read the value"),
        ("date(city) < now", Some("city"), "`date` cannot read the value"),
        ("10 / size(zip) > 3", Some("zip"), "division by zero"),
        ("tags[7] == \"x\"", Some("tags"), "a list has too few items"),
    ] {
        let failed = Condition::parse(text, now()).unwrap().matches(&ann()).unwrap_err();
        assert_eq!((failed.field.as_deref(), failed.why.as_str()), (field, why), "{text}");
    }
    let mut ben = ann();
    let condition = Condition::parse("city == \"Berlin\" && joined_at > now", now()).unwrap();
    for (value, why) in [("soon", "`joined_at` is not a date"), ("", "`joined_at` is empty")] {
        ben.fields.insert("joined_at", value);
        assert_eq!(condition.matches(&ben).unwrap_err().why, why);
    }
    ben.fields.insert("city", "Ulm");
    assert_eq!(condition.matches(&ben), Ok(false), "the answer does not depend on the date");
}

proptest! {
    #[test]
    fn no_text_makes_a_condition_panic(text in "\\PC{0,40}") {
        if let Ok(condition) = Condition::parse(&text, now()) {
            let _ = condition.matches(&ann());
        }
    }

    #[test]
    fn no_row_of_words_makes_a_condition_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "city", "tags", "joined_at", "now", "==", "!=", "<", "in", "&&", "||", "!", "(", ")", "[", "]", "\"x\"", "3", "1.5",
            ".", ",", "exists", "has", "date", "subscriber", "?", ":", "-", "+", "x", "size", "{", "}", "'", "true", "null",
        ]), 1..14),
    ) {
        let text = words.join(" ");
        if let Ok(condition) = Condition::parse(&text, now()) {
            let _ = condition.matches(&ann());
        }
    }
}
