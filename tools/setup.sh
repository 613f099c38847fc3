#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the packages of tools/packages.txt that this machine lacks. Bash and apt only: it runs on a fresh Debian 12.
#
#   tools/setup.sh            install what is missing
#   tools/setup.sh --check    install nothing; exit 1 and name them when packages are missing
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

wanted_packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/packages.txt"; }

# Prints the packages that are not installed. One dpkg-query for all of them: every ./dev command calls this.
missing_packages() {
  local installed
  # dpkg-query fails when it has never heard of a name, and still prints the others.
  # shellcheck disable=SC2046  # one argument for each package is what we want
  installed="$(dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' $(wanted_packages) 2>/dev/null |
    awk '$2 == "installed" { sub(/:.*/, "", $1); print $1 }' || true)"
  comm -23 <(wanted_packages | sort -u) <(sort -u <<<"$installed")
}

# Other distributions bring their own packages: there the tools themselves must be present.
check_without_apt() {
  local tool lacking=()
  for tool in clang++-19 ld.lld-19 cmake ninja python3; do
    command -v "$tool" >/dev/null || lacking+=("$tool")
  done
  if ((${#lacking[@]})); then
    echo "setup: this is not a Debian system, and these tools are missing: ${lacking[*]}" >&2
    echo "setup: install what corresponds to the packages in tools/packages.txt, then try again" >&2
    return 1
  fi
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "setup: installing packages needs root, and there is no sudo. As root, run: $*" >&2
    return 1
  fi
}

# Debian starts a server when its package is installed. Ours are peers in benchmarks: nothing should listen on port 80.
stop_new_services() {
  local service
  [[ -d /run/systemd/system ]] || return 0
  for service in nginx haproxy; do
    if grep -q "^$service" <<<"$1"; then as_root systemctl disable --now "$service" >/dev/null 2>&1 || true; fi
  done
}

main() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    check_without_apt
    return
  fi
  local missing count
  missing="$(missing_packages)"
  if [[ -z "$missing" ]]; then
    [[ "${1:-}" == --check ]] || echo "setup: all packages of tools/packages.txt are installed"
    return 0
  fi
  count="$(wc -l <<<"$missing")"
  if [[ "${1:-}" == --check ]]; then
    echo "setup: $count packages are missing: $(tr '\n' ' ' <<<"$missing")" >&2
    return 1
  fi
  echo "setup: installing $count packages: $(tr '\n' ' ' <<<"$missing")"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -q
  # shellcheck disable=SC2086  # a list of words is what we want
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing </dev/null
  stop_new_services "$missing"
  missing="$(missing_packages)"
  if [[ -n "$missing" ]]; then
    echo "setup: still missing after apt-get: $(tr '\n' ' ' <<<"$missing")" >&2
    return 1
  fi
  echo "setup: done"
}

main "$@"
