#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev run: starts the echo upstream and the gateway on a declarative file, says what to try, and ends both on Ctrl-C.
#
#   tools/run.sh build/release/sluice examples/quickstart.yaml
#
# The file says how it wants to be tried: its comment lines `# try: curl ...` are printed, with the port in use.
set -euo pipefail

sluice="$1" example="$2"
[[ -r "$example" ]] || { echo "run: $example does not exist" >&2 && exit 1; }

prefix="$(mktemp -d "${TMPDIR:-/tmp}/sluice-run-XXXXXX")"
pids=()

# Ends what this script started, by process id, and waits for it.
finish() {
  trap - EXIT INT TERM
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$prefix"
}
trap finish EXIT
trap 'exit 130' INT TERM

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_port VARIABLE PORT: sets the variable to the wanted port, or to the first after it that is free and not chosen.
chosen=" "
choose_port() {
  local port="$2"
  while [[ "$chosen" == *" $port "* ]] || taken "$port"; do port=$((port + 1)); done
  chosen+="$port "
  printf -v "$1" '%s' "$port"
}

# await PORT PID NAME: until the port accepts, at most ten seconds.
await() {
  local tries
  for ((tries = 0; tries < 200; ++tries)); do
    if taken "$1"; then return 0; fi
    if ! kill -0 "$2" 2>/dev/null; then
      echo "run: $3 ended before it was ready; its messages are above" >&2
      exit 1
    fi
    sleep 0.05
  done
  echo "run: $3 does not listen on port $1 after ten seconds" >&2
  exit 1
}

# The echo upstream listens where the example's first service expects it.
echo_wanted="$(sed -n 's|^[^#]*http://\(127\.0\.0\.1\|localhost\):\([0-9]*\).*|\2|p' "$example" | head -n 1)"
echo_wanted="${echo_wanted:-9000}"
choose_port echo_port "$echo_wanted"
choose_port proxy_port 8000
choose_port admin_port 8001
choose_port status_port 8007

config="$prefix/${example##*/}"
sed "s/\(127\.0\.0\.1\|localhost\):$echo_wanted/127.0.0.1:$echo_port/g" "$example" >"$config"

"$sluice" echo --listen "127.0.0.1:$echo_port" &
pids+=($!)
await "$echo_port" "${pids[0]}" "the echo upstream"

SLUICE_PREFIX="$prefix" SLUICE_PROXY_LISTEN="127.0.0.1:$proxy_port" SLUICE_ADMIN_LISTEN="127.0.0.1:$admin_port" \
  SLUICE_STATUS_LISTEN="127.0.0.1:$status_port" "$sluice" start --declarative "$config" &
pids+=($!)
await "$proxy_port" "${pids[1]}" "the gateway"

cat <<TEXT

The gateway is up, on $example:

  proxy   http://127.0.0.1:$proxy_port      admin  http://127.0.0.1:$admin_port      echo  http://127.0.0.1:$echo_port

Try, in another terminal:

TEXT
sed -n -e "s/localhost:8000/127.0.0.1:$proxy_port/g; s/127\.0\.0\.1:8000/127.0.0.1:$proxy_port/g" \
  -e 's/^# *try: */  /p' "$example"
printf '\nCtrl-C ends both.\n\n'

# Whichever ends first ends the other.
wait -n "${pids[@]}" || true
