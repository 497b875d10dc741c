#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# symbols.sh HEADER MAP LIBRARY SONAME PREFIX: what the header declares, what
# the map names and what the library exports are the same set.
set -u
. "$(dirname "$0")/../tap.sh"
header=$1 map=$2 library=$3 soname=$4 prefix=$5
include=$(dirname "$header")/..
export LC_ALL=C

${CC:-cc} -E -P -I"$include" "$header" |
	grep -oE "\\b${prefix}[a-z0-9_]+ *\\(" | tr -d '( ' |
	sort -u >"$work/header"
# lines of "name@@NODE", as nm prints them
sed 's/#.*//' "$map" | tr '\n\t' '  ' | sed 's/[{};:]/ & /g' | awk '
	{
		for (i = 1; i <= NF; i++) {
			if ($(i + 1) == "{")
				node = $i
			else if ($i == "global" || $i == "local")
				part = $i
			else if (part == "global" && $(i + 1) == ";")
				print $i "@@" node
		}
	}' | sort >"$work/map"
sed 's/@@.*//' "$work/map" >"$work/map.names"
nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
	sort >"$work/library"

patterned() {
	local base

	base=$(sed 's/^lib//; s/\.so.*//; s/-/_/g' <<<"$soname")
	grep -vE "@@LIB${base^^}_[0-9]+\\.[0-9]+\$" "$work/map"
}
soname() {
	readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p'
}

ok "the header declares calls" test -s "$work/header"
ok "header and map name the same" diff "$work/header" "$work/map.names"
ok "map and library agree, nodes included" \
	diff "$work/map" "$work/library"
ok "the map hides the rest" grep -qE '^[[:space:]]*\*;' "$map"
ok "nodes follow one pattern" quiet patterned
ok "the soname is $soname" test "$(soname)" = "$soname"
finish
