#!/usr/bin/env bash
# mdBook under target/mdbook/, for `.ci/check book`; nothing is done if it is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
if command -v mdbook >/dev/null || [ -x target/mdbook/bin/mdbook ]; then exit 0; fi
cargo install mdbook --version 0.5.4 --locked --quiet --no-default-features --features search \
    --root target/mdbook --target-dir target/mdbook/build
rm -rf target/mdbook/build
echo "mdBook 0.5.4"
