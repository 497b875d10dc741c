# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Sourced by what builds or patches Debian's kernel source, with set -e or
# checking each status. The caller sets
#   package   linux-source-6.1, say
#   dir       an existing directory, where what was downloaded is kept
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root)
kernel_tools=(gcc make flex bison bc libelf-dev libssl-dev xz-utils)

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }

# missing NAME...: which of these packages are not installed
missing() {
	local name

	for name; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" \
			2>/dev/null)" = installed ] || echo "$name"
	done
}

# tools [NAME...]: what it takes to build a kernel is there, and these packages
tools() {
	local list

	mapfile -t list < <(missing "${kernel_tools[@]}" "$@")
	[ ${#list[@]} -eq 0 ] && return
	[ "$(id -u)" -eq 0 ] || die "first, as root: apt-get install ${list[*]}"
	say "installing ${list[*]}"
	"${apt[@]}" update &&
		DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y \
			--no-install-recommends "${list[@]}" >/dev/null
}

download() (
	cd "$dir" || exit
	rm -f "$package"_*.deb
	"${apt[@]}" download "$package" ||
		{ [ "$(id -u)" -eq 0 ] && "${apt[@]}" update &&
			"${apt[@]}" download "$package"; } ||
		die "apt cannot fetch $package"
	dpkg-deb -x "$package"_*.deb "$dir/package" &&
		mv "$dir/package/usr/src/$package.tar.xz" "$dir" &&
		rm -rf "$dir/package" "$package"_*.deb
)

# tarball: prints where it is: as installed, or else out of the package
tarball() {
	local file

	for file in "$dir/$package.tar.xz" "/usr/src/$package.tar.xz"; do
		[ -e "$file" ] && echo "$file" && return
	done
	download >&2 || return
	echo "$dir/$package.tar.xz"
}

# stamp FILE: changes when the file does
stamp() { stat -Lc '%s %Y' "$1"; }
