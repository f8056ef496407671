#!/usr/bin/env bash
# Two served instances behind nginx, killed in turn under load (tests/real): no read is lost, no write runs twice. Once on
# PostgreSQL, a scratch cluster, and once on an SQLite file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source .ci/lib/unpacked.sh
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
nginx="$(unpacked nginx usr/sbin/nginx -v "$target/nginx")"

export MCPDECK_TEST_NGINX="$nginx"
cargo test --test real -- --nocapture nginx:: "$@" </dev/null

source .ci/lib/postgres.sh
in_postgres "CREATE DATABASE deck_nginx OWNER deck_writer"
in_postgres "CREATE TABLE deck_nginx (n integer NOT NULL); ALTER TABLE deck_nginx OWNER TO deck_writer" deck_nginx
export MCPDECK_TEST_NGINX_DATABASE="postgres://$MCPDECK_TEST_POSTGRES_WRITER@127.0.0.1:$port/deck_nginx"
cargo test --test real -- --nocapture nginx:: "$@" </dev/null
