#!/usr/bin/env bash
# A real Prometheus scrapes a mcpdeck that runs, and every query of assets/grafana.json is asked of it (tests/real).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source .ci/lib/unpacked.sh
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
prometheus="$(unpacked prometheus usr/bin/prometheus --version "$target/prometheus")"

MCPDECK_TEST_PROMETHEUS="$prometheus" cargo test --test real -- --nocapture prometheus:: "$@" </dev/null
