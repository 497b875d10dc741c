# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
# Sourced by the tests of the command: what it prints and how it exits.
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
sevlm=$1
export TMPDIR=$work
# what receive and send are given unless a test says otherwise
trusting=(--software-root --any-chip)
receiving=(--insecure-plain "${trusting[@]}")
sending=(--insecure-plain "${trusting[@]}")
listen=127.0.0.1:0

# says STATUS PATTERN COMMAND...: exits so, with one line on standard error
# that matches; an empty pattern means none at all
says() {
	local status=$1 pattern=$2 got

	shift 2
	"$@" >"$work/out" 2>"$work/err"
	got=$?
	[ "$got" -eq "$status" ] ||
		{ echo "exit status $got, not $status"; cat "$work/err"; return 1; }
	one_line "$pattern" "$work/err"
}

# one_line PATTERN FILE
one_line() {
	if [ -z "$1" ]; then
		[ ! -s "$2" ] || { cat "$2"; return 1; }
		return
	fi
	[ "$(wc -l <"$2")" -eq 1 ] && grep -qE -- "$1" "$2" ||
		{ echo "not one line with: $1"; cat "$2"; return 1; }
}

# prints PATTERN...: the last command's output has a line for each
prints() {
	local pattern

	for pattern; do
		grep -qE -- "$pattern" "$work/out" ||
			{ echo "no line with: $pattern"; cat "$work/out"; return 1; }
	done
}

# receive NAME OPTIONS...: starts one on a free port; $port, $receiver
receive() {
	local name=$1

	shift
	rm -f "$work/$name.pipe"
	mkfifo "$work/$name.pipe"
	"$sevlm" receive --listen "$listen" "${receiving[@]}" "$@" \
		>"$work/$name.pipe" 2>"$work/$name.err" &
	receiver=$!
	exec 7<"$work/$name.pipe"
	read -r line <&7
	cat <&7 >"$work/$name.out" &
	drain=$!
	exec 7<&-
	port=${line##*:}
}

# received: the receiver's exit status; its output is complete then
received() {
	local status

	wait "$receiver"
	status=$?
	wait "$drain"
	return "$status"
}

send() {
	"$sevlm" send --to "127.0.0.1:$port" "${sending[@]}" "$@"
}
