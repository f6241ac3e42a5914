//! `mimeo unsubscribe`.

use std::{collections::HashSet, fs, path::PathBuf};

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, suppression_file,
};
use crate::{
    address::EmailAddress,
    audience::{Audience, Unsubscribed, Who},
    config::{Config, Overrides},
    ledger::{Ledger, Reason, Restored, Suppression},
    message::{ListTokens, PersonHash, ReadToken},
    report::format::plural,
    subscriber::{List, Row},
};

/// Unsubscribe people, by the token of a letter or by their address
///
/// From now on no letter begins for them, even if a send is running, and whatever the list says. A token works where the address
/// is not known: it is enough to know the newsletter's key.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo unsubscribe ann@example.com
  mimeo unsubscribe --from requests.txt")]
pub(crate) struct Args {
    /// Tokens and addresses; of a mail's subject, as in 'unsubscribe TOKEN', the last word counts
    #[arg(required_unless_present = "from")]
    who: Vec<String>,
    /// Read tokens and addresses from this file, one on each line; the last word of a line counts
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// What was asked for.
#[derive(Default)]
struct Requests {
    addresses: Vec<EmailAddress>,
    hashes: Vec<PersonHash>,
    tests: u64,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.list.say(args.ledger.say(Overrides::default())))?;
    let tokens = common::list_tokens(&config)?;
    let mut requests = Requests::default();
    for (index, text) in args.who.iter().enumerate() {
        // The subject of a mail that asks for it may be given as it is.
        let word = text.split_whitespace().next_back().unwrap_or_default();
        requests.add(&tokens, word).map_err(|error| named(&format!("argument {}", index + 1), &error))?;
    }
    if let Some(path) = &args.from {
        let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))?;
        for (index, line) in text.lines().enumerate() {
            // A log of a web server has the time first.
            let Some(word) = line.split_whitespace().next_back() else { continue };
            requests
                .add(&tokens, word)
                .map_err(|error| named(&format!("{}:{}", path.display(), index + 1), &error))?;
        }
    }
    if requests.tests > 0 {
        let tokens = plural(requests.tests, "token is", "tokens are");
        context.terminal.say(&format!("{tokens} of a test letter, and changes nothing"));
    }
    if requests.addresses.is_empty() && requests.hashes.is_empty() {
        return Ok(Exit::Done);
    }
    common::runtime()?.block_on(async {
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        let counts = if config.list.file().is_none() {
            on_the_list(context, ledger.clone(), tokens, requests).await?
        } else {
            without_list(context, &config, &ledger, tokens, requests).await?
        };
        suppression_file::add_missing(&config, &ledger, context.now).await?;
        print_counts(context, counts);
        Ok(Exit::Done)
    })
}

fn named(place: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::input(format!("{place}: {error}"))
        .hint("nothing was changed; a token has 39 characters, and an address has an @")
}

impl Requests {
    fn add(&mut self, tokens: &ListTokens, word: &str) -> Result<(), Box<dyn std::error::Error>> {
        if word.contains('@') {
            let address = EmailAddress::parse(word);
            self.addresses.push(address.map_err(|error| format!("invalid email address: {error}"))?);
            return Ok(());
        }
        // A link may be given whole: its last part is the token.
        let token = word.rsplit(['/', '=', '?', '&']).next().unwrap_or(word);
        match tokens.read(token)? {
            ReadToken::Unsubscribe(person) => self.hashes.push(person),
            ReadToken::Test => self.tests += 1,
        }
        Ok(())
    }
}

/// Of whom the list knows, how many get no letters from now on, how many were strangers, and how many got none before.
async fn on_the_list(
    context: &Context,
    ledger: Ledger,
    tokens: ListTokens,
    requests: Requests,
) -> Result<[u64; 3], Failure> {
    let audience = Audience::open(ledger, tokens, context.now).await?;
    let who =
        requests.addresses.into_iter().map(Who::Address).chain(requests.hashes.into_iter().map(Who::Hash));
    let done = audience.unsubscribe(who.collect(), "asked for it", "reader", context.now).await?;
    let mut counts = [0; 3];
    for one in &done {
        counts[match one {
            Unsubscribed::Person(_) => 0,
            Unsubscribed::Stranger => 1,
            Unsubscribed::Already(_) => 2,
        }] += 1;
    }
    Ok(counts)
}

/// Where the list is a file, the suppressions keep who unsubscribed.
async fn without_list(
    context: &Context,
    config: &Config,
    ledger: &Ledger,
    tokens: ListTokens,
    requests: Requests,
) -> Result<[u64; 3], Failure> {
    let asked = requests.addresses.len() + requests.hashes.len();
    let hashes: HashSet<PersonHash> = requests.hashes.iter().copied().collect();
    let note = Some("asked for it".to_owned());
    // First of all so that no letter begins, whatever the list is like.
    ledger.recognize(tokens.clone()).await?;
    let mut new =
        ledger.suppress_hashes(requests.hashes, Reason::Unsubscribed, note.clone(), context.now).await?;
    let (mut addresses, mut found) = (requests.addresses, HashSet::new());
    if !hashes.is_empty() && config.list.exists() {
        for row in List::open(&config.list)? {
            let address = match row? {
                Row::Person { subscriber, .. } => subscriber.address,
                Row::Inactive { address, .. } => address,
                Row::Repeat(_) | Row::Bad(_) => continue,
            };
            let hash = tokens.people(&address.key_cow()).find(|hash| hashes.contains(hash));
            if let Some(hash) = hash {
                found.insert(hash);
                addresses.push(address);
            }
        }
    }
    let suppress = |address| {
        Ok(Suppression { address, reason: Reason::Unsubscribed, note: note.clone(), at: context.now })
    };
    let by_address = ledger.suppress_all(addresses.into_iter().map(suppress).collect::<Vec<_>>()).await?;
    new += by_address.saturating_sub(found.len() as u64);
    // Whose address is known is suppressed by it, and need not be by the hash.
    for hash in found {
        ledger.unsuppress_hash(hash).await?;
    }
    Ok([0, new, (asked as u64).saturating_sub(new)])
}

fn print_counts(context: &Context, [people, strangers, before]: [u64; 3]) {
    let mut parts = Vec::new();
    if people > 0 {
        parts.push(format!("{} no letters from now on", plural(people, "person gets", "people get")));
    }
    if strangers > 0 {
        parts.push(format!("{} suppressed from now on", plural(strangers, "person is", "people are")));
    }
    if before > 0 {
        parts.push(format!("{} no letters already", plural(before, "person gets", "people get")));
    }
    context.terminal.say(&parts.join("; "));
}
