#!/usr/bin/env bash
# The suite against a real PostgreSQL (tests/postgres), on a scratch cluster that is made for it and taken away.
#
# Also by hand: `.ci/suites/postgres.sh [FILTER...]`. `.ci/lib/postgres.sh` says how the cluster is made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source .ci/lib/postgres.sh

cargo test --test postgres -- --skip restart:: "$@" </dev/null
cargo test --test servers -- crm_postgres:: </dev/null
# Alone, because it takes the server away from all others.
MCPDECK_TEST_POSTGRES_RESTART="$scratch/restart" cargo test --test postgres -- restart:: </dev/null
