# What we do again and again. `just` alone lists it. The recipes are plain cargo, so none of them needs `just`.

_list:
    @just --list --unsorted

# All that has to be right before a change goes in
check: fmt clippy doc test

# The code is formatted
fmt:
    cargo fmt --check

# No lint has anything to say
clippy:
    cargo clippy --all-targets --locked -- -D warnings

# The documentation builds and its links lead somewhere
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --locked

# All tests, or those whose names contain the words given
test *WORDS:
    cargo test --locked -- {{WORDS}}

# Licences, sources and doubles among the dependencies (cargo install cargo-deny)
deny:
    cargo deny check bans licenses sources

# The same with the advisories, which need the network
audit:
    cargo deny check

# How near we are to what is possible, beside the references: `just bench`, or `just bench loopback signed` (BENCHMARKS.md)
bench *WORKLOADS:
    npm install --silent --no-audit --no-fund --prefix benches/peers
    cargo bench --locked --bench limits -- {{WORKLOADS}}

# What the single steps cost: `just steps compose`, and so on for bytes, ledger, list, render, transport
steps *NAMES:
    cargo bench --locked {{ if NAMES == "" { "--bench bytes --bench compose --bench ledger --bench list --bench render --bench transport" } else { "--bench " + NAMES } }}

# A thousand kills, and a hundred thousand people with twenty kills: minutes, with figures at the end
kill:
    cargo test --release --locked --test it -- a_thousand_kills a_hundred_thousand --ignored --nocapture

# Half an hour of texts that nobody would write: `just fuzz letter`, `just fuzz template` (needs cargo-fuzz and nightly)
fuzz TARGET SECONDS="1800":
    mkdir -p fuzz/corpus/{{TARGET}}
    cd fuzz && cargo +nightly fuzz run --sanitizer none {{TARGET}} -- -dict={{TARGET}}.dict -max_len=4096 -timeout=20 -rss_limit_mb=3000 -max_total_time={{SECONDS}}

# Which mail clients support what, anew from Can I email (needs npm, python3 and the network)
caniemail:
    python3 tests/tools/caniemail.py

# Draws the pictures of the long issue and the logo again (needs python3, fonts-lato and fonts-ebgaramond)
pictures:
    python3 -m venv target/pictures
    target/pictures/bin/pip install --quiet Pillow
    target/pictures/bin/python issues/2022-12-30-a-year-in-review/pictures/draw.py

# The newsletter of this repository, into the outbox
send ISSUE="a-year-in-review":
    cargo run --release -- send {{ISSUE}} --yes
