#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# patched.sh ROOT BUILD: the patches of kernel/ for BASE in emulated machines: the
# kernel's KUnit tests and selftests, and guests that move between two of it with
# page states from the kernel's list and packets of several pages.
set -u
. "$(dirname "$0")/../tap.sh"
root=$(cd "$1" && pwd) build=$2 base=${BASE:-6.1}
kernel=$root/build-kernel-test
[ "$base" = 6.1 ] || kernel+=-$base
groups='lists contiguous moves cancelled killed cut kvm'
export FIRMWARE_FILE=held

ok "$base with all patches builds" "$root/kernel/test/build" \
	--base "$base" --series all --config patched "$kernel"
part "selftests, $base" "$root/kernel/test/selftests" "$kernel" "$base"
TESTBED_KERNEL=$kernel GROUPS_OF_SCENARIOS=${GROUPS_OF_SCENARIOS:-$groups} \
	part "hosts, $base" "$root/tests/testbed/hosts.sh" "$root" "$build"
finish
