#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# channel.sh SEVLM: a guest moves through a secure channel, and stays where
# the peer does not prove who it is.
set -u
. "$(dirname "$0")/common.bash"
shape=(--memory 1M --rate 500 --force)
verified='^verified: 1 MiB identical, workload continued at step [0-9]+, memory checked at step'
stays='the guest runs on here, at step [0-9]+, its memory as it should be$'

"$sevlm" psk --source "$work/s.psk" --target "$work/t.psk" || exit 1
"$sevlm" psk --source "$work/s2.psk" --target "$work/t2.psk" || exit 1

# authority DIR: a CA; certificate DIR CA KIND NAME [DAYS]: signed by it
authority() {
	mkdir -p "$1" && openssl req -x509 -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=authority -keyout "$1/ca-key.pem" \
		-addext keyUsage=critical,keyCertSign,cRLSign \
		-out "$1/ca-cert.pem" 2>/dev/null
}
certificate() {
	local kind=$3 usage=serverAuth

	[ "$kind" = server ] || usage=clientAuth
	mkdir -p "$1" && cp "$2/ca-cert.pem" "$1" &&
		printf '%s\n' "subjectAltName=DNS:$4" "extendedKeyUsage=$usage" \
			basicConstraints=CA:FALSE keyUsage=digitalSignature \
			authorityKeyIdentifier=keyid >"$work/ext" &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
			-subj "/CN=$4" -keyout "$1/$kind-key.pem" \
			-out "$work/csr" 2>/dev/null &&
		openssl x509 -req -in "$work/csr" -CA "$2/ca-cert.pem" \
			-CAkey "$2/ca-key.pem" -set_serial "${6:-7}" \
			-days "${5:-2}" -extfile "$work/ext" \
			-out "$1/$kind-cert.pem" 2>/dev/null
}
# revoked DIR CA SERIAL: a list of the CA's with that number, or with none
revoked() {
	local index=$work/index

	: >"$index"
	[ -z "$3" ] || printf 'R\t401231235959Z\t250101000000Z\t%s\tunknown\t/CN=x\n' \
		"$3" >"$index"
	printf '%s\n' '[ca]' 'default_ca=a' '[a]' "database=$index" \
		default_md=sha256 crl_extensions=e '[e]' \
		authorityKeyIdentifier=keyid >"$work/ca.conf"
	openssl ca -gencrl -config "$work/ca.conf" -cert "$2/ca-cert.pem" \
		-keyfile "$2/ca-key.pem" -crldays 2 -out "$1/ca-crl.pem" \
		2>/dev/null
}
pki() {
	authority "$work/ca" && authority "$work/ca2" &&
		certificate "$work/t" "$work/ca" server target.example &&
		certificate "$work/s" "$work/ca" client source.example &&
		certificate "$work/s-old" "$work/ca" client source.example -1 &&
		certificate "$work/t-old" "$work/ca" server target.example -1 &&
		certificate "$work/s-other" "$work/ca2" client source.example &&
		cp "$work/ca/ca-cert.pem" "$work/s-other" &&
		certificate "$work/s-swapped" "$work/ca" server source.example &&
		cp "$work/s-swapped/server-cert.pem" "$work/s-swapped/client-cert.pem" &&
		cp "$work/s-swapped/server-key.pem" "$work/s-swapped/client-key.pem"
}

# meet STATUS SOURCE TARGET: what both say
meet() {
	local status=0 got=0

	receive r
	says "$1" "$2" send "${shape[@]}" || status=1
	received || got=$?
	[ $got -eq "$1" ] || { echo "target: $got"; cat "$work/r.err"; return 1; }
	one_line "$3" "$work/r.err" && [ $status -eq 0 ]
}
moves() {
	meet 0 '' '' && prints "$verified" && grep -qE "$verified" "$work/r.out"
}
# refused SOURCE TARGET
refused() {
	meet 1 "$1.*$stays" "$2"
}

