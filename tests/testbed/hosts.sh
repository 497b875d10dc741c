#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# hosts.sh ROOT BUILD: guests move between two emulated machines through the
# SEV ioctls of a real KVM, whose firmware is the software PSP of kernel/test.
set -u
shopt -s extglob
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/machine.bash"
. "$(dirname "$0")/scenarios.bash"
. "$(dirname "$0")/faults.bash"
root=$(cd "$1" && pwd) build=$2 bed=$2/testbed
kernel=${TESTBED_KERNEL:-$root/build-kernel-test}
mkdir -p "$bed"
read -r -a groups <<<"${GROUPS_OF_SCENARIOS:-moves cancelled killed cut \
firmware platform dead_send dead_cancel dead_receive dead_finish dead_sent \
planted kvm cross}"

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# who the machines are; the same again from the same program
identities() {
	local make=$root/kernel/test/make-identity

	[ "$bed/id/made" -nt "$make" ] ||
		{ "$make" "$bed/id" host1 host2 && touch "$bed/id/made"; }
}

static_walk() {
	archive sim "$root"/sim/!(make-root).c &&
		static "$bed/walk" "$root"/examples/vmm/!(main).[cS] \
			"$root"/tests/testbed/*.c "$bed/sim.a" \
			"$bed/tls.a" "$bed/lib.a"
}

# papers DIRECTORY OWN PEER: as the VMM wants them
papers() {
	mkdir "$1" && cp "$bed/id/ask_ark.cert" "$1/amd.cert" &&
		cp "$bed/id/host$2/cek.cert" "$1/cek.cert" &&
		cp "$bed/id/host$3/cek.cert" "$1/peer.cek" &&
		printf %032d 20261125 >"$1/peer.psk" &&
		tail -c 1600 "$bed/id/ask_ark.cert" >"$1/peer.ark"
}

# pack HOST SCENARIOS: what one of the machines boots into
pack() {
	local room=$bed/host$1

	rm -rf "$room" && mkdir -p "$room"/{bin,proc,sys,dev,tmp} \
		"$room/lib/firmware/amd" &&
		cp "$(command -v busybox)" "$room/bin/busybox" &&
		cp "$bed/vmm" "$bed/walk" "$room/bin/" &&
		cp "$build/examples/guest.bin" "$room/guest.bin" &&
		papers "$room/papers" "$1" "$((3 - $1))" &&
		cp "$bed/id/host$1/soft-psp.bin" \
			"$room/lib/firmware/amd/" &&
		cp "$2" "$room/scenarios" &&
		install -m 755 "$root/tests/testbed/init-hosts" "$room/init" &&
		install -m 755 "$root/tests/testbed/complaints" "$room/bin/" &&
		(cd "$room" && find . | cpio -o -H newc --quiet | gzip -1) \
			>"$bed/host$1.gz"
}

# On a busy machine what a kernel measures of an emulated clock is wrong by any
# factor: it believes the HPET.
options='console=ttyS0 panic=-1 quiet loglevel=1 ccp.soft_psp=1'
options+=' tsc=unstable clocksource=hpet no_timer_check'
# A kernel that is for debugging takes so many times as long, and more memory.
patience=${TESTBED_PATIENCE:-1}
options+=" rcupdate.rcu_cpu_stall_suppress=1 patience=$patience"
megabytes=$((patience > 1 ? 640 : 256))
longest=$((1200 * patience)) # seconds, of all that one boot does

# start HOST GROUP LOG: with a cable to the other
start() {
	local boot=$2_boot cable=dgram,id=cable,local.type=unix,remote.type=unix

	cable+=,local.path=$work/cable$1,remote.path=$work/cable$((3 - $1))
	exec timeout --foreground -s KILL $((longest + 300)) \
		qemu-system-x86_64 -accel tcg,thread=multi \
		-cpu EPYC,+svm,+npt -machine q35 -smp 1 -m $megabytes -nodefaults \
		-no-user-config -display none -no-reboot -monitor none \
		-serial "file:$3" -kernel "$kernel/bzImage" \
		-initrd "$bed/host$1.gz" \
		-append "$options ${!boot:-} host=$1" \
		-netdev "$cable" -device \
		"virtio-net-pci,netdev=cable,mac=52:54:00:00:00:0$1,romfile=" \
		</dev/null >/dev/null 2>"$3.err"
}

# any of them
alive() {
	local machine

	for machine in "${machines[@]}"; do
		kill -0 "$machine" 2>/dev/null && return
	done
	return 1
}
stop() {
	kill "${machines[@]}" 2>/dev/null
	wait "${machines[@]}" 2>/dev/null
}

# up LOG: both say that they are there, within a minute
up() {
	local i

	for ((i = 0; i < 300 * patience; i++)); do
		grep -q '^READY' "$1.1.log" 2>/dev/null &&
			grep -q '^READY' "$1.2.log" && return
		sleep 0.2
	done
	return 1
}

# both GROUP: to their end. A machine that does not come up, or does not reach
# the other, is no matter of ours: three attempts, told of in the log.
both() {
	local attempt end log=$bed/$1

	for attempt in 1 2 3; do
		rm -f "$log".[12].log
		start 1 "$1" "$log.1.log" &
		machines=($!)
		start 2 "$1" "$log.2.log" &
		machines+=($!)
		up "$log" && break
		echo "attempt $attempt: they do not come up"
		stop
	done
	end=$((SECONDS + longest))
	while alive && [ $SECONDS -lt $end ]; do
		sleep 0.2
	done
	stop
	grep -q '^DONE' "$log.1.log" && grep -q '^DONE' "$log.2.log"
}

# said HOST GROUP NAME: what a host printed, and how its process ended
said() {
	tr -d '\r' <"$bed/$2.$1.log" | awk -v name="$3" '
		$0 == "BEGIN " name { on = 1 } on { print }
		on && index($0, "END " name "|") == 1 { exit }'
}
ended() {
	said "$1" "$2" "$3" | sed -n '$s/^END .*|//p'
}
memory() {
	said "$1" "$2" "$3" | grep '^memory ' | sort
}

same_memory() {
	[ -n "$(memory 1 "$@")" ] &&
		diff <(memory 1 "$@") <(memory 2 "$@")
}

# result GROUP NAME STATUS STATUS MEMORY
result() {
	[ "$(ended 1 "$1" "$2")" = "$3" ] &&
		[ "$(ended 2 "$1" "$2")" = "$4" ] &&
		{ [ "$5" != same ] || same_memory "$1" "$2"; } && return
	said 1 "$1" "$2"
	said 2 "$1" "$2"
	return 1
}

no_warnings() {
	! grep -h '^KERNEL ' "$bed/$1".[12].log
}

logs() {
	local name

	for name; do
		cat "$bed/$name".[12].log
	done
}

# A command that is new in what runs here has no scenario in which it fails.
all_failed() {
	logs "${groups[@]}" | tr -d '\r' | awk '
		$1 != "COUNTED" { next }
		{ calls[$2] += $3; injected[$2] += $5 }
		END {
			for (name in calls) {
				used += calls[name] > 0
				if (!calls[name] || injected[name])
					continue
				print name " was used and never failed"
				missed = 1
			}
			exit missed || used < 20
		}'
}

group() {
	local name a b first second memory begin=$SECONDS

	"$1" >"$work/scenarios"
	pack 1 "$work/scenarios" && pack 2 "$work/scenarios"
	ok "$1: both machines boot, and switch off" both "$1"
	while IFS='|' read -r name a b first second memory; do
		ok "$1: $name" result "$1" "$name" "$first" "$second" "$memory"
	done <"$work/scenarios"
	ok "$1: the kernels warned of nothing" no_warnings "$1"
	echo "# $1: $((SECONDS - begin)) s"
}

why=$(tools) || skip_all "$why"
[ -n "${TESTBED_KERNEL:-}" ] ||
	ok "the kernel builds" "$root/kernel/test/build" "$kernel"
ok "the machines have identities" identities
ok "the VMM builds on its own, static" static_vmm "$bed/vmm"
ok "a host of a scenario builds" static_walk
for name in "${groups[@]}"; do
	group "$name"
done
[ -n "${GROUPS_OF_SCENARIOS:-}" ] ||
	ok "each firmware command that is used has been made to fail" all_failed
finish
