# shellcheck shell=bash
#
# What the benchmarks share: a private server, and lines of ours against the
# rival's.  To be sourced by bash scripts in the project's folder:
#
#   RUNS=5                                how often each is run; medians count
#   bench_server [SETTING...]             start the server, with the extension
#   run_sql [PSQL OPTION...]
#   heading                               the head of the table
#   compare NAME BOUND OURS RIVAL [BEFORE_OURS [BEFORE_RIVAL]]
#   report NAME BOUND OURS RIVAL          a line from milliseconds measured elsewhere
#
# Bounds are printed, never asserted.  A line that takes long says so meanwhile, on standard
# error.  Programs are built in SERVER_DIR, so nothing is left in the clone.

RUNS=${RUNS:-5}
PG_CONFIG=${PG_CONFIG:-$(scripts/pg-config)}
# shellcheck source=scripts/server.sh
source scripts/server.sh
source scripts/progress.sh
on_exit progress_stop

run_sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

# Enough memory for everything to stay in it, no JIT, nothing in the background.
bench_server() {
	server_start "shared_buffers = 2GB" "work_mem = 1GB" "maintenance_work_mem = 1GB" \
		"max_wal_size = 16GB" "jit = off" "autovacuum = off" "checkpoint_timeout = 1h" "$@"
	export PGOPTIONS='-c client_min_messages=warning'
	run_sql -c "CREATE EXTENSION segment" -c "ALTER DATABASE $PGDATABASE SET search_path = public, segment"
}

# Milliseconds of the statement between \timing on and off, one line a run.
times_of() { sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

heading() { printf '%-58s %10s %10s %8s  %s\n' "" "ours, ms" "rival, ms" ratio bound; }

report() {
	awk -v n="$1" -v b="$2" -v o="$3" -v r="$4" \
		'BEGIN { printf "%-58s %10.*f %10.*f %8.2f  %s\n", n, o < 20, o, r < 20, r, o / r, b }'
}

# One line of the table.  Both run in one session, alternating, so that drift of
# the machine meets both; the first run of each is not counted, and what comes
# before a statement is not timed.
compare() {
	local name=$1 bound=$2 ours=$3 rival=$4 before_ours=${5:-} before_rival=${6:-} i script output
	script=$(
		for ((i = 0; i <= RUNS; i++)); do
			printf '%s\n\\timing on\n%s;\n\\timing off\n' "$before_ours" "$ours"
			printf '%s\n\\timing on\n%s;\n\\timing off\n' "$before_rival" "$rival"
		done
	)
	progress_start "bench: ${name%% : *}" >&2
	output=$(run_sql <<<"$script" | times_of | tail -n +3)
	progress_stop
	report "$name" "$bound" "$(sed -n 'p;n' <<<"$output" | median)" "$(sed -n 'n;p' <<<"$output" | median)"
}
