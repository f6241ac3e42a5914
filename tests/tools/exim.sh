#!/usr/bin/env bash
# A real Exim for tests, in target/exim and nowhere else: its package cannot be installed beside Postfix. Needs Debian and root;
# its user has to exist, because its name is compiled in.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ -x target/exim/usr/sbin/exim4 ] && exit 0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && apt-get download -qq exim4-daemon-light >/dev/null 2>&1)
mkdir -p target/exim
dpkg -x "$folder"/exim4-daemon-light_*.deb target/exim
# What it is linked with comes from the system.
apt-get install -y -qq --no-install-recommends libidn12 >/dev/null
getent passwd Debian-exim >/dev/null || useradd --system --user-group --no-create-home Debian-exim
# With a settings file: without one it prints its version and fails.
target/exim/usr/sbin/exim4 -C /dev/null -bV | head -1
