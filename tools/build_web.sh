#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the web apps into build/web/, pre-compressed, and holds them to their budgets.
# `--check` also runs the unit tests and asks whether prettier agrees. Needs Node 20 or later, and npm.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root="$PWD"
check=0
[[ "${1:-}" != --check ]] || check=1

if ! command -v npm >/dev/null; then
  echo "build_web: there is no npm; the web apps need Node 20 or later" >&2
  exit 1
fi

cd web
# What is installed is remembered by the lock file's content, so that a second build installs nothing.
mark=node_modules/.installed
lock="$(sha256sum package-lock.json | cut -d ' ' -f 1)"
if [[ "$(cat "$mark" 2>/dev/null || true)" != "$lock" ]]; then
  npm ci --loglevel=error
  printf '%s\n' "$lock" >"$mark"
fi

npm run --silent check
if ((check)); then
  npm test --silent
  npx prettier --check --log-level warn .
fi
npm run --silent build -- --logLevel warn
node pack.mjs "$root/build/web/console"
