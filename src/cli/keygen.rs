use std::{
    io,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    context::Context,
    failure::{Exit, Failure},
};
use crate::{address::EmailAddress, files};

/// Make a DKIM key and print its DNS record
///
/// The private key is written into a file that only its owner can read; nothing is overwritten. The DNS record is for the
/// zone of the sender's domain.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo keygen
  mimeo keygen --ed25519 --selector mimeo2
  mimeo keygen --domain example.org -o keys/example.org.pem")]
pub(crate) struct Args {
    /// Make an Ed25519 key (RFC 8463), to be used in addition to an RSA key
    #[arg(long)]
    ed25519: bool,
    /// Write the key into this file [default: .mimeo/dkim-rsa.pem or .mimeo/dkim-ed25519.pem in the newsletter's folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The key's name in the DNS [default: mimeo1, or mimeo2 for Ed25519]
    #[arg(long)]
    selector: Option<String>,
    /// The signing domain [default: the domain of `from` in mimeo.toml]
    #[arg(long)]
    domain: Option<String>,
}

/// A private key and what the DNS says about it.
struct Key {
    /// PKCS #8 (RFC 5958), DER.
    private: Vec<u8>,
    /// The record's `k=` and `p=`.
    kind: &'static str,
    public: Vec<u8>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let usual =
        if args.ed25519 { ("mimeo2", ".mimeo/dkim-ed25519.pem") } else { ("mimeo1", ".mimeo/dkim-rsa.pem") };
    let domain = match &args.domain {
        Some(domain) => domain_of(&format!("someone@{domain}"))
            .ok_or_else(|| Failure::input(format!("invalid domain {domain:?}")).exit(Exit::Usage))?,
        None => {
            let hint = "name the domain that signs: --domain example.org";
            let config = context.config(Default::default()).map_err(|failure| failure.hint(hint))?;
            config.newsletter.from.address.domain().to_owned()
        }
    };
    let selector = args.selector.as_deref().unwrap_or(usual.0);
    if !is_selector(selector) {
        return Err(Failure::input(format!("invalid selector {selector:?}"))
            .hint("use letters, digits and hyphens, as in mimeo1")
            .exit(Exit::Usage));
    }
    let path = args.output.clone().unwrap_or_else(|| context.path(usual.1));
    let key = if args.ed25519 { ed25519() } else { rsa_2048() };
    let key =
        key.ok_or_else(|| Failure::outside("failed to make a key: the system gives no random numbers"))?;
    write_private(&path, &pem(&key.private)).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::input(format!("`{}` already exists", path.display()))
            .hint("choose another file with -o FILE; a key in use must not be lost"),
        _ => Failure::file("write the key", &path, error),
    })?;
    context.terminal.data(&dns_record(selector, &domain, &key)).map_err(Failure::output)?;
    let section = if args.ed25519 { "[dkim.ed25519]\n" } else { "[dkim]\n" };
    let domain_line = if args.ed25519 { String::new() } else { format!("domain = {domain:?}\n") };
    context.terminal.say(&format!(
        "\nThe private key is in `{}`. Add the record above to your DNS, and this to mimeo.toml:\n\n\
         {section}{domain_line}selector = {selector:?}\nkey = {{ file = {:?} }}",
        path.display(),
        path.display().to_string(),
    ));
    Ok(Exit::Done)
}

fn domain_of(address: &str) -> Option<String> {
    EmailAddress::parse(address).ok().map(|address| address.domain().to_owned())
}

/// RFC 6376 section 3.1: labels like those of a host's name.
fn is_selector(selector: &str) -> bool {
    selector.len() <= 63
        && selector.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

fn rsa_2048() -> Option<Key> {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).ok()?;
    let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?.as_ref().to_vec();
    let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).ok()?.as_ref().to_vec();
    Some(Key { private, kind: "rsa", public })
}

fn ed25519() -> Option<Key> {
    let pair = Ed25519KeyPair::generate().ok()?;
    let private = pair.to_pkcs8v1().ok()?.as_ref().to_vec();
    // RFC 8463 section 4.2: the bare 32 bytes, without a structure around them.
    Some(Key { private, kind: "ed25519", public: pair.public_key().as_ref().to_vec() })
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
    format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n")
}

/// The record as forms of DNS providers ask for it, and as a line of a zone file, where a text record consists of strings
/// of at most 255 bytes (RFC 1035 section 3.3).
fn dns_record(selector: &str, domain: &str, key: &Key) -> String {
    let value = format!("v=DKIM1; k={}; p={}", key.kind, STANDARD.encode(&key.public));
    let strings: Vec<String> =
        value.as_bytes().chunks(250).map(|part| format!("{:?}", String::from_utf8_lossy(part))).collect();
    let name = format!("{selector}._domainkey.{domain}");
    let text = match strings.as_slice() {
        [only] => only.clone(),
        many => format!("( {} )", many.join(" ")),
    };
    format!("Name:  {name}\nType:  TXT\nValue: {value}\n\nIn a zone file:\n{name}. IN TXT {text}\n")
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::make_untracked_folder(folder)?;
    }
    files::write_new_secret(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::RsaKeyPair;

    #[test]
    fn keys_are_pkcs8_and_the_record_holds_their_public_half() {
        let key = rsa_2048().unwrap();
        let pair = RsaKeyPair::from_pkcs8(&key.private).unwrap();
        assert_eq!(pair.public_modulus_len(), 256);
        let record = dns_record("mimeo1", "example.org", &key);
        assert!(
            record.contains("\nmimeo1._domainkey.example.org. IN TXT ( \"v=DKIM1; k=rsa; p=MIIBIjAN"),
            "{record}"
        );
        let strings: Vec<&str> = record.split('"').skip(1).step_by(2).collect();
        assert!(strings.iter().all(|string| string.len() <= 255));
        let public = strings.concat().split_once("p=").map(|(_, public)| STANDARD.decode(public).unwrap());
        assert_eq!(public.unwrap(), key.public);

        let key = ed25519().unwrap();
        assert!(Ed25519KeyPair::from_pkcs8(&key.private).is_ok());
        assert_eq!(key.public.len(), 32);
        assert!(!dns_record("mimeo2", "example.org", &key).contains('('));
    }

    #[test]
    fn selectors_are_labels() {
        for (selector, expected) in [
            ("mimeo1", true),
            ("2023.news", true),
            ("", false),
            ("a b", false),
            ("-a", false),
            ("a..b", false),
        ] {
            assert_eq!(is_selector(selector), expected, "{selector}");
        }
    }
}
