#!/usr/bin/env bash
# The reference MJML from npm under target/mjml/, with a program that compiles many files, for tests/it/parity.rs.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p target/mjml
cd target/mjml
[ -f package.json ] || printf '{"private": true, "type": "module"}\n' > package.json
npm install --silent --no-audit --no-fund mjml@5.4.1
cat > compile.js <<'JS'
// node compile.js FOLDER: every FOLDER/*.mjml becomes FOLDER/*.html; what the reference finds wrong goes to standard output.
import mjml2html from "mjml";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
const folder = process.argv[2];
for (const name of readdirSync(folder).filter((name) => name.endsWith(".mjml"))) {
  const { html, errors } = await mjml2html(readFileSync(`${folder}/${name}`, "utf8"), { validationLevel: "soft" });
  for (const error of errors) console.log(`${name}: ${error.formattedMessage ?? error.message}`);
  writeFileSync(`${folder}/${name.replace(/mjml$/, "html")}`, html);
}
JS
