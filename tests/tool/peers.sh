#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# peers.sh SEVLM: send and receive over TCP, in either order.
set -u
. "$(dirname "$0")/common.bash"
shape=(--memory 4M --rate 500 --force)
verified='^verified: 4 MiB identical, workload continued at step [0-9]+, memory checked at step'

receiver_first() {
	receive r --record "$work/in" --record-answers "$work/out.back"
	says 0 '' send "${shape[@]}" --record "$work/sent" \
		--record-answers "$work/sent.back" && prints "$verified" &&
		received && grep -E "$verified" "$work/r.out"
}
same_record() {
	cmp "$work/in" "$work/sent" && cmp "$work/out.back" "$work/sent.back"
}
inspects() {
	says 0 '' "$sevlm" inspect "$work/sent" &&
		prints 'HELLO' 'PAGES' 'COMMIT' '^[0-9]+ records, [0-9]+ bytes: ' &&
		says 0 '' "$sevlm" inspect "$work/sent.back" &&
		prints 'PREPARED' 'STARTED'
}
counts_bytes() {
	says 0 '' "$sevlm" inspect --json "$work/sent" &&
		python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
end, records = lines[-1], lines[:-1]
assert end["whole"] and end["records"] == len(records), end
assert end["bytes"] == int(sys.argv[1]), end
assert [r["sequence"] for r in records] == list(range(len(records)))
' "$(stat -c %s "$work/sent")" <"$work/out"
}
sender_first() {
	local pid status=0

	receive free
	kill "$receiver"
	received
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	send "${shape[@]}" >"$work/pipe" 2>"$work/send.err" &
	pid=$!
	exec 8<"$work/pipe"
	read -r line <&8
	[ "$line" = "waiting for a target on 127.0.0.1:$port" ] || echo "$line"
	"$sevlm" receive --listen "127.0.0.1:$port" "${receiving[@]}" \
		>"$work/r.out" 2>"$work/r.err" || status=1
	cat <&8 >"$work/send.out"
	exec 8<&-
	wait $pid || status=1
	cat "$work/r.err" "$work/send.err"
	[ $status -eq 0 ] && grep -qE "$verified" "$work/r.out" &&
		grep -qE "$verified" "$work/send.out"
}
over_ipv6() {
	local listen='[::1]:0'

	receive r
	says 0 '' "$sevlm" send --to "[::1]:$port" "${sending[@]}" \
		"${shape[@]}" && received
}
ok "the receiver is started first" receiver_first
ok "both sides record the same streams" same_record
ok "a recorded stream can be inspected" inspects
ok "as JSON, every byte accounted for" counts_bytes
ok "the sender is started first" sender_first
if grep -q '^00000000000000000000000000000001' /proc/net/if_inet6 2>/dev/null; then
	ok "IPv6 works as well" over_ipv6
fi

yes 'contents that are no noise' | head -c 2097152 >"$work/image"
image_here() {
	receive r
	says 0 '' send --rate 500 --force --image "$work/image" && received &&
		grep -E '^verified: 2 MiB identical, workload continued at step [0-9]+$' "$work/r.out"
}
image_there() {
	receive r --image "$work/image"
	says 0 '' send --rate 500 --force --image "$work/image" && received &&
		grep -E '^verified: 2 MiB identical.*memory checked' "$work/r.out"
}
other_image() {
	head -c 4096 "$work/image" >"$work/other"
	receive r --image "$work/other"
	says 1 'the target refused.*the guest runs on here' send --rate 500 --force \
		--image "$work/image"
	! received && one_line '--image has another size' "$work/r.err"
}
too_big() {
	receive r --max-memory 2M
	says 1 'refused: the guest is larger than --max-memory there; the guest runs on here' \
		send "${shape[@]}"
	! received && one_line 'a guest of 4 MiB, --max-memory is 2 MiB' "$work/r.err"
}
nobody() {
	receive free
	kill "$receiver"
	received
	says 1 'Connection refused; the guest runs on here' send \
		"${shape[@]}" --wait 0
}
port_in_use() {
	receive r
	says 1 "cannot listen on 127.0.0.1:$port: Address already in use" \
		"$sevlm" receive --listen "127.0.0.1:$port" "${receiving[@]}"
	kill "$receiver"
	received
	[ $? -eq 1 ] && one_line 'interrupted before a source came' "$work/r.err"
}
ok "an image that only the source has" image_here
ok "an image that both have: the target checks it" image_there
ok "an image that is another" other_image
ok "a guest that is too big is refused" too_big
ok "nobody listens: the guest stays" nobody
ok "a port in use" port_in_use

# garbage PATTERN BYTES: what a receiver says to it
garbage() {
	receive r
	printf "$2" >"/dev/tcp/127.0.0.1/$port"
	! received && one_line "$1" "$work/r.err"
}
hello='SEVLMTS1'
zeroes='\0\0\0\0\0\0\0\0'
page='\0\020\0\0\0\0\0\0'
rest="$zeroes$zeroes$zeroes$zeroes"
ok "a peer that closes at once" garbage 'the peer is gone' ''
ok "a peer that closes early" garbage 'the peer is gone' 'SEVLM'
ok "a peer of another kind" garbage 'no sevlm send' \
	"GET / HTTP/1.0$rest$rest"
ok "a guest without memory" garbage 'cannot be' \
	"$hello$zeroes$rest$zeroes"
ok "a guest with half a page" garbage 'cannot be' \
	"$hello\\0\\010\\0\\0\\0\\0\\0\\0$rest$zeroes"
ok "a guest of 2^60 bytes" garbage 'max-memory' \
	"$hello\\0\\0\\0\\0\\0\\0\\0\\020$rest$zeroes"
ok "a guest that does what no guest does" garbage 'cannot be' \
	"$hello$page$zeroes$zeroes$zeroes\\011\\0\\0\\0\\0\\0\\0\\0$zeroes"
ok "a guest, and then another stream" garbage 'begins with other bytes' \
	"$hello$page${rest}${zeroes}GET / HTTP/1.0$rest"
ok "a guest, and then nothing" garbage 'peer is gone; the guest will never' \
	"$hello$page$rest$zeroes"
finish
