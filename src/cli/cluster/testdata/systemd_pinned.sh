#!/bin/sh
# Joins a data plane under systemd. To be run in the folder where it stands.
set -eu
cd "$(dirname "$0")"
sudo install -D -m 0600 cluster.crt /etc/sluice/cluster/cluster.crt
sudo install -D -m 0600 cluster.key /etc/sluice/cluster/cluster.key
sudo install -D -m 0600 cluster-ca.crt /etc/sluice/cluster/cluster-ca.crt
sudo install -D -m 0644 data-plane.conf /etc/systemd/system/sluice.service.d/data-plane.conf
test -e /etc/sluice/sluice.conf || sudo install -m 0644 /dev/null /etc/sluice/sluice.conf
sudo systemctl daemon-reload
sudo systemctl enable sluice
sudo systemctl restart sluice
