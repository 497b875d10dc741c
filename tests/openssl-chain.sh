#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# openssl-chain.sh EXPORT: the certificates of a software host, verified link
# by link with the openssl command alone: keys and signatures are cut out of
# them by offset.
set -u
. "$(dirname "$0")/tap.sh"
export=$1

# field FILE OFFSET BYTES: as hexadecimal digits, most significant byte first
field() {
	od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -s ' ' '\n' | grep . | tac |
		tr -d '\n'
}
# binary HEX
binary() {
	printf "$(sed 's/../\\x&/g' <<<"$1")"
}
# ec_key CERT: its public key as PEM; what stands before the two coordinates
# is the fixed head of a P-384 key (RFC 5480)
ec_key() {
	local head=3076301006072a8648ce3d020106052b8104002203620004

	binary "$head$(field "$1" 20 48)$(field "$1" 92 48)" |
		openssl pkey -pubin -inform DER
}
# asn1 LINE...: DER by openssl's own description of it
asn1() {
	printf '%s\n' "$@" >"$work/asn1"
	openssl asn1parse -genconf "$work/asn1" -noout -out "$work/der"
}
rsa_key() {
	asn1 'asn1=SEQUENCE:key' '[key]' "n=INTEGER:0x$(field "$1" 576 512)" \
		"e=INTEGER:0x$(field "$1" 64 512)"
	openssl rsa -RSAPublicKey_in -inform DER -in "$work/der" -pubout
}
# slot CERT USAGE: where the slot is that this key signed
slot() {
	local at

	for at in 1044 1564; do
		[ "$(field "$1" "$at" 4)" != "$2" ] || echo "$at"
	done
}
# by_ec CERT USAGE KEY
by_ec() {
	local at

	at=$(slot "$1" "$2")
	asn1 'asn1=SEQUENCE:sig' '[sig]' \
		"r=INTEGER:0x$(field "$1" $((at + 8)) 72)" \
		"s=INTEGER:0x$(field "$1" $((at + 80)) 72)"
	head -c 1044 "$1" | openssl dgst -sha256 -verify "$3" \
		-signature "$work/der"
}
# by_rsa FILE SIGNED OFFSET KEY
by_rsa() {
	binary "$(field "$1" "$3" 512)" >"$work/sig"
	head -c "$2" "$1" | openssl dgst -sha384 -verify "$4" \
		-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 \
		-signature "$work/sig"
}
# altered CERT: a copy with one bit turned over in what is signed
altered() {
	cp "$1" "$work/altered"
	printf '\x%02x' $((0x$(field "$1" 5 1) ^ 1)) |
		dd of="$work/altered" bs=1 seek=5 conv=notrunc status=none
}
refused() {
	! "$@"
}

"$export" "$work" 1 || exit 1
cd "$work" || exit 1
for cert in pdh pek oca cek; do
	ok "$cert: its key is a key" eval "ec_key $cert.cert >$cert.pem"
done
for cert in ask ark; do
	ok "$cert: its key is a key" eval "rsa_key $cert.cert >$cert.pem"
done
oca=00001001 pek=00001002 cek=00001004
ok "the ARK signed itself" by_rsa ark.cert 1088 1088 ark.pem
ok "the ARK signed the ASK" by_rsa ask.cert 1088 1088 ark.pem
ok "the ASK signed the CEK" by_rsa cek.cert 1044 1052 ask.pem
ok "the OCA signed itself" by_ec oca.cert $oca oca.pem
ok "the OCA signed the PEK" by_ec pek.cert $oca oca.pem
ok "the CEK signed the PEK" by_ec pek.cert $cek cek.pem
ok "the PEK signed the PDH" by_ec pdh.cert $pek pek.pem
ok "the CEK did not sign as the OCA" refused by_ec pek.cert $oca cek.pem
altered pdh.cert
ok "an altered PDH is not signed" refused by_ec altered $pek pek.pem
altered cek.cert
ok "an altered CEK is not signed" refused by_rsa altered 1044 1052 ask.pem
finish
