#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# demo.sh SEVLM ROOT: a running guest moves between two processes, whole.
set -u
. "$(dirname "$0")/common.bash"
root=$2

demo() {
	"$sevlm" demo --rate 500 --memory 4M --force "$@"
}
verified='^verified: .* identical, workload continued at step [0-9]+'
checked="$verified, memory checked at step [0-9]+\$"

moves() {
	says 0 '' demo "$@" && prints "$checked"
}
shows_table() {
	says 0 '' demo &&
		prints '^round 1: 1024 of 1024 pages left' \
			'^round +private +shared +zero +skipped +MiB +seconds$' \
			'^1  ' ' final  ' '^all  ' '^[0-9]+ bytes in .* downtime'
}
is_quiet() {
	says 0 '' demo --quiet && [ ! -s "$work/out" ]
}
is_json() {
	says 0 '' demo --json &&
		python3 -c '
import json, sys
events = [json.loads(line) for line in sys.stdin]
end = events[-1]
rounds = [e for e in events if e["event"] == "round"]
assert end["event"] == "result" and end["verified"], end
assert end["outcome"] == "completed" and end["exit_status"] == 0, end
assert end["checked_at_step"] >= end["handed_over_at_step"] + 64, end
assert len(rounds) == end["rounds"] and rounds[-1]["final"], rounds
for kind in "private_pages", "shared_pages", "zero_pages":
    assert end[kind] == sum(r[kind] for r in rounds), (kind, rounds)
assert end["bytes"] >= sum(r["bytes"] for r in rounds) > 4 << 20, rounds
' <"$work/out"
}

for workload in idle sequential hot random flip; do
	ok "a guest that is $workload moves" moves --workload $workload
done
ok "one record per page works too" moves --batch 1
ok "another seed makes another guest" moves --seed 77
ok "the table tells pages by kind and round" shows_table
ok "--quiet prints nothing" is_quiet
ok "--json prints objects, one per line" is_json

yes 'contents that are no noise' | head -c 2097152 >"$work/image"
fits() {
	moves --image "$work/image" --memory 3M
}
rounds_up() {
	head -c 1052672 "$work/image" >"$work/odd"
	says 0 '' "$sevlm" demo --rate 500 --force --image "$work/odd" &&
		prints '^verified: 2 MiB identical'
}
ok "an image becomes the guest's memory" fits
ok "memory is the image's size, rounded up to MiB" rounds_up

real=$root/../shared/data/ram/linux-128m.img.zst
real_name="the memory of a real guest arrives while a workload writes to it"
if [ ! -e "$real" ]; then
	tap_tests=$((tap_tests + 1))
	echo "ok $tap_tests - $real_name # SKIP the image is not there"
elif ! command -v zstd >/dev/null; then
	tap_tests=$((tap_tests + 1))
	echo "ok $tap_tests - $real_name # SKIP no zstd"
else
	real_image() {
		zstd -q -d "$real" -o "$work/linux" &&
			says 0 '' "$sevlm" demo --rate 200 --force \
				--image "$work/linux" &&
			prints '^verified: 128 MiB identical' "$checked"
	}
	ok "$real_name" real_image
	rm -f "$work/linux"
fi

# both STATUS SOURCE TARGET COMMAND...: one sentence from each side
both() {
	local status=$1 source=$2 target=$3 got

	shift 3
	"$@" >"$work/out" 2>"$work/err"
	got=$?
	[ "$got" -eq "$status" ] || { echo "exit status $got"; cat "$work/err"; return 1; }
	grep '^sevlm source: ' "$work/err" >"$work/source"
	grep '^sevlm target: ' "$work/err" >"$work/target"
	one_line "$source" "$work/source" && one_line "$target" "$work/target"
}
stays='the guest runs on here, at step [0-9]+, its memory as it should be$'
never='the guest will never run here$'

# on a slow link, or the guest could be the slower one of the two
too_fast() {
	both 1 "faster than it can be sent.*$stays" "$never" \
		"$sevlm" demo --memory 4M --rate 0 --max-rounds 2 \
		--downtime-limit 1 --bandwidth 32000000
}
forced() {
	says 0 '' "$sevlm" demo --memory 16M --rate 0 --max-rounds 2 \
		--downtime-limit 1 --force && prints "$checked"
}
refuses() {
	both 1 "live migration was not offered to the guest; $stays" \
		"$never" demo --no-offer
}
full_note() {
	both 1 "note could not be written to /dev/full: No space.*$stays" \
		"$never" demo --note /dev/full
}
full_record() {
	both 1 "stream could not be recorded: No space.*$stays" "$never" \
		demo --record /dev/full
}
keeps_note() {
	says 0 '' demo --note "$work/note" && [ "$(stat -c %s:%a "$work/note")" = 128:600 ]
}
tidy() {
	! compgen -G "$work/sevlm-*" >/dev/null
}
ok "a guest that is too fast stays" too_fast
ok "--force moves it" forced
ok "a guest that was offered nothing stays" refuses
ok "a full disk under the note: the guest stays" full_note
ok "a full disk under the recording: the guest stays" full_record
ok "--note is kept, readable by its owner" keeps_note
ok "a note that nobody named is gone" tidy

# a slow link leaves the time: the signal comes when round 1 is announced
cancelled() {
	local pid status=0

	mkfifo "$work/pipe"
	"$sevlm" demo --memory 4M --bandwidth 1000000 >"$work/pipe" \
		2>"$work/err" &
	pid=$!
	exec 8<"$work/pipe"
	read -r line <&8
	kill -TERM $pid
	cat <&8 >"$work/out"
	exec 8<&-
	wait $pid || status=$?
	[ "$status" -eq 1 ] || { echo "status $status"; return 1; }
	grep -qE "^sevlm source: .*interrupted by a signal; $stays" "$work/err" &&
		grep -qE "^sevlm target: .*$never" "$work/err"
}
ok "a signal cancels: the guest stays" cancelled
finish
