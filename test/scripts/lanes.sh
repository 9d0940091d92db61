# Kinds of tests run side by side: each is shown whole, in their order, and counted; and
# nothing is left of them by who is told to end.  scripts/test runs in a tree of two kinds
# that need no server.

set -u
tests=0
result() {
	tests=$((tests + 1))
	if "${@:2}"; then echo "ok $tests - $1"; else echo "not ok $tests - $1"; fi
}

dir=$(mktemp -d /tmp/segment-lanes.XXXXXX)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir -p "$dir/tree/test/unit" "$dir/tree/test/scripts" "$dir/bin"
cp -r scripts "$dir/tree/scripts"
touch "$dir/tree/test/unit/one.c"
cat > "$dir/bin/pg_config" <<-END
	#!/bin/sh
	echo "$dir/bin"
END
chmod 755 "$dir/bin/pg_config"
# in place of building programs on a kernel that is not there
sed -i "s|^run_unit() {|&\\n\\tprove --verbose --merge --exec bash $dir/tree/test/unit/one.c\\n\\treturn\\n|" "$dir/tree/scripts/test"
export PG_CONFIG=$dir/bin/pg_config SEGMENT_TEST_DATA=/nowhere
run() { SEGMENT_TEST_LANES=$1 "$dir/tree/scripts/test" unit scripts; }
# who waits for the other proves that both run at once
meet() {
	echo "touch $dir/$1; n=0; until [ -e $dir/$2 ] || [ \$n = $3 ]; do n=\$((n + 1)); sleep 0.1; done"
	echo "[ -e $dir/$2 ] || echo 'not ok 1 - alone'"
}

{ meet unit scripts 200; echo 'echo "ok 1 - a"; sleep 1; echo "ok 2 - b"; echo 1..2'; } > "$dir/tree/test/unit/one.c"
{ meet scripts unit 200; echo 'echo "ok 1 - c"; echo 1..1'; } > "$dir/tree/test/scripts/two.sh"
said=$(run 2 2>&1)
status=$?
[ "$status" -eq 0 ] || sed 's/^/# /' <<< "$said"
result 'two lanes run at once' test "$status" -eq 0
result 'all tests of both count' grep -q '^3 passed, 0 failed$' <<< "$said"
order=$(grep -oE '^[a-z]+ +[0-9]+ ok|^[a-z]+: done' <<< "$said" | tr -s ' ' | tr '\n' ,)
result 'in their order, although the second is done first' \
	test "$order" = 'scripts: done,unit: done,unit 2 ok,scripts 1 ok,test: done,'

{ meet scripts unit 5; echo 'echo "ok 1 - c"; echo 1..1'; } > "$dir/tree/test/scripts/two.sh"
echo 'echo "not ok 1 - a"; echo "# why"; echo 1..1' > "$dir/tree/test/unit/one.c"
said=$(run 1 2>&1)
status=$?
result 'one lane does, too, and a failure makes it fail' test "$status" -eq 1
result 'the failure is shown, and the other kind runs' test "$(grep -cE '^# why|^scripts +1 ok|^1 passed, 1 failed$' <<< "$said")" -eq 3

# Which of the processes that wrote their numbers there have not ended, waited for or not.
alive() { for name; do grep -v ') Z ' "/proc/$(cat "$dir/$name")/stat" 2> /dev/null; done; }

# ended while both run: processes, files and the clock that tells the progress
echo "echo \$\$ > $dir/first; sleep 300" > "$dir/tree/test/unit/one.c"
echo "pwd > $dir/work; echo \$\$ > $dir/second; sleep 300" > "$dir/tree/test/scripts/two.sh"
SEGMENT_TEST_LANES=2 "$dir/tree/scripts/test" unit scripts > "$dir/log" 2>&1 &
for _ in {1..100}; do
	[ -s "$dir/first" ] && [ -s "$dir/second" ] && break
	sleep 0.1
done
begin=$SECONDS
kill -TERM $!
wait $!
status=$?
result 'ended by a signal it ends at once' test "$status" -eq 143 -a $((SECONDS - begin)) -le 10
result 'with all its processes' test -z "$(alive first second)"
result 'and files' test -s "$dir/work" -a ! -e "$(dirname "$(cat "$dir/work")")"
echo "1..$tests"
