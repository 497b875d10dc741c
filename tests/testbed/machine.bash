# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
# Sourced by the tests in emulated machines: tools, stock kernels, a boot.
# Everything is kept under $bed.
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root)

# tools: have what a boot needs, or say in one line why not
tools() {
	local missing=() pair

	for pair in qemu-system-x86_64:qemu-system-x86 \
		    busybox:busybox-static cpio:cpio xz:xz-utils; do
		command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}")
	done
	[ ${#missing[@]} -eq 0 ] && return
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "needs ${missing[*]}"
		return 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	{ "${apt[@]}" update && "${apt[@]}" install -y \
		--no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 ||
		{ echo "cannot install ${missing[*]}"; return 1; }
}

newest() {
	{ apt-cache pkgnames linux-image-6 || true; } 2>/dev/null |
		grep -E "^$1\$" | sort -V | tail -n 1
}

# fetch PATTERN: the newest package so named, as a file in $bed
fetch() {
	local package

	package=$(newest "$1")
	[ -n "$package" ] && (cd "$bed" && "${apt[@]}" download "$package") &&
		return
	[ "$(id -u)" -eq 0 ] && "${apt[@]}" update
	package=$(newest "$1")
	[ -n "$package" ] && (cd "$bed" && "${apt[@]}" download "$package") ||
		{ echo "apt cannot fetch a $1"; return 1; }
}

# depends MODULE: what it needs; by a file of its own, because objcopy replaces
# whatever it is told to write, /dev/stdout too
depends() {
	objcopy -O binary --only-section=.modinfo "$1" "$1.info" &&
		tr '\0' '\n' <"$1.info" | sed -n 's/^depends=//p' |
		tr ',' '\n'
	rm -f "$1.info"
}

# module TREE NAME: it and what it depends on, numbered as they are loaded
module() {
	local tree=$1 file name=${2//_/-}

	[ -e "$(echo "$tree"/modules/*-"$name.ko")" ] && return
	file=$(find "$tree/tree" -name "$name.ko*" -o \
		-name "${name//-/_}.ko*" | head -n 1)
	[ -n "$file" ] || { echo "no module $name"; return 1; }
	case $file in
	*.xz) xz -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$tree/$name.ko" || { echo "cannot unpack $name"; return 1; }
	for name in $(depends "$tree/$name.ko"); do
		module "$tree" "$name" || return
	done
	name=${2//_/-}
	mv "$tree/$name.ko" "$tree/modules/$(printf %02d \
		"$(ls "$tree/modules" | wc -l)")-$name.ko"
}

unpack() {
	local tree=$1 package=$2

	rm -rf "$tree" && mkdir -p "$tree/modules" &&
		dpkg-deb -x "$package" "$tree/tree" &&
		mv "$tree"/tree/boot/vmlinuz-* "$tree/vmlinuz" &&
		module "$tree" kvm-amd && rm -rf "$tree/tree" "$package"
}

# kernel TREE PATTERN: an unpacked stock kernel with KVM's modules
kernel() {
	[ -e "$1/done" ] && return
	rm -f "$bed"/linux-image-*.deb
	fetch "$2" && unpack "$1" "$bed"/linux-image-*.deb && touch "$1/done"
}

cc=(${CC:-cc} -O1 -std=gnu11 -D_GNU_SOURCE)

# archive NAME FILE...: a library's objects, in $bed/NAME.a
archive() {
	local objects=$bed/$1.objects name=$1

	shift
	rm -rf "$objects" "$bed/$name.a" && mkdir -p "$objects" &&
		(cd "$objects" && printf '%s\0' "$@" | xargs -0 -n 8 -P 2 \
			"${cc[@]}" -c -I"$root/include") &&
		ar rc "$bed/$name.a" "$objects"/*.o
}

# static OUT FILE...: a program, with libraries of its own
static() {
	local out=$1

	shift
	"${cc[@]}" -static -I"$root/include" -I"$root/examples/vmm" -o "$out" \
		"$@" -lssl -lcrypto -pthread
}

# static_vmm OUT: the example
static_vmm() {
	archive lib "$root"/lib/*.c && archive tls "$root"/tls/*.c &&
		static "$1" "$root"/examples/vmm/*.[cS] "$bed/tls.a" \
			"$bed/lib.a"
}

# initrd TREE RUNS: what the machine boots into
initrd() {
	local room=$1/initrd

	rm -rf "$room" && mkdir -p "$room"/{bin,proc,sys,dev} &&
		cp "$(command -v busybox)" "$room/bin/busybox" &&
		cp "$bed/vmm" "$room/bin/vmm" &&
		cp -r "$1/modules" "$room/modules" &&
		cp -r "$2" "$room/runs" &&
		install -m 755 "$root/tests/testbed/init" "$room/init" &&
		(cd "$room" && find . | cpio -o -H newc --quiet | gzip -1) \
			>"$1/initrd.gz"
}

# boot TREE SECONDS LOG: run it to its end
boot() {
	timeout -k 5 "$2" qemu-system-x86_64 -accel tcg,thread=multi \
		-cpu EPYC,+svm,+npt -machine q35 -smp 1 -m 512 -nodefaults \
		-no-user-config -nographic -no-reboot -serial stdio \
		-monitor none -kernel "$1/vmlinuz" -initrd "$1/initrd.gz" \
		-append "console=ttyS0 panic=-1 quiet loglevel=1" \
		</dev/null 2>"$3.err" | tr -d '\r' >"$3"
	return "${PIPESTATUS[0]}"
}