with_psk() {
	sending=(--psk-file "$work/${1:-s}.psk" "${trusting[@]}")
	receiving=(--psk-file "$work/${2:-t}.psk" "${trusting[@]}")
}
# with_tls SOURCE-DIR TARGET-DIR [SOURCE-NAME TARGET-NAME], as the peer says
with_tls() {
	sending=(--tls-dir "$work/$1" --tls-peer "${4:-target.example}" "${trusting[@]}")
	receiving=(--tls-dir "$work/$2" --tls-peer "${3:-source.example}" "${trusting[@]}")
}

psk_moves() {
	with_psk && moves
}
psk_records() {
	with_psk && sending+=(--record "$work/sent") && moves &&
		says 0 '' "$sevlm" inspect "$work/sent" && prints 'HELLO.*source' COMMIT
}
psk_slow() {
	with_psk && sending+=(--bandwidth 20000000) && moves
}
psk_other() {
	with_psk s t2 && refused 'no secure channel: ' '^sevlm receive: no secure channel: '
}
psk_plain_source() {
	with_psk && sending=(--insecure-plain "${trusting[@]}") &&
		refused 'is gone|no sevlm receive' '^sevlm receive: no secure channel: '
}
psk_plain_target() {
	with_psk && receiving=(--insecure-plain "${trusting[@]}") &&
		refused 'no secure channel: ' '^sevlm receive: the peer is no sevlm send'
}
ok "a pair of keys: the guest moves" psk_moves
ok "what is recorded is the stream, not the channel" psk_records
ok "a slow link carries it as well" psk_slow
ok "keys of two pairs" psk_other
ok "a key against none" psk_plain_source
ok "none against a key" psk_plain_target

tls_moves() {
	with_tls s t && moves
}
tls_revoked() {
	with_tls s t && revoked "$work/t" "$work/ca" 07 &&
		refused 'is gone|channel|refused' '^sevlm receive: no secure channel: .*revoked'
}
tls_not_revoked() {
	with_tls s t && revoked "$work/t" "$work/ca" '' && moves
}
# the target has refused when the source thinks the channel is open
broken='channel|refused|gone'
ok "an authority and certificates are made" pki
ok "certificates: the guest moves" tls_moves
tls_wrong_target() {
	with_tls s t source.example other.example &&
		refused 'no secure channel: .*(name|other.example)' \
			'^sevlm receive: no secure channel: '
}
tls_wrong_source() {
	with_tls s t other.example &&
		refused "$broken" '^sevlm receive: no secure channel: .*(name|other.example)'
}
tls_expired_source() {
	with_tls s-old t && refused "$broken" '^sevlm receive: no secure channel: .*expired'
}
tls_expired_target() {
	with_tls s t-old && refused 'no secure channel: .*expired' \
		'^sevlm receive: no secure channel: '
}
tls_other_authority() {
	with_tls s-other t && refused "$broken" '^sevlm receive: no secure channel: '
}
tls_other_use() {
	with_tls s-swapped t && refused "$broken" '^sevlm receive: no secure channel: .*(purpose|usage|use)'
}
tls_plain_source() {
	with_tls s t && sending=(--insecure-plain "${trusting[@]}") &&
		refused 'is gone|no sevlm receive' '^sevlm receive: no secure channel: '
}
tls_psk() {
	with_tls s t && sending=(--psk-file "$work/s.psk" "${trusting[@]}") &&
		refused 'no secure channel: ' '^sevlm receive: no secure channel: '
}
ok "the target names itself otherwise" tls_wrong_target
ok "the source names itself otherwise" tls_wrong_source
ok "the source's certificate has expired" tls_expired_source
ok "the target's certificate has expired" tls_expired_target
ok "a certificate of another authority" tls_other_authority
ok "a target's certificate at the source" tls_other_use
ok "a revoked certificate" tls_revoked
ok "a list that revokes nothing" tls_not_revoked
ok "certificates against none" tls_plain_source
ok "certificates against a key" tls_psk

# with a secure channel the peer need not be on this machine
anywhere() {
	with_psk && receive r &&
		says 0 '' "$sevlm" send --to "localhost:$port" "${sending[@]}" \
			"${shape[@]}" && received
}
all_addresses() {
	local listen=0.0.0.0:0

	with_psk && moves
}
ok "a name is looked up" anywhere
ok "all addresses of this host" all_addresses

