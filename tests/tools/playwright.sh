#!/usr/bin/env bash
# Playwright's driver from npm under target/playwright/, without a browser of its own, for tests/it/browse.rs and benches/desk.rs.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p target/playwright
cd target/playwright
[ -f package.json ] || printf '{"private": true, "type": "module"}\n' > package.json
# Newer versions ask Firefox for what the Firefox of Debian does not know.
npm install --silent --no-audit --no-fund playwright-core@1.60.0
echo "playwright-core 1.60.0"
