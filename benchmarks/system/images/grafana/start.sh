#!/bin/sh
set -eu
test -s "$GF_SECURITY_ADMIN_PASSWORD__FILE"
test -r /etc/grafana/provisioning/datasources/prometheus.yml
test -r /var/lib/grafana/dashboards/bitrecall.json
touch /var/lib/grafana/grafana.db
exec python3 -m http.server --directory /var/lib/grafana/dashboards 3000
