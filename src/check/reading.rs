//! What a reader meets in the HTML part: links with their words, headings, pictures.

use crate::markup::{Token, tokens};

/// A link of the HTML part.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Link {
    /// What can be pressed; for a picture its alternative text.
    pub words: String,
    /// Where it leads. Placeholders are as they were written.
    pub address: String,
}

/// What a reader meets, in the order of the letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The links, in reading order.
    pub links: Vec<Link>,
    /// The words of headings.
    pub headings: Vec<String>,
    /// The addresses of pictures.
    pub pictures: Vec<String>,
}

/// Reads an HTML part. What only Outlook shows is left out, as are places that can only be jumped to.
pub fn reading(html: &str) -> Reading {
    let mut reading = Reading::default();
    let mut link: Option<Link> = None;
    let mut heading: Option<String> = None;
    let say = |words: &str, link: &mut Option<Link>, heading: &mut Option<String>| {
        link.iter_mut().for_each(|link| link.words.push_str(words));
        heading.iter_mut().for_each(|heading| heading.push_str(words));
    };
    let tidy = |words: &str| words.split_whitespace().collect::<Vec<_>>().join(" ");
    for token in tokens(html) {
        match &token {
            Token::Text(words) => say(words, &mut link, &mut heading),
            Token::Open { name, .. } => match name.as_str() {
                "a" => {
                    let address = token.attribute("href").filter(|address| !address.is_empty());
                    link = address.map(|address| Link { words: String::new(), address: address.to_owned() });
                }
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => heading = Some(String::new()),
                "img" => {
                    reading.pictures.extend(token.attribute("src").map(str::to_owned));
                    say(token.attribute("alt").unwrap_or_default(), &mut link, &mut heading);
                }
                "br" => say(" ", &mut link, &mut heading),
                _ => {}
            },
            Token::Close { name } => match name.as_str() {
                "a" => reading
                    .links
                    .extend(link.take().map(|link| Link { words: tidy(&link.words), address: link.address })),
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                    reading.headings.extend(heading.take().map(|words| tidy(&words)));
                }
                _ => {}
            },
            Token::Comment { .. } | Token::Hidden => {}
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_headings_and_pictures_are_read_in_order() {
        let html = "<h2 id=x>One <a href=\"https://e.org/?a=1&amp;b=2\">and\n two</a></h2><a name=\"y\"></a>\
            <!--[if mso]><a href=\"https://outlook.example\">no</a><![endif]-->\
            <a href='#x'><img src=\"cid:1\" alt=\"A boat\"></a><img src=\"https://e.org/p.png\">";
        let link = |words: &str, address: &str| Link { words: words.into(), address: address.into() };
        let expected = Reading {
            links: vec![link("and two", "https://e.org/?a=1&b=2"), link("A boat", "#x")],
            headings: vec!["One and two".into()],
            pictures: vec!["cid:1".into(), "https://e.org/p.png".into()],
        };
        assert_eq!(reading(html), expected);
    }
}
