#!/usr/bin/env bash
# The program with the feature `otel` against a collector on a real socket (tests/cli/traces.rs).
#
# In a folder of its own for what it builds, so that the program of the other suites stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
export CARGO_TARGET_DIR="$target/otel"
cargo test --locked --features otel --lib -- traces:: "$@" </dev/null
cargo test --locked --features otel --test cli -- traces:: "$@" </dev/null
