use jiff::{Timestamp, ToSpan, tz::TimeZone};
use mimeograph::{
    audience::{Audience, ImportOptions, Staged},
    message::{ListTokens, Tokens},
};

use super::export;
use crate::support::ledgers::{address, on_each};

#[tokio::test]
async fn the_network_address_of_a_consent_is_forgotten_after_thirteen_months() {
    on_each(async |shelf| {
        let after = |months: i64| -> Timestamp {
            let start: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
            start.to_zoned_datetime(TimeZone::UTC).checked_add(months.months()).unwrap().timestamp()
        };
        let tokens = ListTokens::new(Tokens::new(&[7; 32]), "letters.example.org");
        let open = |now| Audience::open(shelf.ledger.clone(), tokens.clone(), now);
        let bob = address("bob@example.com");
        let audience = open(after(0)).await.unwrap();
        let mut staged = Staged::new(ImportOptions::default(), after(0)).unwrap();
        staged.read(export("mailchimp-subscribed.csv").into()).unwrap();
        audience.import(staged).await.unwrap();
        for (months, kept) in [(0, Some("192.0.2.0/24")), (12, Some("192.0.2.0/24")), (13, None)] {
            let record = open(after(months)).await.unwrap().record(&bob).await.unwrap().unwrap();
            let consent = &record.consents[0];
            assert_eq!(consent.requested_from.as_deref(), kept, "after {months} months");
            // The proof itself stays.
            assert_eq!(consent.requested_at.unwrap().to_string(), "2024-02-03T11:00:00Z");
            assert_eq!(consent.confirmed_at.unwrap().to_string(), "2024-02-03T11:05:00Z");
        }
    })
    .await;
}
