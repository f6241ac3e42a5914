#!/usr/bin/env bash
# The schema of SARIF 2.1.0 under target/sarif/, out of a crate that carries it, for tests/it/findings.rs.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p target/sarif/src
cd target/sarif
printf '[package]\nname = "schema"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nserde-sarif = "=0.6.5"\n[workspace]\n' > Cargo.toml
: > src/lib.rs
cargo fetch --quiet
cp "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/serde-sarif-0.6.5/src/schema.json schema.json
echo "the schema of SARIF 2.1.0"
