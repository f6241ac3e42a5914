"""Validates the file named second against the JSON schema named first; tells each problem with its place."""

import json
import sys

import jsonschema

schema, document = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
problems = list(jsonschema.Draft7Validator(schema).iter_errors(document))
for problem in problems:
    print("/".join(map(str, problem.absolute_path)), problem.message)
sys.exit(1 if problems else 0)
