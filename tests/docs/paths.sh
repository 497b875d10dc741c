#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# paths.sh ROOT: every file of the tree that a page names is there.
set -u
. "$(dirname "$0")/../tap.sh"
cd "$1" || exit 1

rooms='tests|kernel|lib|sim|tls|tools|examples|docs|include|scripts|bench|man|\.ci'
grep -oE "[\`(]($rooms)/[A-Za-z0-9_./-]*" ./*.md docs/*.md |
	sed 's/[`(]//' | sort -u >"$work/paths"

gone() {
	local page path

	while IFS=: read -r page path; do
		[ -e "$path" ] || echo "$page: $path"
	done <"$work/paths"
}

ok "pages name files" test -s "$work/paths"
ok "each is there" quiet gone
finish
