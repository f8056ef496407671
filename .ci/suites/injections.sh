#!/usr/bin/env bash
# The obedient model (tests/host/obedient.rs) on public injections: takes the texts out of the pinned PyPI package AgentDojo.
#
# The package is unpacked and read, never installed and never run: its dependencies are large, and its words are what is tested.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. .ci/python.sh
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
version=0.1.35
mkdir -p "$target/injections"
folder="$(cd "$target/injections" && pwd)"

python_at_least 3 9
if [ ! -e "$folder/agentdojo-$version/agentdojo" ]; then
  rm -rf "$folder/wheel" "$folder/agentdojo-$version"
  python3 -m venv "$folder/pip"
  "$folder/pip/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$folder/wheel" "agentdojo==$version" </dev/null
  python3 -m zipfile -e "$folder"/wheel/agentdojo-"$version"-*.whl "$folder/agentdojo-$version"
fi
python3 .ci/injections.py "$folder/agentdojo-$version/agentdojo" >"$folder/injections.json"

MCPDECK_TEST_INJECTIONS="$folder/injections.json" exec cargo test --test host -- --nocapture "${@:-public_injections}" </dev/null
