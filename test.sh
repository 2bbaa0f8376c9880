#!/usr/bin/env bash
# All tests, from a fresh clone: ./test.sh
#
#   tools ─► format, clippy, tidy, tests (cargo xtask ci) ─► capture ─► Python and Node verify it
#   an adapter's answers by their schema ◄─ GraphQL over HTTP, audited ◄──────────────────────┘
#      └─► durability: syncs, power cuts ─► kill -9, thirty times
#             └─► the pages: as a fresh build gives them, in a real browser
#
# Needs Rust (with rustfmt and clippy). As root on Debian it installs the rest; otherwise it says
# what is missing. Everything that it fetches lies under target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

verify_folder=target/verify
standardwebhooks_pypi=1.1.0
jsonschema_pypi=4.26.0
authlib_pypi=1.9.10
requests_pypi=2.34.2
standardwebhooks_npm=1.1.1
graphql_http_npm=1.23.1
graphql_npm=16.15.0

heading() { printf '\n==> %s\n' "$1"; }
fail() { printf 'test.sh: %s\n' "$1" >&2; exit 1; }

# Prints the Debian packages whose programs are not here.
missing_packages() {
  command -v cc > /dev/null || echo build-essential
  command -v python3 > /dev/null || echo python3
  python3 -c 'import ensurepip, venv' 2> /dev/null || echo python3-venv
  command -v strace > /dev/null || echo strace
  command -v node > /dev/null || echo nodejs
  command -v npm > /dev/null || echo npm
  command -v chromium > /dev/null || command -v chromium-browser > /dev/null \
    || command -v google-chrome > /dev/null || echo chromium
}

install_tools() {
  heading 'tools'
  command -v cargo > /dev/null || fail 'cargo is missing: install Rust from https://rustup.rs'
  cargo fmt --version > /dev/null 2>&1 || fail 'rustfmt is missing: rustup component add rustfmt'
  cargo clippy --version > /dev/null 2>&1 || fail 'clippy is missing: rustup component add clippy'
  local packages
  mapfile -t packages < <(missing_packages)
  if [ "${#packages[@]}" -gt 0 ]; then
    if [ "$(id --user)" -ne 0 ] || ! command -v apt-get > /dev/null; then
      fail "missing: ${packages[*]}; install them, on Debian: apt-get install ${packages[*]}"
    fi
    apt-get update --quiet --quiet
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes \
      --no-install-recommends "${packages[@]}"
  fi
  printf '%s, %s, node %s\n' "$(cargo --version)" "$(python3 --version)" "$(node --version)"
}

# The stock libraries that a receiver, or a client of Auth Link, would use, from their registries, at fixed versions.
install_verifiers() {
  heading 'libraries of other languages'
  local python=$verify_folder/python node=$verify_folder/node
  if ! "$python/bin/python" -c 'import standardwebhooks, jsonschema, authlib, requests' 2> /dev/null; then
    python3 -m venv --clear "$python"
    "$python/bin/python" -m pip install --quiet --disable-pip-version-check \
      "standardwebhooks==$standardwebhooks_pypi" "jsonschema==$jsonschema_pypi" \
      "authlib==$authlib_pypi" "requests==$requests_pypi" \
      || fail 'pip could not install its packages: is PyPI reachable?'
  fi
  if [ ! -f "$node/node_modules/standardwebhooks/package.json" ] \
    || [ ! -f "$node/node_modules/graphql-http/package.json" ]; then
    mkdir --parents "$node"
    npm install --prefix "$node" --silent --no-save --no-audit --no-fund --ignore-scripts \
      "standardwebhooks@$standardwebhooks_npm" "graphql-http@$graphql_http_npm" \
      "graphql@$graphql_npm" \
      || fail 'npm could not install its packages: is the npm registry reachable?'
  fi
}

# A running server's deliveries, captured by a test and verified by code that is not ours. The
# signatures are good for five minutes, so the two scripts follow at once.
verify_elsewhere() {
  heading 'signatures, verified by Python and Node'
  local capture=$PWD/$verify_folder/capture.json
  rm --force "$capture"
  TIDINGS_CAPTURE_FILE=$capture cargo test --package tidings --test it --locked -- capture
  [ -s "$capture" ] || fail "no test wrote $capture: tests/verify/README.md says which one must"
  "$verify_folder/python/bin/python" tests/verify/verify.py "$capture"
  node tests/verify/verify.mjs "$capture" "$verify_folder/node"
}

# The public audit suite of the GraphQL-over-HTTP specification, against a running server.
audit_graphql() {
  heading 'GraphQL over HTTP'
  cargo build --quiet --locked --package tidings
  node tests/graphql-http/audit.mjs target/debug/tidings "$verify_folder/node"
}

# What the sample provider answers, against docs/adapters.schema.json, by a stock validator.
validate_adapter() {
  heading 'the protocol of provider adapters'
  cargo build --quiet --locked --package tidings
  "$verify_folder/python/bin/python" tests/adapters/validate.py target/debug/tidings
}

# The order of syncs and answers under strace, and power cuts: tests/durability/README.md.
prove_durability() {
  heading 'durability'
  cargo run --quiet --locked --package xtask -- durability
}

# Thirty kills under load, and a ledger outside the product that must agree with what arrived.
survive_kills() {
  heading 'kill -9'
  cargo run --quiet --locked --package xtask -- crash --cycles 30
}

# The pages, as they are committed, are what a fresh build gives; and in a real browser each does
# what it is for, with nothing but the keyboard too. tests/browser/README.md says what is watched.
drive_browser() {
  heading 'the pages, in a browser'
  cargo run --quiet --locked --package xtask -- web --check
  local browser=target/browser
  if ! cmp --silent tests/browser/package-lock.json "$browser/package-lock.json" \
    || [ ! -f "$browser/node_modules/.package-lock.json" ]; then
    mkdir --parents "$browser"
    cp tests/browser/package.json tests/browser/package-lock.json "$browser"
    npm ci --prefix "$browser" --silent --no-audit --no-fund --ignore-scripts \
      || fail 'npm could not install its packages: is the npm registry reachable?'
  fi
  cargo build --quiet --locked --package tidings
  # One after the other: each has a server and a browser of its own.
  local file
  for file in tests/browser/*.test.mjs; do
    node --test --test-reporter=spec "$file"
  done
}

started_at=$SECONDS
install_tools
install_verifiers
cargo run --quiet --locked --package xtask -- ci
verify_elsewhere
audit_graphql
validate_adapter
prove_durability
survive_kills
drive_browser
printf 'test.sh: all of it passed in %d s\n' "$((SECONDS - started_at))"
