# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Sourced by check: do the patches build, silently, and is what they make
# optional no code when it is off?

# tree_base: all of the source, as it was
tree_base() {
	[ "$(cat "$dir/unpacked" 2>/dev/null)" = "$(stamp "$source")" ] && return
	say "unpacking $source"
	rm -rf "$tree" "$kbuild" "$dir/unpacked" "$dir/off" || return
	tar -C "$dir" -xf "$source" && stamp "$source" >"$dir/unpacked"
}

# place COMMIT: the tree as that commit of $bare has it; writes what differs
place() {
	local file

	in_bare checkout -q --detach "$1" && in_bare clean -qfdx || return
	while read -r file; do
		if [ ! -e "$bare/$file" ]; then
			rm -f "$tree/$file"
		elif ! cmp -s "$bare/$file" "$tree/$file"; then
			mkdir -p "$tree/${file%/*}"
			cp "$bare/$file" "$tree/$file" || return
		fi
	done < <(patches "${groups[@]}" | touched)
}

# options GROUP...: what they add to Kconfig
options() {
	patches "$@" | xargs sed -n 's/^+config \([A-Z0-9_]*\)$/\1/p' | sort -u
}

make_in() {
	local out=$1

	shift
	nice make -s -C "$tree" O="$out" ${CC:+CC="$CC"} -j"${JOBS:-$(nproc)}" \
		KBUILD_BUILD_USER=libsevlm KBUILD_BUILD_HOST=test \
		KBUILD_BUILD_TIMESTAMP=@0 "$@"
}

# configure OUT [OPTION...]: check.config, and these options on; anew where that
# or what the tree can be asked for has changed
configure() {
	local out=$1 now

	shift
	mkdir -p "$out" && {
		cat "$here/check.config"
		[ $# -eq 0 ] || printf 'CONFIG_%s=y\n' "$@"
	} >"$out/wanted" || return
	now=$(cd "$tree" && find arch/x86 virt drivers/crypto lib -name 'Kconfig*' \
		-exec cat {} + | sha256sum - "$out/wanted")
	[ "$(cat "$out/configured" 2>/dev/null)" = "$now" ] && return
	make_in "$out" tinyconfig >/dev/null &&
		(cd "$tree" && ./scripts/kconfig/merge_config.sh -m -O "$out" \
			"$out/.config" "$out/wanted") >/dev/null &&
		make_in "$out" olddefconfig && echo "$now" >"$out/configured"
}

# What to build: KVM, the SEV driver and each file outside of them that any of
# the patches touches. A .c that is not there yet is left out.
targets() {
	local file

	echo arch/x86/kvm/ drivers/crypto/ccp/
	while read -r file; do
		case $file in
		arch/x86/kvm/* | virt/kvm/* | drivers/crypto/ccp/*) ;;
		tools/* | Documentation/*) ;;
		*.c) [ ! -e "$tree/$file" ] || echo "${file%.c}.o" ;;
		esac
	done < <(patches "${groups[@]}" | touched)
}

# compile LOG: what gcc, W=1 and sparse say, without places. What make does not
# compile again says what it said before.
compile() {
	local list

	read -r -a list <<<"$(targets | xargs)"
	make_in "$kbuild" W=1 C=1 CF=-D__CHECK_ENDIAN__ "${list[@]}" \
		>"$1.full" 2>&1 || { tail -n 20 "$1.full"; return 1; }
	sed -nE 's/^.*(warning|error): /&/; s/:[0-9]+(:[0-9]+)?:/:/gp' \
		"$1.full" | sed "s|$tree/||; s|^\(\.\./\)*||" | sort -u >"$1"
}

# builds NUMBER COMMIT: that patch, on top of those before it
builds() {
	local said=$dir/said list

	mapfile -t list < <(options "${groups[@]}")
	place "$2" && configure "$kbuild" "${list[@]}" &&
		compile "$said.$1" || return
	! comm -13 "$said.base" "$said.$1" | grep .
}

# what check.config asks for is there: without KVM_AMD_SEV, say, nothing is built
as_asked() {
	! grep '^CONFIG' "$here/check.config" | grep -vxFf "$kbuild/.config"
}
# baseline: what the base itself says, of a build from nothing. It is kept: a
# build on top of another one says only what is new.
baseline() {
	local now

	place base || return
	now=$(cat "$dir/unpacked" "$here/check.config" && targets && echo "${CC-}")
	[ "$(cat "$dir/said.of" 2>/dev/null)" = "$now" ] && return
	rm -rf "$kbuild" "$dir/said.of"
	configure "$kbuild" && compile "$dir/said.base" &&
		echo "$now" >"$dir/said.of"
}

# takes_effect OPTION: with it asked for; and it is off without
takes_effect() { grep -qx "CONFIG_$1=y" "$kbuild/.config"; }
off_by_default() { ! grep -qx "CONFIG_$1=[ym]" "$dir/off/.config"; }

# A tarball has no commits to look up, KVM's folders have a maintainer, and what
# describes a trace event is no call
checkpatch() (
	cd "$tree" && ./scripts/checkpatch.pl --strict --no-signoff --terse \
		--no-summary --showfile \
		--ignore FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID "$1" >"$dir/checked"
	[ $? -le 1 ] && ! grep -vE \
		'/trace\.h:[0-9]+: CHECK: (Alignment should|Lines should not end)' \
		"$dir/checked"
)

# code: of every object of KVM, what is executed and what it reads
code() {
	local object to

	(cd "$dir/off" && find arch/x86/kvm virt/kvm -name '*.o') |
		while read -r object; do
			to=$1/${object//\//-}
			objcopy -S -R __bug_table -R '.orc_*' -R .comment \
				"$dir/off/$object" "$work/code.o" 2>/dev/null &&
				objdump -dr -s "$work/code.o" |
				sed 1,3d >"$to.code" || return
		done
}

# off_code NAME GROUP...: the code with these groups and every option off
off_code() {
	local to=$dir/code-$1 list

	shift
	rm -rf "$to" && mkdir "$to" || return
	mapfile -t list < <(patches "$@")
	clean_bare && { [ ${#list[@]} -eq 0 ] || in_bare am -q "${list[@]}"; } &&
		place HEAD && configure "$dir/off" &&
		make_in "$dir/off" arch/x86/kvm/ && code "$to"
}

# no_code: what an option turns off is not there. Groups without an option are
# on both sides. The line numbers of warnings (__bug_table) are not compared.
no_code() {
	local group without=()

	for group in "${groups[@]}"; do
		[ -n "$(options "$group")" ] || without+=("$group")
	done
	off_code without "${without[@]}" && off_code all "${groups[@]}" || return
	diff -rq "$dir/code-without" "$dir/code-all"
}

check_build() {
	local number=0 commits list file option

	tree_base || exit
	mapfile -t list < <(patches "${groups[@]}")
	by_am "${list[@]}" >/dev/null || finish
	mapfile -t commits < <(in_bare rev-list --reverse base..HEAD)
	ok "the base builds" baseline
	ok "it is configured as check.config asks" as_asked
	for file in "${list[@]}"; do
		ok "builds, W=1 and sparse add nothing: ${file#"$here/"}" \
			builds "$number" "${commits[number]}"
		ok "checkpatch --strict: ${file#"$here/"}" checkpatch "$file"
		number=$((number + 1))
	done
	for option in $(options "${groups[@]}"); do
		ok "$option can be turned on" takes_effect "$option"
	done
	ok "KVM's code is the same with every option off" no_code
	for option in $(options "${groups[@]}"); do
		ok "$option is off unless asked for" off_by_default "$option"
	done
}
