# Files that are no CSV are refused by "make demo" with what they are, before any server
# is started; a CSV file goes on to the next question.

set -u
tests=0
dir=$(mktemp -d /tmp/segment-files.XXXXXX)
trap 'rm -rf "$dir"' EXIT

# refused NAME WORDS: the message for a file whose content stands on standard input
refused() {
	local said status=0
	cat > "$dir/$1"
	said=$(ORDERS=$dir/$1 scripts/demo 2>&1) || status=$?
	tests=$((tests + 1))
	if [ "$status" -eq 1 ] && [[ $said == *"$2"* ]] && [[ $said != *ERROR* ]] && [[ $said != *'private server'* ]]; then
		echo "ok $tests - $1: $2"
	else
		echo "not ok $tests - $1: $2"
		sed 's/^/# /' <<< "$said"
	fi
}

refused a.xlsx 'is a spreadsheet (.xlsx, .ods) or another zip archive' < <(printf 'PK\003\004\024\000\006\000')
refused b.ods 'save its sheet as CSV' < <(printf 'PK\003\004\024\000\000\010')
refused named.csv 'is a spreadsheet' < <(printf 'PK\003\004\024\000\000\010')
refused a.xls 'is a spreadsheet (.xls)' < <(printf '\320\317\021\340\241\261\032\341\000')
refused a.pdf 'is a PDF document' < <(printf '%%PDF-1.7\n')
refused a.parquet 'is a Parquet file' < <(printf 'PAR1\025\004')
refused a.db 'is an SQLite database' < <(printf 'SQLite format 3\000')
refused a.csv 'is a compressed file' < <(printf 'a,b\n1,2\n' | gzip)
refused a.xlsx.gz 'is a spreadsheet' < <(printf 'PK\003\004\024\000\006\000' | gzip)
refused utf16.csv 'Give ENCODING=UTF-16' < <(printf '\377\376a\000,\000b\000\n\000')
refused binary.csv 'is a binary file' < <(printf 'a,b\n\000\001\002\n')
refused empty.csv 'has no header' < <(printf '')
echo "1..$tests"
