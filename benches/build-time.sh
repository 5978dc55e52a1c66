#!/usr/bin/env bash
# Builds the first program of the README, and the dependencies of a comparable one (axum-login, its sessions in SQLite),
# each from an empty target folder in the dev profile, and prints crates and seconds side by side: on the clock, and of
# processor time, which is steadier where the machine is not idle.
#
#   build-time.sh [JOBS] [ROUNDS]     2 and 1, if nothing is said; run it when the machine is idle
set -euo pipefail
jobs=${1:-2} rounds=${2:-1}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/peer/src"
cat >"$work/peer/Cargo.toml" <<'TOML'
[package]
name = "peer"
version = "0.0.0"
edition = "2024"

[dependencies]
axum = { version = "0.8", default-features = false, features = ["form", "http1", "json", "query", "tokio"] }
axum-login = "0.18"
chrono = { version = "0.4", default-features = false, features = ["now", "serde", "std"] }
password-auth = "1"
serde = { version = "1", features = ["derive"] }
serde_json = "1"
sqlx = { version = "0.8", default-features = false, features = ["chrono", "json", "runtime-tokio", "sqlite", "uuid"] }
time = "0.3"
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
tower-sessions = "0.14"
tower-sessions-sqlx-store = { version = "0.15", features = ["sqlite"] }
uuid = { version = "1", features = ["serde", "v4"] }

# As in this repository.
[profile.dev]
debug = "line-tables-only"
TOML
echo 'fn main() {}' >"$work/peer/src/main.rs"
# Downloads and the lock file are no part of the time.
(cd "$work/peer" && cargo fetch --quiet)
(cd "$root" && cargo fetch --quiet --locked)

crates() { cargo tree -e normal,build --prefix none "$@" | sed 's/ (\*)$//' | sort -u | wc -l; }

build() { # folder, arguments for cargo
  local folder=$1
  shift
  rm -rf "$work/target"
  (
    cd "$folder"
    TIMEFORMAT='%R %U %S'
    time CARGO_TARGET_DIR=$work/target cargo build --quiet --offline -j"$jobs" "$@" 2>/dev/null
  ) 2>&1 | awk '{ printf "%.0f | %.0f", $1, $2 + $3 }'
}

echo "| program | crates | seconds, clean debug build, -j$jobs | processor seconds |"
echo "| --- | ---: | ---: | ---: |"
for _ in $(seq "$rounds"); do
  echo "| quickstart | $(cd "$root" && crates -p quickstart) | $(build "$root" -p quickstart) |"
  echo "| axum-login, tower-sessions, sqlx | $(cd "$work/peer" && crates) | $(build "$work/peer") |"
done
