#!/usr/bin/env bash
# Two served instances behind nginx, killed in turn under load (tests/real): no read is lost, no write runs twice. Once on
# PostgreSQL, a scratch cluster, and once on an SQLite file.
#
# Takes Debian's nginx out of its package without installing it, so that no service is started and port 80 stays as it is; an
# nginx on the PATH is used as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-target}}"
mkdir -p "$target/nginx"
folder="$(cd "$target/nginx" && pwd)"

nginx="$(PATH="$PATH:/usr/sbin" command -v nginx || true)"
if [ -z "$nginx" ]; then
  nginx="$folder/usr/sbin/nginx"
  if ! "$nginx" -v 2>/dev/null; then
    if ! command -v apt-get >/dev/null; then
      echo "nginx is needed; install it and run this again" >&2
      exit 1
    fi
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    $sudo apt-get update -qq </dev/null
    rm -f "$folder"/nginx_*.deb
    (cd "$folder" && apt-get download -qq nginx </dev/null 2>/dev/null)
    dpkg -x "$folder"/nginx_*.deb "$folder"
  fi
  "$nginx" -v || { echo "nginx was unpacked but does not start" >&2; exit 1; }
fi

export MCPDECK_TEST_NGINX="$nginx"
cargo test --test real -- --nocapture nginx:: "$@" </dev/null

source .ci/lib/postgres.sh
in_postgres "CREATE DATABASE deck_nginx OWNER deck_writer"
in_postgres "CREATE TABLE deck_nginx (n integer NOT NULL); ALTER TABLE deck_nginx OWNER TO deck_writer" deck_nginx
export MCPDECK_TEST_NGINX_DATABASE="postgres://$MCPDECK_TEST_POSTGRES_WRITER@127.0.0.1:$port/deck_nginx"
cargo test --test real -- --nocapture nginx:: "$@" </dev/null
