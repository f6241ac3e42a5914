"""Runs a program and prints what it cost, as JSON: cost.py OUTPUT PROGRAM [ARGUMENT...]

Seconds on the clock, seconds of processor time (user and system, of the program and all that it started), and the
largest resident size of one process, in KiB. What the program prints goes to the file OUTPUT.
"""

import json
import os
import resource
import subprocess
import sys
import time

with open(sys.argv[1], "wb") as output:
    # A wrapper around Python may have had children before it became Python.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.time()
    clock = time.monotonic()
    status = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode
    seconds = time.monotonic() - clock
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "status": status,
    "began": began,
    "seconds": seconds,
    "cpu": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime,
    "peak_kib": used.ru_maxrss,
}))
# 4 says that some letters failed, as they are meant to where a sink refuses people.
sys.exit(0 if status in (0, 4) else 1)