# somebody who says nothing, or goes, ends it
hangs_up() {
	with_psk && receive r
	: >"/dev/tcp/127.0.0.1/$port"
	! received && one_line '^sevlm receive: no secure channel: ' "$work/r.err"
}
says_rubbish() {
	with_psk && receive r
	printf 'GET / HTTP/1.0\r\n\r\n' >"/dev/tcp/127.0.0.1/$port"
	! received && one_line '^sevlm receive: no secure channel: ' "$work/r.err"
}
is_interrupted() {
	with_psk && receive r
	exec 9<>"/dev/tcp/127.0.0.1/$port"
	kill "$receiver"
	! received && one_line '^sevlm receive: (cancelled|interrupted)' "$work/r.err"
	local status=$?

	exec 9>&-
	return $status
}
ok "somebody who hangs up" hangs_up
ok "somebody of another kind" says_rubbish
ok "a signal while the peer says nothing" is_interrupted

usage() {
	local pattern=$1

	shift
	says 2 "$pattern" "$sevlm" "$@"
}
key() {
	usage "$1" receive --listen 127.0.0.1:0 "${trusting[@]}" \
		--psk-file "$work/k.psk"
}
open_to_others() {
	cp "$work/t.psk" "$work/k.psk" && chmod 640 "$work/k.psk" && key 'chmod 600'
}
other_role() {
	install -m 600 "$work/s.psk" "$work/k.psk" &&
		key 'made for the source of a migration, and this host is the target'
}
# keyed TEXT: that is in the file
keyed() {
	printf '%b' "$1" >"$work/k.psk" && key 'is no key that sevlm psk has made'
}
digits=$(printf '5%.0s' {1..64})
ok "a key that others may read" open_to_others
ok "a key that is of the other host" other_role
ok "no key" keyed ''
ok "a key of another kind" keyed "sevlm-psk-2 target $digits\n"
ok "a key of another role" keyed "sevlm-psk-1 middle $digits\n"
ok "a key that is short" keyed "sevlm-psk-1 target ${digits%5}\n"
ok "a key that is no number" keyed "sevlm-psk-1 target ${digits%5}x\n"
ok "a key without an end" keyed "sevlm-psk-1 target $digits"
ok "a zero byte in a key" keyed "sevlm-psk-1 target \\0${digits%5}\n"
printf 'sevlm-psk-1 target %s\n\n' "$digits" >"$work/k.psk"
ok "a line too many" key 'has more than'
rm -f "$work/k.psk"
ok "a key that is missing" key 'No such file'
mkdir -m 700 "$work/k.psk"
ok "a directory" key 'Is a directory'

tls=(receive --listen 127.0.0.1:0 "${trusting[@]}" --tls-dir "$work/d"
	--tls-peer source.example)
mkdir "$work/d"
for name in ca-cert server-cert server-key; do
	ok "$name is missing" usage "$name.pem: No such file" "${tls[@]}"
	cp "$work/t/$name.pem" "$work/d"
done
unreadable() {
	echo rubbish >"$work/d/$1.pem"
	usage 'no secure channel can be made: ' "${tls[@]}"
	local status=$?

	cp "$work/t/$1.pem" "$work/d"
	return $status
}
for name in ca-cert server-cert server-key; do
	ok "$name is rubbish" unreadable $name
done
ok "a directory without the peer's name" usage 'tls-dir goes with --tls-peer' \
	send --to 127.0.0.1:1 --tls-dir "$work/s"
ok "a peer's name without a directory" usage 'tls-peer goes with --tls-dir' \
	send --to 127.0.0.1:1 --psk-file "$work/s.psk" --tls-peer x
ok "two kinds at once" usage 'one of them' send --to 127.0.0.1:1 \
	--psk-file "$work/s.psk" --insecure-plain
ok "a name that nobody has" usage 'nobody.invalid: ' send \
	--to nobody.invalid:1 --psk-file "$work/s.psk" "${trusting[@]}"
finish
