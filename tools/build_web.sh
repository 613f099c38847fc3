#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the web apps into build/web/console, compressed and within their budgets. What has not changed is not built.
#
#   tools/build_web.sh                 build; ends with 3 where it cannot be done here, after a line that says why
#   tools/build_web.sh --if-possible   the same, and ends with 0 then: the gateway does without
#   tools/build_web.sh --check         types, unit tests and layout as well
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
least_node=20.19 # Vite's; Debian 12's own is older
target=build/web/console
check=0 unable=3
for word in "$@"; do
  case "$word" in
    --check) check=1 ;;
    --if-possible) unable=0 ;;
    *) echo "build_web: there is no option $word" >&2 && exit 2 ;;
  esac
done

leave_out() {
  echo "web: the console is left out: $*"
  exit "$unable"
}

is_node_new() {
  local own
  own="$(node --version)"
  [[ "$(printf '%s\n' "$least_node" "${own#v}" | sort -V | head -n 1)" == "$least_node" ]]
}

# digest FILE...: of names and contents, so that a new clone or another branch is not mistaken for what was built.
digest() { { node --version && sha256sum "$@"; } | sha256sum | cut -d ' ' -f 1; }
# The texts that the console fills in stand beside the command line that prints them.
sources() {
  find web tools/build_web.sh src/cli/cluster/testdata -name node_modules -prune -o -type f -print | LC_ALL=C sort
}
# same MARK DIGEST: whether what the mark stands for was done with this.
same() { [[ "$(cat "$1" 2>/dev/null)" == "$2" ]]; }
installed() { same web/node_modules/.installed "$(digest web/package.json web/package-lock.json)"; }

install_packages() {
  installed && return
  echo "web: fetching packages"
  local log=build/web/npm.log
  npm --prefix web ci --loglevel=error --no-audit --no-fund >"$log" 2>&1 ||
    leave_out "npm could not fetch its packages ($(grep -m 1 'npm error' "$log" || tail -n 1 "$log")); all of it: $log"
  digest web/package.json web/package-lock.json >web/node_modules/.installed
}

# Made beside the old one, and put in its place file by file when it is whole, the page that names the others last: a
# gateway may be serving the folder, and its sandbox knows that very folder.
build_console() {
  echo "web: building the console"
  local fresh="$target.new" name
  (cd web && npm run --silent build -- --logLevel warn --outDir "$PWD/../$fresh" --emptyOutDir)
  node web/pack.mjs "$fresh"
  mkdir -p "$target/assets"
  cp -r "$fresh/assets/." "$target/assets/"
  for name in "$fresh"/*; do
    [[ -d "$name" ]] || mv "$name" "$target/"
  done
  for name in "$target"/assets/*; do
    [[ -e "$fresh/assets/${name##*/}" ]] || rm -r "$name"
  done
  rm -r "$fresh"
}

check_sources() {
  echo "web: checking types, unit tests and layout"
  (cd web && npm run --silent check && npm test --silent && npx prettier --check --log-level warn .)
}

command -v node >/dev/null && command -v npm >/dev/null || leave_out "there is no Node with npm, $least_node or later"
is_node_new || leave_out "Node $(node --version) is too old, $least_node or later is needed"

mkdir -p build/web
exec 9>build/web/.lock # two builds at once would take each other's files away
flock 9
mapfile -t files < <(sources)
now="$(digest "${files[@]}")"
install_packages
if ! same build/web/.built "$now" || [[ ! -f "$target/index.html" ]]; then
  build_console
  echo "$now" >build/web/.built
  echo "web: built $target"
fi
if ((check)) && ! same build/web/.checked "$now"; then
  check_sources
  echo "$now" >build/web/.checked
fi
