#!/bin/bash
# A real Keycloak on 127.0.0.1:$PORT with the realms of keycloak-realm*.json beside this file, administrator admin / admin.
# Runs until TERM; prints "READY <base URL>" once it answers. Every run starts from the same fresh database.
#
#   PORT=N      where to listen (default 8180)
#   REL=/auth   serve under /auth, as Keycloak up to 16 did. It is a build option: a second copy of the distribution.
#   W=DIR       work folder, kept between runs (default: the cache). The first run downloads 160 MB through Maven, builds
#               and imports (1 to 3 minutes); later ones only start (8 to 20 s).
#
# Needs Java 17 or later, Maven and curl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=26.4.7 port=${PORT:-8180} rel=${REL:-}
work=${W:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis/keycloak}
for tool in java mvn curl; do
  command -v "$tool" >/dev/null || { echo "keycloak.sh: $tool is missing; try: apt-get install openjdk-17-jre-headless maven curl" >&2; exit 1; }
done
mkdir -p "$work"
work=$(cd "$work" && pwd)
home=$work/keycloak-$version${rel//\//-}
seed=$work/seed-$version-$(cat "$here"/keycloak-realm*.json | sha1sum | cut -c1-12).mv.db

# Starting is what costs: C1 and the serial collector. (JAVA_OPTS replaces kc.sh's own list, which asks for G1.)
jvm="-Xms64m -Xmx${HEAP:-320}m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxMetaspaceSize=256m -XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8"
export JAVA_OPTS=$jvm KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin

run=$(mktemp -d) server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 143' TERM INT

start() { # returns when the realm answers; the port is closed until then
  # pdeathsig: no orphan when this script is killed with -9
  setpriv --pdeathsig TERM "$home/bin/kc.sh" start --optimized --cache=local --http-enabled=true --http-host=127.0.0.1 \
    --http-port="$port" --hostname-strict=false --db-url="jdbc:h2:file:$run/keycloakdb;NON_KEYWORDS=VALUE" "$@" >"$run/log" 2>&1 &
  server=$!
  until curl -sf -o /dev/null -m 5 "http://127.0.0.1:$port$rel/realms/demo/.well-known/openid-configuration"; do
    kill -0 "$server" 2>/dev/null || { server=; cat "$run/log" >&2; echo "keycloak.sh: Keycloak did not start" >&2; exit 1; }
    sleep 0.1
  done
}

if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then echo "keycloak.sh: port $port is taken" >&2; exit 1; fi

exec 9>"$work/lock"
flock 9
if [ ! -e "$home/built" ]; then
  echo "keycloak.sh: getting and building Keycloak $version${rel:+ under $rel} (once)" >&2
  artifact=org.keycloak:keycloak-quarkus-dist:$version:tar.gz
  mvn -q -B dependency:get -Dartifact="$artifact" -Dtransitive=false >&2
  mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$run" >&2
  rm -rf "$home"
  mkdir "$home"
  tar xzf "$run/keycloak-quarkus-dist-$version.tar.gz" -C "$home" --strip-components=1
  rm -f "$run"/*.tar.gz
  "$home/bin/kc.sh" build --db=dev-file ${rel:+--http-relative-path="$rel"} >"$run/log" 2>&1 || { cat "$run/log" >&2; exit 1; }
  touch "$home/built"
fi
if [ ! -e "$seed" ] || [ ! -e "$home/classes.jsa" ]; then
  # One start to throw away: schema and import cost far more than a start, so they are kept as a database file, and the
  # loaded classes as an archive.
  export JAVA_OPTS="$jvm -XX:ArchiveClassesAtExit=$home/classes.jsa"
  rm -rf "$home/classes.jsa" "$home/data/import"
  mkdir -p "$home/data/import"
  if [ -e "$seed" ]; then cp "$seed" "$run/keycloakdb.mv.db"; fi
  # Keycloak wants a file x-realm.json to hold realm x, so ours are renamed.
  for file in "$here"/keycloak-realm*.json; do cp "$file" "$home/data/import/$(basename "$file" | sed 's/-realm/_/')"; done
  start --import-realm
  kill "$server"
  wait "$server" || true
  server=
  if [ ! -e "$seed" ]; then mv "$run/keycloakdb.mv.db" "$seed"; fi
fi
export JAVA_OPTS="$jvm -XX:SharedArchiveFile=$home/classes.jsa"
cp "$seed" "$run/keycloakdb.mv.db"
exec 9>&-
start
echo "READY http://127.0.0.1:$port$rel"
wait "$server"
