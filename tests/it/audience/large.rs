//! The benchmark of large imports, run small: that what it measures does what it says.

#[path = "../../../benches/import.rs"]
#[allow(dead_code, reason = "its entry point is the benchmark's")]
mod import;

use mimeograph::ledger::Location;

use crate::support::postgres::{Cluster, location};

#[test]
fn the_benchmark_of_imports_runs() {
    let folder = tempfile::tempdir().unwrap();
    let server = Cluster::shared().map(|cluster| location(&cluster.url(&cluster.database())));
    let file = Location::File(folder.path().join("ledger.db"));
    for ledger in [Some(file), server].into_iter().flatten() {
        let report = import::import(folder.path(), ledger, 2_000);
        let steps: Vec<&str> = report.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
        assert_eq!(
            steps,
            [
                "what would change",
                "import",
                "the same file again",
                "undo",
                "a field for each",
                "undo of the field"
            ]
        );
    }
}
