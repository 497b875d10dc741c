# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
# Sourced by the shell tests: TAP for what a command's status says.
tap_tests=0
tap_failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# ok NAME COMMAND...: the command must succeed; its output is the reason
ok() {
	local name=$1 out

	shift
	tap_tests=$((tap_tests + 1))
	if out=$("$@" 2>&1); then
		echo "ok $tap_tests - $name"
	else
		echo "not ok $tap_tests - $name"
		sed 's/^/# /' <<<"$out"
		tap_failed=$((tap_failed + 1))
	fi
}

# quiet COMMAND...: succeeds where the command prints nothing
quiet() {
	local out

	out=$("$@" 2>&1)
	[ -z "$out" ] || { echo "$out"; return 1; }
}

# part NAME COMMAND...: the results of a script that prints TAP, among ours
part() {
	local name=$1 line none=1

	shift
	while IFS= read -r line; do
		case $line in
		"ok "*) ok "$name: ${line#* - }" true && none= ;;
		"not ok "*) ok "$name: ${line#* - }" false && none= ;;
		"#"* | "Bail out"*) echo "# ${line#\# }" ;;
		esac
	done < <("$@" 2>&1; echo $? >"$work/status")
	ok "$name: to the end" test "$(cat "$work/status")$none" = 0
}

finish() {
	echo "1..$tap_tests"
	[ "$tap_failed" -eq 0 ] && [ "$tap_tests" -gt 0 ]
	exit
}
