#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# gate.sh ROOT LIBRARY: each of the other scripts fails where it should. They
# run on broken copies.
set -u
. "$(dirname "$0")/tap.sh"
root=$(cd "$1" && pwd) library=$2
tests=$root/tests
copy=$work/copy

# breaks TEST COMMAND...: the command says "not ok" to what TEST matches
breaks() {
	local out pattern=$1

	shift
	out=$("$@" 2>&1) && { echo "it passed:" "$@"; return 1; }
	grep -E '^not ok' <<<"$out" | grep -qE -- "$pattern" ||
		{ echo "$out"; return 1; }
}
fresh() {
	rm -rf "$copy"
	mkdir -p "$copy/tests/abi" "$copy/docs" "$copy/lib"
	cp -r "$root/include" "$copy/"
	cp "$root/lib/libsevlm.map" "$copy/"
	cp "$tests/tap.sh" "$copy/tests/"
	cp "$tests"/abi/layout.* "$copy/tests/abi/"
	header=$copy/include/libsevlm/libsevlm.h
}

symbols() {
	"$tests/abi/symbols.sh" "$header" "$copy/libsevlm.map" "$library" \
		"${soname:-libsevlm.so.0}" sevlm_
}
symbols_gate() {
	fresh && sed -i 's/sevlm_version(void)/sevlm_versions(void)/' "$header"
	ok "symbols: another call in the header" \
		breaks 'header and map' symbols
	fresh && sed -i '/sevlm_strerror;/d' "$copy/libsevlm.map"
	ok "symbols: a call missing in the map" breaks 'header and map' symbols
	ok "symbols: more in the library than in the map" \
		breaks 'map and library' symbols
	fresh && sed -i 's/LIBSEVLM_0\.1/LIBSEVLM_0_1/' "$copy/libsevlm.map"
	ok "symbols: a node of another pattern" breaks 'one pattern' symbols
	ok "symbols: a node the library does not have" \
		breaks 'map and library' symbols
	fresh && sed -i '/\*;/d' "$copy/libsevlm.map"
	ok "symbols: a map that hides nothing" breaks 'hides the rest' symbols
	fresh
	soname=libsevlm.so.7
	ok "symbols: another soname" breaks 'soname' symbols
	unset soname
}

headers() {
	"$tests/abi/headers.sh" "$copy/include"
}
headers_gate() {
	fresh && sed -i '/<stdint.h>/d; /<sys.uio.h>/d' "$header"
	ok "headers: one that leans on its includer" breaks 'as c99' headers
	fresh && echo 'int f(int class);' >>"$header"
	ok "headers: a word of C++" breaks 'as c\+\+11' headers
	fresh && echo 'typedef int a; typedef int a;' >>"$header"
	ok "headers: more than C99" breaks 'as c99' headers
	fresh && echo '#include <errno.h>' >>"$header"
	ok "headers: one include too many" breaks 'nothing but' headers
}

layout() {
	"$copy/tests/abi/layout.sh" "$copy/include"
}
layout_gate() {
	fresh && sed -i 's/^\tuint32_t policy;/\tuint64_t policy;/' "$header"
	ok "layout: a wider field" breaks 'layout stands' layout
	fresh && sed -i 's/^\tuint32_t pages_left;//' "$header" &&
		sed -i 's/^\tuint64_t total_ns;/&\n\tuint64_t more;/' "$header"
	ok "layout: a field appended" breaks 'layout stands' layout
	fresh && sed -i 's/^\tuint64_t bytes;/&\n\tuint32_t hole;/' "$header"
	ok "layout: a hole" breaks 'hole' layout
	fresh && printf 'struct sevlm_more {\n\tint a;\n};\n' >>"$header"
	ok "layout: a new struct" breaks 'public struct' layout
	fresh && sed -i 's/\(define SEVLM_GUEST_SENT *\).*/\17u/' "$header"
	ok "layout: a constant of another value" breaks 'layout stands' layout
	fresh && echo '#define SEVLM_MORE 1u' >>"$header"
	ok "layout: a new constant" breaks 'public constant' layout
}

comments() {
	"$tests/docs/comments.sh" "$header" "$copy/libsevlm.map" \
		"Thread Since Return"
}
comments_gate() {
	local field

	for field in Thread Since Return; do
		fresh && sed -i "0,/ $field:/s// Xxxx:/" "$header"
		ok "comments: one without $field" breaks "$field" comments
	done
	fresh && sed -i '0,/^ \* sevlm_strerror - /s// * sevlm_error - /' \
		"$header"
	ok "comments: one for another call" breaks 'its name' comments
	fresh && sed -i '0,/^ \* @status: /s// * @error: /' "$header"
	ok "comments: one parameter untold" breaks 'parameters' comments
	fresh && sed -i '0,/Since: 0\.1/s//Since: 0.7/' "$header"
	ok "comments: since a node that is not" breaks 'Since names' comments
	fresh && sed -i '0,/Return: 0, -EINVAL/s//Return: 0, -ESTALE/' "$header"
	ok "comments: an errno out of the set" breaks 'closed set' comments
	fresh && echo 'int sevlm_more(void);' >>"$header"
	ok "comments: a call without one" breaks 'of the map' comments
}

