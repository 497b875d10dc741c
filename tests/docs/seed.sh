#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# seed.sh ROOT: each selftest that the review's page names is in the patches of
# both kernels, with cases that begin as it says.
set -u
. "$(dirname "$0")/../tap.sh"
cd "$1" || exit 1

# program|case, of the last column
sed -n 's/^| .*| \(`[^|]*\) |$/\1/p' docs/seed.md | tr ';' '\n' |
	sed -n 's/^ *`\([a-z_]*\)` /\1|/p' |
	while IFS='|' read -r program cases; do
		tr ',' '\n' <<<"$cases" | sed "s/^ */$program|/"
	done | sort -u >"$work/named"

# source BASE PROGRAM: as the patches add it
source_of() {
	cat kernel/"$1"/selftests/[0-9]*.patch | awk -v name="/$2.c" '
		/^diff / { on = 0 } /^\+\+\+ / { on = index($0, name) }
		on && /^\+/'
}
missing() {
	local program case

	while IFS='|' read -r program case; do
		source_of "$1" "$program" | grep -q "\"$case" ||
			echo "$program has no case that begins with: $case"
	done <"$work/named"
}

ok "selftests are named" test "$(wc -l <"$work/named")" -ge 15
for base in 6.1 6.12; do
	ok "each is in kernel/$base" quiet missing "$base"
done
finish
