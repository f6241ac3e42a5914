//! Bytes → findings: any message that came back is read, and what is found has the shape of an address.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mimeograph::{
    address::EmailAddress,
    bounce::{self, Ours},
};

fuzz_target!(|bytes: &[u8]| {
    let address = |text| EmailAddress::parse(text).expect("an address");
    let ours = Ours {
        bounces: Some(address("bounces+{token}@news.example.org")),
        unsubscribe: Some(address("leave@news.example.org")),
        senders: vec![address("ada@news.example.org")],
    };
    for finding in bounce::read(bytes, &ours).recipients {
        assert!(EmailAddress::parse(finding.address.expose()).is_ok());
    }
});
