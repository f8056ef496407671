# A scratch PostgreSQL for the suites that need one, sourced by them: Debian's package, a cluster on loopback with passwords (SCRAM)
# and TLS under a certificate of its own, stopped and deleted however the suite ends.
#
# Exports MCPDECK_TEST_POSTGRES (the superuser's URL), _READER and _WRITER (`role:password`), _FOLDER (the scratch folder), and
# leaves `$scratch`, `$port`, `$bin` and `in_postgres SQL [DATABASE]`. The server refuses to run as root: there it runs as the
# package's user `postgres`, else as whoever calls this.

newest() { find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1; }

if [ ! -x "$(newest)/initdb" ] || ! command -v openssl >/dev/null; then
  if ! command -v apt-get >/dev/null; then
    echo "PostgreSQL's server and openssl are needed; install them and run this again" >&2
    exit 1
  fi
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get update -qq </dev/null
  $sudo apt-get install -y -qq --no-install-recommends postgresql openssl </dev/null >/dev/null
fi
bin="$(newest)"
[ -x "$bin/initdb" ] || { echo "there is no PostgreSQL in /usr/lib/postgresql" >&2; exit 1; }

# Short, because the path of a socket has at most 107 bytes.
scratch="$(mktemp -d /tmp/deck-pg.XXXXXX)"
as_server() { "$@"; }
if [ "$(id -u)" -eq 0 ]; then
  chown postgres "$scratch"
  as_server() { runuser -u postgres -- "$@"; }
fi
stop() {
  as_server "$bin/pg_ctl" -D "$scratch/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 1' INT TERM

secret() { openssl rand -hex 16; }
super_password="$(secret)" reader_password="$(secret)" writer_password="$(secret)"

# A small authority of our own and a server certificate for `localhost` (and not for 127.0.0.1: so a wrong name is tried too).
certificates() (
  cd "$scratch"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=mcpdeck test authority" \
    -addext "basicConstraints=critical,CA:TRUE" -keyout ca.key -out ca.crt
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=localhost" -keyout server.key -out server.csr
  openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt \
    -extfile <(printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n')
  chmod 600 server.key
  chmod 644 ca.crt server.crt
  if [ "$(id -u)" -eq 0 ]; then chown postgres server.key server.crt ca.crt; fi
)
certificates >"$scratch/openssl.log" 2>&1 || { cat "$scratch/openssl.log" >&2; exit 1; }
chmod 755 "$scratch"

printf '%s\n' "$super_password" >"$scratch/password"
chmod 600 "$scratch/password"
if [ "$(id -u)" -eq 0 ]; then chown postgres "$scratch/password"; fi
as_server "$bin/initdb" -D "$scratch/data" -U deck_super --pwfile="$scratch/password" -A scram-sha-256 -E UTF8 --locale=C.UTF-8 \
  >/dev/null
cat >>"$scratch/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$scratch'
password_encryption = 'scram-sha-256'
ssl = on
ssl_cert_file = '$scratch/server.crt'
ssl_key_file = '$scratch/server.key'
fsync = off
max_connections = 200
temp_file_limit = '1GB'
max_wal_size = '256MB'
CONF

# A port that is free now; somebody else may take it before the server does, then another one is tried.
running=""
for _ in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 12000))
  if as_server "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log" -o "-p $port" -w -t 60 start >/dev/null 2>&1; then
    running=yes
    break
  fi
done
[ -n "$running" ] || { cat "$scratch/log" >&2; exit 1; }

PGPASSWORD="$super_password" "$bin/psql" -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U deck_super -d postgres <<SQL
CREATE ROLE deck_reader LOGIN PASSWORD '$reader_password';
CREATE ROLE deck_writer LOGIN PASSWORD '$writer_password';
SQL

# What the suite is told. The restart is a program of one word, so that the test need not know how the cluster is run.
cat >"$scratch/restart" <<RESTART
#!/bin/sh
exec "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log" -o "-p $port" -m fast -w -t 60 restart </dev/null >/dev/null 2>&1
RESTART
if [ "$(id -u)" -eq 0 ]; then
  sed -i "s|^exec |exec runuser -u postgres -- |" "$scratch/restart"
fi
chmod 755 "$scratch/restart"
export MCPDECK_TEST_POSTGRES="postgres://deck_super:$super_password@127.0.0.1:$port/postgres"
export MCPDECK_TEST_POSTGRES_READER="deck_reader:$reader_password"
export MCPDECK_TEST_POSTGRES_WRITER="deck_writer:$writer_password"
export MCPDECK_TEST_POSTGRES_FOLDER="$scratch"

# Runs SQL as the superuser.
in_postgres() {
  PGPASSWORD="$super_password" "$bin/psql" -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U deck_super -d "${2:-postgres}" -c "$1"
}
