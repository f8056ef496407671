#!/usr/bin/env bash
# The suite against real MCP servers from npm (tests/real): installs the pinned packages and runs it.
#
# Also by hand: `.ci/suites/npm.sh [FILTER...]`. The packages go to target/npm and stay there until the lock file changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. .ci/node.sh
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
mkdir -p "$target/npm"
folder="$(cd "$target/npm" && pwd)"

# The pinned servers were tried on node 18, which is what Debian 12 has, and on 20.
node_at_least 18
installed "$folder" .ci/npm

MCPDECK_TEST_NPM="$folder" exec cargo test --test real -- "$@" </dev/null
