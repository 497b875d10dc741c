#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# install.sh BUILD: what is installed suffices to build a user of it, with the
# flags of pkg-config and nothing else.
set -u
. "$(dirname "$0")/../tap.sh"
build=$1
root=$work/root

meson install -C "$build" --no-rebuild --quiet --destdir "$root" \
	>"$work/log" 2>&1
found=$(find "$root" -name libsevlm.pc 2>/dev/null)
export PKG_CONFIG_PATH=${found%/*} PKG_CONFIG_SYSROOT_DIR=$root

cat >"$work/user.c" <<'SOURCE'
#include <string.h>

#include <libsevlm/sim.h>
#include <libsevlm/tls.h>

int main(void)
{
	const struct sevlm_kernel_ops *ops = sevlm_sim_ops();

	return strcmp(sevlm_version(), VERSION) != 0 ||
	       ops->size != sizeof(*ops) ||
	       sevlm_tls_state(NULL) != SEVLM_TLS_FAILED;
}
SOURCE

builds() {
	${CC:-cc} ${SANITIZE:-} "$work/user.c" -o "$work/user" \
		-DVERSION="\"$(pkg-config --modversion libsevlm)\"" \
		$(pkg-config --cflags --libs libsevlm-sim libsevlm-tls libsevlm)
}
runs() {
	LD_LIBRARY_PATH=${found%/pkgconfig/*} "$work/user"
}
sonames() {
	readelf -d "$work/user" | grep -oE 'libsevlm[a-z-]*\.so\.[0-9.]+' |
		sort | diff - <(printf '%s\n' libsevlm-{sim,tls}.so.0 libsevlm.so.0)
}
# needs LIBRARY PATTERN: is another library needed by it?
needs() {
	readelf -d "${found%/pkgconfig/*}/$1" | grep NEEDED | grep -q "$2"
}
without_tls() {
	! needs libsevlm.so libssl && needs libsevlm-tls.so libssl
}

ok "it installs" test -n "$found"
ok "pkg-config knows all" pkg-config --exists --print-errors \
	libsevlm libsevlm-sim libsevlm-tls
ok "a user of all builds" builds
ok "it runs, and the version is the one of pkg-config" runs
ok "it needs the sonames" sonames
ok "libssl is needed by the channel only" without_tls
finish
