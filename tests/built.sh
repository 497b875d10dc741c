#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# built.sh ROOT BUILD: no source is forgotten by the build, no test by the
# suite.
set -u
. "$(dirname "$0")/tap.sh"
root=$1 build=$2

# compiled by a test of its own; run by hand, once
apart='tests/abi/layout.c|sim/make-root.c'

forgotten_sources() {
	(cd "$root" && find lib sim tls tools tests examples bench -name '*.c') |
		grep -vxE "$apart" | while read -r file; do
		grep -q "/$file\"" "$build/compile_commands.json" ||
			echo "$file"
	done
}
forgotten_scripts() {
	(cd "$root/tests" && find . -name '*.sh' ! -name tap.sh -printf '%P\n') |
		while read -r file; do
		grep -q "$file" "$root/tests/meson.build" || echo "tests/$file"
	done
}

ok "every source is built" quiet forgotten_sources
ok "every script is a test" quiet forgotten_scripts
finish
