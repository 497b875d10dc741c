#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# altered.sh SEVLM: somebody between the two changes one byte.
set -u
. "$(dirname "$0")/common.bash"
shape=(--memory 1M --rate 500 --force)

# relay.py PORT BYTES: forwards a connection to PORT; of what the source says,
# the byte at that offset, or the one behind that text, is another. Prints the
# port it listens on.
cat >"$work/relay.py" <<'SOURCE'
import socket, sys, threading

there = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
where = sys.argv[2]
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
here = listener.accept()[0]

def alter(data, seen):
    at = int(where) - seen if where.isdigit() else \
        data.find(where.encode()) + len(where)
    if where.isdigit() and not 0 <= at < len(data) or at < len(where) and \
            not where.isdigit():
        return data
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]

def forward(of, to, change):
    seen = 0
    try:
        while data := of.recv(65536):
            to.sendall(change(data, seen))
            seen += len(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass

back = threading.Thread(target=forward, args=(there, here, lambda d, s: d))
back.start()
forward(here, there, alter)
back.join()
SOURCE

# altered WHERE SOURCE TARGET: what both sides say
altered() {
	local status=0

	receive r
	rm -f "$work/relay.pipe"
	mkfifo "$work/relay.pipe"
	python3 "$work/relay.py" "$port" "$1" >"$work/relay.pipe" &
	read -r port <"$work/relay.pipe"
	says 1 "$2" send "${shape[@]}" || status=1
	received
	[ $? -eq 1 ] && one_line "$3" "$work/r.err" && [ $status -eq 0 ]
}
stays='the guest runs on here, at step [0-9]+, its memory as it should be$'
never='the guest will never run here$'

unaltered() {
	receive r
	rm -f "$work/relay.pipe"
	mkfifo "$work/relay.pipe"
	python3 "$work/relay.py" "$port" 999999999 >"$work/relay.pipe" &
	read -r port <"$work/relay.pipe"
	says 0 '' send "${shape[@]}" && received
}
ok "nothing is changed" unaltered
ok "the announced guest" altered 0 'the peer is gone.*runs on here' \
	'no sevlm send'
ok "the stream's magic" altered 56 "$stays" "begins with other bytes; $never"
ok "a record's header" altered 68 "$stays" "$never"
ok "the source's certificate" altered 1000 "$stays" "$never"
ok "an encrypted page" altered 100000 "$stays" "$never"
ok "the digest of the memory" altered SEVLMTD1 \
	'runs on the target, but it is not verified: the target did not find' \
	'runs here, but it is not verified: the memory is not what it was'
finish
