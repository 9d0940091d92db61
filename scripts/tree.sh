# shellcheck shell=bash
#
# Files made in this tree belong to whoever owns it, also under sudo.  To be
# sourced by bash scripts that stand in the top folder of the tree:
#
#   as_tree_owner COMMAND...   run it as the owner of the tree where root runs the script and
#                              the tree is somebody else's; else as who we are
#   leave_in_tree FROM FOLDER  copy what is in FROM to a folder of made things in the tree, such
#                              as build/fuzz, as its owner, who need not be able to read FROM

# An owner who cannot write here after all, as below a folder that is closed to
# him, leaves no choice but root.
as_tree_owner() {
	local owner
	owner=$(stat -c %u .)
	if [ "$(id -u)" -ne 0 ] || [ "$owner" -eq 0 ] || ! as_user "$owner" test -w . 2> /dev/null; then
		"$@"
	else
		as_user "$owner" "$@"
	fi
}

# By number: in a container the owner may have no name.
as_user() {
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$(stat -c %g .)" --clear-groups -- "$@"
}

# What an earlier build by root has left, the owner of the tree cannot write anew.
# Only made files go, and nothing is given away: a name here may be a link to elsewhere.
remove_products_of_root() {
	if [ "$(id -u)" -eq 0 ] && [ "$(stat -c %u .)" -ne 0 ]; then
		find . -xdev -uid 0 -type f \
			\( -name '*.o' -o -name '*.bc' -o -name segment.so -o -name 'segment--*.sql' -o -name .server \) \
			-not -path './sql/*' -not -path './.git/*' -delete
	fi
}

# What root has left in that folder would be in the owner's way, and goes; folders of
# root there, and above it, are given to the owner by themselves, where they are no links.
leave_in_tree() {
	local from=$1 folder=$2 part=$2 owner
	owner=$(stat -c %u .)
	if [ "$(id -u)" -eq 0 ] && [ "$owner" -ne 0 ]; then
		if [ -d "$folder" ] && [ ! -L "$folder" ]; then
			find "$folder" -xdev -uid 0 -type f -delete
			find "$folder" -xdev -uid 0 -type d -exec chown -h "$owner" {} +
		fi
		while part=$(dirname "$part") && [ "$part" != . ]; do
			if [ -d "$part" ] && [ ! -L "$part" ] && [ "$(stat -c %u "$part")" -eq 0 ]; then
				chown -h "$owner" "$part"
			fi
		done
	fi
	as_tree_owner mkdir -p "$folder"
	tar -C "$from" -cf - . | as_tree_owner tar -C "$folder" --no-same-owner --no-overwrite-dir -xf -
}
