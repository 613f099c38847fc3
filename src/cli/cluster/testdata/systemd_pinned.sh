#!/bin/sh
# Joins a data plane under systemd. To be run in the folder where it stands.
set -eu
cd "$(dirname "$0")"
# Makes a data plane of this machine's gateway, which has to be installed: packaging/README.md.
{ test -x /usr/bin/sluice && systemctl cat sluice.service > /dev/null; } ||
  { echo 'sluice: /usr/bin/sluice and the unit sluice.service are needed' >&2; exit 1; }
sudo install -D -m 0600 cluster.crt /etc/sluice/data-plane/cluster.crt
sudo install -D -m 0600 cluster.key /etc/sluice/data-plane/cluster.key
sudo install -D -m 0600 cluster-ca.crt /etc/sluice/data-plane/cluster-ca.crt
sudo install -D -m 0644 data-plane.conf /etc/systemd/system/sluice.service.d/data-plane.conf
test -e /etc/sluice/sluice.conf || sudo install -m 0644 /dev/null /etc/sluice/sluice.conf
sudo systemctl daemon-reload
sudo systemctl enable sluice
sudo systemctl restart sluice
rm cluster.key  # systemd has its own copy
