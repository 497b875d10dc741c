# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Sourced by check: do the patches apply? What they touch, and nothing else of
# the kernel, is in a git repository, $bare, the base under the tag "base".

# package_of BASE: next is whatever sid had when its series was made
package_of() {
	if [ "$1" = next ]; then
		sed -n 's/^\(linux-[^ ]*\) .*/\1/p' "$here/next/source"
	else
		echo "linux-source-$1"
	fi
}

# patches GROUP...: in their order, by their path
patches() {
	local group

	for group; do
		sed -n "s|^[^#]|$here/$base/$group/&|p" \
			"$here/$base/$group/series"
	done
}
# what a group says it needs, in a comment of its series
before() { sed -n 's/^# after: //p' "$here/$base/$1/series"; }
touched() {
	xargs sed -n 's,^\(---\|+++\) [ab]/\([^\t]*\).*,\2,p' | sort -u
}

in_bare() { git -C "$bare" -c user.name=check -c user.email=check "$@"; }

# bare_base: unless it is there already, out of the tarball
bare_base() {
	local now

	now=$(stamp "$source" && patches "${groups[@]}" | touched)
	[ "$(cat "$dir/bare-of" 2>/dev/null)" = "$now" ] && return
	rm -rf "$bare" "$dir/bare-of"
	mkdir "$bare" && in_bare init -q || return
	# what a patch creates is not in there, and tar says so
	patches "${groups[@]}" | touched | sed "s|^|$package/|" |
		tar -C "$bare" --strip-components=1 -xf "$source" -T - \
			2>/dev/null
	in_bare add -Af . && in_bare commit -q -m base --allow-empty &&
		in_bare tag base && echo "$now" >"$dir/bare-of"
}

clean_bare() {
	in_bare am --abort 2>/dev/null
	in_bare reset -q --hard base && in_bare clean -qfdx
}
# by_am PATCH..., by_patch PATCH...: print the tree that results
by_am() {
	clean_bare && in_bare am -q "$@" >&2 && in_bare rev-parse 'HEAD^{tree}'
}
by_patch() {
	local file

	clean_bare || return
	for file; do
		patch -d "$bare" -p1 -sf -F0 --no-backup-if-mismatch \
			<"$file" >&2 || return
	done
	in_bare add -Af . && in_bare write-tree
}

# applies GROUP...: either way and to the same effect
applies() {
	local list am

	mapfile -t list < <(patches "$@")
	am=$(by_am "${list[@]}") && [ "$am" = "$(by_patch "${list[@]}")" ]
}

# each has its licence, nobody's name, nobody's signature
neutral() {
	local file lines status=0

	lines="SPDX-License-Identifier: GPL-2.0-only
From: libsevlm developers <libsevlm@libsevlm.example>"
	for file in "$here/$base/$1"/*.patch; do
		[ "$(sed -n 2,3p "$file")" = "$lines" ] || {
			echo "${file##*/}: licence, author"
			status=1
		}
		! grep -H '^Signed-off-by:' "$file" || status=1
	done
	return "$status"
}

# a series names the patches that are there, and a cover letter is
complete() {
	local group=$here/$base/$1

	diff <(cd "$group" && printf '%s\n' [0-9]*.patch) \
		<(echo 0000-cover-letter.patch
			grep -v '^#' "$group/series") &&
		grep -q '^Subject: \[PATCH' "$group/0000-cover-letter.patch"
}

# the series of the base is those of its groups, one after another
whole_series() {
	local group

	for group in fixes guest multi-page list selftests; do
		[ ! -d "$here/$base/$group" ] ||
			sed -n "s|^[^#]|$group/&|p" "$here/$base/$group/series"
	done | diff - <(grep -v '^#' "$here/$base/series")
}

check_apply() {
	local group first

	ok "the series of $base has every group" whole_series
	for group in "${groups[@]}"; do
		ok "$group: series and cover letter" complete "$group"
		ok "$group: licence, no name, no signature" neutral "$group"
		read -r -a first <<<"$(before "$group")"
		ok "$group applies to the base${first[*]:+ after ${first[*]}}" \
			applies "${first[@]}" "$group"
	done
	ok "${groups[*]}: apply in a row" applies "${groups[@]}"
}
