#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# resolve.sh SEVLM: a link or a side is gone at the worst moment; afterwards
# the guest runs in one place, and both sides know where.
set -u
. "$(dirname "$0")/common.bash"
shape=(--memory 1M --rate 500 --force)
stays='the guest runs on here, at step [0-9]+, its memory as it should be$'
taken='^the guest runs here without its source, at step [0-9]+, its memory as it should be$'
verified='^verified: 1 MiB identical, workload continued at step [0-9]+, memory checked at step'
killed=137

# cut.py PORT SIDE TYPE [GATE]: forwards one connection after another to PORT. When
# SIDE (source, target) sends its record of that TYPE for the first time, it is
# not forwarded and the connection is gone; with a GATE the next one is let in
# when something is written there. Prints the port it listens on.
cat >"$work/cut.py" <<'SOURCE'
import socket, struct, sys, threading

port, side, kind = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)

class Cut(Exception):
    pass

def records(data, before):
    """how much of it may go on; Cut where the record of that type begins"""
    at = before + 8
    while at + 6 <= len(data):
        length, found = struct.unpack_from("<IH", data, at)
        if found == kind:
            raise Cut(at)
        at += 24 + length

def forward(of, to, before, watch, both):
    data, sent = b"", 0
    try:
        while part := of.recv(65536):
            data += part
            if watch:
                try:
                    records(data, before)
                except Cut as cut:
                    to.sendall(data[sent:cut.args[0]])
                    break
            to.sendall(data[sent:])
            sent = len(data)
        else:
            to.shutdown(socket.SHUT_WR)
            return
    except OSError:
        pass
    for one in both:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

