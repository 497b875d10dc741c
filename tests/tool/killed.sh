#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# killed.sh SEVLM: either side is killed at many moments. --die-at BYTES counts
# the stream in both directions; WANT dies in place of doing what the engine
# wants; WANT+BYTES dies when that is done and BYTES more have moved. A record
# header has 24 bytes, and COMMIT and STARTED 32 more.
set -u
. "$(dirname "$0")/common.bash"
shape=(--memory 1M --rate 500 --force --reconnect 0)
early='0 1 8 24 100 5000 8688 8712 12000 20000 20600 50000 200000 700000'

killed=137
stays='the guest runs on here, at step [0-9]+, its memory as it should be$'
never='the guest will never run here$'
doubt='^sevlm send: in doubt: '

# source_dies MOMENT STATUS PATTERN: what the target says then
source_dies() {
	local sent=0 status=0

	receive r --reconnect 0
	send "${shape[@]}" --die-at "$1" >"$work/out" 2>"$work/err" || sent=$?
	received || status=$?
	[ $sent -eq $killed ] && [ ! -s "$work/err" ] || { echo "source: $sent"; return 1; }
	[ $status -eq "$2" ] || { echo "status $status"; cat "$work/r.err"; return 1; }
	one_line "$3" "$work/r.err"
}
# target_dies MOMENT STATUS PATTERN: what the source says then
target_dies() {
	local status=0

	receive r --die-at "$1"
	says "$2" "$3" send "${shape[@]}" || status=1
	received
	[ $? -eq $killed ] && [ ! -s "$work/r.err" ] && [ $status -eq 0 ]
}

for moment in $early dirty dirty+0 pause pause+0 state state+0 state+100; do
	ok "the source dies at $moment: the guest never ran there" \
		source_dies "$moment" 1 "$never"
done
# waits MOMENT: the target waits, and an operator knows that the source is dead
waits() {
	local sent=0

	watch r --control "$work/control.$BASHPID"
	send "${shape[@]}" --die-at "$1" >"$work/out" 2>"$work/err" || sent=$?
	[ $sent -eq $killed ] || { echo "source: $sent"; return 1; }
	await '^in doubt' && "$sevlm" resolve --source-fenced \
		--control "$work/control.$BASHPID" && received &&
		grep '^the guest runs here without its source' "$work/r.out"
}
for moment in persist persist+0 persist+1 persist+55; do
	ok "the source dies at $moment: the target waits" waits "$moment"
done
ok "the source dies behind COMMIT: the guest runs on the target" \
	source_dies persist+56 1 'the guest runs here, but it is not verified'

for moment in $early state state+0 state+55; do
	ok "the target dies at $moment: the guest stays" \
		target_dies "$moment" 1 "$stays"
done
for moment in state+56 persist persist+0 run run+0 run+1 run+55; do
	ok "the target dies at $moment: in doubt" \
		target_dies "$moment" 3 "$doubt"
done
ok "the target dies behind STARTED: it ran there" \
	target_dies run+56 1 'the guest runs on the target, but it is not verified'

# The same through a secure channel: what was moved is what the peer has.
"$sevlm" psk --source "$work/s.psk" --target "$work/t.psk" || exit 1
sending=(--psk-file "$work/s.psk" "${trusting[@]}")
receiving=(--psk-file "$work/t.psk" "${trusting[@]}")
for moment in 0 20000 200000 pause state+100; do
	ok "the source dies at $moment, in a secure channel" \
		source_dies "$moment" 1 "$never"
done
ok "the source dies behind COMMIT, in a secure channel" \
	source_dies persist+56 1 'the guest runs here, but it is not verified'
for moment in 0 20000 state+55; do
	ok "the target dies at $moment, in a secure channel" \
		target_dies "$moment" 1 "$stays"
done
for moment in state+56 persist run+55; do
	ok "the target dies at $moment, in a secure channel: in doubt" \
		target_dies "$moment" 3 "$doubt"
done
ok "the target dies behind STARTED, in a secure channel" \
	target_dies run+56 1 'the guest runs on the target, but it is not verified'

keeps_note() {
	grep -qE "the note is in $work/note\$" "$work/err" && [ -s "$work/note" ]
}
note_in_doubt() {
	shape+=(--note "$work/note")
	target_dies persist 3 "$doubt" && keeps_note
}
ok "in doubt the note is kept and named" note_in_doubt
finish
