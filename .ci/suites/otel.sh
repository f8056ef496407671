#!/usr/bin/env bash
# The program with the feature `otel` against a collector on a real socket (tests/cli/traces.rs).
#
# In the folder of the other steps: the dependencies are the same, and the next `cargo` makes the program without the feature again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cargo test --locked --features otel --lib -- traces:: "$@" </dev/null
cargo test --locked --features otel --test cli -- traces:: "$@" </dev/null
