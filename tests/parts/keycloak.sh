#!/bin/bash
# A real Keycloak with the realms of keycloak-realm*.json beside this file, administrator admin / admin. Every run starts from
# the same fresh database. REL=/auth serves under /auth, as Keycloak up to 16 did: a build option, so a second copy of the
# distribution.
#
# The first run downloads 160 MB through Maven, builds and imports (1 to 3 minutes); later ones only start (8 to 20 s).
source "$(dirname "$0")/part.sh"
need java openjdk-17-jre-headless
need mvn maven
version=26.4.7 rel=${REL:-} work=$kept/keycloak
mkdir -p "$work"
home=$work/keycloak-$version${rel//\//-}
seed=$work/seed-$version-$(cat "$here"/keycloak-realm*.json | sha1sum | cut -c1-12).mv.db

# Starting is what costs: C1 and the serial collector. (JAVA_OPTS replaces kc.sh's own list, which asks for G1.)
jvm="-Xms64m -Xmx${HEAP:-320}m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxMetaspaceSize=256m -XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8"
export JAVA_OPTS=$jvm KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin

keycloak() { # keycloak ARGUMENT...: starts it
  start "$url$rel/realms/demo/.well-known/openid-configuration" \
    "$home/bin/kc.sh" start --optimized --cache=local --http-enabled=true --http-host=127.0.0.1 --http-port="$port" \
    --hostname-strict=false --db-url="jdbc:h2:file:$run/keycloakdb;NON_KEYWORDS=VALUE" "$@"
}

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
  keycloak --import-realm
  end
  if [ ! -e "$seed" ]; then mv "$run/keycloakdb.mv.db" "$seed"; fi
fi
export JAVA_OPTS="$jvm -XX:SharedArchiveFile=$home/classes.jsa"
cp "$seed" "$run/keycloakdb.mv.db"
exec 9>&-
keycloak
ready "$url$rel"
