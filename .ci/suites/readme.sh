#!/usr/bin/env bash
# Every command of the README, as it stands there: each line of its ```sh blocks, in order, in a scratch folder with a home of its own.
#
# Runs as a step of .ci/run after `release`. Lines that .ci/run itself has carried out are known word for word; a line that
# changes is no longer known and runs like any other. The terminal program is opened in a pseudo-terminal, looked at, and quit.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
repo="$PWD"
target="${MCPDECK_CI_TARGET:-${CARGO_TARGET_DIR:-$repo/target}}"
bin="${MCPDECK_CI_BIN:-$target/release/mcpdeck}"
[ -x "$bin" ] || { echo "no program at $bin; run \`.ci/run release readme\`" >&2; exit 1; }
command -v script >/dev/null || { echo "\`script\` of util-linux is missing (on Debian: bsdutils)" >&2; exit 1; }

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch"/{bin,home,config,data,work}
ln -s "$bin" "$scratch/bin/mcpdeck"

# A shell that knows this scratch and no key, no endpoint, no home of the person who runs it.
hermetic() {
  (cd "$scratch/work" && env -i PATH="$scratch/bin:$PATH" HOME="$scratch/home" TERM=xterm-256color LANG=C.UTF-8 \
    MCPDECK_CONFIG_DIR="$scratch/config" MCPDECK_DATA_DIR="$scratch/data" bash -o pipefail -c "$1")
}

# on_screen COMMAND TEXT: opens it in a pseudo-terminal, waits for the text, presses Ctrl-C twice, and expects a good end.
on_screen() {
  local keys="$scratch/keys" log="$scratch/screen" pid code=0 tries
  rm -f "$keys" "$log" && mkfifo "$keys"
  hermetic "stty() { command stty \"\$@\" 2>/dev/null; }; script -qfec 'stty cols 120 rows 40; exec $1' '$log' <'$keys' >/dev/null" &
  pid=$!
  exec 9>"$keys"
  for tries in $(seq 300); do
    grep -qaF "$2" "$log" 2>/dev/null && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  grep -qaF "$2" "$log" || { echo "  its screen never showed: $2"; code=1; }
  printf '\003' >&9
  sleep 0.3
  printf '\003' >&9
  for tries in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  if kill -0 "$pid" 2>/dev/null; then
    echo "  it did not end on Ctrl-C twice"
    kill "$pid"
    code=1
  fi
  exec 9>&-
  wait "$pid" || { echo "  it ended with $?"; code=1; }
  return $code
}

run() {
  case "$1" in
    "cargo run --release -- demo") on_screen "mcpdeck demo" "script that plays a model" ;;
    "mcpdeck inspect -- "*) on_screen "$1" "How it came up" ;;
    "mcpdeck --config play/mcp.toml") on_screen "$1" "script that plays a model" ;;
    # The step `test` of .ci/run is this line, word for word.
    "cargo test") grep -qx 'step_test() { cargo test; }' .ci/run ;;
    # Word for word, but not into the home of the person who runs this.
    "cargo install --locked --path .") CARGO_INSTALL_ROOT="$scratch/installed" CARGO_TARGET_DIR="$target" bash -c "$1" 2>&1 | tail -n 2 ;;
    *) hermetic "$1" </dev/null ;;
  esac
}

mapfile -t commands < <(awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside && NF' README.md)
failed=0
for command in "${commands[@]}"; do
  printf '$ %s\n' "$command"
  run "$command" >"$scratch/out" 2>&1
  code=$?
  tail -n 5 "$scratch/out" | cut -c 1-160 | sed 's/^/  /'
  if [ $code -ne 0 ]; then
    echo "  FAILED with exit code $code"
    failed=$((failed + 1))
  fi
done

# A README that lost its commands would pass all of them.
for must in "cargo run --release -- demo" "cargo test"; do
  printf '%s\n' "${commands[@]}" | grep -qxF "$must" || { echo "the README does not have: $must"; failed=$((failed + 1)); }
done
[ "${commands[0]:-}" = "cargo run --release -- demo" ] || { echo "the README's first command is: ${commands[0]:-none}"; failed=$((failed + 1)); }
if [ ${#commands[@]} -lt 15 ]; then
  echo "only ${#commands[@]} commands were found"
  failed=$((failed + 1))
fi
[ $failed -eq 0 ] || { echo "$failed failed"; exit 1; }
echo "${#commands[@]} commands of the README work"
