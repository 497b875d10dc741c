#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# spdx.sh ROOT: every file says its licence in its first lines, it is the one
# of its place, and LICENSES holds the texts in use and no others.
set -u
. "$(dirname "$0")/../tap.sh"
cd "$1" || exit 1

# a tree without git has no build directories of ours to leave out
{ git ls-files --cached --others --exclude-standard 2>/dev/null ||
	find . -type f ! -path './build*' -printf '%P\n'; } | sort -u |
	grep -vE '^(LICENSES|tests/data|tests/fuzz/corpus)/' | while read -r file; do
	[ -f "$file" ] && grep -qI . "$file" && echo "$file"
done >"$work/files"

licence() {
	head -n 3 "$1" | sed -nE \
		's/.*SPDX-License-Identifier: ([A-Za-z0-9. -]*[A-Za-z0-9]).*/\1/p'
}
while read -r file; do
	echo "$file:$(licence "$file")"
done <"$work/files" >"$work/licences"

silent() {
	grep ':$' "$work/licences"
}
misplaced() {
	grep -v ':$' "$work/licences" | grep -vE \
		-e '^examples/.*\.[chS]:MIT-0$' \
		-e '^lib/uapi/.*:GPL-2.0-only WITH Linux-syscall-note$' \
		-e '^kernel/.*:GPL-2.0-only$' \
		-e ':MIT OR Apache-2.0$'
	grep -E '^examples/.*\.[chS]:' "$work/licences" | grep -v ':MIT-0$'
}
texts() {
	sed 's/.*://; s/ \(OR\|WITH\) /\n/g' "$work/licences" | grep . |
		sort -u >"$work/used"
	ls LICENSES | sed 's/\.txt$//' | sort | diff "$work/used" -
}

ok "there are files to look at" test -s "$work/files"
ok "every file says its licence" quiet silent
ok "each is the one of its place" quiet misplaced
ok "LICENSES holds the texts in use" texts
finish
