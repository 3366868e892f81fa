#!/bin/sh
# Starts PostgreSQL; when PGDATA does not exist yet it makes the cluster, the user and the database first.
# Understands the settings of the official image that this project uses: POSTGRES_USER,
# POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_DB, PGDATA (a folder inside the volume, not
# its root). Runs as a user that is not root, with a read-only root file system; writes to PGDATA's
# parent and to /var/run/postgresql or, when that is read-only, /tmp.
set -eu

bin=/usr/lib/postgresql/15/bin
: "${PGDATA:=/var/lib/postgresql/data/pgdata}"
: "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"
sockets=/var/run/postgresql
[ -w "$sockets" ] || sockets=/tmp

# Other programs than the server, `psql` for one, run as they are.
case "${1:-postgres}" in
postgres) [ "$#" -eq 0 ] || shift ;;
-*) ;;
*) exec "$@" ;;
esac

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
		POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
	fi
	if [ -z "${POSTGRES_PASSWORD:-}" ]; then
		echo "entrypoint: set POSTGRES_PASSWORD_FILE to a file with the password of $POSTGRES_USER" >&2
		exit 2
	fi
	# Made beside its place and renamed when complete: a pod that ends half-way leaves nothing half-made.
	fresh=$PGDATA.new
	rm -rf "$fresh"
	printf '%s\n' "$POSTGRES_PASSWORD" |
		"$bin/initdb" --pgdata="$fresh" --username="$POSTGRES_USER" --pwfile=/dev/stdin \
			--encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256
	printf 'host all all all scram-sha-256\n' >>"$fresh/pg_hba.conf"
	if [ "$POSTGRES_DB" != postgres ]; then
		printf 'CREATE DATABASE "%s";\n' "$POSTGRES_DB" |
			"$bin/postgres" --single -D "$fresh" postgres >/dev/null
	fi
	mv "$fresh" "$PGDATA"
fi
unset POSTGRES_PASSWORD

# The kubelet opens the volume to the pod's group again and again; the server refuses a folder that is open.
chmod 0700 "$PGDATA"
exec "$bin/postgres" -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories="$sockets" "$@"
