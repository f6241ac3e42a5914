//! `/preferences`: a link by mail, and what a person changes with it.

use std::time::Duration;

use axum::{
    extract::{Extension, Path, Request},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    answer,
    confirm::is_of_another_site,
    fields::{self, ASKS_TOPICS, FIELD_MAX, NAME_MAX},
    form::Form,
    page::{Page, attribute, escape},
    signup::{clean, topics},
    texts::fill,
    visit::{Visit, language_tag},
};
use crate::{
    address::EmailAddress,
    audience::{AudienceError, Change, Person, Signup, SignupKind, Status, Words},
    message::{PersonHash, Purpose, ReadToken},
    subscriber::Fields,
};

/// How long a link opens the page.
const LIFE: Duration = Duration::from_secs(3600);
/// How long a new address can be confirmed.
const CONFIRM_TIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Asks for the link.
pub(super) async fn ask(Extension(visit): Extension<Visit>) -> Response {
    answer::page(&visit, StatusCode::OK, &ask_page(&visit, None, ""))
}

fn ask_page(visit: &Visit, problem: Option<&str>, email: &str) -> Page {
    let texts = visit.texts();
    let page = visit.page(&texts.preferences_title);
    let page = if let Some(problem) = problem { page.problem(problem) } else { page };
    let field = fields::email(texts, email, problem.map(|_| "problem"));
    page.paragraph(&texts.preferences_request)
        .form(&(field + &fields::button(&texts.preferences_request_button, None)))
}

