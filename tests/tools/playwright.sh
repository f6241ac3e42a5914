#!/usr/bin/env bash
# Playwright's driver from npm under target/playwright/, without a browser of its own, and axe-core, which finds what keeps people from
# using a page: for tests/it/browse.rs, tests/it/service/ and benches/authoring.rs.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p target/playwright
cd target/playwright
[ -f package.json ] || printf '{"private": true, "type": "module"}\n' > package.json
# Newer versions ask Firefox for what the Firefox of Debian does not know.
npm install --silent --no-audit --no-fund playwright-core@1.60.0 axe-core@4.14.1
echo "playwright-core 1.60.0, axe-core 4.14.1"
