#!/usr/bin/env python3
"""Checks every DKIM signature of a letter: dkim_verify.py LETTER NAME=RECORD ...

NAME is where a record would stand in the DNS, such as `mimeo._domainkey.example.org`; nothing is looked up elsewhere.
Prints a line for each signature, its algorithm and the fields it covers, and fails when one does not hold.
"""

import sys

import dkim

letter = open(sys.argv[1], "rb").read()
records = {}
for pair in sys.argv[2:]:
    name, record = pair.split("=", 1)
    records[name.encode() + b"."] = record.encode()


def lookup(name, timeout=5):
    return records.get(name if name.endswith(b".") else name + b".")


count = letter.split(b"\r\n\r\n", 1)[0].lower().count(b"dkim-signature:")
if count == 0:
    sys.exit("no signature")
for index in range(count):
    verifier = dkim.DKIM(letter, minkey=1024)
    if not verifier.verify(idx=index, dnsfunc=lookup):
        sys.exit(f"signature {index} does not hold")
    fields = ",".join(sorted({name.decode().lower() for name, _ in verifier.signed_headers}))
    print(verifier.signature_fields[b"a"].decode(), fields)
