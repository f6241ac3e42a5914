#!/usr/bin/env bash
# Writes the public address of this repository into every file that names it. `repository` in Cargo.toml is the one that counts.
#
#   packaging/address.sh https://github.com/NAME/mimeograph
set -euo pipefail
address=${1:?the address of the repository}
[[ $address =~ ^https://[a-z0-9.-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$ ]] || { echo "not the address of a repository: $address" >&2; exit 2; }
cd "$(dirname "$0")/.."
before=$(sed -n 's/^repository = "\(.*\)"$/\1/p' Cargo.toml)
short() { printf '%s' "${1#https://*/}"; }
grep -rlIF --exclude-dir=.git --exclude-dir=target -e "$before" -e "$(short "$before")@" . | while read -r file; do
    # What stands for a name as long as there is none needs no explanation any more.
    text=$(sed '/^(`OWNER` is in the place of a name/{N;d;}' "$file"; printf x)
    text=${text//"$before"/$address}
    text=${text//"$(short "$before")@"/$(short "$address")@}
    printf '%s' "${text%x}" >"$file"
    echo "${file#./}"
done
