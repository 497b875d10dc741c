#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# uapi.sh HEADER DIR...: what HEADER says of optional patches is what those in
# each DIR add to linux/kvm.h: each constant, number of an ioctl, struct and
# member, and nothing more on either side.
set -u
. "$(dirname "$0")/tap.sh"
header=$1
shift

# changed SIGN DIR: the patches one after the other, on a file of which nothing
# is known: what of theirs is there in the end, or (-) what of its own is not
changed() {
	sed -n "s|^\([^#].*/\)\?\([^#/]\+\)$|$2/\2|p" "$2/series" |
		xargs awk -v sign="$1" -v file=b/include/uapi/linux/kvm.h '
		function lines(span) {
			return split(span, part, ",") > 1 ? part[2] : 1
		}
		function put(line,    i) {
			if (last < at)
				last = at - 1
			for (i = last++; i >= at; i--) {
				text[i + 1] = text[i]
				ours[i + 1] = ours[i]
			}
			text[at] = line
			ours[at++] = 1
		}
		function take(line,    i) {
			if (!ours[at] && sign == "-")
				print line
			for (i = at; i <= last; i++) {
				text[i] = text[i + 1]
				ours[i] = ours[i + 1]
			}
		}
		left + new > 0 {
			left -= /^[- ]/
			new -= /^[+ ]/
			if (!here)
				next
			if (/^\+/)
				put(substr($0, 2))
			else if (/^-/)
				take(substr($0, 2))
			else
				at++
			next
		}
		/^\+\+\+ / { here = ($2 == file) }
		/^@@ / {
			left = lines($2)
			new = lines($3)
			at = substr($3, 2) + !new
		}
		END {
			for (i = 1; i <= last && sign == "+"; i++)
				if (ours[i])
					print text[i]
		}'
}
added() { changed + "$1" >"$2" && [ -s "$2" ]; }
taken() { changed - "$1"; }

# speaks FILE: C that prints all that FILE defines, one fact a line
speaks() {
	awk '
	function fact(format, values) {
		printf "\tprintf(\"%s\\n\", %s);\n", format, values
	}
	/^#define [A-Za-z0-9_]+$/ || /^#(include|ifndef|endif)/ { next }
	/^[ \t]*$/ || /^\/\*/ || /^ \*/ { next }
	/^#define [A-Za-z0-9_]+[ \t]/ {
		fact($2 " %zu %#llx %d", "sizeof(" $2 "), " \
			"(unsigned long long)(" $2 "), (" $2 ") * 0 - 1 < 0")
		next
	}
	/^struct [a-z0-9_]+ \{$/ && !name {
		name = "struct " $2
		fact(name " %zu %zu", "sizeof(" name "), _Alignof(" name ")")
		next
	}
	/^\t__[us][0-9]+ [a-z0-9_]+(\[[0-9]+\])?;$/ && name {
		member = $2
		sub(/[[;].*/, "", member)
		at = "(" name ", " member "), "
		fact($1 " " name "." member " %zu %zu", "offsetof" at \
			"sizeof(((" name " *)0)->" member ")")
		next
	}
	/^};$/ && name { name = ""; next }
	{ print "#error not understood: " $0 }
	' "$1"
}
# facts FILE: as the compiler sees them. FILE is included as the header is by
# programs, or has its place behind the rest of linux/kvm.h.
facts() {
	local file=$1 program=$work/facts

	{
		printf '#include <%s>\n' stdio.h stddef.h linux/kvm.h
		printf '#include "%s"\nint main(void)\n{\n' "$file"
		speaks "$file"
		printf '\treturn 0;\n}\n'
	} >"$program.c"
	${CC:-cc} -std=c11 -Wall -Wextra -Wno-sign-compare -Wno-type-limits \
		-Werror -o "$program" "$program.c" || return
	"$program" | sort
}
# same FILE FILE
same() {
	facts "$1" >"$work/a" && facts "$2" >"$work/b" && [ -s "$work/a" ] &&
		diff "$work/a" "$work/b"
}

# notices FILE WHAT SED: whether it is the header or the patches that change
notices() {
	sed "$3" "$1" >"$work/changed.h"
	! cmp -s "$1" "$work/changed.h" || { echo "nothing to change"; return 1; }
	! same "$header" "$work/changed.h"
}
# changes: ways to be another one
changes() {
	case ${header##*/} in
	kvm_sev_packet.h) cat <<'TABLE' ;;
another value|s/0x53454c50/0x53454c51/
another type of a value|s/0x53454c50/&ULL/
a constant that is missing|/KVM_CAP_SEV_PACKET_SIZE/d
a constant more|s/^#define KVM_CAP_SEV_PACKET_SIZE .*/&\n#define KVM_MORE 1/
TABLE
	*) cat <<'TABLE' ;;
another value|s/SHARED_LIST_MSR .*/SHARED_LIST_MSR (1 << 2)/
another type of a value|s/PAGES_DONE .*/PAGES_DONE (~0U)/
a constant that is missing|/KVM_SHARED_PAGES_TORN/d
a constant more|s/^#define KVM_SHARED_PAGE_SHARED .*/&\n#define KVM_MORE 1/
another ioctl number|s/0xf4/0xf6/
another direction|s/_IOWR\(.*0xf5\)/_IOW\1/
a member more|s/^.__u64 max_ranges;/&\n\t__u64 more;/
a member that is missing|/^.__u64 total;/d
members in another order|s/^.__u64 total;/\t__u64 swap;/;s/^.__u64 cursor;/\t__u64 total;/;s/swap/cursor/
another size of a member|s/^.__u32 pad;/\t__u64 pad;/
a signed member|s/^.__u64 npages;/\t__s64 npages;/
another length|s/reserved\[2\]/reserved[3]/
another struct|s/^struct kvm_shared_pages_entry/struct kvm_shared_pages_item/
what it cannot read|s/^.__u32 pad;/\tunion { __u32 pad; };/
TABLE
	esac
}
teeth() {
	local file=$1 who=$2 what change

	while IFS='|' read -r what change; do
		ok "$who: notices $what" notices "$file" "$what" "$change"
	done < <(changes)
}

for dir; do
	base=${dir%/*}
	base=${base##*/}
	file=$work/$base.h
	ok "$base: the patches add to linux/kvm.h" added "$dir" "$file"
	ok "$base: they take nothing away" quiet taken "$dir"
	ok "$base: what they add is what the header says" same "$header" "$file"
	teeth "$file" "$base"
done
teeth "$header" header
finish
