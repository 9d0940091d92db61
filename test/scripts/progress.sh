# The sign of life of scripts that take long: it comes, counts, and holds nobody up.

set -u
tests=0
result() {
	tests=$((tests + 1))
	if "${@:2}"; then echo "ok $tests - $1"; else echo "not ok $tests - $1"; fi
}
said=$(PROGRESS_SECONDS=1 bash -c '
	source scripts/progress.sh
	log=$(mktemp); printf "ok 1\nok 2\nnot this\n" > "$log"
	progress_start waiting "$log" "^ok" "tests done"
	sleep 2.5
	progress_stop
	rm "$log"')
result 'lines come while something takes long' grep -q '^waiting: [12] s, 2 tests done$' <<< "$said"

# The pipe is closed with the script, although the clock was not stopped.
begin=$SECONDS
PROGRESS_SECONDS=1 bash -c 'source scripts/progress.sh; progress_start waiting' | cat > /dev/null
result 'a clock that nobody stops ends with its script' test $((SECONDS - begin)) -le 5
begin=$SECONDS
PROGRESS_SECONDS=60 bash -c 'source scripts/progress.sh; progress_start waiting; progress_stop' | cat > /dev/null
result 'a stopped one ends at once' test $((SECONDS - begin)) -le 5
source scripts/progress.sh
result 'minutes' test "$(about_minutes 10), $(about_minutes 119), $(about_minutes 980)" = \
	'about a minute, about 2 minutes, about 16 minutes'
result 'what says progress is no line of counts' test -z "$(grep -E '^[0-9]+ passed' <<< "$said")"
echo "1..$tests"
