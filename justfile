# Common tasks; `just` alone lists them. The recipes are plain commands, so none of them needs `just`.

_list:
    @just --list --unsorted

# Everything that a change has to pass, as in CI
check *STEPS:
    .ci/check {{STEPS}}

# All tests, or those whose names contain the words given
test *WORDS:
    cargo test --locked -- {{WORDS}}

# The book of the documentation, under target/book (needs `cargo install mdbook`)
book:
    .ci/check book

# Licenses, sources and duplicates among the dependencies (needs `cargo install cargo-deny`)
deny:
    cargo deny check bans licenses sources

# Everything in deny.toml, with the advisories, which need the network
audit:
    cargo deny check

# Benchmarks beside their references: `just bench`, or `just bench loopback signed` (BENCHMARKS.md)
bench *WORKLOADS:
    npm install --silent --no-audit --no-fund --prefix benches/peers
    cargo bench --locked --bench limits -- {{WORKLOADS}}

# Benchmarks of single steps: `just steps compose`; also bounces, bytes, import, ledger, list, render, transport
steps *NAMES:
    cargo bench --locked {{ if NAMES == "" { "--bench bounces --bench bytes --bench compose --bench import --bench ledger --bench list --bench render --bench transport" } else { "--bench " + NAMES } }}

# Kills the program a thousand times, and twenty times with a hundred thousand people: some minutes, figures at the end
kill:
    cargo test --release --locked --test it -- a_thousand_kills a_hundred_thousand --ignored --nocapture

# Kills workers on PostgreSQL 3,000 times and stops them past their leases 1,000 times: an hour or more, figures as it goes
kill-workers:
    cargo test --release --locked --test it -- three_thousand_kills marks_of_workers five_hundred_kills --ignored --nocapture

# Kills `mimeo serve` 500 times while people sign up and leave, and bombs one victim with 10,000 sign-ups
kill-service:
    cargo test --release --locked --test it -- in_500_kills ten_thousand_sign_ups --ignored --nocapture

# Half an hour of fuzzing: `just fuzz letter`, `just fuzz template`, `just fuzz returned` (needs cargo-fuzz and nightly)
fuzz TARGET SECONDS="1800":
    mkdir -p fuzz/corpus/{{TARGET}}
    cd fuzz && cargo +nightly fuzz run --sanitizer none {{TARGET}} -- -dict={{TARGET}}.dict -max_len=4096 -timeout=20 -rss_limit_mb=3000 -max_total_time={{SECONDS}}

# Updates the data of Can I email (needs npm, python3 and the network)
caniemail:
    python3 tests/tools/caniemail.py

# Draws the pictures of the long issue and the logo again (needs python3, fonts-lato and fonts-ebgaramond)
pictures:
    python3 -m venv target/pictures
    target/pictures/bin/pip install --quiet Pillow
    target/pictures/bin/python issues/2022-12-30-a-year-in-review/pictures/draw.py

# Makes the pictures of the README and the documentation again (needs chromium-headless-shell, npm, git and python3)
screenshots:
    cargo build --release --locked
    python3 -m venv target/pictures
    target/pictures/bin/pip install --quiet pngquant-cli
    PATH="$PWD/target/pictures/bin:$PATH" tests/tools/screenshots.sh

# Sends an issue of the newsletter in this repository into the outbox
send ISSUE="a-year-in-review":
    cargo run -- send {{ISSUE}} --yes
