#!/usr/bin/env bash
# Prints the formula for Homebrew: the template beside this file with version, repository and the checksums of a release.
#
#   packaging/formula.sh 0.1.0 https://github.com/OWNER/mimeograph release > mimeograph.rb
set -euo pipefail
version=${1:?the version} repository=${2:?the address of the repository} release=${3:?the folder with the archives}
checksum() {
    local sum
    sum=$(cut -d' ' -f1 "$release/mimeograph-$1.tar.gz.sha256")
    [[ $sum =~ ^[0-9a-f]{64}$ ]] || { echo "no checksum of $1" >&2; exit 1; }
    printf '%s' "$sum"
}
text=$(cat "$(dirname "$0")/mimeograph.rb.in")
text=${text//@VERSION@/$version}
text=${text//@REPOSITORY@/$repository}
for target in aarch64-apple-darwin x86_64-apple-darwin aarch64-unknown-linux-musl x86_64-unknown-linux-musl; do
    sum=$(checksum "$target")
    text=${text//@$target@/$sum}
done
# Nothing is left to fill in.
if grep -nE '@[A-Za-z0-9_-]+@' <<<"$text" >&2; then exit 1; fi
printf '%s\n' "$text"
