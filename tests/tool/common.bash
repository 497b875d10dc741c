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

# watch NAME OPTIONS...: starts a receive on a free port; $port, $receiver. What
# it prints is read by await, and by received
watch() {
	watched=$work/$1.out

	rm -f "$work/$1.pipe"
	mkfifo "$work/$1.pipe"
	"$sevlm" receive --listen "$listen" "${receiving[@]}" "${@:2}" \
		>"$work/$1.pipe" 2>"$work/$1.err" &
	receiver=$!
	exec 7<"$work/$1.pipe"
	read -r line <&7
	echo "$line" >"$watched"
	drain=
	port=${line##*:}
	port=${port%\}}
}

# await PATTERN: until it prints such a line
await() {
	while read -r line <&7; do
		echo "$line" >>"$watched"
		[[ $line =~ $1 ]] && return
	done
	echo "it ended without a line with: $1"
	return 1
}

# receive NAME OPTIONS...: the same, and what it prints is read at once
receive() {
	watch "$@"
	cat <&7 >>"$watched" &
	drain=$!
	exec 7<&-
}

# received: the receiver's exit status; its output is complete then
received() {
	local status

	[ -n "$drain" ] || cat <&7 >>"$watched"
	wait "$receiver"
	status=$?
	[ -z "$drain" ] || wait "$drain"
	return "$status"
}

send() {
	"$sevlm" send --to "127.0.0.1:$port" "${sending[@]}" "$@"
}
