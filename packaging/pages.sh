#!/usr/bin/env bash
# Writes the manual pages and completions of a program into a folder, as packages install them.
#
#   packaging/pages.sh target/release/mimeo target/pages
set -euo pipefail
program=${1:?the program} folder=${2:?the folder}
mkdir -p "$folder/completions"
"$program" man -o "$folder/man"
"$program" completions bash >"$folder/completions/mimeo"
"$program" completions zsh >"$folder/completions/_mimeo"
"$program" completions fish >"$folder/completions/mimeo.fish"
