#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# full.sh ROOT BUILD: what runs in emulated machines, on kernels that watch
# their locks or their memory: the smoke test, guests that move, the selftests.
# What such a kernel reports is a failure. All of it takes hours; what is to run can
# be said: BASES, SETS (plain: no patches but those of the tests; all: those of
# kernel/BASE too), WATCHED (locks, memory, or "locks,memory" for both in one),
# PARTS (smoke hosts selftests) and GROUPS_OF_SCENARIOS. The kernels stay in
# FULL_KERNELS-BASE.
set -u
. "$(dirname "$0")/../tap.sh"
root=$(cd "$1" && pwd) build=$2
kernels=${FULL_KERNELS:-$root/build-kernel-full}
read -r -a bases <<<"${BASES:-6.1 6.12}"
read -r -a sets <<<"${SETS:-plain all}"
read -r -a watched <<<"${WATCHED:-locks memory}"
parts=${PARTS:-smoke hosts selftests}
export TESTBED_PATIENCE=${TESTBED_PATIENCE:-6}
export SMOKE_SECONDS=$((300 * TESTBED_PATIENCE))
export SELFTESTS_SCALE=$TESTBED_PATIENCE

# built BASE SET WATCHED: what build is asked for
built() {
	local set=(--config "$3")

	[ "$2" = plain ] || set=(--series all --config "$3,patched")
	"$root/kernel/test/build" --base "$1" "${set[@]}" "$kernels-$1"
}

# kernel BASE SET WATCHED
kernel() {
	local name="$1 $2, $3" tests=$root/kernel/test failed=$tap_failed
	export TESTBED_KERNEL=$kernels-$1/${3//,/-}

	ok "$name: builds" built "$@"
	[ "$tap_failed" -eq "$failed" ] || return
	[[ $parts != *smoke* ]] ||
		part "$name, smoke" "$tests/smoke" "$TESTBED_KERNEL"
	[[ $parts != *hosts* ]] ||
		part "$name, hosts" "$root/tests/testbed/hosts.sh" \
			"$root" "$build"
	[[ $parts != *selftests* ]] || [ "$2" = plain ] ||
		[ ! -x "$tests/selftests" ] ||
		part "$name, selftests" "$tests/selftests" "$TESTBED_KERNEL" \
			"$1"
}

for base in "${bases[@]}"; do
	for set in "${sets[@]}"; do
		for watch in "${watched[@]}"; do
			kernel "$base" "$set" "$watch"
		done
	done
done
finish
