#!/usr/bin/env bash
# Returned mail that other people collected, from the source archive of flufl.bounce (Apache-2.0), with the recipients that it
# expects, under target/flufl/ for tests/it/bounces.rs.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p target/flufl
cd target/flufl
[ -f flufl_bounce-6.0.0.tar.gz ] ||
    python3 -m pip download -q --disable-pip-version-check --no-deps --no-binary flufl.bounce flufl.bounce==6.0.0
tar xzf flufl_bounce-6.0.0.tar.gz --strip-components=1 flufl_bounce-6.0.0/tests
python3 - <<'PY'
import ast

text = open("tests/test_detectors.py").read()
table = text[text.index("DETECTORS = [") + len("DETECTORS = ") :]
rows = ast.literal_eval(table[: table.index("\n]\n") + 2])
expected = {}
for _, file, addresses, temporary in rows:
    kinds = expected.setdefault(file, {})
    for address in addresses:
        kinds[address.decode().lower()] = "delay" if temporary else "bounce"
with open("expected.csv", "w") as out:
    out.write("file,kind,recipients\n")
    for file, people in sorted(expected.items()):
        kind = next(iter(people.values()), "")
        out.write(f"{file},{kind},{' '.join(sorted(people))}\n")
print(f"{len(expected)} returned messages of flufl.bounce")
PY
