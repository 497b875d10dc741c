#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# comments.sh HEADER MAP FIELDS: every call of HEADER has a comment of its own
# that opens with its name, tells each parameter and holds FIELDS ("Thread
# Since Return"; Return only where something is returned). Since must be the
# node of MAP, and every errno that is named one of the closed set.
set -u
. "$(dirname "$0")/../tap.sh"
header=$1 map=$2 fields=$3

# "call<TAB>prototype<TAB>comment", one line each
awk '
	/^\/\*\*/ { comment = ""; within = 1 }
	within { comment = comment " " $0; if (/\*\//) within = 0; next }
	/^[a-z].*[ *]sevlm_[a-z_0-9]+\(/ { prototype = "" ; collect = 1 }
	collect {
		prototype = prototype " " $0
		if (/;/) {
			collect = 0
			match(prototype, /sevlm_[a-z_0-9]+\(/)
			name = substr(prototype, RSTART, RLENGTH - 1)
			gsub(/\t/, " ", prototype)
			gsub(/\t/, " ", comment)
			print name "\t" prototype "\t" comment
			comment = ""
		}
	}
	/^(struct|#define|})/ { comment = "" }' "$header" >"$work/calls"

unread() {
	grep -oE '\bsevlm_[a-z0-9_]+;' "$map" | tr -d ';' | sort >"$work/names"
	cut -f1 "$work/calls" | sort | diff "$work/names" -
}
nameless() {
	awk -F'\t' 'index($3, " * " $1 " - ") == 0 { print $1 }' "$work/calls"
}
without() {
	awk -F'\t' -v field="$1" '
		field == "Return" && $2 ~ /^ *void [a-z]/ { next }
		index($3, field ":") == 0 { print $1 }' "$work/calls"
}
parameters() {
	awk -F'\t' '{
		arguments = $2
		sub(/^[^(]*\(/, "", arguments)
		sub(/\).*/, "", arguments)
		n = split(arguments, argument, ",")
		for (i = 1; i <= n; i++) {
			match(argument[i], /[a-z_0-9]+ *$/)
			name = substr(argument[i], RSTART, RLENGTH)
			sub(/ +$/, "", name)
			if (name != "void" && $3 !~ "@" name "[:, ]")
				print $1 ": @" name
		}
	}' "$work/calls"
}
wrong_since() {
	sed -nE 's/.*LIBSEVLM[A-Z_]*_([0-9.]+) *\{.*/\1/p' "$map" >"$work/nodes"
	grep -oE 'Since: [0-9.]+[0-9]' "$header" | sort -u |
		sed 's/Since: //' | grep -vxFf "$work/nodes"
}
# the set stands in the reading guide of libsevlm.h
unknown_errors() {
	sed -nE 's/^ \*   (-E[A-Z]+) .*/\1/p' \
		"$(dirname "$header")/libsevlm.h" >"$work/set"
	test -s "$work/set" || echo "no set"
	awk -F'\t' '{ sub(/.*Return:/, "", $3); print $3 }' "$work/calls" |
		grep -oE -- '-E[A-Z]{3,}' | sort -u | grep -vxFf "$work/set"
}

ok "the calls are those of the map" unread
ok "each has a comment that opens with its name" quiet nameless
for field in $fields; do
	ok "each tells $field" quiet without "$field"
done
ok "each tells its parameters" quiet parameters
ok "Since names a node of the map" quiet wrong_since
ok "errors are of the closed set" quiet unknown_errors
finish
