#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# architecture.sh ROOT: each "path/file.c:function()" of docs/architecture.md
# is defined in that file.
set -u
. "$(dirname "$0")/../tap.sh"
cd "$1" || exit 1
page=docs/architecture.md

grep -oE '[A-Za-z0-9_/-]+\.[ch]:[a-z_0-9]+\(\)' "$page" | tr -d '()' |
	sort -u >"$work/names"

missing() {
	local file name

	while IFS=: read -r file name; do
		[ -f "$file" ] || { echo "$file is not there"; continue; }
		grep -qE "^([A-Za-z].*[ *])?$name\\(" "$file" ||
			echo "$file defines no $name()"
	done <"$work/names"
}

ok "$page names a function per hop" test "$(wc -l <"$work/names")" -ge 10
ok "each is defined where it says" quiet missing
finish
