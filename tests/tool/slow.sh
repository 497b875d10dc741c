#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# slow.sh SEVLM: a guest of 4 MiB through a link of 1 Mbit/s, over TCP.
set -u
. "$(dirname "$0")/common.bash"

arrives() {
	receive r
	says 0 '' send --memory 4M --workload random --rate 4 \
		--bandwidth 1000000 --downtime-limit 1000 --json &&
		received &&
		grep -E '^verified: 4 MiB identical.*memory checked' "$work/r.out"
}
# 8 bits in 1 us; the bucket may be full at the beginning
as_slow_as_it_should_be() {
	python3 -c '
import json, sys
end = [json.loads(line) for line in sys.stdin][-1]
seconds = end["total_ms"] / 1000
assert end["bytes"] >= 4 << 20 and end["rounds"] >= 2, end
assert seconds >= (end["bytes"] - 4096) * 8 / 1000000, end
' <"$work/out"
}
ok "4 MiB arrive through 1 Mbit/s" arrives
ok "and not faster than that" as_slow_as_it_should_be
finish
