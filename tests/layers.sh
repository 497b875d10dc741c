#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# layers.sh LIB ARCHIVE: nobody calls up, the two doors are the only ones, and
# the library keeps out of its caller's process.
set -u
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/outside.bash"
lib=$1 archive=$2

cat >"$work/layers" <<'TABLE'
0 error cursor
1 record cert
2 kernel crypto verify
3 pages states rounds arrivals chunks ranges identity trust chain reasons policy findings remedies
4 vm probe check feature control list send receive
5 engine schedule inbox outbox handshake commit resolve source answers precopy handover inquiry target apply blobs duties takeover reply resolver inspect
TABLE

# "D file symbol" defines, "U file symbol" needs
nm "$archive" 2>/dev/null | awk '
	/\.o:$/ { n = split($1, p, "/"); file = p[n]; sub(/\.c?\.?o:$/, "", file)
		  sub(/\.c$/, "", file); next }
	NF == 3 && $2 ~ /[A-Z]/ { print "D", file, $3 }
	NF == 2 && $1 == "U" { print "U", file, $2 }' >"$work/symbols"

# the calls between files, as "layer file layer file symbol"
awk -v layers="$work/layers" '
	BEGIN { while ((getline line < layers) > 0) {
			n = split(line, w, " ")
			for (i = 2; i <= n; i++) layer[w[i]] = w[1] } }
	$1 == "D" { home[$3] = $2 }
	$1 == "U" { from[++n_calls] = $2; to[n_calls] = $3 }
	END { for (i = 1; i <= n_calls; i++) if (to[i] in home) {
		f = from[i]; t = home[to[i]]
		print layer[f], f, layer[t], t, to[i] } }
	' "$work/symbols" >"$work/calls"

without_layer() {
	local path name

	for path in "$lib"/*.c; do
		name=$(basename "$path" .c)
		grep -qw "$name" "$work/layers" || echo "$name: no layer"
		grep -q "^D $name " "$work/symbols" || echo "$name: not built"
	done
}
calls_up() {
	awk '$1 < $3 { print $2 " calls " $5 "() of " $4 }' "$work/calls"
}
between_doors() {
	awk '$1 == 2 && $3 == 2 && ($2 == "kernel") != ($4 == "kernel") {
		print $2 " calls " $5 "()" }' "$work/calls"
}

# elsewhere PATTERN FILE: lines of the sources that only FILE may have
elsewhere() {
	grep -nE "$1" "$lib"/*.[ch] | grep -v "^$lib/$2:" |
		grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/\*|\*)'
}
# needs LAYERS PATTERN: calls of the C library that these layers must not make
needs() {
	awk -v layers="$work/layers" -v in_layers="$1" \
	    -v pattern="^_*($2)(_chk)?(@.*)?\$" '
		BEGIN { while ((getline line < layers) > 0) {
				n = split(line, w, " ")
				if (index(in_layers, w[1]))
					for (i = 2; i <= n; i++) here[w[i]] } }
		$1 == "U" && $2 in here && $3 ~ pattern {
			print $2 " calls " $3 "()" }' "$work/symbols"
}
kernel_needs() {
	needs 2 "$1" | grep '^kernel '
}

openssl='(EVP|OPENSSL|OSSL|CRYPTO|BN|EC|ECDSA|ECDH|RSA|SHA[0-9]*|AES|HMAC|RAND'
openssl+='|ERR|X509|ASN1|BIO|PEM|PKCS[0-9]*|d2i|i2d)_[A-Za-z0-9_]+'

ok "there are calls to look at" test -s "$work/calls"
ok "every file has a layer and is built" quiet without_layer
ok "nobody calls up" quiet calls_up
ok "the two doors do not call each other" quiet between_doors
ok "ioctl() stands in kernel.c only" \
	quiet elsewhere '\bioctl[[:space:]]*\(' kernel.c
ok "kernel headers stand in kernel.c and feature.c only" \
	quiet elsewhere '#[[:space:]]*include +[<"](linux|asm|uapi)/' \
	'\(kernel\|feature\).c'
ok "OpenSSL headers stand in crypto.c and verify.c only" \
	quiet elsewhere '#[[:space:]]*include +[<"]openssl/' \
	'\(crypto\|verify\).c'
ok "ioctl is needed by the kernel door only" quiet needs 01345 ioctl
ok "OpenSSL is needed by the crypto door only" quiet needs 01345 "$openssl"
ok "nor by the kernel door" quiet kernel_needs "$openssl"
ok "nobody prints" quiet needs 012345 "$prints"
ok "nobody ends the process" quiet needs 012345 "$ends"
ok "no thread, signal, fork or socket" quiet needs 012345 "$stays"
ok "nobody reads a clock" quiet needs 012345 "$clock"
ok "nobody opens, reads or writes files" quiet needs 012345 "$files"
ok "nobody draws random numbers of libc" quiet needs 012345 "$chance"
ok "leaves and bytes allocate nothing" quiet needs 01 "$memory"
finish
