#!/bin/bash
# Reads dashboards, the arguments, by the types that Grafana publishes for its files, of the oldest and the newest version there is
# of them, and says what in a dashboard these do not know: what does not come out again as it went in.
source "$(dirname "$0")/part.sh"
cat >"$run/read.py" <<'END'
import json, sys
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

register_default_plugins()

def unknown(ours, theirs, at):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [line for name in ours for line in (
            unknown(ours[name], theirs[name], f"{at}.{name}") if name in theirs else [f"{at}.{name}: is unknown"])]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [line for i, (one, other) in enumerate(zip(ours, theirs)) for line in unknown(one, other, f"{at}[{i}]")]
    return [] if ours == theirs else [f"{at}: {ours!r} is read as {theirs!r}"]

found = []
for file in sys.argv[1:]:
    ours = json.load(open(file))
    found += unknown(ours, json.loads(JSONEncoder().encode(Dashboard.from_json(ours))), file)
print(*found, sep="\n")
sys.exit(1 if found else 0)
END
for version in '1769699998!10.1.0' '1769699379!11.6.0'; do
  venv "grafana-foundation-sdk==$version"
  "$venv/bin/python" "$run/read.py" "$@" || fail "not as Grafana ${version#*!} has it"
done
