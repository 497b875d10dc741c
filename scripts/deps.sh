#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# deps.sh [valgrind] [clang] [fuzzer]: have what the build and its tests need,
# "fuzzer" being clang's libFuzzer and sanitizers. As root installs the missing
# packages, otherwise names them in one line and fails.
set -u

missing=()
need() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}
includes() {
	echo "#include <$1>" | gcc -E -x c - || test -e "/usr/include/$1"
}

need gcc gcc --version
need g++ g++ --version
need libc6-dev includes stdio.h
need linux-libc-dev includes linux/kvm.h
need meson meson --version
need ninja-build ninja --version
need pkg-config pkg-config --version
need libssl-dev pkg-config --exists 'libcrypto >= 3'
need libjson-c-dev pkg-config --exists 'json-c >= 0.15'
need openssl openssl version
need check pkg-config --exists 'check >= 0.15'
fuzzer() {
	local out

	out=$(mktemp) && echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang -fsanitize=fuzzer,address,undefined -x c - -o "$out"
	set -- $?
	rm -f "$out"
	return "$1"
}
for extra; do
	case $extra in
	fuzzer)
		need clang clang --version
		# clang recommends the runtimes but does not depend on them
		need libclang-rt-dev fuzzer
		;;
	*) need "$extra" "$extra" --version ;;
	esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "sudo apt-get install --no-install-recommends ${missing[*]}"
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq &&
	apt-get install -y -qq --no-install-recommends "${missing[@]}"
