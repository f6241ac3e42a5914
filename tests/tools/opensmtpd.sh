#!/usr/bin/env bash
# A real OpenSMTPD for tests, in target/opensmtpd and nowhere else: its package cannot be installed beside Postfix, and the paths of
# its queue and socket are compiled in. So this makes a small root of its own, which tests copy and start it in (chroot). Needs
# Debian and root.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=$PWD/target/opensmtpd
[ -x "$root/usr/sbin/smtpd" ] && exit 0
apt-get install -y -qq --no-install-recommends libdb5.3 libevent-2.1-7 libpam0g libcrypt1 zlib1g >/dev/null
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && apt-get download -qq opensmtpd >/dev/null 2>&1)
dpkg -x "$folder"/opensmtpd_*.deb "$folder/package"

# What it runs, and what that is linked with.
new=$folder/root
mkdir -p "$new"/{bin,dev,etc,mail,tmp,var/run,var/spool/smtpd,var/lib/opensmtpd/empty}
programs=(usr/sbin/smtpd usr/sbin/smtpctl usr/libexec/opensmtpd/{lockspool,mail.maildir,mail.mda})
for program in "${programs[@]}"; do
    install -D "$folder/package/$program" "$new/$program"
done
cp -L /bin/sh "$new/bin/sh"
for program in "${programs[@]}" bin/sh; do ldd "$new/$program" || true; done | grep -o '/[^ ]*' | sort -u | while read -r library; do
    if [ -e "$library" ]; then install -D "$(readlink -f "$library")" "$new$library"; fi
done
cat >"$new/etc/passwd" <<'USERS'
root:x:0:0::/:/bin/sh
opensmtpd:x:52001:52001::/var/lib/opensmtpd/empty:/bin/false
opensmtpq:x:52002:52002::/var/lib/opensmtpd/empty:/bin/false
box:x:52003:52003::/mail:/bin/sh
USERS
printf 'root:x:0:\nopensmtpd:x:52001:\nopensmtpq:x:52002:\nbox:x:52003:\n' >"$new/etc/group"
printf 'hosts: files\npasswd: files\ngroup: files\n' >"$new/etc/nsswitch.conf"
printf '127.0.0.1 localhost\n' >"$new/etc/hosts"
echo opensmtpd.example.net >"$new/etc/mailname"
mknod -m 666 "$new/dev/null" c 1 3
mknod -m 666 "$new/dev/urandom" c 1 9
chmod 1777 "$new/tmp"
chmod 711 "$new/var/spool/smtpd"
chown 52003:52003 "$new/mail"
mkdir -p "$root" && cp -a "$new/." "$root/"
# Asked for its options, it prints its version and fails.
{ "$root/usr/sbin/smtpd" -h 2>&1 || true; } | head -1
