#!/usr/bin/env bash
# The official MCP conformance suite against our servers over HTTP: all that both revisions require against the fixture
# (`mcpdeck serve conformance`), and what any server can pass against each bundled server.
#
# Runs as a step of .ci/run after `release`; by hand with MCPDECK_CI_BIN=target/debug/mcpdeck. The packages, a node that the
# suite runs on among them, go to target/conformance and stay there until the lock file changes; so do the results.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. .ci/node.sh
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
bin="${MCPDECK_CI_BIN:-$target/release/mcpdeck}"
[ -x "$bin" ] || { echo "no program at $bin; run \`.ci/run release conformance\`" >&2; exit 1; }
mkdir -p "$target/conformance"
folder="$(cd "$target/conformance" && pwd)"

# npm itself runs on any node; the suite brings its own where there is one for the system.
node_at_least 18
installed "$folder" .ci/conformance
node=node
for brought in "$folder"/node_modules/node-*/bin/node; do
  [ -x "$brought" ] && node="$brought"
done

scratch="$(mktemp -d)"
servers=()
finish() {
  for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$scratch"
}
trap finish EXIT
mkdir "$scratch"/{data,files}
export MCPDECK_DATA_DIR="$scratch/data"
echo "a text" >"$scratch/files/a.txt"

# serving NAME ARGUMENT...: starts a server on a free port and waits until it has said where; sets `url`.
serving() {
  local name="$1" pid tries
  shift
  "$bin" serve "$@" --http 127.0.0.1:0 >"$scratch/$name.url" 2>"$scratch/$name.log" </dev/null &
  pid=$!
  servers+=("$pid")
  for tries in $(seq 100); do
    url="$(head -n 1 "$scratch/$name.url")"
    [ -n "$url" ] && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "$name did not start:" >&2
  cat "$scratch/$name.log" >&2
  return 1
}

failed=0
check() { "$node" .ci/conformance/check.mjs "$folder" "$@" || failed=1; }

serving fixture conformance --sessions
check required 2025-11-25 30 "$url"
check required 2026-07-28 37 "$url"
serving filesystem filesystem "$scratch/files"
check any filesystem "$url"
serving database database sqlite::memory:
check any database "$url"
serving crm crm "sqlite:$scratch/crm.db"
check any crm "$url"
exit $failed
