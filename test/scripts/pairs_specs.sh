# The isolation specs of pairs are as scripts/pairs-specs writes them.
if found=$(scripts/pairs-specs --check 2>&1); then
	echo "ok 1 - test/specs/pairs_*.spec are up to date"
else
	echo "not ok 1 - test/specs/pairs_*.spec are not as scripts/pairs-specs writes them"
	echo "$found" | head -n 20 | sed 's/^/# /'
fi
echo "1..1"
