# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What the scripts share that boot an emulated host and report TAP; they set
# dir, the kernel's folder, and work, where files are made.
# shellcheck disable=SC2154
tests=0 failures=0

die() { echo "Bail out! $*"; exit 1; }

needs() {
	local name

	for name; do
		command -v "$name" >/dev/null || die "needs $name"
	done
	[ -e "$dir/bzImage" ] || die "no $dir/bzImage: run build first"
	mkdir -p "$work"
}

# Chips a and b are of one owner, c is of another
identities() {
	[ "$work/identities/made" -nt "$here/make-identity" ] && return
	"$here/make-identity" "$work/identities" a:house b:house c:other ||
		die "no identities"
	touch "$work/identities/made"
}

# room INIT IDENTITY: an empty initrd, IDENTITY a file or nothing
room() {
	rm -rf "$work/room"
	mkdir -p "$work/room/certs" "$work/room/lib/firmware/amd" &&
		cp "$1" "$work/room/init" &&
		cp -r "$work/identities"/* "$work/room/certs" &&
		rm -f "$work"/room/certs/*/soft-psp.bin &&
		{ [ -z "$2" ] ||
			cp "$2" "$work/room/lib/firmware/amd/soft-psp.bin"; }
}

pack() {
	(cd "$work/room" && find . | cpio -o -H newc --quiet | gzip -1) \
		>"$work/initrd.gz"
}

# started PID: the first process of the machine has said so
started() {
	local i

	for ((i = 0; i < 200; i++)); do
		grep -q '^# BEGIN' "$work/serial" && return
		kill -0 "$1" 2>/dev/null || return
		sleep 0.5
	done
	return 1
}

# machine SECONDS CPUS MIB COMMAND-LINE: what it prints is $work/log. Under load
# an emulated machine may hang before it has come to its first process.
machine() {
	local pid status try

	for try in 1 2 3; do
		: >"$work/serial"
		timeout -k 5 "$1" qemu-system-x86_64 \
			-accel tcg,thread=multi -cpu EPYC,+svm,+npt \
			-machine q35 -smp "$2" -m "$3" -nodefaults \
			-no-user-config -nographic -no-reboot -monitor none \
			-serial "file:$work/serial" -kernel "$dir/bzImage" \
			-initrd "$work/initrd.gz" -append \
			"console=ttyS0 panic=-1 quiet $4" </dev/null \
			2>"$work/qemu.err" &
		pid=$!
		started "$pid" && break
		echo "# boot $try hangs"
		kill "$pid"
		wait "$pid"
	done
	wait "$pid"
	status=$?
	tr -d '\r' <"$work/serial" >"$work/log"
	return $status
}

ok() {
	tests=$((tests + 1))
	[ "$1" -eq 0 ] || { failures=$((failures + 1)); printf 'not '; }
	echo "ok $tests - $2"
}
