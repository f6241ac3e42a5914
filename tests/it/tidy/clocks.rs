//! Time is an argument: below the command line nothing reads the time of day.

use std::collections::BTreeSet;

use super::{code, module_of, sources, test_files};

/// Files that read it all the same, and why.
const CLOCKS: [(&str, &str); 5] = [
    (
        "src/audience/stored.rs",
        "a pause ends with the moment in which a list is read, which may be long after it was named",
    ),
    ("src/dispatch/open.rs", "the clock that a dispatch is given when its caller names no other"),
    ("src/ledger/database/moving.rs", "a copy of a ledger is noted with the time at which it was complete"),
    ("src/ledger/database/schema.rs", "letters of dead workers are taken back before the schema changes"),
    ("src/ledger/log/folder.rs", "a number that no file had before"),
];

#[test]
fn no_layer_reads_the_time_of_day_without_a_reason() {
    let (mut readers, tests) = (BTreeSet::new(), test_files());
    for (name, text) in sources("src").iter().filter(|(name, _)| !tests.contains(name)) {
        let is_entry_point =
            ["lib", "main"].iter().chain(&super::ENTRY_POINTS).any(|one| *one == module_of(name));
        let code = code(text);
        let reads =
            ["Timestamp::now", "SystemTime::now", "Zoned::now"].iter().any(|clock| code.contains(clock));
        if reads && !is_entry_point {
            readers.insert(name.clone());
        }
    }
    assert_eq!(Vec::from_iter(readers), CLOCKS.map(|(name, _)| name));
}
