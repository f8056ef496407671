#!/usr/bin/env bash
# The targets of fuzz/ with random changes of the kept inputs, each for MCPDECK_FUZZ_SECONDS (20). A finding is printed with the
# input that broke it, to be kept in fuzz/seeds as a test.
#
# Not through `cargo fuzz`: its instrumented build of the program and all it depends on is another build from nothing, with the
# nightly toolchain or as if it were there, and costs more than all that it would run here. `cargo fuzz run wire` (or stream,
# config, markdown, statement) in the checkout does it where there is time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export MCPDECK_FUZZ_SECONDS="${MCPDECK_FUZZ_SECONDS:-20}"
exec cargo test --test config -- --nocapture fuzz:: "$@" </dev/null
