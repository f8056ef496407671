#!/usr/bin/env bash
# The official MCP conformance suite against our client (`mcpdeck conformance-client`): all that both revisions require, JSON
# Schema preservation, client credentials and enterprise-managed authorization, and the sign-in of 2025-03-26. All of it runs
# MCPDECK_CONFORMANCE_RUNS times (2), because a client that loses a race loses it now and then.
#
# Runs as a step of .ci/run after `release`; by hand with MCPDECK_CI_BIN=target/debug/mcpdeck. The packages are those of the
# step `conformance`, in target/conformance; so are the results. HTTP alone: what the suite does not test is in tests/mcp.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. .ci/node.sh
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
bin="${MCPDECK_CI_BIN:-$target/release/mcpdeck}"
[ -x "$bin" ] || { echo "no program at $bin; run \`.ci/run release conformance-client\`" >&2; exit 1; }
bin="$(cd "$(dirname "$bin")" && pwd)/$(basename "$bin")"
mkdir -p "$target/conformance"
folder="$(cd "$target/conformance" && pwd)"

node_at_least 18
installed "$folder" .ci/conformance
node=node
for brought in "$folder"/node_modules/node-*/bin/node; do
  [ -x "$brought" ] && node="$brought"
done

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
# Neither the person's configuration nor the person's credentials have a part in this.
export MCPDECK_DATA_DIR="$scratch/data" MCPDECK_CONFIG_DIR="$scratch/config"
cd "$scratch"
repository="$OLDPWD"

failed=0
check() { "$node" "$repository/.ci/conformance/client.mjs" "$folder" "$bin conformance-client" "$@" || failed=1; }

for round in $(seq "${MCPDECK_CONFORMANCE_RUNS:-2}"); do
  began=$SECONDS
  check required 2025-11-25 18
  check required 2026-07-28 32
  check suite backcompat 2
  echo "round $round: $((SECONDS - began)) s"
done
exit $failed
