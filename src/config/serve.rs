//! `[serve]`: the service for readers.

use std::path::Path;

use ipnet::IpNet;
use url::{Host, Url};

use super::{
    paths::under,
    raw::{Item, Table},
};
use crate::{
    address::EmailAddress,
    audience::Admission,
    service::{FormSettings, Limits, Listen, RequestAddress, Settings},
    subscriber,
};

/// Reads it; `None` when it has no address for readers.
pub(super) fn read(root: &Table<'_>, base: &Path) -> Option<Settings> {
    let section = root.table("serve");
    let url = address(&section);
    let listen = listen_on(&section, "listen", "127.0.0.1:8025", base);
    let metrics = listen_on(&section, "metrics", "127.0.0.1:9464", base);
    let trusted_proxies = networks(&section);
    let archive = section.flag("archive").is_none_or(|flag| flag.value);
    let (form, double_opt_in) = form(&section);
    let (limits, admission) = limits(&section);
    let admission = Admission { double_opt_in, ..admission };
    let choices = [
        ("truncated", RequestAddress::Truncated),
        ("whole", RequestAddress::Whole),
        ("none", RequestAddress::Nothing),
    ];
    let newest_issue = section.flag("newest_issue").is_some_and(|flag| flag.value);
    let request_address = section.choice("request_address", &choices).map(|choice| choice.value);
    let is_missing = section.is_there() && url.is_none() && section.any("url").is_none();
    if is_missing {
        let help = "add `url = \"https://news.example.org/\"`, or take the section out";
        section.missing("`[serve]` has no `url`", help);
    }
    section.finish();
    let usual = Settings::new(url?);
    Some(Settings {
        listen: listen.unwrap_or(usual.listen),
        metrics,
        trusted_proxies,
        archive,
        limits,
        request_address: request_address.unwrap_or_default(),
        form,
        admission,
        newest_issue,
        ..usual
    })
}

/// https, so that no one on the way reads tokens; http only for this machine, to try things out.
fn address(section: &Table<'_>) -> Option<Url> {
    const EXAMPLE: &str = "https://news.example.org/";
    let item = section.text("url", EXAMPLE)?;
    let refuse = |message: String, help: &str| {
        section.notes().error("M008", item.span.clone(), message, help);
        None
    };
    let url = Url::parse(&item.value).ok().filter(|url| url.has_host());
    let Some(mut url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return refuse(
            "`serve.url` is not a valid https URL".to_owned(),
            &format!("write it like {EXAMPLE:?}"),
        );
    };
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !is_local {
        return refuse(
            "`serve.url` begins with http, and tokens would travel in the clear".to_owned(),
            "write https: a proxy such as Caddy or nginx speaks TLS in front of `mimeo serve`",
        );
    }
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let is_plain = url.path().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte));
    if !is_bare || url.password().is_some() || !is_plain {
        return refuse(
            "`serve.url` is more than a host and a path".to_owned(),
            "take out login, query and fragment, and write the path in letters, digits and hyphens",
        );
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}

fn listen_on(section: &Table<'_>, name: &'static str, example: &str, base: &Path) -> Option<Listen> {
    let item: Item<String> = section.text(name, example)?;
    match Listen::parse(&item.value) {
        Some(Listen::Unix(path)) => Some(Listen::Unix(under(base, path))),
        Some(listen) => Some(listen),
        None => {
            let message = format!("`{}` cannot be {:?}", section.name_of(name), item.value);
            let help =
                format!("write an IP address with a port, {example:?}, or a Unix socket, \"unix:PATH\"");
            section.notes().error("M005", item.span, message, help);
            None
        }
    }
}

fn networks(section: &Table<'_>) -> Vec<IpNet> {
    const EXAMPLE: &str = "[\"127.0.0.1\", \"10.0.0.0/8\"]";
    let mut networks = Vec::new();
    for item in section.texts("trusted_proxies", EXAMPLE).unwrap_or_default() {
        let one = || item.value.parse().ok().map(|address: std::net::IpAddr| IpNet::from(address));
        match item.value.parse().ok().or_else(one) {
            Some(network) => networks.push(network),
            None => {
                let message = format!("`serve.trusted_proxies` cannot hold {:?}", item.value);
                let help = format!("write IP addresses and networks, like {EXAMPLE}");
                section.notes().error("M005", item.span, message, help);
            }
        }
    }
    networks
}

/// `[serve.form]`, and whether people confirm.
fn form(section: &Table<'_>) -> (FormSettings, bool) {
    let table = section.table("form");
    let texts = |name, example| table.texts(name, example).unwrap_or_default();
    let mut fields = Vec::new();
    for item in texts("fields", "[\"city\"]") {
        let name = subscriber::normalize(&item.value);
        let is_own = name.is_empty() || crate::audience::RESERVED.contains(&&*name) || is_of_the_form(&name);
        if is_own || fields.contains(&name) {
            let message = format!("`serve.form.fields` cannot hold {:?}", item.value);
            let help = "name fields of your list, each once, such as \"city\"";
            table.notes().error("M005", item.span, message, help);
        } else {
            fields.push(name);
        }
    }
    let mut disposable = Vec::new();
    for item in texts("disposable", "[\"trash.example.com\"]") {
        match EmailAddress::parse(&format!("someone@{}", item.value)) {
            Ok(address) => disposable.push(address.domain().to_owned()),
            Err(_) => {
                let message = format!("invalid domain {:?}", item.value);
                table.notes().error("M005", item.span, message, "write it like \"trash.example.com\"");
            }
        }
    }
    let addresses = |name: &'static str, example| {
        let mut found = Vec::new();
        for item in texts(name, example) {
            let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
            match Url::parse(&item.value).ok().filter(is_web) {
                Some(_) => found.push(item.value),
                None => {
                    let message = format!("`serve.form.{name}` cannot hold {:?}", item.value);
                    table.notes().error("M008", item.span, message, format!("write it like {example}"));
                }
            }
        }
        found
    };
    let next = addresses("next", "[\"https://example.org/thanks\"]");
    let origins = addresses("origins", "[\"https://example.org\"]");
    let form = FormSettings {
        asks_name: table.flag("name").is_some_and(|flag| flag.value),
        fields,
        consent: table.text("consent", "I would like to get letters").map(|text| text.value),
        next,
        origins,
        disposable,
        topics: Vec::new(),
    };
    let double_opt_in = table.flag("double_opt_in").is_none_or(|flag| flag.value);
    table.finish();
    (form, double_opt_in)
}

/// Whether a name is one of the form's own.
fn is_of_the_form(name: &str) -> bool {
    ["website", "form", "next", "t", "topic", "topics", "action", "lang"].contains(&name)
}

fn limits(section: &Table<'_>) -> (Limits, Admission) {
    let table = section.table("limits");
    let (usual, admission) = (Limits::default(), Admission::default());
    let number =
        |name, usual| table.number(name, 1..=1_000_000).map_or(usual, |number: Item<u32>| number.value);
    let limits = Limits {
        connections: number("connections", usual.connections),
        connections_per_client: number("connections_per_client", usual.connections_per_client),
        requests: number("requests", usual.requests),
    };
    let admission = Admission {
        per_day: number("letters_per_day", admission.per_day),
        per_month: number("letters_per_month", admission.per_month),
        sign_ups_per_hour: number("sign_ups_per_hour", admission.sign_ups_per_hour),
        ..admission
    };
    table.finish();
    (limits, admission)
}
