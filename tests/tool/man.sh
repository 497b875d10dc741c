#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# man.sh SEVLM ROOT: the manual tells every option and every exit status.
set -u
. "$(dirname "$0")/common.bash"
page=$2/man/sevlm.1.scd

"$sevlm" --help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  .*/\1/p' | while read -r words; do
	# shellcheck disable=SC2086 # certs show are two words
	"$sevlm" $words --help
done | grep -oE '^  --[a-z-]+' | sort -u >"$work/options"

untold() {
	while read -r option; do
		grep -qF -- "*$option*" "$page" || echo "$option"
	done <"$work/options"
}
statuses() {
	for status in 0 1 2 3 4; do
		grep -qx "\*$status\*" "$page" || echo "$status"
	done
}
renders() {
	scdoc <"$page" >"$work/page" && [ -s "$work/page" ]
}
ok "there are options" test "$(wc -l <"$work/options")" -ge 20
ok "each is told" quiet untold
ok "each exit status is told" quiet statuses
if command -v scdoc >/dev/null; then
	ok "scdoc takes it" renders
fi
finish
