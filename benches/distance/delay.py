#!/usr/bin/env python3
"""Two hosts with a long line between them: delay.py MILLISECONDS-EACH-WAY [PREFIX]

Makes the network namespaces PREFIX-near (10.99.0.1) and PREFIX-far (10.99.0.2), joined by two TUN devices, and holds
every packet for the given time on its way: real TCP (Reno) with real slow start, no loss, no limit to the rate. It prints
"ready" when the line is up, and takes everything down again when its standard input closes. Needs root and /dev/net/tun.
For kernels without `tc netem`.
"""

import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL)


def host(namespace, device, address):
    """A namespace with one end of the line, and the descriptor of that end."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    ip("netns", "add", namespace)
    ip("link", "set", device, "netns", namespace)
    ip("-n", namespace, "link", "set", "lo", "up")
    ip("-n", namespace, "addr", "add", f"{address}/24", "dev", device)
    ip("-n", namespace, "link", "set", device, "mtu", "1500", "txqueuelen", "10000", "up")
    # One that every kernel has and that does not pace: a pacing one spreads each letter over a part of the way.
    setting = "net.ipv4.tcp_congestion_control=reno"
    ip("netns", "exec", namespace, "sysctl", "-q", "-w", setting)
    return descriptor


def carry(ends, delay):
    """Moves packets from each end to the other, each after `delay` seconds, until standard input closes."""
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    under_way = collections.deque()
    poll = select.poll()
    for descriptor in (*ends, 0):
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while True:
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            _, to, packet = under_way.popleft()
            try:
                os.write(to, packet)
            except OSError:
                pass  # As on a real line: a packet that finds no room is lost.
        wait = (under_way[0][0] - now) * 1000 if under_way else 1000
        # The last stretch is spun, as poll() rounds up to whole milliseconds.
        for descriptor, _ in poll.poll(max(0, int(wait))):
            if descriptor == 0:
                if not os.read(0, 4096):
                    return
                continue
            while True:
                try:
                    packet = os.read(descriptor, 65536)
                except OSError:
                    break
                under_way.append((time.monotonic() + delay, other[descriptor], packet))


def main():
    delay = float(sys.argv[1]) / 1000
    prefix = sys.argv[2] if len(sys.argv) > 2 else "mimeo"
    names = (f"{prefix}-near", f"{prefix}-far")
    for name in names:
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
    try:
        ends = (host(names[0], f"{prefix[:10]}0", "10.99.0.1"), host(names[1], f"{prefix[:10]}1", "10.99.0.2"))
        print("ready", flush=True)
        carry(ends, delay)
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


main()
