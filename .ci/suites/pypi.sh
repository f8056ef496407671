#!/usr/bin/env bash
# The suite against real MCP servers from PyPI (tests/real): installs the pinned packages and runs it.
#
# Also by hand: `.ci/suites/pypi.sh [FILTER...]`. The environments go to target/pypi and stay there until what is pinned changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. .ci/python.sh
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
mkdir -p "$target/pypi"
folder="$(cd "$target/pypi" && pwd)"

python_at_least 3 11
for name in mcp1 fastmcp; do
  environment "$folder/$name" ".ci/pypi/$name.txt"
done

MCPDECK_TEST_PYPI="$folder" exec cargo test --test real -- "$@" </dev/null
