# Sourced by the suites that install packages from PyPI: `python_at_least 3 11` installs Python where it is missing.

usable_python() {
  command -v python3 >/dev/null \
    && python3 -c "import ensurepip, sys, venv; sys.exit(sys.version_info < ($1, $2))" 2>/dev/null
}

python_at_least() {
  usable_python "$1" "$2" && return
  if ! command -v apt-get >/dev/null; then
    echo "Python $1.$2 or newer with venv is needed; install it and run this again" >&2
    return 1
  fi
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get update -qq </dev/null
  $sudo apt-get install -y -qq --no-install-recommends python3 python3-venv </dev/null >/dev/null
  usable_python "$1" "$2" || {
    echo "Python $1.$2 or newer is needed; this system's is $(python3 --version 2>/dev/null || echo missing)" >&2
    return 1
  }
}

# environment FOLDER PINNED: a virtual environment with the packages of the file PINNED and no others, until that file changes.
environment() {
  cmp -s "$2" "$1/installed.txt" && return
  rm -rf "$1"
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$2" </dev/null || return
  cp "$2" "$1/installed.txt"
}
