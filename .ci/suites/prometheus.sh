#!/usr/bin/env bash
# A real Prometheus scrapes a mcpdeck that runs, and every query of assets/grafana.json is asked of it (tests/real).
#
# Takes Debian's Prometheus out of its package without installing it, so that no service is started; a prometheus on the PATH is
# used as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
mkdir -p "$target/prometheus"
folder="$(cd "$target/prometheus" && pwd)"

prometheus="$(command -v prometheus || true)"
if [ -z "$prometheus" ]; then
  prometheus="$folder/usr/bin/prometheus"
  if ! "$prometheus" --version >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null; then
      echo "prometheus is needed; install it and run this again" >&2
      exit 1
    fi
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    $sudo apt-get update -qq </dev/null
    rm -f "$folder"/prometheus_*.deb
    (cd "$folder" && apt-get download -qq prometheus </dev/null 2>/dev/null)
    dpkg -x "$folder"/prometheus_*.deb "$folder"
  fi
  "$prometheus" --version >/dev/null || { echo "prometheus was unpacked but does not start" >&2; exit 1; }
fi

MCPDECK_TEST_PROMETHEUS="$prometheus" cargo test --test real -- --nocapture prometheus:: "$@" </dev/null
