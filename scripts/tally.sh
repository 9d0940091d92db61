# shellcheck shell=bash
#
# Count tests over several runners.  To be sourced by bash scripts:
#
#   tally_tap NAME LOG STATUS   count the TAP, or pg_regress output, of a runner that ended
#                               with STATUS, and print its summary
#   tally_line NAME LINE        count a line "N passed, N failed[, N skipped]"
#   tally_watch LOG COMMAND...  run what closes with such a line; show what it prints as it comes,
#                               but that line, which is counted by tally_line; all of it is in LOG
#   tally_passed, tally_failed, tally_skipped [N]
#   tally_close                 print the one closing line; status 1 if anything failed

TALLY_PASSED=0
TALLY_FAILED=0
TALLY_SKIPPED=0

tally_passed() { TALLY_PASSED=$((TALLY_PASSED + ${1:-1})); }
tally_failed() { TALLY_FAILED=$((TALLY_FAILED + ${1:-1})); }
tally_skipped() { TALLY_SKIPPED=$((TALLY_SKIPPED + ${1:-1})); }

# Top-level TAP lines.  Subtests are indented and counted by their parent.
# pg_regress before PostgreSQL 16 writes "test NAME ... ok" instead.
count_lines() { grep -cE "$1" "$2" || true; }

tally_tap() {
	local name=$1 log=$2 status=$3 passed failed skipped
	skipped=$(count_lines '^ok .*# *[Ss][Kk][Ii][Pp]|skipped: ' "$log")
	failed=$(count_lines '^not ok|^(test|    ) ?[^ ]+ +\.\.\. FAILED' "$log")
	failed=$((failed - $(count_lines '^not ok .*# *TODO' "$log")))
	passed=$(count_lines '^ok |^(test|    ) ?[^ ]+ +\.\.\. ok ' "$log")
	passed=$((passed + $(count_lines '^not ok .*# *TODO' "$log") \
		- $(count_lines '^ok .*# *[Ss][Kk][Ii][Pp]' "$log")))

	# A runner that broke off, or ran nothing, has failed whatever it counted.
	if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$((passed + skipped))" -eq 0 ]; }; then
		failed=1
	fi
	if [ "$failed" -gt 0 ]; then
		grep -vE '^ok ' "$log" || true
	else
		grep -E 'skipped: |# *[Ss][Kk][Ii][Pp]' "$log" || true
	fi
	# Not in the words of the closing line, which is to stand once.
	printf '%-10s %5d ok, %d not ok, %d skipped\n' "$name" "$passed" "$failed" "$skipped"
	tally_passed "$passed"
	tally_failed "$failed"
	tally_skipped "$skipped"
}

tally_line() {
	local name=$1 line=$2
	if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
		tally_passed "${BASH_REMATCH[1]}"
		tally_failed "${BASH_REMATCH[2]}"
		tally_skipped "${BASH_REMATCH[4]:-0}"
	else
		echo "$name: broke off without a count"
		tally_failed
	fi
}

tally_watch() {
	local log=$1
	shift
	{ "$@" || true; } 2>&1 < /dev/null | tee "$log" | sed -u '${/^[0-9]* passed, [0-9]* failed/d}'
}

tally_close() {
	local skipped=
	if [ "$TALLY_SKIPPED" -gt 0 ]; then
		skipped=", $TALLY_SKIPPED skipped"
	fi
	echo "$TALLY_PASSED passed, $TALLY_FAILED failed$skipped"
	[ "$TALLY_FAILED" -eq 0 ]
}
