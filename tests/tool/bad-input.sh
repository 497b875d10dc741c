#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# bad-input.sh SEVLM: arguments and files that are wrong: one sentence each.
set -u
. "$(dirname "$0")/common.bash"

usage() {
	local pattern=$1

	shift
	says 2 "$pattern" "$sevlm" "$@"
}
plain=(--insecure-plain --software-root --any-chip)
head -c 4097 /dev/zero >"$work/odd"
: >"$work/empty"
head -c 8192 /dev/zero >"$work/two-pages"

ok "memory 0" usage 'memory comes in pages' demo --memory 0
ok "half a page" usage 'memory comes in pages' demo --memory 2K
ok "memory that is no number" usage 'not a size' demo --memory many
ok "memory that is negative" usage 'not a size' demo --memory -4096
ok "memory with another suffix" usage 'not a size' demo --memory 4T
ok "memory over 64 bits" usage 'not a size' demo --memory 99999999999G
ok "more memory than there can be" usage 'must be 4096 to' demo --memory 9999999G
ok "an image that is missing" usage 'No such file' demo --image "$work/gone"
ok "an image with half a page" usage 'no multiple of 4096' demo --image "$work/odd"
ok "an image of nothing" usage 'no multiple of 4096' demo --image "$work/empty"
ok "an image that is a directory" usage 'is not a file' demo --image "$work"
ok "an image that does not fit" usage 'does not fit into 4 KiB' demo \
	--image "$work/two-pages" --memory 4K
ok "a workload that is none" usage 'there are idle' demo --workload busy
ok "a batch of 65" usage 'must be 1 to 64' demo --batch 65
ok "no round at all" usage 'must be 1 to' demo --max-rounds 0
ok "an option that is none" usage 'no option --fast' demo --fast
ok "an option of another command" usage 'no option --listen' demo --listen x
ok "a value that is missing" usage 'needs a value' demo --seed
ok "a value too many" usage 'takes no value' demo --json=yes
ok "a word too many" usage 'one word too many' demo now
ok "a command that is none" usage 'no command fly' fly
ok "no target" usage 'to HOST:PORT is missing' send "${plain[@]}"
ok "no place to listen" usage 'listen HOST:PORT is missing' receive "${plain[@]}"
ok "send without consent" usage 'Name --psk-file or --tls-dir' send --to 127.0.0.1:1
ok "receive without consent" usage 'or say --insecure-plain' receive --listen 127.0.0.1:0
for command in 'send --to 127.0.0.1:1' 'receive --listen 127.0.0.1:0'; do
	# shellcheck disable=SC2086 # words
	ok "$command without trust" usage 'which platforms are trusted' $command \
		--insecure-plain --software-root
done
for policy in -1 100000000 x '' 1/ /1 1/x 2/1 1/1/1; do
	ok "the expected policy '$policy'" usage \
		'expect-policy( .*: (must be hex|bits that)| is empty)' receive \
		--listen 127.0.0.1:0 "${plain[@]}" --expect-policy "$policy"
done
ok "a policy that is none" usage 'policy x: must be hex' send --to 127.0.0.1:1 \
	"${plain[@]}" --policy x
ok "a mask for a policy that is given" usage 'must be hexadecimal' send \
	--to 127.0.0.1:1 "${plain[@]}" --policy 1/1
ok "an allow-list that is missing" usage 'No such file' receive \
	--listen 127.0.0.1:0 "${plain[@]}" --allow "$work/gone"
ok "a chip that is none" usage 'chip 12: must be' receive \
	--listen 127.0.0.1:0 "${plain[@]}" --chip 12
for address in 192.0.2.1:1 0.0.0.0:0 '[::]:0' '[2001:db8::1]:1' example.org:1; do
	ok "listening on $address" usage 'no loopback address' receive \
		--listen "$address" "${plain[@]}"
	ok "sending to $address" usage 'no loopback address' send \
		--to "$address" "${plain[@]}"
done
for address in 127.0.0.1 127.0.0.1: :1 ::1:1 127.0.0.1:65536 127.0.0.1:x \
	127.0.0.1:-1; do
	ok "the address $address" usage '(HOST:PORT|brackets|no port)' \
		receive --listen "$address" "${plain[@]}"
done
ok "a recording that cannot be" usage 'record /.*: No such file' send \
	--to 127.0.0.1:1 --record "$work/gone/file" "${plain[@]}"
ok "a moment that is none" usage 'no moment' send --to 127.0.0.1:1 \
	--die-at never "${plain[@]}"

recorded() {
	says 0 '' "$sevlm" demo --memory 1M --rate 500 --force --record "$work/stream" \
		--record-answers "$work/answers" && says 0 '' \
		"$sevlm" inspect "$work/stream"
}
damaged() {
	says 1 "$1" "$sevlm" inspect "$work/damaged" &&
		prints '^[0-9]+ records, [0-9]+ bytes'
}
# cut BYTES: a stream that ends there, within a record
cut_off() {
	head -c "$1" "$work/stream" >"$work/damaged" && damaged "$2"
}
# flipped OFFSET PATTERN: one byte of the stream is another
flipped() {
	cp "$work/stream" "$work/damaged" &&
		printf '\377' | dd of="$work/damaged" bs=1 seek="$1" \
			conv=notrunc status=none && damaged "$2"
}
trailing() {
	{ cat "$work/stream"; printf '%s' "$1"; } >"$work/damaged" &&
		damaged 'record [0-9]+ at byte [0-9]+ '
}
not_a_stream() {
	says 1 'not a migration stream' "$sevlm" inspect "$work/two-pages"
}
ok "a stream is recorded and read" recorded
ok "a file that is no stream" not_a_stream
for bytes in 1 7; do
	ok "$bytes bytes of the magic" cut_off $bytes ': .'
done
for bytes in 9 31 33 8000 8600 9000 100000; do
	ok "cut off after $bytes bytes" cut_off $bytes 'record [0-9]+ at byte [0-9]+'
done
ok "another magic" flipped 0 'not a migration stream'
for offset in 11 28; do
	ok "the header damaged at byte $offset" flipped $offset 'record 0 at byte 8 '
done
ok "one byte behind the end" trailing x
ok "a line behind the end" trailing 'this is no record of any stream at all'
ok "inspecting a file that is missing" usage 'No such file' inspect "$work/gone"
ok "inspecting nothing" usage 'which FILE' inspect
ok "inspecting two" usage 'one word too many' inspect a b

out_full() {
	local status=0

	"$sevlm" inspect "$work/stream" >/dev/full 2>"$work/err" || status=$?
	[ $status -eq 1 ] && one_line 'standard output could not' "$work/err"
}
ok "a full disk under the output" out_full
finish