# lib FILE SOURCE...: a library of these files, and what layers.sh says of it
lib() {
	fresh
	rm -f "$copy/lib.a"
	while [ $# -gt 0 ]; do
		echo "$2" >"$copy/lib/$1.c"
		${CC:-cc} -w -c "$copy/lib/$1.c" -o "$copy/lib/$1.c.o" &&
			ar rc "$copy/lib.a" "$copy/lib/$1.c.o"
		shift 2
	done
}
layers() {
	"$tests/layers.sh" "$copy/lib" "$copy/lib.a"
}
calls() {
	lib "$1" "int $2(); int f(void) { return $2(0, 0, 0, 0); }"
}
layers_gate() {
	lib error 'int up(void); int f(void) { return up(); }' \
		vm 'int up(void) { return 0; }'
	ok "layers: a call up" breaks 'calls up' layers
	lib kernel 'int side(void); int f(void) { return side(); }' \
		crypto 'int side(void) { return 0; }'
	ok "layers: a call between the doors" breaks 'doors do not' layers
	lib novelty 'int f;'
	ok "layers: a file without one" breaks 'has a layer' layers
	lib error 'int f;' && echo >"$copy/lib/vm.c"
	ok "layers: a file that is not built" breaks 'is built' layers
	lib send '#include <linux/kvm.h>'
	ok "layers: a kernel header" breaks 'kernel headers' layers
	lib send '#include <stdio.h>' && echo '#include <openssl/evp.h>' \
		>"$copy/lib/send.c"
	ok "layers: an OpenSSL header" breaks 'OpenSSL headers' layers
	calls send ioctl
	ok "layers: an ioctl" breaks 'ioctl\(\) stands' layers
	ok "layers: an ioctl by its symbol" breaks 'ioctl is needed' layers
	calls policy EVP_sha256
	ok "layers: a call of OpenSSL" breaks 'OpenSSL is needed' layers
	calls kernel EVP_sha256
	ok "layers: one by the other door" breaks 'nor by the kernel' layers
	calls source printf
	ok "layers: a print" breaks 'prints' layers
	calls source abort
	ok "layers: an abort" breaks 'ends the process' layers
	calls source pthread_create
	ok "layers: a thread" breaks 'no thread' layers
	calls schedule clock_gettime
	ok "layers: a clock" breaks 'clock' layers
	calls vm open
	ok "layers: a file" breaks 'files' layers
	calls handshake random
	ok "layers: a random number" breaks 'random' layers
	calls record malloc
	ok "layers: an allocation too deep" breaks 'allocate' layers
}

outside() {
	lib tls "$1" && "$tests/tls-outside.sh" "$copy/lib.a"
}
outside_gate() {
	ok "outside: nothing is wrong" outside 'const int f = 1;'
	ok "outside: a print" breaks 'prints' outside \
		'int puts(); int f(void) { return puts("") ; }'
	ok "outside: a clock" breaks 'clock' outside \
		'int time(); int f(void) { return time(0); }'
	ok "outside: memory of the C library" breaks 'but through' outside \
		'void *malloc(); void *f(void) { return malloc(1); }'
	ok "outside: a variable" breaks 'state' outside 'int f = 1;'
	ok "outside: a variable of a function" breaks 'state' outside \
		'int f(void) { static int n; return n++; }'
}

licences() {
	"$tests/docs/spdx.sh" "$copy"
}
licences_gate() {
	local tag='SPDX-License''-Identifier'

	fresh && mkdir "$copy/LICENSES" "$copy/examples" &&
		touch "$copy/LICENSES/"{MIT,Apache-2.0}.txt
	echo 'int f;' >"$copy/lib/f.c"
	ok "spdx: a file without" breaks 'says its licence' licences
	echo "/* $tag: MIT OR Apache-2.0 */" >"$copy/examples/f.c"
	ok "spdx: an example under another" breaks 'of its place' licences
	echo "/* $tag: GPL-2.0-only */" >"$copy/lib/f.c"
	ok "spdx: a source under another" breaks 'of its place' licences
	ok "spdx: a text that is missing" breaks 'texts in use' licences
}

architecture() {
	"$tests/docs/architecture.sh" "$copy"
}
architecture_gate() {
	local n

	fresh
	for n in 0 1 2 3 4 5 6 7 8 9; do
		echo "static int f$n(void)" >>"$copy/lib/f.c"
		echo "| \`lib/f.c:f$n()\` |" >>"$copy/docs/architecture.md"
	done
	ok "architecture: nothing is wrong" architecture
	echo '| `lib/f.c:gone()` |' >>"$copy/docs/architecture.md"
	ok "architecture: a function that is gone" \
		breaks 'where it says' architecture
	echo '| `lib/f.c:f1()` |' >"$copy/docs/architecture.md"
	ok "architecture: no trace" breaks 'per hop' architecture
}

control() {
	"$tests/docs/control.sh" "$copy"
}
control_gate() {
	fresh && cp "$root/docs/control.md" "$copy/docs/" &&
		cp "$root/tests/control-matrix.txt" "$copy/tests/"
	ok "control: nothing is wrong" control
	sed -i '/^| wraps /s/-22/0/' "$copy/docs/control.md"
	ok "control: a cell of the page differs" breaks 'shows them' control
	sed -i '/^| wraps /,$d' "$copy/tests/control-matrix.txt"
	ok "control: the table is cut off" breaks 'are tables' control
}

paths() {
	"$tests/docs/paths.sh" "$copy"
}
paths_gate() {
	fresh && echo '`docs/more.md` and `lib/gone.c`' >"$copy/docs/page.md"
	touch "$copy/README.md" "$copy/docs/more.md"
	ok "paths: a file that is gone" breaks 'is there' paths
	echo 'none' >"$copy/docs/page.md"
	ok "paths: nothing is named" breaks 'name files' paths
}

built() {
	mkdir -p "$copy/"{sim,tls,tools,examples,bench}
	"$tests/built.sh" "$copy" "$copy"
}
built_gate() {
	fresh && echo '"file": "../lib/f.c"' >"$copy/compile_commands.json"
	touch "$copy/lib/f.c" "$copy/lib/g.c" "$copy/tests/meson.build"
	ok "built: a source that is forgotten" breaks 'source is built' built
	ok "built: a script that is forgotten" breaks 'script is a test' built
}

# count RESULT STDOUT [SUBTEST]: what is counted of one test's log
count() {
	printf '{"name": "t", "result": "%s", "returncode": %d, %s}\n' \
		"$1" "$2" "\"stdout\": \"$3\"" >"$copy/log.json"
	printf '<testsuites><testsuite name="libsevlm.t">%s%s' \
		"${4:-}" '</testsuite></testsuites>' >"$copy/log.junit.xml"
	"$root/scripts/count" "$copy/log.json"
}
counts() {
	test "$(count "${@:2}" | tail -n 1)" = "$1"
}
reason() {
	test "$(count "$@" | sed -n 's/^    # //p')" = why
}
count_gate() {
	local good='<testcase name="a"/>'
	local bad='<testcase name="b"><failure/></testcase>'

	fresh
	ok "count: subtests" \
		counts "2 passed, 0 failed" OK 0 '' "$good$good"
	ok "count: a failed subtest" \
		counts "1 passed, 1 failed" ERROR 1 '' "$good$bad"
	ok "count: a crash after good subtests" \
		counts "1 passed, 1 failed" ERROR 134 '' "$good"
	ok "count: a test that is silent" counts "0 passed, 1 failed" SKIP 0 ''
	ok "count: a test that is skipped" \
		counts "0 passed, 0 failed" SKIP 0 '1..0 # SKIP why'
	bad='<testcase name="2 - b"><failure/></testcase>'
	ok "count: why a subtest failed" reason ERROR 1 \
		'ok 1 - a\n# no\nnot ok 2 - b\n# why\nok 3 - c\n# no' "$bad"
}

# complaints LINE...: what is made of such a log
complaints() {
	printf '%s\n' "$@" >"$copy/log"
	sh "$tests/testbed/complaints" "$copy/log"
}
heard() {
	test "$(complaints "<6>good" "$1" "<4>more" "<6>good" | wc -l)" = 2
}
complaints_gate() {
	local line

	fresh
	while read -r line; do
		ok "complaints: $line" heard "$line"
	done <<-'EOF'
		<4>WARNING: possible circular locking dependency detected
		<4>WARNING: suspicious RCU usage
		<3>INFO: trying to register non-static key.
		<3>BUG: sleeping function called from invalid context at a.c:1
		<3>BUG: KASAN: use-after-free in f+0x1/0x2
		<3>BUG kmalloc-64 (Tainted: G): Left Redzone overwritten
		<3>UBSAN: shift-out-of-bounds in a.c:1:2
		<3>ODEBUG: free active (active state 0) object type: work_struct
		<4>list_add corruption. prev->next should be next
		<4>kmemleak: Kernel memory leak detector disabled
		<4>Call Trace:
	EOF
	ok "complaints: none" quiet complaints "<6>WARNING" \
		"<4>soft-psp: served in software" "<5>kmemleak: ready"
}

symbols_gate
headers_gate
layout_gate
comments_gate
layers_gate
outside_gate
licences_gate
architecture_gate
control_gate
paths_gate
built_gate
count_gate
complaints_gate
finish
