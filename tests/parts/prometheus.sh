#!/bin/bash
# A real Prometheus that scrapes TARGET (host:port) each second.
source "$(dirname "$0")/part.sh"
need prometheus prometheus
cat >"$run/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: portcullis
    static_configs: [{targets: ["${TARGET:?}"]}]
END
start "$url/-/ready" prometheus --config.file="$run/prometheus.yml" --storage.tsdb.path="$run/data" \
  --web.listen-address="127.0.0.1:$port"
ready "$url"