first = True
while True:
    here = listener.accept()[0]
    try:
        there = socket.create_connection(("127.0.0.1", port))
    except OSError:
        here.close()
        continue
    both = here, there
    threads = [threading.Thread(target=forward, args=args, daemon=True) for args in (
        (here, there, 56, first and side == "source", both),
        (there, here, 16, first and side == "target", both))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in both:
        one.close()
    if first and sys.argv[4:]:
        open(sys.argv[4]).read()
    first = False
SOURCE

# through SIDE TYPE [GATE]: $port is then one that cuts there
through() {
	rm -f "$work/cut.pipe"
	mkfifo "$work/cut.pipe"
	python3 "$work/cut.py" "$port" "$@" >"$work/cut.pipe" &
	cutter=$!
	read -r port <"$work/cut.pipe"
}
commit=11 prepared=10 started=12

# cut STATUS SOURCE TARGET SIDE TYPE: what both say in the end
cut() {
	local got=0 status=0

	watch r --control "$work/control.$BASHPID"
	through "$4" "$5"
	says "$1" "$2" send "${shape[@]}" || status=1
	received || got=$?
	kill $cutter
	wait $cutter 2>/dev/null
	[ $got -eq "$1" ] || { echo "target: $got"; cat "$work/r.err"; return 1; }
	one_line "$3" "$work/r.err" && [ $status -eq 0 ]
}
arrives() {
	cut 0 '' '' "$@" && grep -E "$verified" "$work/r.out" && prints "$verified"
}
doubted() {
	grep -qE '^in doubt, session [0-9a-f]{16}: .*; waiting for the source on 127.0.0.1:[0-9]+, or for sevlm resolve --control' "$work/r.out"
}
commit_lost() {
	arrives source $commit && doubted &&
		prints '^in doubt, session [0-9a-f]{16}: .*; trying to reach the target on '
}
started_lost() {
	arrives target $started && prints '^in doubt, session'
}
prepared_lost() {
	cut 1 "$stays" 'the guest will never run here$' target $prepared && doubted
}
ok "COMMIT is lost: the source comes back, the target takes over" commit_lost
ok "STARTED is lost: the source comes back and hears it" started_lost
ok "PREPARED is lost: the source keeps the guest and says so" prepared_lost

# operator STATUS SENTENCE
operator() {
	says "$1" "$2" "$sevlm" resolve --control "$work/control.$BASHPID" --source-fenced
}
fence() {
	operator 0 '' && prints '^the guest runs here$'
}
# COMMIT is lost, and the target has given up before the source is back
keeps_after_all() {
	local got=0

	rm -f "$work/gate"
	mkfifo "$work/gate"
	watch r --control "$work/control.$BASHPID"
	through source $commit "$work/gate"
	send "${shape[@]}" --reconnect 600 >"$work/out" 2>"$work/err" &
	sender=$!
	await '^in doubt' && kill "$receiver" && await '^given up, ' &&
		echo now >"$work/gate"
	wait $sender || got=$?
	[ $got -eq 1 ] && one_line "said that it will never start the guest; $stays" \
		"$work/err" || return 1
	received
	got=$?
	kill $cutter
	wait $cutter 2>/dev/null
	[ $got -eq 1 ] && one_line 'the guest will never run here$' "$work/r.err"
}
ok "COMMIT is lost, the target gives up: the source keeps the guest" keeps_after_all

no_reconnect() {
	local status=0

	watch r --control "$work/control.$BASHPID"
	through source $commit
	says 3 '^sevlm send: in doubt: .*stands still here; the note is in ' \
		send "${shape[@]}" --reconnect 0 --note "$work/note" || status=1
	kill $cutter
	await '^in doubt' && fence && received &&
		grep -E "$taken" "$work/r.out" && [ $status -eq 0 ]
}
ok "--reconnect 0: the source stays in doubt, the operator decides" no_reconnect

# source_dies MOMENT OPTIONS...: the target is in doubt then
source_dies() {
	local moment=$1 sent=0

	shift
	rm -f "$work/note"
	watch r --control "$work/control.$BASHPID" "$@"
	send "${shape[@]}" --die-at "$moment" --note "$work/note" >"$work/out" \
		2>"$work/err" || sent=$?
	[ $sent -eq $killed ] || { echo "source: $sent"; cat "$work/err"; return 1; }
	await '(^in doubt|"in-doubt")' || { cat "$work/r.err"; return 1; }
}
note_there() {
	[ "$(stat -c %s:%a "$work/note")" = 128:600 ]
}
fenced() {
	source_dies persist && [ ! -e "$work/note" ] && fence && received &&
		grep -E "$taken" "$work/r.out" && [ ! -s "$work/r.err" ] &&
		[ ! -e "$work/control.$BASHPID" ]
}
fenced_json() {
	source_dies persist --json && says 0 '' "$sevlm" resolve --json \
		--control "$work/control.$BASHPID" --source-fenced &&
		prints '"event":"result","outcome":"completed"' &&
		received && python3 -c '
import json, sys
events = [json.loads(line) for line in sys.stdin]
names = [e["event"] for e in events]
assert "in-doubt" in names and "taken-over" in names, names
assert events[-1]["outcome"] == "completed" and not events[-1]["verified"], events[-1]
assert events[-1]["exit_status"] == 0, events[-1]
' <"$work/r.out"
}
# the first signal decides, the second ends the waiting
given_up() {
	source_dies persist && kill "$receiver" && await '^given up, ' &&
		operator 1 'given up: the guest will never run here' &&
		kill "$receiver"
	received
	[ $? -eq 1 ] && one_line 'will never run here, but the source was not told$' \
		"$work/r.err"
}
by_note() {
	"$sevlm" resolve --note "$work/note" --to "127.0.0.1:$port" \
		"${proof[@]}" "$@"
}
gives_up_and_tells() {
	source_dies persist+0 && note_there && kill "$receiver" &&
		await '^given up, ' && says 1 'never run on the target' by_note
	received
	[ $? -eq 1 ] && one_line 'the guest will never run here$' "$work/r.err"
}
note_alone() {
	source_dies persist+0 --reconnect 0 && note_there && says 0 '' by_note &&
		prints '^the guest runs on the target$'
	received
	[ $? -eq 1 ] && one_line 'runs here, but it is not verified: the peer is gone' \
		"$work/r.err"
}
twice() {
	source_dies persist+0 --reconnect 60 && says 0 '' by_note &&
		says 0 '' by_note --json && prints '"outcome":"completed"' &&
		kill "$receiver"
	received
	[ $? -eq 1 ] && one_line 'runs here, but it is not verified' "$work/r.err"
}
all_of_it() {
	ok "the source is dead, says the operator: the target takes over" fenced
	ok "as JSON" fenced_json
	ok "the operator gives up" given_up
	ok "a target that gave up tells the source's note" gives_up_and_tells
	ok "the source's note lets the target take over" note_alone
	ok "and hears the same when it asks again" twice
}
proof=(--insecure-plain)
all_of_it
"$sevlm" psk --source "$work/s.psk" --target "$work/t.psk" || exit 1
sending=(--psk-file "$work/s.psk" "${trusting[@]}")
receiving=(--psk-file "$work/t.psk" "${trusting[@]}")
proof=(--psk-file "$work/s.psk")
all_of_it

# in doubt, others come: they are turned away and it waits on
stranger() {
	source_dies persist+0 --reconnect 0 || return 1
	printf 'GET / HTTP/1.0\r\n\r\n' >"/dev/tcp/127.0.0.1/$port"
	await '^no secure channel: ' || return 1
	says 1 'runs on here' send "${shape[@]}" --note "$work/note2" || return 1
	await . || return 1
	says 0 '' by_note
	received
	[ $? -eq 1 ] && one_line 'runs here, but it is not verified' "$work/r.err"
}
ok "others come while it is in doubt" stranger

# The target dies with the guest; its note tells the source, who looks for it.
# The source's sentence is waited for in $work/s.out.
target_dies() {
	local gone

	rm -f "$work/note.target" "$work/s.pipe"
	receive r --die-at "$1" --note "$work/note.target"
	mkfifo "$work/s.pipe"
	send "${shape[@]}" --reconnect 600 >"$work/s.pipe" 2>"$work/s.err" &
	sender=$!
	exec 6<"$work/s.pipe"
	until [[ $line =~ ^in\ doubt ]]; do
		read -r line <&6 || { cat "$work/s.err"; return 1; }
	done
	cat <&6 >/dev/null &
	exec 6<&-
	received
	gone=$?
	[ $gone -eq $killed ]
}
answer() {
	"$sevlm" resolve --note "$work/note.target" --listen "127.0.0.1:$port" \
		--psk-file "$work/t.psk" "$@"
}
tells_lost() {
	local got=0

	target_dies run || return 1
	says 4 'the guest runs nowhere: the guest was taken over here and is lost' answer
	wait $sender || got=$?
	[ $got -eq 4 ] && one_line '^sevlm send: lost: .*the guest runs nowhere$' \
		"$work/s.err" && prints '^listening on 127.0.0.1:'
}
tells_lost_json() {
	local got=0

	target_dies run+0 || return 1
	says 4 'runs nowhere' answer --json && prints '"outcome":"lost"' \
		'"exit_status":4' || return 1
	wait $sender || got=$?
	[ $got -eq 4 ]
}
# a signal ends it, and nothing is decided
nobody_comes() {
	local got=0 line

	rm -f "$work/n.pipe"
	mkfifo "$work/n.pipe"
	"$sevlm" resolve --note "$work/note.target" --listen 127.0.0.1:0 \
		--psk-file "$work/t.psk" --wait 0 >"$work/n.pipe" 2>"$work/err" &
	waiter=$!
	exec 6<"$work/n.pipe"
	read -r line <&6
	exec 6<&-
	kill $waiter
	wait $waiter || got=$?
	[ $got -eq 3 ] && one_line '^sevlm resolve: still in doubt: interrupted' "$work/err"
}
nobody_listens() {
	receive free
	kill "$receiver"
	received
	says 3 '^sevlm resolve: still in doubt: no connection to ' by_note --wait 0
}
ok "the target is dead: its note tells the source" tells_lost
ok "as JSON" tells_lost_json
ok "a source that does not come" nobody_comes

is_source() {
	source_dies persist+0 --reconnect 0 && cp "$work/note" "$work/note.source" &&
		fence && received
}
ok "a source's note" is_source
cp "$work/note.source" "$work/note"
ok "a target that is not there" nobody_listens

usage() {
	local pattern=$1

	shift
	says 2 "$pattern" "$sevlm" resolve "$@"
}
to=(--to 127.0.0.1:1 --insecure-plain)
here=(--listen 127.0.0.1:0 --insecure-plain)
ok "a target's note that goes there" usage "it is a target's" \
	--note "$work/note.target" "${to[@]}"
ok "a source's note that waits" usage "it is a source's" \
	--note "$work/note.source" "${here[@]}"
for offset in 0 9 127; do
	cp "$work/note.source" "$work/damaged"
	printf '\377\377' | dd of="$work/damaged" bs=1 seek=$offset conv=notrunc \
		status=none
	truncate -s 128 "$work/damaged"
	ok "a note that is damaged at byte $offset" usage 'it is no note, or damaged' \
		--note "$work/damaged" "${to[@]}"
done
truncate -s 127 "$work/damaged"
ok "a note that is short" usage 'has 127 bytes, and not 128' --note "$work/damaged" \
	"${to[@]}"
truncate -s 129 "$work/damaged"
ok "a note that is long" usage 'more than 128 bytes' --note "$work/damaged" "${to[@]}"
chmod 640 "$work/damaged"
ok "a note that others may read" usage 'chmod 600' --note "$work/damaged" "${to[@]}"
ok "a note that is missing" usage 'No such file' --note "$work/gone" "${to[@]}"
note=(--note "$work/note.source")
ok "nothing" usage 'one of them'
ok "a note and a socket" usage 'one of them' "${note[@]}" --control x
ok "a socket without a word" usage 'control goes with --source-fenced' --control x
ok "a word without a socket" usage 'source-fenced goes with' "${note[@]}" \
	"${to[@]}" --source-fenced
ok "a socket and an address" usage 'needs no address' --control x \
	--source-fenced "${to[@]}"
ok "a note without an address" usage 'one of them' "${note[@]}" --insecure-plain
ok "a note with two" usage 'one of them' "${note[@]}" "${to[@]}" --listen x:1
ok "a note without a channel" usage 'how is the channel protected' "${note[@]}" \
	--to 127.0.0.1:1
ok "an address beyond the loopback" usage 'no loopback address' "${note[@]}" \
	--insecure-plain --to 192.0.2.1:1
ok "a socket that is not there" usage 'control .*: No such file' \
	--control "$work/gone" --source-fenced
ok "a path that is too long" usage 'File name too long' --source-fenced \
	--control "/$(printf 'x%.0s' {1..200})"
ok "an option of another command" usage 'no option --memory' --memory 1M

controlled() {
	"$sevlm" receive --listen 127.0.0.1:0 "${receiving[@]}" --control "$1"
}
not_ours() {
	: >"$work/file"
	says 2 'control .*: Address already in use' controlled "$work/file" &&
		[ -f "$work/file" ]
}
in_use() {
	watch r --control "$work/used"
	says 2 'control .*: Address already in use' controlled "$work/used" &&
		[ "$(stat -c %a "$work/used")" = 600 ] && kill "$receiver"
	received
	[ $? -eq 1 ] && [ ! -e "$work/used" ]
}
left_behind() {
	watch r --control "$work/left"
	kill -9 "$receiver"
	received
	[ -S "$work/left" ] || return 1
	watch r --control "$work/left"
	kill "$receiver"
	received
	[ $? -eq 1 ]
}
# while the guest travels nothing is in doubt; the signal then is as ever
too_early() {
	local got=0

	watch r --control "$work/early"
	rm -f "$work/s.pipe"
	"$sevlm" send --to "127.0.0.1:$port" "${sending[@]}" --memory 4M \
		--bandwidth 1000000 >/dev/null 2>"$work/s.err" &
	sender=$!
	await '^round 1' &&
		says 3 'nothing is in doubt: the migration goes on' "$sevlm" resolve \
			--control "$work/early" --source-fenced
	got=$?
	kill $sender
	wait $sender
	received
	[ $got -eq 0 ] && one_line "$stays" "$work/s.err"
}
# who says something else is shown the door
other_word() {
	source_dies persist && python3 -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(b"start-it-twice\n")
    sys.exit(bool(s.recv(100)))
' "$work/control.$BASHPID" && fence && received
}
ok "a file where the socket is to be" not_ours
ok "a socket that another one has" in_use
ok "a socket that a dead one has left" left_behind
ok "the operator is too early" too_early
ok "the operator says something else" other_word
finish
