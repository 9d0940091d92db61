# A build by root in somebody else's tree ("sudo make demo") leaves nothing of root's
# there, whatever an earlier one has left; and who can neither write to the server's
# folders nor has sudo is told so.  scripts/build runs in a tree of two files with a
# pg_config and a make of its own.

set -u
tests=0
result() {
	tests=$((tests + 1))
	if "${@:2}"; then echo "ok $tests - $1"; else echo "not ok $tests - $1"; fi
}

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP only root can build in the tree of another"
	exit 0
fi
owner=54321
dir=$(mktemp -d /tmp/segment-owner.XXXXXX)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir -p "$dir/tree/src" "$dir/tree/sql/released" "$dir/server" "$dir/bin" "$dir/alone"
cp -r scripts "$dir/tree/scripts"
cat > "$dir/bin/pg_config" <<-END
	#!/bin/sh
	case \$1 in --version) echo PostgreSQL 15.0 ;; *) echo "$dir/server" ;; esac
END
cat > "$dir/tree/Makefile" <<-END
	all: ; cat src/one.c > src/one.o && touch segment.so .server segment--0.1.0.sql
	install: all ; cp segment.so $dir/server
END
echo > "$dir/tree/src/one.c"
chmod 755 "$dir/bin/pg_config"
export PG_CONFIG=$dir/bin/pg_config

chown -R "$owner:$owner" "$dir/tree"
build() { "$dir/tree/scripts/build" > "$dir/log" 2>&1 || { sed 's/^/# /' "$dir/log"; false; }; }
of_root() { find "$dir/tree" -uid 0; }
nothing_of_root() { [ -z "$(of_root)" ] || { of_root | sed 's/^/# /'; false; }; }

result 'root builds in the tree of another' build
result 'what was made is there' test -e "$dir/tree/src/one.o"
result 'and installed' test -e "$dir/server/segment.so"
result 'no file of root is left in the tree' nothing_of_root

# as an earlier version left them
rm -f "$dir/tree/src/one.o" "$dir/tree/segment.so"
touch "$dir/tree/src/one.o" "$dir/tree/src/one.bc" "$dir/tree/segment.so" "$dir/tree/.server"
chown 0:0 "$dir/tree/src/one.o" "$dir/tree/src/one.bc" "$dir/tree/segment.so" "$dir/tree/.server"
result 'a build over files that root has left' build
result 'they are gone' nothing_of_root

# what is no product stays, and nothing is given away
echo 1 > "$dir/tree/notes.txt"
touch "$dir/tree/sql/released/segment--0.0.1.sql"
ln -s "$dir/alone" "$dir/tree/src/elsewhere"
touch "$dir/alone/one.o"
result 'a build beside other files of root' build
result 'files of root that no build makes stay' test -e "$dir/tree/notes.txt" -a -e "$dir/tree/sql/released/segment--0.0.1.sql"
result 'and those behind a link' test "$(stat -c %u "$dir/alone/one.o")" -eq 0

# what a run by root leaves for people to look at: fuzz, valgrind, outputs of tests
mkdir -p "$dir/private/corpus" "$dir/tree/build/fuzz/corpus"
echo new > "$dir/private/corpus/a"
echo old > "$dir/tree/build/fuzz/corpus/a"
echo 1 > "$dir/tree/build/notes.txt"
ln -s "$dir/alone" "$dir/tree/build/fuzz/elsewhere"
chmod 700 "$dir/private"
leave() { (cd "$dir/tree" && . scripts/tree.sh && leave_in_tree "$dir/private" build/fuzz); }
nothing_of_root_in() { [ -z "$(find "$dir/tree/$1" -uid 0 ! -type l)" ] && [ "$(stat -c %u "$dir/tree/build")" -eq "$owner" ]; }
result 'results are left where root has left some' leave
result 'they are the new ones' grep -q new "$dir/tree/build/fuzz/corpus/a"
result 'nothing of them is left to root' nothing_of_root_in build/fuzz
result 'but what lies beside them' test "$(stat -c %u "$dir/tree/build/notes.txt")" -eq 0
result 'what is behind a link stays' test "$(stat -c %u "$dir/alone")" -eq 0 -a -e "$dir/alone/one.o"

# without rights and without sudo
for tool in bash env dirname sed id mktemp rm make cat stat; do
	ln -s "$(command -v $tool)" "$dir/alone/$tool"
done
chmod 700 "$dir/server"
said=$(setpriv --reuid "$owner" --regid "$owner" --clear-groups env PATH="$dir/alone" "$dir/tree/scripts/build" 2>&1)
status=$?
result 'without rights and sudo it fails' test "$status" -eq 1
result 'with a word' grep -q "may not write to $dir/server, and there is no sudo" <<< "$said"
[ "$status" -eq 1 ] || echo "# $said"
echo "1..$tests"
