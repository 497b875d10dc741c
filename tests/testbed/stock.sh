#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# stock.sh ROOT BUILD: unmodified Debian kernels in emulated machines give the
# guest of examples/vmm what control-matrix.txt says.
set -u
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/machine.bash"
root=$(cd "$1" && pwd) bed=$2/testbed
bed_tests=$root/tests/testbed
runs=$work/runs
mkdir -p "$bed" "$runs"

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}
skipped() {
	tap_tests=$((tap_tests + 1))
	echo "ok $tap_tests - $1 # SKIP $2"
}

# run NAME IGNORE_MSRS OPTIONS...: with what is expected on standard input
run() {
	local name=$1

	shift
	grep -v '^#' >"$work/$name.expected"
	sed 's/ = .*//' "$work/$name.expected" >"$runs/$name"
	echo "$name $name $*" >>"$runs/list"
}
expect() {
	awk "$@" -f "$bed_tests/expect.awk" "$root/tests/control-matrix.txt"
}

states() {
	local offered exits hung name options

	for offered in 0 1; do for exits in 0 1; do for hung in 0 1; do
		name=not-offered options=
		[ $offered = 1 ] && name=offered options=--offer
		[ $exits = 1 ] && name+=,exits
		[ $exits = 0 ] && name+=,no-exits options+=' --no-exits'
		[ $hung = 1 ] && name+=,hung-up
		[ $hung = 0 ] && name+=,listening
		expect -v offered=$offered -v exits=$exits -v hung=$hung |
			run "$name" 0 $options
	done; done; done
}
other_runs() {
	expect -v sequence=1 | run sequence 0 --offer
	expect -v offered=1 -v exits=1 -v hung=0 |
		run ignore_msrs,exits 1 --offer
	run ignore_msrs,no-exits 1 --offer --no-exits \
		<"$bed_tests/swallowed.txt"
	run own,exits 0 <"$bed_tests/own.txt"
	run own,no-exits 0 --no-exits <"$bed_tests/own.txt"
}

# result NAME LOG: what the run printed, and that it ended well
result() {
	sed -n "/^BEGIN $1\$/,/^END $1 /p" "$2" | sed 1d >"$work/got"
	{ cat "$work/$1.expected"; echo "END $1 0"; } | diff - "$work/got"
}

# stock VERSION PATTERN
stock() {
	local tree=$bed/$1 log=$bed/$1.log name status

	if ! kernel "$tree" "$2" >"$work/why" 2>&1; then
		skipped "$1" "no such kernel: $(tail -n 1 "$work/why")"
		return
	fi
	initrd "$tree" "$runs" && boot "$tree" 100 "$log"
	status=$?
	ok "$1: boots, and switches off" test "$status" -eq 0
	while read -r name _; do
		ok "$1: $name" result "$name" "$log"
	done <"$runs/list"
}

why=$(tools) || skip_all "$why"
states
other_runs
ok "the VMM builds on its own, static" static_vmm "$bed/vmm"
stock 6.1 'linux-image-6\.1\.0-[0-9]+-cloud-amd64'
stock 6.12 'linux-image-6\.12\.[0-9]+(\+deb[0-9]+)?-cloud-amd64'
finish
