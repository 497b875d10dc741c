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

int main(void)
{
	const struct sevlm_kernel_ops *ops = sevlm_sim_ops();

	return strcmp(sevlm_version(), VERSION) != 0 ||
	       ops->size != sizeof(*ops);
}
SOURCE

builds() {
	${CC:-cc} ${SANITIZE:-} "$work/user.c" -o "$work/user" \
		-DVERSION="\"$(pkg-config --modversion libsevlm)\"" \
		$(pkg-config --cflags --libs libsevlm-sim libsevlm)
}
runs() {
	LD_LIBRARY_PATH=${found%/pkgconfig/*} "$work/user"
}
sonames() {
	readelf -d "$work/user" | grep -oE 'libsevlm[a-z-]*\.so\.[0-9.]+' |
		sort | diff - <(printf '%s\n' libsevlm-sim.so.0 libsevlm.so.0)
}

ok "it installs" test -n "$found"
ok "pkg-config knows both" \
	pkg-config --exists --print-errors libsevlm libsevlm-sim
ok "a user of both builds" builds
ok "it runs, and the version is the one of pkg-config" runs
ok "it needs the two sonames" sonames
finish
