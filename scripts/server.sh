# shellcheck shell=bash
#
# A private throw-away PostgreSQL server.  To be sourced by bash scripts:
#
#   PG_CONFIG=...               which server (default: scripts/pg-config)
#   source scripts/server.sh
#   server_start [SETTING...]   start it; SETTINGs are postgresql.conf lines
#   psql ...                    PGHOST, PGPORT, PGUSER and PGDATABASE point at it
#   as_postgres COMMAND...      run COMMAND as the user the server runs as
#   on_exit COMMAND...          run COMMAND at exit; the last one given first
#   server_stop                 stop and remove it (done at exit by itself)
#   own_exit                    at the beginning of a subshell: what it begins ends with it,
#                               and what the script has begun does not
#
# The server has its own data folder, listens on a socket in a private folder
# only, trusts who reaches that socket, and does not flush to disk.  Servers refuse
# to run as root: root runs it as user postgres, anybody else as himself; in
# both cases the superuser is called postgres.
#
# It is stopped and removed when the script ends, also by an error, Ctrl-C or
# TERM.  With KEEP=1 it stays up, and the line that reaches it is printed.
#
# With SERVER_PROGRAM set, that program is started in place of postgres, with
# the same arguments.
#
# Sets SERVER_DIR (private folder, owned by the server's user; scripts may put
# their own files there) and SERVER_BIN (folder of the server's programs).

PG_CONFIG=${PG_CONFIG:-$("$(dirname "${BASH_SOURCE[0]}")/pg-config")}
SERVER_BIN=$("$PG_CONFIG" --bindir)
SERVER_DIR=

ON_EXIT=()
on_exit() { ON_EXIT=("$(printf '%q ' "$@")" "${ON_EXIT[@]}"); }

run_on_exit() {
	local status=$? command
	# A second Ctrl-C must not leave half of it behind.
	trap '' INT TERM HUP
	for command in "${ON_EXIT[@]}"; do
		eval "$command" || true
	done
	exit "$status"
}
own_exit() {
	ON_EXIT=()
	trap run_on_exit EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}
own_exit

# HOME is moved because that of root cannot be read by postgres.
as_postgres() {
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u postgres -- env HOME="${SERVER_DIR:-/tmp}" PATH="$SERVER_BIN:$PATH" "$@"
	else
		env PATH="$SERVER_BIN:$PATH" "$@"
	fi
}

# Make a folder owned by the server's user and print it.  In /tmp whatever
# TMPDIR says: root's may be closed to postgres, and a socket's path has to stay
# below 108 bytes.
private_dir() {
	local dir
	dir=$(mktemp -d "/tmp/segment-$1.XXXXXX")
	if [ "$(id -u)" -eq 0 ]; then
		chown postgres: "$dir"
	fi
	echo "$dir"
}

server_start() {
	local setting locale
	SERVER_DIR=$(private_dir server)
	on_exit server_stop

	for locale in C.UTF-8 C; do
		if (cd "$SERVER_DIR" && as_postgres initdb -D "$SERVER_DIR/data" -U postgres -A trust \
			--encoding=UTF8 --locale="$locale" --no-sync --no-instructions) \
			> "$SERVER_DIR/initdb.log" 2>&1; then
			break
		elif [ "$locale" = C ]; then
			cat "$SERVER_DIR/initdb.log" >&2
			return 1
		fi
		as_postgres rm -rf "$SERVER_DIR/data"
	done

	# The port only names the socket, which lies in a folder of its own.
	export PGHOST=$SERVER_DIR PGPORT=$((20000 + RANDOM)) PGUSER=postgres PGDATABASE=postgres
	unset PGPASSWORD PGSERVICE PGOPTIONS PGHOSTADDR
	as_postgres tee -a "$SERVER_DIR/data/postgresql.conf" > "$SERVER_DIR/conf.log" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$SERVER_DIR'
		port = $PGPORT
		max_connections = 30
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		$(for setting in "$@"; do echo "$setting"; done)
	CONF
	if ! (cd "$SERVER_DIR" && as_postgres pg_ctl -D "$SERVER_DIR/data" -l "$SERVER_DIR/server.log" \
		-s -w -t 60 ${SERVER_PROGRAM:+-p "$SERVER_PROGRAM"} start < /dev/null); then
		cat "$SERVER_DIR/server.log" >&2
		return 1
	fi
}

server_stop() {
	[ -n "$SERVER_DIR" ] || return 0
	if [ "${KEEP:-}" = 1 ] && [ -e "$SERVER_DIR/data/postmaster.pid" ]; then
		# the folder of the socket is closed to whoever ran this by sudo
		local sudo=${SUDO_USER:+sudo }
		echo "The server is left running (KEEP=1):"
		echo "  ${sudo}psql -h $PGHOST -p $PGPORT -U postgres ${PGDATABASE:-postgres}"
		echo "Stop and remove it by:"
		if [ "$(id -u)" -eq 0 ]; then
			echo "  ${sudo}runuser -u postgres -- $SERVER_BIN/pg_ctl -D $SERVER_DIR/data -m immediate stop && ${sudo}rm -rf $SERVER_DIR"
		else
			echo "  $SERVER_BIN/pg_ctl -D $SERVER_DIR/data -m immediate stop && rm -rf $SERVER_DIR"
		fi
		SERVER_DIR=
		return 0
	fi
	if [ -e "$SERVER_DIR/data/postmaster.pid" ]; then
		(cd "$SERVER_DIR" && as_postgres pg_ctl -D "$SERVER_DIR/data" -s -m immediate stop) || true
	fi
	rm -rf "$SERVER_DIR"
	SERVER_DIR=
}
