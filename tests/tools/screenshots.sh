#!/usr/bin/env bash
# Makes the pictures of the README and the documentation again (docs/pictures). Needs chromium-headless-shell, node with
# Playwright's driver (tests/tools/playwright.sh), git and python3; with pngquant the files are a third as large.
# Usage: tests/tools/screenshots.sh [MIMEO]
set -euo pipefail
cd "$(dirname "$0")/../.."
mimeo=$(realpath "${1:-target/release/mimeo}")
[ -d target/playwright/node_modules/playwright-core ] || bash tests/tools/playwright.sh
pictures=$PWD/docs/pictures
browse=$PWD/tests/tools/browse.mjs
work=$(mktemp -d)
serving=
trap '[ -z "$serving" ] || kill "$serving" 2>/dev/null; rm -rf "$work"' EXIT
flags=(--no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars
    --force-color-profile=srgb --font-render-hinting=none "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
cp -r mimeo.toml issues templates subscribers.example.csv "$work/"
export XDG_STATE_HOME=$work/state TZ=UTC

# shoot WIDTH HEIGHT FILE OUT [FLAG…]
shoot() {
    local width=$1 height=$2 file=$3 out=$4
    shift 4
    chromium-headless-shell "${flags[@]}" --user-data-dir="$work/profile" --window-size="$width,$height" \
        --screenshot="$out" "$@" "file://$file" 2>/dev/null
}
# drive WIDTH HEIGHT SCRIPT…: pieces of script for a page (see browse.mjs)
drive() {
    local width=$1 height=$2
    shift 2
    for script in "$@"; do python3 -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$script"; done |
        node "$browse" chromium-headless-shell "$width" "$height" "${flags[@]}" | tee "$work/said" >/dev/null
    ! grep '"error"' "$work/said"
}

# The designs in their own colors and fonts, not in those of the newsletter in this repository.
python3 - "$work/mimeo.toml" <<'PY'
import re, sys
path = sys.argv[1]
text = open(path).read()
text = re.sub(r"# Six-digit colors.*?(?=# Signatures that)", "", text, flags=re.S)
open(path, "w").write(text)
PY
(cd "$work" && "$mimeo" -q templates preview a-year-in-review --no-open -o designs)
for design in essay digest plain magazine announcement; do
    shoot 420 680 "$work/designs/$design-light.html" "$pictures/design-$design.png"
done
for palette in ember harbor moss plum ink; do
    shoot 420 360 "$work/designs/$palette-dark.html" "$pictures/palette-$palette-dark.png"
done

# The newsletter of this repository: its letter, its archive, and an edit of it.
cp mimeo.toml "$work/"
(cd "$work" && "$mimeo" -q templates preview a-year-in-review --no-open -o own && "$mimeo" -q build --web -o public)
cat > "$work/own/both.html" <<'HTML'
<!doctype html><style>body{margin:0;display:flex;gap:24px;padding:24px;background:#8c8a84}iframe{border:0;border-radius:14px;height:852px}</style>
<iframe src="essay-light.html" style="width:664px"></iframe><iframe src="essay-dark.html" style="width:375px"></iframe>
HTML
shoot 1111 900 "$work/own/both.html" "$pictures/letter.png"
shoot 900 620 "$work/public/index.html" "$pictures/archive.png"
git -C "$work" init -q
git -C "$work" add issues templates mimeo.toml subscribers.example.csv
git -C "$work" -c user.name=Ada -c user.email=ada@example.org commit -qm "Write the issue"
python3 - "$work/issues/2022-12-30-a-year-in-review/index.md" <<'PY'
import sys
path = sys.argv[1]
text = open(path).read()
text = text.replace("It\nis a cheap form of humility", "It\nis the cheapest form of humility that I know")
open(path, "w").write(text)
PY
(cd "$work" && "$mimeo" -q diff a-year-in-review HEAD --page changes.html >/dev/null)
drive 1280 760 "await page.goto('file://$work/changes.html')" "await page.waitForTimeout(1500)" \
    "await page.keyboard.press('n')" "await page.waitForTimeout(500)" \
    "await page.screenshot({ path: '$pictures/diff.png' })"

# The preview as it is used.
"$mimeo" -C "$work" preview a-year-in-review --no-open --as reader@example.org > "$work/address" 2>/dev/null &
serving=$!
until [ -s "$work/address" ]; do :; done
drive 1440 900 "await page.goto('$(cat "$work/address")')" \
    "await page.waitForFunction(() => document.querySelector('#findings details'))" \
    "await page.screenshot({ path: '$pictures/preview.png' })" \
    "await page.setViewportSize({ width: 390, height: 800 })" "await page.waitForTimeout(500)" \
    "await page.screenshot({ path: '$pictures/preview-phone.png' })"
kill "$serving"
serving=

# The report of a run: 600 letters at 60 a second, into files.
python3 - "$work" <<'PY'
import sys
work = sys.argv[1]
with open(f"{work}/people.csv", "w") as out:
    out.write("email,first name,last name,city,company,joined,status,notes\n")
    for n in range(600):
        out.write(f"reader{n}@example.org,Ada,,,,,{'unsubscribed' if n % 30 == 0 else 'active'},\n")
text = open(f"{work}/mimeo.toml").read()
open(f"{work}/report.toml", "w").write(text + "\n[pace]\nper_second = 60\n")
PY
(cd "$work" && "$mimeo" -q --config report.toml send a-year-in-review --list people.csv --yes)
shoot 900 760 "$(ls "$work"/.mimeo/reports/*.html | head -1)" "$pictures/report.png"

node tests/tools/blocks.mjs "$mimeo"

if command -v pngquant >/dev/null; then
    pngquant --force --ext .png --strip --speed 1 --quality 70-95 --skip-if-larger "$pictures"/*.png "$pictures"/blocks/*.png || true
fi
ls -l "$pictures"
