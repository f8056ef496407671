#!/usr/bin/env bash
# What lasts, side by side because most of it is waiting:
# - ten servers, most of which misbehave and are killed now and then, on a terminal for MCPDECK_SOAK_SECONDS (600): memory,
#   descriptors and processes are printed ten times and may not grow (tests/tui/soak.rs);
# - MCPDECK_KILLS (1000) times a program is killed at some point of a session, which is then gone on with (tests/cli/sessions.rs).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export MCPDECK_SOAK_SECONDS="${MCPDECK_SOAK_SECONDS:-600}"
export MCPDECK_KILLS="${MCPDECK_KILLS:-1000}"
cargo test --no-run --test tui --test cli </dev/null
cargo test --test cli -- --nocapture killed_at "$@" </dev/null &
kills=$!
code=0
cargo test --test tui -- --nocapture soak:: "$@" </dev/null || code=$?
wait "$kills" || code=$?
exit "$code"
