use mimeograph::address::EmailAddress;

/// `tests/fixtures/addresses/table.txt` has one address a line, with what becomes of it.
#[test]
fn every_address_of_the_table_is_judged_as_the_table_says() {
    let table = include_str!("../../fixtures/addresses/table.txt");
    let (mut judged, mut wrong) = (0, Vec::new());
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (verdict, rest) = line.split_once(" | ").expect("a verdict");
        let (text, expected) = rest.rsplit_once(" | ").expect("an expectation");
        let text = unescape(text.strip_prefix('„').and_then(|text| text.strip_suffix('“')).expect("quotes"));
        let found = match EmailAddress::parse(&text) {
            Ok(address) => ("good", address.expose().to_owned()),
            Err(error) => ("bad", error.to_string()),
        };
        if found != (verdict, expected.to_owned()) {
            wrong.push(format!("{line}\n    but: {found:?}"));
        }
        judged += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged >= 300, "only {judged} addresses in the table");
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let sign = after.chars().next().expect("a sign behind the backslash");
        rest = &after[sign.len_utf8()..];
        out.push(match sign {
            '0' => '\0',
            't' => '\t',
            'r' => '\r',
            'n' => '\n',
            'u' => {
                let (code, behind) = rest[1..].split_once('}').expect("a closing brace");
                rest = behind;
                char::from_u32(u32::from_str_radix(code, 16).expect("a number")).expect("a character")
            }
            other => other,
        });
    }
    out + rest
}
