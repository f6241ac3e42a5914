#!/usr/bin/env bash
# Sends one issue from a machine that starts empty. STATE is a folder that persists between runs: it has the ledger. A second run
# for the same issue is harmless. MIMEO_FIRST=1 is for the first run of all, by hand.
#
#   STATE=/var/lib/newsletter ./send.sh the-first-cup
set -eu
: "${STATE:?the folder that persists}"
issue=${1:?the issue to send}
export MIMEO_LEDGER="$STATE/ledger.db"
mimeo check "$issue"
outbox=$(mktemp -d)
mimeo send "$issue" --dry-run --outbox "$outbox"
rm -rf "$outbox"
mimeo send "$issue" --yes ${MIMEO_FIRST:+--first}