/// Sends the link, if the address is on the list; the answer does not say so.
pub(super) async fn send_link(Extension(visit): Extension<Visit>, request: Request) -> Response {
    let form = match Form::read(request).await {
        Ok(form) => form,
        Err(status) => return answer::problem(&visit, status, &visit.texts().bad_form),
    };
    if let Some(wait) = visit.rates.sign_up(visit.client) {
        return answer::too_many(&visit, wait);
    }
    let Ok(address) = EmailAddress::parse(form.get("email")) else {
        let page = ask_page(&visit, Some(&visit.texts().bad_address), form.get("email"));
        return answer::page(&visit, StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    match visit.audience.sign_up(request_of(&visit, SignupKind::Preferences, address, None)).await {
        Ok(()) => link_sent(&visit),
        Err(error) => failed(&visit, &error),
    }
}

/// Leads to the page that says to look into the mailbox.
fn link_sent(visit: &Visit) -> Response {
    visit.bell.notify_one();
    (StatusCode::SEE_OTHER, [(header::LOCATION, visit.path("subscribe/sent"))]).into_response()
}

/// What the link in a letter leads to. It shows nothing about its reader, as letters are passed on; the button sends the link
/// of this hour to the reader's own address.
fn letter_page(visit: &Visit, token: ReadToken) -> Page {
    let texts = visit.texts();
    let page = visit.page(&texts.preferences_title);
    match token {
        ReadToken::Unsubscribe(_) => {
            page.paragraph(&texts.preferences_request).button(&texts.preferences_request_button, &[])
        }
        ReadToken::Test => page.paragraph(&texts.test_link),
    }
}

/// Sends the link to the person whose letter it was. The answer is the same if no such person is on the list.
async fn send_to_reader(visit: &Visit, token: ReadToken) -> Response {
    let ReadToken::Unsubscribe(hash) = token else {
        return answer::page(visit, StatusCode::OK, &letter_page(visit, token));
    };
    if let Some(wait) = visit.rates.sign_up(visit.client) {
        return answer::too_many(visit, wait);
    }
    let sent = match visit.audience.find_by_hash(hash).await {
        Ok(Some(person)) => {
            visit.audience.sign_up(request_of(visit, SignupKind::Preferences, person.address, None)).await
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    match sent {
        Ok(()) => link_sent(visit),
        Err(error) => failed(visit, &error),
    }
}

fn request_of(visit: &Visit, kind: SignupKind, address: EmailAddress, person: Option<PersonHash>) -> Signup {
    let now = (visit.clock)();
    let life = if kind == SignupKind::Preferences { LIFE } else { CONFIRM_TIME };
    Signup {
        id: (visit.random)(),
        kind,
        address,
        name: None,
        fields: Fields::default(),
        topics: Words::default(),
        // Of a new address the person's own; a link goes out in the language that the list has, if it has one.
        language: person.as_ref().map(|_| visit.language().to_owned()),
        person,
        form: "preferences".to_owned(),
        wording: String::new(),
        requested_at: now,
        requested_from: None,
        due_at: now,
        expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
    }
}

fn failed(visit: &Visit, error: &AudienceError) -> Response {
    visit.report("preferences", error);
    answer::unavailable(visit)
}

/// The person whose link it is, who is answered in their language from now on.
async fn read(visit: &mut Visit, token: &str) -> Result<(PersonHash, Person), Box<Response>> {
    let read = visit.tokens.read_service(Purpose::Preferences, token);
    let token = read.map_err(|_| Box::new(answer::wrong_token(visit)))?;
    let expired = |visit: &Visit| Box::new(answer::problem(visit, StatusCode::GONE, &visit.texts().expired));
    if token.is_older(LIFE, (visit.clock)()) {
        return Err(expired(visit));
    }
    let hash = PersonHash::from_bytes(&token.subject).ok_or_else(|| expired(visit))?;
    match visit.audience.find_by_hash(hash).await {
        Ok(Some(person)) => {
            visit.prefer(person.language.as_deref());
            Ok((hash, person))
        }
        Ok(None) => Err(expired(visit)),
        Err(error) => Err(Box::new(failed(visit, &error))),
    }
}

/// Shows what a person gets. Nothing changes.
pub(super) async fn show(Extension(mut visit): Extension<Visit>, Path(token): Path<String>) -> Response {
    if let Ok(read) = visit.tokens.read(&token) {
        return answer::page(&visit, StatusCode::OK, &letter_page(&visit, read));
    }
    match read(&mut visit, &token).await {
        Ok((_, person)) => answer::page(&visit, StatusCode::OK, &page(&visit, &token, &person, None)),
        Err(refused) => *refused,
    }
}

/// Everything that is known about a person, for them to keep.
pub(super) async fn export(Extension(mut visit): Extension<Visit>, Path(token): Path<String>) -> Response {
    let person = match read(&mut visit, &token).await {
        Ok((_, person)) => person,
        Err(refused) => return *refused,
    };
    match visit.audience.record(&person.address).await {
        Ok(record) => {
            let letters = record.iter().flat_map(|record| &record.deliveries);
            let letters: Vec<_> = letters
                .map(|letter| serde_json::json!({ "issue": letter.dispatch.slug, "title": letter.dispatch.title }))
                .collect();
            let mut object = serde_json::json!(record);
            object["letters"] = letters.into();
            let fields = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"subscription.json\""),
            ];
            (fields, format!("{object:#}\n")).into_response()
        }
        Err(error) => failed(&visit, &error),
    }
}

/// Changes what the form says.
pub(super) async fn act(
    Extension(mut visit): Extension<Visit>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    if is_of_another_site(&visit, request.headers()) {
        return answer::problem(&visit, StatusCode::FORBIDDEN, &visit.texts().bad_form);
    }
    if let Ok(read) = visit.tokens.read(&token) {
        return send_to_reader(&visit, read).await;
    }
    let (hash, person) = match read(&mut visit, &token).await {
        Ok(read) => read,
        Err(refused) => return *refused,
    };
    let form = match Form::read(request).await {
        Ok(form) => form,
        Err(status) => return answer::problem(&visit, status, &visit.texts().bad_form),
    };
    if form.get("action") == "save" {
        visit.switch(form.get("language"));
    }
    let texts = visit.texts();
    let newsletter = [("newsletter", &*visit.look.newsletter)];
    let done = match form.get("action") {
        "save" => match change(&visit, &form, &person) {
            Some(change) => visit
                .audience
                .change(hash, change, (visit.clock)())
                .await
                .map(|()| texts.preferences_done.clone()),
            None => return answer::problem(&visit, StatusCode::UNPROCESSABLE_ENTITY, &texts.bad_form),
        },
        "address" => {
            let Ok(address) = EmailAddress::parse(form.get("email")) else {
                let page = page(&visit, &token, &person, Some(&texts.bad_address));
                return answer::page(&visit, StatusCode::UNPROCESSABLE_ENTITY, &page);
            };
            let signup = request_of(&visit, SignupKind::Address, address, Some(hash));
            visit.audience.sign_up(signup).await.map(|()| texts.change_address_done.clone())
        }
        "unsubscribe" => return unsubscribed(&visit, hash).await,
        "erase" => visit
            .audience
            .erase(person.address.clone(), (visit.clock)())
            .await
            .map(|_| texts.erase_done.clone()),
        _ => return answer::problem(&visit, StatusCode::UNPROCESSABLE_ENTITY, &texts.bad_form),
    };
    match done {
        Ok(text) => {
            visit.bell.notify_one();
            let text = fill(&text, &newsletter);
            answer::page(&visit, StatusCode::OK, &visit.page(&texts.preferences_title).paragraph(&text))
        }
        Err(error) => failed(&visit, &error),
    }
}

async fn unsubscribed(visit: &Visit, hash: PersonHash) -> Response {
    let texts = visit.texts();
    match visit.unsubscriber.unsubscribe(hash).await {
        Ok(_) => {
            let done = fill(&texts.unsubscribe_done, &[("newsletter", &visit.look.newsletter)]);
            let page = visit.page(&texts.unsubscribe_done_title).paragraph(&done);
            answer::page(visit, StatusCode::OK, &page)
        }
        Err(error) => {
            visit.report("unsubscribe", &error);
            answer::unavailable(visit)
        }
    }
}

/// What the form says; `None` when its day is no day.
fn change(visit: &Visit, form: &Form, person: &Person) -> Option<Change> {
    let settings = &visit.settings.form;
    let now = (visit.clock)();
    let day = form.get("pause");
    let pause = match day {
        "" => None,
        day => {
            let day: Date = day.parse().ok()?;
            let until = day.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
            Some(Some(until).filter(|until| *until > now)?)
        }
    };
    let mut fields = Vec::new();
    for name in settings.fields.iter().filter(|name| form.has(name)) {
        fields.push((name.clone(), clean(form.get(name), FIELD_MAX)));
    }
    let chosen = form.has(ASKS_TOPICS).then(|| {
        // Topics that readers do not see stay as they are.
        let is_shown = |topic: &str| settings.topics.iter().any(|known| known.slug == topic);
        let mut chosen = topics(form, &settings.topics);
        chosen.extend(&person.topics.iter().filter(|topic| !is_shown(topic)).collect());
        chosen
    });
    Some(Change {
        name: (settings.asks_name && form.has("name")).then(|| clean(form.get("name"), NAME_MAX)),
        fields,
        language: language_tag(form.get("language")).or_else(|| person.language.clone()),
        pause,
        topics: chosen,
    })
}

/// The page with everything that can be changed.
fn page(visit: &Visit, token: &str, person: &Person, problem: Option<&str>) -> Page {
    let texts = visit.texts();
    let page = visit.page(&texts.preferences_title);
    let page = if let Some(problem) = problem { page.problem(problem) } else { page };
    // Masked: a link that was seen by another person shows no address.
    let page = page.verbatim(&person.address.to_string());
    let status = person.status_now((visit.clock)());
    let page = if status.is_no() || status == Status::Pending {
        let text = fill(&texts.preferences_unsubscribed, &[("newsletter", &visit.look.newsletter)]);
        page.paragraph(&text).link(&visit.path("subscribe"), &texts.subscribe_button)
    } else {
        let address = fields::email(texts, "", problem.map(|_| "problem"))
            + &fields::button(&texts.change_address_button, Some("address"));
        page.form(&settings_form(visit, person))
            .heading(&texts.change_address)
            .form(&address)
            .heading(&texts.unsubscribe_title)
            .form(&fields::button(&texts.unsubscribe_button, Some("unsubscribe")))
    };
    page.heading(&texts.erase)
        .link(&visit.path(&format!("preferences/{token}/subscription.json")), &texts.export)
        .paragraph(&texts.erase_text)
        .form(&fields::button(&texts.erase_button, Some("erase")))
}

fn settings_form(visit: &Visit, person: &Person) -> String {
    let (texts, settings) = (visit.texts(), &visit.settings.form);
    let mut html = fields::topics(texts, &settings.topics, |slug| person.topics.has(slug));
    if settings.asks_name {
        html.push_str(&fields::text("name", &texts.name, person.name.as_deref().unwrap_or_default(), "name"));
    }
    for name in &settings.fields {
        html.push_str(&fields::text(name, name, person.fields.get(name).unwrap_or_default(), "off"));
    }
    let language = person.language.as_deref().unwrap_or_else(|| visit.language());
    html.push_str(&fields::language(texts, &visit.languages, language));
    let until = person
        .paused_until
        .map_or_else(String::new, |until| until.to_zoned_datetime(TimeZone::UTC).date().to_string());
    html.push_str(&format!(
        "<label for=\"pause\">{}</label>\n<input type=\"date\" id=\"pause\" name=\"pause\" value=\"{}\" \
         aria-describedby=\"pause-hint\">\n<p class=\"hint\" id=\"pause-hint\">{}</p>\n",
        escape(&texts.choose_pause),
        attribute(&until),
        escape(&texts.choose_pause_hint)
    ));
    html + &fields::button(&texts.save, Some("save"))
}
