#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# layout.sh INCLUDE: the public structs and constants are what layout.c says,
# and layout.c speaks of all of them.
set -u
. "$(dirname "$0")/../tap.sh"
include=$1
table=$(dirname "$0")/layout.c

untold_structs() {
	sed -n 's/^struct \(sevlm_[a-z_]*\) {$/\1/p' "$include"/libsevlm/*.h |
		while read -r name; do
			grep -q "^SIZE($name," "$table" || echo "$name"
		done
}
untold_constants() {
	sed -n 's/^#define \(SEVLM_[A-Z0-9_]*\)[[:space:]].*/\1/p' \
		"$include"/libsevlm/*.h | grep -v '^SEVLM_VERSION_' |
		while read -r name; do
			grep -q "^VALUE($name," "$table" || echo "$name"
		done
}

if [ "$(uname -m)" != x86_64 ]; then
	echo "1..0 # SKIP the table is for x86-64"
	exit 0
fi
ok "the layout stands" \
	${CC:-cc} -std=c11 -fsyntax-only -I"$include" "$table"
ok "no struct has a hole that a field could slip into" \
	${CC:-cc} -std=c11 -fsyntax-only -Wpadded -Werror -I"$include" "$table"
ok "every public struct is in the table" quiet untold_structs
ok "every public constant is in the table" quiet untold_constants
finish
