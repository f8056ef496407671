#!/usr/bin/env bash
# The suite against a real model (tests/real/model.rs): a conversation on the demo's workspace through the program as built.
#
# MCPDECK_TEST_MODEL_URL names an OpenAI-compatible endpoint, such as http://127.0.0.1:8080/v1, and MCPDECK_TEST_MODEL_NAME the
# model where it has several. Without the first the suite is skipped and says so. A small model on one core takes minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ -z "${MCPDECK_TEST_MODEL_URL:-}" ]; then
  echo "skipped: set MCPDECK_TEST_MODEL_URL"
  exit 0
fi
exec cargo test --test real -- --nocapture model:: "$@" </dev/null
