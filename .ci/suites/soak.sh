#!/usr/bin/env bash
# Ten servers, most of which misbehave and are killed now and then, on a terminal for MCPDECK_SOAK_SECONDS (600): memory,
# descriptors and processes are printed ten times and may not grow (tests/tui/soak.rs).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export MCPDECK_SOAK_SECONDS="${MCPDECK_SOAK_SECONDS:-600}"
exec cargo test --test tui -- --nocapture soak:: "$@" </dev/null
