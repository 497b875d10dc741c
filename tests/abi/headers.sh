#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# headers.sh INCLUDE: each public header compiles alone, in each language.
# CC and CXX name the compilers.
set -u
. "$(dirname "$0")/../tap.sh"
include=$1
strict=(-fsyntax-only -pedantic -Wall -Wextra -Werror)

alone() {
	local header=$1 language=$2 compiler=${CC:-cc}

	[ "${language#c++}" = "$language" ] || compiler=${CXX:-c++}
	echo "#include <libsevlm/$header>" >"$work/alone.c"
	$compiler -x "${language%%[0-9]*}" -std="$language" "${strict[@]}" \
		-I"$include" "$work/alone.c"
}
foreign_includes() {
	grep -h '#include' "$include"/libsevlm/*.h |
		grep -vE '<(stddef|stdint|sys/uio|libsevlm/[a-z]+)\.h>$'
}

for path in "$include"/libsevlm/*.h; do
	header=$(basename "$path")
	for language in c99 c11 c++11; do
		ok "$header alone as $language" alone "$header" "$language"
	done
done
ok "headers include nothing but plain C and iovec" quiet foreign_includes
finish
