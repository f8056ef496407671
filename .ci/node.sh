# Sourced by the suites that install packages from npm: `node_at_least 18` installs node and npm where they are missing.

usable_node() {
  command -v node >/dev/null && command -v npm >/dev/null \
    && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$1" ]
}

node_at_least() {
  usable_node "$1" && return
  if ! command -v apt-get >/dev/null; then
    echo "node $1 or newer and npm are needed; install them and run this again" >&2
    return 1
  fi
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get update -qq </dev/null
  $sudo apt-get install -y -qq --no-install-recommends nodejs npm </dev/null >/dev/null
  usable_node "$1" || {
    echo "node $1 or newer is needed; this system's is $(node --version 2>/dev/null || echo missing)" >&2
    return 1
  }
}

# installed FOLDER LOCKED: the packages that the folder LOCKED of this repository pins, in FOLDER, until the lock file changes.
installed() {
  local stamp="$1/installed.lock.json"
  mkdir -p "$1"
  cmp -s "$2/package-lock.json" "$stamp" && return
  cp "$2/package.json" "$2/package-lock.json" "$2/.npmrc" "$1/"
  npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund </dev/null || return
  cp "$2/package-lock.json" "$stamp"
}
