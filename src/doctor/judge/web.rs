use super::clock;
use crate::doctor::line::{Level, Line, Part};

/// What a page answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of its body.
    pub body: String,
}

/// The address for one-click unsubscribing, asked with a token that belongs to no subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebFacts {
    /// The address with `{token}`, as in the settings.
    pub url: String,
    /// What a click gets.
    pub get: Result<WebAnswer, String>,
    /// What a mailbox provider gets (RFC 8058).
    pub post: Result<WebAnswer, String>,
    /// By how many seconds this machine's clock is ahead of the server's; negative if it is behind. `None` if the server does not
    /// say.
    pub clock_ahead: Option<i64>,
}

/// Lines about one-click unsubscribing; `None` when there is no address for it.
pub fn judge_web(facts: Option<&WebFacts>) -> Vec<Line> {
    let line = |check, level, text: String| Line::new(Part::Unsubscribe, check, level, text);
    let Some(facts) = facts else {
        return vec![
            line("one-click", Level::Note, "no address for one-click unsubscribing".to_owned())
                .help("set `[unsubscribe] https` once you have a page for it; Gmail and Yahoo require it from 5,000 letters a day (RFC 8058)"),
        ];
    };
    let post = match &facts.post {
        Ok(answer) => answer,
        Err(reason) => {
            return vec![
                line("one-click", Level::Error, format!("`{}` cannot be reached: {reason}", facts.url))
                    .help("until it answers, readers who want to unsubscribe report the letter as spam: start its server, or correct `[unsubscribe] https` or `[serve] url`"),
            ];
        }
    };
    let error = |text: String| line("one-click", Level::Error, text);
    let mut lines = vec![match post.status {
        200..=299 => line("one-click", Level::Ok, format!("a POST to the address is answered {}", post.status)),
        300..=399 => error(format!("a POST to the address is redirected ({}), which mailbox providers do not follow", post.status))
            .help("answer at the address itself, without a detour to `www.` or another page (RFC 8058 section 3.1)"),
        401 | 407 => error(format!("the address wants a login ({})", post.status))
            .help("let requests through without a login: the token is proof enough"),
        403 | 429 | 503 => error(format!("a POST to the address is refused ({})", post.status))
            .help("a firewall or a challenge page is often the reason: exempt this address from it"),
        405 | 501 => error(format!("the address does not take POST ({})", post.status))
            .help("answer POST requests with the body `List-Unsubscribe=One-Click` (RFC 8058)"),
        500..=599 => error(format!("the address fails ({})", post.status)).help("look into the log of its server"),
        status => line("one-click", Level::Note, format!("a POST with a token that belongs to no subscriber is answered {status}: whether real tokens work cannot be seen"))
            .help("answer unknown tokens with 200, too: it does not reveal who is on the list"),
    }];
    lines.push(match &facts.get {
        Err(reason) => line("unsubscribe-page", Level::Warning, format!("a click on the address fails: {reason}"))
            .help("show a page with a button that sends the POST"),
        Ok(get) if get.status == 405 || get.status >= 500 => {
            line("unsubscribe-page", Level::Warning, format!("a click on the address gets an error ({})", get.status))
                .help("show a page with a button that sends the POST")
        }
        Ok(get) if matches!(get.status, 200..=299) && *get == *post && !get.body.trim().is_empty() => {
            line("unsubscribe-page", Level::Warning, "GET and POST get the same answer: does a GET unsubscribe?".to_owned())
                .help("scanners open every link of a letter; a GET must only show a page with a button that sends the POST")
        }
        Ok(get) => line("unsubscribe-page", Level::Ok, format!("a click gets a page ({})", get.status)),
    });
    lines.extend(
        facts
            .clock_ahead
            .map(|ahead| clock(Part::Unsubscribe, ahead, "that of the unsubscribe page's server")),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_one_click_is_judged_by_its_two_answers() {
        let answer = |status, body: &str| Ok(WebAnswer { status, body: body.to_owned() });
        let page = || answer(200, "Leave? <button>");
        let done = || answer(200, "Done.");
        let unreachable = || Err("certificate expired".to_owned());
        for (get, post, check, level, part) in [
            (page(), done(), "one-click", Level::Ok, "answered 200"),
            (page(), done(), "unsubscribe-page", Level::Ok, "gets a page"),
            (page(), answer(204, ""), "one-click", Level::Ok, "answered 204"),
            (page(), answer(302, ""), "one-click", Level::Error, "redirected (302)"),
            (page(), answer(401, ""), "one-click", Level::Error, "wants a login"),
            (page(), answer(403, ""), "one-click", Level::Error, "challenge page"),
            (page(), answer(404, ""), "one-click", Level::Note, "unknown tokens"),
            (page(), answer(405, ""), "one-click", Level::Error, "does not take POST"),
            (page(), answer(502, ""), "one-click", Level::Error, "fails (502)"),
            (page(), unreachable(), "one-click", Level::Error, "certificate expired"),
            (done(), done(), "unsubscribe-page", Level::Warning, "does a GET unsubscribe?"),
            (answer(405, ""), done(), "unsubscribe-page", Level::Warning, "gets an error (405)"),
            (unreachable(), done(), "unsubscribe-page", Level::Warning, "fails"),
        ] {
            let url = "https://news.example/".to_owned();
            let lines = judge_web(Some(&WebFacts { url, get, post, clock_ahead: None }));
            let line = lines.iter().find(|line| line.check == check).expect("there is such a line");
            let help = line.help.as_deref().unwrap_or_default();
            assert!(
                line.level == level && format!("{} {help}", line.text).contains(part),
                "{part}: {line:?}"
            );
        }
        assert_eq!(judge_web(None)[0].level, Level::Note);
    }

    #[test]
    fn a_clock_that_is_wrong_is_a_warning() {
        for (clock_ahead, expected) in [
            (None, None),
            (Some(0), Some((Level::Ok, "agrees"))),
            (Some(-30), Some((Level::Ok, "agrees"))),
            (Some(31), Some((Level::Warning, "31 seconds ahead of"))),
            (Some(-3600), Some((Level::Warning, "3600 seconds behind"))),
        ] {
            let answer = || Ok(WebAnswer { status: 200, body: String::new() });
            let facts =
                WebFacts { url: "https://a.example/".to_owned(), get: answer(), post: answer(), clock_ahead };
            let lines = judge_web(Some(&facts));
            let line = lines.iter().find(|line| line.check == "clock");
            assert_eq!(line.map(|line| line.level), expected.map(|(level, _)| level), "{lines:?}");
            assert!(
                line.is_none_or(|line| expected.is_some_and(|(_, part)| line.text.contains(part))),
                "{lines:?}"
            );
        }
    }
}
