//! `/unsubscribe/TOKEN`: a page with one button, and the `POST` that mail providers send too (RFC 8058).

use axum::{
    extract::{Extension, Path},
    http::StatusCode,
    response::Response,
};

use super::{answer, client, texts::fill, visit::Visit};
use crate::{
    audience::Unsubscribed,
    message::{PersonHash, ReadToken},
};

/// What a link of a letter is for.
enum Link {
    Person(PersonHash),
    Test,
}

/// Reads a token; only one that is valid leads to a query.
fn read(visit: &Visit, token: &str) -> Result<Link, Box<Response>> {
    match visit.tokens.read(token) {
        Ok(ReadToken::Unsubscribe(person)) => Ok(Link::Person(person)),
        Ok(ReadToken::Test) => Ok(Link::Test),
        Err(_) => Err(Box::new(answer::wrong_token(visit))),
    }
}

/// Shows the button. Nothing changes, whoever follows the link.
pub(super) async fn show(Extension(mut visit): Extension<Visit>, Path(token): Path<String>) -> Response {
    let link = read(&visit, &token);
    if let Ok(Link::Person(person)) = &link
        && let Ok(Some(person)) = visit.audience.find_by_hash(*person).await
    {
        // Where the list does not answer, the browser's language does.
        visit.prefer(person.language.as_deref());
    }
    let texts = visit.texts();
    let page = visit.page(&texts.unsubscribe_title);
    let page = match link {
        Ok(Link::Person(_)) => {
            let question = fill(&texts.unsubscribe_question, &[("newsletter", &visit.look.newsletter)]);
            let fields = [("List-Unsubscribe", "One-Click")];
            page.paragraph(&question).button(&texts.unsubscribe_button, &fields)
        }
        Ok(Link::Test) => page.paragraph(&texts.test_link),
        Err(refused) => return *refused,
    };
    answer::page(&visit, StatusCode::OK, &page)
}

/// Unsubscribes. Nothing but the token counts: no cookie, no origin, no user agent, and not what the body says.
pub(super) async fn act(Extension(visit): Extension<Visit>, Path(token): Path<String>) -> Response {
    let texts = visit.texts();
    let person = match read(&visit, &token) {
        Ok(Link::Person(person)) => person,
        Ok(Link::Test) => {
            visit.metrics.unsubscribed("test");
            let page = visit.page(&texts.unsubscribe_title).paragraph(&texts.test_link);
            return answer::page(&visit, StatusCode::OK, &page);
        }
        Err(refused) => return *refused,
    };
    if let Some(address) = visit.client
        && let Err(wait) = visit.rates.unsubscribes.count(client::single(address))
    {
        return answer::too_many(&visit, wait);
    }
    match visit.unsubscriber.unsubscribe(person).await {
        Ok(done) => {
            visit.metrics.unsubscribed(match done {
                Unsubscribed::Person(_) => "person",
                Unsubscribed::Stranger => "stranger",
                Unsubscribed::Already(_) => "already",
            });
            let done = fill(&texts.unsubscribe_done, &[("newsletter", &visit.look.newsletter)]);
            let page = visit.page(&texts.unsubscribe_done_title).paragraph(&done);
            answer::page(&visit, StatusCode::OK, &page)
        }
        Err(error) => {
            visit.metrics.unsubscribed("failed");
            visit.report("unsubscribe", &error);
            answer::unavailable(&visit)
        }
    }
}
