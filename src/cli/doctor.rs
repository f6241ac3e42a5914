mod facts;
mod print;

#[cfg(test)]
pub(super) use print::Report;

use std::net::{IpAddr, SocketAddr};

use clap::ValueEnum;

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, net,
};
use crate::{
    config::Overrides,
    doctor::{self, Level, Line, SystemDns},
};

/// Check the relay, the DNS, the unsubscribe page and the ledger
///
/// Nothing is sent and nothing is changed. Each line is ok, a note, a warning or an error, with what to do, and with the record to
/// type into the form of a DNS provider. An error ends in exit code 3.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo doctor
  mimeo doctor --dns 9.9.9.9
  mimeo doctor --skip relay --json")]
pub(crate) struct Args {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Ask this DNS server instead of the machine's, as in 9.9.9.9 or 192.0.2.1:53
    #[arg(long, value_name = "ADDRESS", value_parser = server)]
    dns: Option<SocketAddr>,
    /// Leave out a part; can be repeated
    #[arg(long, value_name = "PART")]
    skip: Vec<Skip>,
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    relay: flags::Relay,
    #[command(flatten)]
    ledger: flags::Ledger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Skip {
    Relay,
    Dns,
    Unsubscribe,
    Bounces,
    Files,
}

/// A DNS server, with or without its port.
pub(super) fn server(text: &str) -> Result<SocketAddr, String> {
    const PORT: u16 = 53;
    let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT)).or_else(|_| text.parse());
    address.map_err(|_| "write an IP address, with or without a port".to_owned())
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.list.say(args.relay.say(args.ledger.say(Overrides::default()))))?;
    let lines = common::runtime()?.block_on(lines(args, context, &config))?;
    let is_bad = lines.iter().any(|line| line.level == Level::Error);
    if args.json {
        context.print_json(&print::report(&lines))?;
    } else {
        context.terminal.data(&print::text(&lines)).map_err(Failure::output)?;
    }
    Ok(if is_bad { Exit::BadInput } else { Exit::Done })
}

async fn lines(args: &Args, context: &Context, config: &crate::config::Config) -> Result<Vec<Line>, Failure> {
    let wants = |part| !args.skip.contains(&part);
    let mut lines = Vec::new();
    if wants(Skip::Relay) {
        let relays = facts::relays(config, context.now).await;
        if relays.is_empty() {
            lines.extend(doctor::judge_relay(None));
        }
        lines.extend(relays.iter().flat_map(|relay| doctor::judge_relay(Some(relay))));
    }
    if wants(Skip::Dns) {
        let dns = SystemDns::new(args.dns).map_err(|error| {
            Failure::outside(error)
                .hint("the machine's DNS servers are not known: name one with --dns ADDRESS")
        })?;
        let hosts = facts::hosts(config);
        let hosts = if hosts.is_empty() { vec![None] } else { hosts.into_iter().map(Some).collect() };
        let net = net::Net::new();
        for host in hosts {
            let expected = facts::expected(config, host);
            let found = doctor::look_up(&dns, &net, &expected).await;
            // What is so for one relay is often so for all of them.
            for line in doctor::judge_dns(&found, &expected) {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
    }
    if wants(Skip::Unsubscribe) {
        let web = facts::web(config)?;
        lines.extend(doctor::judge_web(web.as_ref()));
    }
    if wants(Skip::Bounces) {
        let mailbox = facts::mailbox(config).await;
        lines.extend(doctor::judge_mailbox(mailbox.as_ref()));
    }
    if wants(Skip::Files) {
        let files = facts::files(config, context).await;
        lines.extend(doctor::judge_files(&files));
    }
    lines.extend(doctor::judge_providers(&lines));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::server;

    #[test]
    fn a_dns_server_is_an_address_with_or_without_a_port() {
        for (text, expected) in [
            ("9.9.9.9", Some("9.9.9.9:53")),
            ("127.0.0.1:5353", Some("127.0.0.1:5353")),
            ("2620:fe::fe", Some("[2620:fe::fe]:53")),
            ("[::1]:5353", Some("[::1]:5353")),
            ("dns.example.org", None),
            ("9.9.9.9:x", None),
        ] {
            assert_eq!(server(text).ok().map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }
}
