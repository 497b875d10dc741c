#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# psk.sh SEVLM: a fresh pair of keys, one file for either host.
set -u
. "$(dirname "$0")/common.bash"
s=$work/source.psk t=$work/target.psk

makes() {
	says 0 '' "$sevlm" psk --source "$s" --target "$t" && [ ! -s "$work/out" ]
}
# one line: what it is, the role, 64 digits
form() {
	grep -qxE 'sevlm-psk-1 source [0-9a-f]{64}' "$s" &&
		grep -qxE 'sevlm-psk-1 target [0-9a-f]{64}' "$t" &&
		[ "$(cat "$s" "$t" | wc -l)" -eq 2 ]
}
same_key() {
	cmp <(cut -d' ' -f3 "$s") <(cut -d' ' -f3 "$t")
}
for_the_owner() {
	[ "$(stat -c %a "$s" "$t" | uniq)" = 600 ]
}
fresh() {
	"$sevlm" psk --source "$work/s2" --target "$work/t2" &&
		! cmp -s "$s" "$work/s2"
}
# nothing else is left in the directory
tidy() {
	(cd "$work" && ls -A) | grep -vxE 'source.psk|target.psk|s2|t2|out|err'
}
keeps() {
	cp "$s" "$work/before" && says 2 'source.psk: File exists' \
		"$sevlm" psk --source "$s" --target "$work/t3" &&
		cmp "$s" "$work/before" && [ ! -e "$work/t3" ]
}
# a pair or nothing
no_half() {
	says 2 'target.psk: File exists' \
		"$sevlm" psk --source "$work/s3" --target "$t" &&
		[ ! -e "$work/s3" ]
}
one_name() {
	says 2 'both: File exists' \
		"$sevlm" psk --source "$work/both" --target "$work/both" &&
		[ ! -e "$work/both" ]
}
ok "a pair is made without a word" makes
ok "each file is one line, for one role" form
ok "both have the same key" same_key
ok "only the owner may open them" for_the_owner
ok "another pair is another key" fresh
ok "no other file is left" quiet tidy
ok "a file that is there stays" keeps
ok "the second file cannot be made: nor is the first" no_half
ok "one name for both" one_name
ok "a directory that is not there" says 2 'No such file' \
	"$sevlm" psk --source "$work/gone/s" --target "$work/t3"
ok "no source" says 2 'source FILE is missing' "$sevlm" psk --target "$work/t3"
ok "no target" says 2 'target FILE is missing' "$sevlm" psk --source "$work/s3"
ok "a word too many" says 2 'one word too many' "$sevlm" psk --source a --target b c
finish
