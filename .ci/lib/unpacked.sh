# Sourced by suites: takes a program out of Debian's package without installing it, so that no service is started and nothing of the
# machine changes; a program of that name on the PATH is used as it is.
#
#   unpacked PACKAGE PATH-IN-PACKAGE VERSION-FLAG FOLDER
#
# Prints where the program is; what goes wrong is said on stderr, with a code that is not 0.

unpacked() {
  local package="$1" inside="$2" flag="$3" folder="$4" found sudo=""
  found="$(PATH="$PATH:/usr/sbin" command -v "$(basename "$inside")" || true)"
  if [ -z "$found" ]; then
    mkdir -p "$folder"
    found="$(cd "$folder" && pwd)/$inside"
  fi
  if ! "$found" "$flag" >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null; then
      echo "$package is needed; install it and run this again" >&2
      return 1
    fi
    [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    $sudo apt-get update -qq </dev/null >&2
    rm -f "$folder/$package"_*.deb
    (cd "$folder" && apt-get download -qq "$package" </dev/null 2>/dev/null >&2)
    dpkg -x "$folder/$package"_*.deb "$folder" >&2
    "$found" "$flag" >&2 || { echo "$package was unpacked but does not start" >&2; return 1; }
  fi
  echo "$found"
}
