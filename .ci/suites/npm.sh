#!/usr/bin/env bash
# The suite against real MCP servers from npm (tests/real): installs the pinned packages and runs it.
#
# Also by hand: `.ci/suites/npm.sh [FILTER...]`. The packages go to target/npm and stay there until the lock file changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
mkdir -p "$target/npm"
folder="$(cd "$target/npm" && pwd)"

# The pinned servers were tried on node 18, which is what Debian 12 has, and on 20.
usable() {
  command -v node >/dev/null && command -v npm >/dev/null \
    && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]
}

if ! usable; then
  if ! command -v apt-get >/dev/null; then
    echo "node 18 or newer and npm are needed; install them and run this again" >&2
    exit 1
  fi
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get update -qq </dev/null
  $sudo apt-get install -y -qq --no-install-recommends nodejs npm </dev/null >/dev/null
  usable || {
    echo "node 18 or newer is needed; this system's is $(node --version 2>/dev/null || echo missing)" >&2
    exit 1
  }
fi

stamp="$folder/installed.lock.json"
if ! cmp -s .ci/npm/package-lock.json "$stamp"; then
  cp .ci/npm/package.json .ci/npm/package-lock.json .ci/npm/.npmrc "$folder/"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund </dev/null
  cp .ci/npm/package-lock.json "$stamp"
fi

MCPDECK_TEST_NPM="$folder" exec cargo test --test real -- "$@" </dev/null
