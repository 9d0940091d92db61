# shellcheck shell=bash
#
# A sign of life while something takes long.  To be sourced by bash scripts:
#
#   progress_start WORDS [LOG PATTERN THINGS]
#                    from now on print "WORDS: N s" every PROGRESS_SECONDS (20), with the
#                    number of lines of LOG that match PATTERN, called THINGS, where given
#   progress_stop    no more of it; does nothing where nothing was started
#   about_minutes SECONDS    "about N minutes", of an estimate
#
# The clock counts from progress_start.  It ends by itself when the script is gone.

PROGRESS_SECONDS=${PROGRESS_SECONDS:-20}
PROGRESS_PID=

# Waits by read and not by sleep, whose process would outlive a kill and hold the
# pipe that this prints into.
progress_tick() {
	local script=$1 words=$2 log=${3:-} pattern=${4:-} things=${5:-} begin=$SECONDS silence status count
	exec {silence}<> <(:) || return
	while kill -0 "$script" 2> /dev/null; do
		status=0
		read -r -t "$PROGRESS_SECONDS" -u "$silence" || status=$?
		# More than 128 is the time out; anything else would make this run in circles.
		[ "$status" -gt 128 ] || return
		count=
		if [ -n "$log" ] && [ -r "$log" ]; then
			count=", $(grep -cE "$pattern" "$log" || true) $things"
		fi
		printf '%s: %d s%s\n' "$words" $((SECONDS - begin)) "$count"
	done
}

progress_start() {
	progress_stop
	progress_tick $$ "$@" < /dev/null 2> /dev/null &
	PROGRESS_PID=$!
}

progress_stop() {
	[ -n "$PROGRESS_PID" ] || return 0
	kill "$PROGRESS_PID" 2> /dev/null || true
	wait "$PROGRESS_PID" 2> /dev/null || true
	PROGRESS_PID=
}

about_minutes() {
	local minutes=$((($1 + 30) / 60))
	if [ "$minutes" -gt 1 ]; then
		echo "about $minutes minutes"
	else
		echo "about a minute"
	fi
}
