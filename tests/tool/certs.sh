#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# certs.sh SEVLM ROOT: certificates of a software host, and real ones.
set -u
. "$(dirname "$0")/common.bash"
data=${SEVLM_SHARED_DATA:-$2/../shared/data}/certs
sevlm=$(realpath "$sevlm")
cd "$work" || exit 1

certs() {
	"$sevlm" certs "$@"
}
# export NAME SEED OPTIONS...: NAME.pdh, NAME.platform, NAME.amd
export_host() {
	local name=$1 seed=$2

	shift 2
	certs export --simulate --host-seed "$seed" --pdh "$name.pdh" \
		--platform "$name.platform" --amd "$name.amd" "$@"
}
# verify NAME OPTIONS...
verify() {
	local name=$1

	shift
	certs verify --pdh "$name.pdh" --platform "$name.platform" \
		--amd "$name.amd" "$@"
}
software=(verify host --software-root)
is_json() {
	python3 -c 'import json, sys; [json.loads(l) for l in sys.stdin]' <out
}

exports() {
	says 0 '' export_host host 7 && prints '^chip id [0-9a-f]{128}$' &&
		[ "$(stat -c %s:%a host.pdh host.platform host.amd | tr '\n' ' ')" = \
			'2084:644 6252:644 3200:644 ' ]
}
repeats() {
	says 0 '' export_host again 7 && cmp host.pdh again.pdh &&
		says 0 '' export_host other 8 && ! cmp -s host.pdh other.pdh
}
keeps() {
	cp host.platform before && rm host.amd &&
		says 2 'host.pdh: File exists' export_host host 8 &&
		cmp host.platform before && [ ! -e host.amd ]
}
# the first two can be made, the third cannot
no_half() {
	says 2 'gone/amd: No such file' certs export --simulate --pdh h.pdh \
		--platform h.platform --amd gone/amd && [ ! -e h.pdh ] &&
		[ ! -e h.platform ]
}
forces() {
	says 0 '' export_host host 7 --force --json && is_json &&
		prints '"chip_id":"[0-9a-f]{128}","cek_signed":true' && [ -e host.amd ]
}
tidy() {
	compgen -G '*.pdh.*' || compgen -G '*.platform.*'
}
ok "a software host's certificates are exported" exports
ok "a seed makes one host" repeats
ok "files that are there stay" keeps
ok "all of them or none" no_half
ok "--force replaces them" forces
ok "no other file is left" quiet tidy

shows() {
	says 0 '' certs show host.pdh host.platform host.amd &&
		prints '^PDH  SEV form, 2084 bytes at 0$' '^CEK  .* at 4168$' \
			'^ASK  AMD form, 1600 bytes at 0$' '^ARK .* at 1600$' \
			'API version  0.24' 'algorithm    ECDH SHA-256' \
			'signed by    OCA .ECDSA SHA-256, slot 1., CEK .ECDSA SHA-256, slot 2.' \
			'key          384 bits, digest [0-9a-f]{64}'
}
shows_json() {
	says 0 '' certs show --json host.pdh host.platform host.amd && is_json &&
		python3 -c '
import hashlib, json, sys
certs = {c["usage"]: c for c in map(json.loads, sys.stdin)}
assert list(certs) == ["PDH", "PEK", "OCA", "CEK", "ASK", "ARK"], certs
assert [s["usage"] for s in certs["PEK"]["signers"]] == ["OCA", "CEK"], certs
assert certs["ASK"]["certifying_id"] == certs["ARK"]["key_id"], certs
for c in certs.values():
    head, length = (16, 1028) if c["form"] == "sev" else (64, 1024)
    at = c["offset"] + head
    key = open(c["file"], "rb").read()[at:at + length]
    assert hashlib.sha256(key).hexdigest() == c["key_digest"], c
' <out
}
unsigned() {
	dd if=host.platform of=cek bs=1 skip=4168 status=none &&
		dd if=/dev/zero of=cek bs=1 seek=1044 count=1040 conv=notrunc \
			status=none && printf '\0\020' >unused &&
		dd if=unused of=cek bs=1 seek=1044 conv=notrunc status=none &&
		says 0 '' certs show cek && prints 'signed by    nobody'
}
# damaged FILE: not a certificate; then the rest is shown all the same
damaged() {
	head -c 2084 /dev/zero >zeroes
	says 1 'zeroes: what is at byte 0 is no certificate' \
		certs show zeroes host.pdh && prints '^PDH'
}
second_damaged() {
	{ head -c 2084 host.platform; head -c 4168 /dev/zero; } >half
	says 1 'half: what is at byte 2084 is no' certs show half && prints '^PEK'
}
ok "each certificate is shown" shows
ok "as JSON, with the digest that anybody computes" shows_json
ok "a CEK without a signature" unsigned
ok "a file that is none" damaged
ok "a blob whose second is none" second_damaged
head -c 2083 host.pdh >short
ok "another size" says 1 'short has 2083 bytes' certs show short
ok "a file that is missing" says 2 'No such file' certs show gone
ok "too large a file" says 2 'more than 6252 bytes' certs show /dev/zero
ok "no file" says 2 'which FILE' certs show

verifies() {
	says 0 '' "${software[@]}" && prints '^root +ok$' '^pdh +ok$' \
		'^allowed +anybody$' '^chip +[0-9a-f]{64}$' \
		'proves that it is some chip of that root, and not which'
}
verifies_json() {
	says 0 '' "${software[@]}" --json && is_json &&
		prints '"verified":true,"any_chip":true' '"pek-by-cek":"ok"'
}
needs_root() {
	says 1 "refused: the root \(ARK\) is neither AMD's nor" verify host &&
		prints '^root +refused' '^ask +not reached$' '^refused key '
}
own_root() {
	dd if=host.amd of=ark bs=1600 skip=1 status=none &&
		says 0 '' verify host --root ark && prints '^root +added$'
}
# altered FILE OFFSET LINK PATTERN: one byte of the chain is another
altered() {
	cp host.pdh x.pdh && cp host.platform x.platform && cp host.amd x.amd &&
		python3 -c '
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0] ^ 1
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte]))
' "x.$1" "$2" && says 1 "refused: $4" verify x --software-root &&
		prints "^$3 +refused: $4" '^refused key [0-9a-f]{64}$' &&
		says 1 "refused: $4" verify x --software-root --json && is_json &&
		prints "\"verified\":false.*\"$3\":\"refused\".*\"link\":\"$3\"" \
			'"exit_status":1'
}
ok "the chain of a software host" verifies
ok "as JSON" verifies_json
ok "its root is trusted only when named" needs_root
ok "or given as a file" own_root
ok "the root is altered" altered amd 2000 root '.*'
ok "the ASK is altered" altered amd 100 ask '.*'
ok "the CEK is altered" altered platform 4172 cek '.*'
ok "the OCA is altered" altered platform 2088 oca '.*'
ok "the PEK's signature by the OCA is altered" altered platform 1060 pek-by-oca '.*'
ok "the PEK's signature by the CEK is altered" altered platform 1580 pek-by-cek '.*'
ok "the PDH is altered" altered pdh 4 pdh '.*PDH'
other_pdh() {
	cp other.pdh y.pdh && cp host.platform y.platform && cp host.amd y.amd &&
		says 1 'refused: the PDH' verify y --software-root
}
ok "the PDH of another host" other_pdh

pins() {
	says 0 '' certs pin --platform host.platform && cp out allow &&
		prints '^chip [0-9a-f]{64}  # from host.platform$' '^owner ' &&
		says 0 '' "${software[@]}" --allow allow && prints '^allowed +ok$' &&
		! grep -q 'proves that' out
}
pins_several() {
	says 0 '' certs pin --platform host.platform other.platform &&
		[ "$(grep -c ^chip out)" -eq 2 ] && cp out both &&
		says 0 '' verify other --software-root --allow both
}
pins_json() {
	says 0 '' certs pin --json --platform host.platform && is_json &&
		prints '"chip":"[0-9a-f]{64}","owner":"[0-9a-f]{64}"'
}
refuses_other() {
	says 1 'refused: neither its chip' verify other --software-root \
		--allow allow && prints '^allowed +refused' '^floor +not reached$' \
		'^chip +[0-9a-f]{64}$'
}
one_of() {
	local chip owner

	chip=$(awk '/^chip/ { print $2 }' allow)
	owner=$(awk '/^owner/ { print $2 }' allow)
	says 0 '' "${software[@]}" --chip "$chip" &&
		says 0 '' "${software[@]}" --owner "$owner" &&
		says 1 'neither' "${software[@]}" --chip "$owner" --owner "$chip"
}
any_chip() {
	says 0 '' verify other --software-root --allow allow --any-chip &&
		prints '^allowed +anybody$'
}
# a name is no line of its own
odd_name() {
	local name=$'x\nchip 0'

	cp host.platform "$name" && says 0 '' certs pin --platform "$name" &&
		[ "$(wc -l <out)" -eq 2 ] && prints 'from x\?chip 0$'
}
ok "what is pinned is allowed" pins
ok "several are pinned" pins_several
ok "as JSON" pins_json
ok "another host is not" refuses_other
ok "a chip or an owner is enough" one_of
ok "--any-chip admits all" any_chip
ok "a file's name cannot become an entry" odd_name
ok "certificates that are no platform's" says 2 'not the certificates of a platform' \
	certs pin --platform half
ok "a PDH is no platform's" says 2 'has 2084 bytes, and not 6252' certs pin \
	--platform host.pdh

# listed TEXT STATUS PATTERN: that is the allow-list
listed() {
	printf '%b' "$1" >list
	says "$2" "$3" "${software[@]}" --allow list
}
digest=$(awk '/^chip/ { print $2 }' allow)
ok "comments, blanks and capitals" listed \
	"# all of them\n\n \t\r\n\tchip  ${digest^^}#here\nowner $digest" 0 ''
ok "a list of nothing admits nobody" listed '# nobody\n' 2 'no chip and no owner'
ok "an unknown word" listed "chip $digest\nmodel 7\n" 2 'list: line 2: a line begins'
ok "a word alone" listed '\nchip\n' 2 'list: line 2: a key digest has 64'
ok "a digest that is short" listed "chip ${digest%?}\n" 2 'line 1: a key digest'
ok "a digest that is long" listed "chip ${digest}0\n" 2 'line 1: a key digest'
ok "a digest that is no number" listed "chip ${digest%?}x\n" 2 'line 1: a key digest'
ok "two on a line" listed "chip $digest $digest\n" 2 'line 1: one word too many'
ok "a zero byte" listed "chip $digest\n\\0" 2 'list is no text'
ok "a list that is missing" says 2 'No such file' "${software[@]}" --allow gone
ok "a chip that is none" says 2 'chip x: must be a key digest' "${software[@]}" --chip x
ok "an owner that is none" says 2 'owner x: must be' "${software[@]}" --owner x
head -c 1600 host.amd >ask
ok "a root of another size" says 2 'half has more than 1600 bytes' verify host \
	--root half
ok "a root that is no ARK" says 2 'root ask: it is no ARK' verify host --root ask
altered_root() {
	dd if=host.amd of=ark2 bs=1600 skip=1 status=none &&
		printf x | dd of=ark2 bs=1 seek=1400 conv=notrunc status=none &&
		says 2 'root ark2: it is not signed by itself' verify host --root ark2
}
ok "a root that is altered" altered_root

floor() {
	says 0 '' "${software[@]}" --floor 0.24 &&
		says 1 'refused: it claims API 0.24' "${software[@]}" --floor 0.25 &&
		says 1 'refused: it claims API 0.24' "${software[@]}" --floor 1.0 &&
		prints '^floor +refused' '^chip '
}
# policy STATUS PATTERN HEX OPTIONS...
policy() {
	local status=$1 pattern=$2 hex=$3

	shift 3
	says "$status" "$pattern" "${software[@]}" --policy "$hex" "$@"
}
policy_text() {
	policy 0 '' 1 && prints '^policy +ok: .*NODBG'
}
domain() {
	policy 0 '' 10 --own-platform again.platform &&
		policy 1 'keeps the guest with its owner' 10 --own-platform other.platform &&
		prints '^policy +refused: '
}
ok "an API floor" floor
ok "the guest's policy in words" policy_text
ok "a policy that forbids sending" policy 1 'forbids that the guest is sent' 8
ok "a policy that keeps the guest with its owner" domain
ok "and nobody says who that is" policy 2 'own-platform FILE tells' 10
ok "a policy with an API version" policy 1 'asks for API version 0.25' 19000000
ok "which the platform has" policy 0 '' 18000000
for floor in 1 1. .1 1.2.3 256.0 0.256 x -1.0 ''; do
	ok "the floor '$floor'" says 2 'floor( .*: must be a version| .*is empty|: must)' \
		"${software[@]}" --floor "$floor"
done

cek() {
	dd if=host.platform of=host.cek bs=2084 skip=2 status=none &&
		dd if=other.platform of=other.cek bs=2084 skip=2 status=none
}
# as firmware exports it: the CEK is not signed
bare() {
	cp host.pdh bare.pdh && cp host.amd bare.amd &&
		head -c 4168 host.platform >bare.platform &&
		head -c 1044 host.cek >>bare.platform &&
		printf '\0\020%01038d' 0 | tr 0 '\0' >>bare.platform
}
puts_cek() {
	says 1 'refused: the CEK is not signed by AMD' verify bare --software-root &&
		says 0 '' verify bare --software-root --cek host.cek
}
other_cek() {
	says 1 'cek other.cek is of another chip' verify host --software-root \
		--cek other.cek &&
		says 1 'cek other.cek is of another chip' export_host z 7 \
			--cek other.cek && [ ! -e z.pdh ]
}
ok "CEKs are cut out" cek
ok "a chain as firmware exports it" bare
ok "the CEK from AMD is put in" puts_cek
ok "another chip's CEK" other_cek
ok "it is put in when exporting" says 0 '' export_host z 7 --cek host.cek

for missing in pdh platform amd; do
	without=(--pdh host.pdh --platform host.platform --amd host.amd)
	for i in 0 2 4; do
		[ "${without[i]}" = "--$missing" ] && unset "without[i]" "without[i+1]"
	done
	ok "verify without --$missing" says 2 "$missing FILE is missing" \
		certs verify "${without[@]}"
done
ok "export without --pdh" says 2 'pdh FILE is missing' certs export --platform p
ok "export without --platform" says 2 'platform FILE is missing' certs export --pdh p
ok "pin without a file" says 2 'platform FILE is missing' certs pin
ok "AMD's certificates from firmware" says 2 'amd is of --simulate' certs export \
	--pdh p --platform q --amd r
ok "a seed without a software host" says 2 'host-seed goes with' certs export \
	--pdh p --platform q --host-seed 1
ok "certs alone" says 2 'certs is followed by show' "$sevlm" certs
ok "certs and something else" says 2 'certs is followed by show' certs buy
ok "one word too many" says 2 'one word too many' "${software[@]}" x
if [ ! -e /dev/sev ]; then
	ok "a machine without SEV" says 1 'gave no certificates' certs export \
		--pdh p --platform q
fi

real_files() {
	cat "$data"/naples/{pek,oca,cek}.cert >real.platform &&
		cat "$data"/naples/{ask.cert,ark.cert.bad} >real.amd &&
		cat "$data"/naples/{ask,ark}.cert >whole.amd &&
		cp "$data/naples/pdh.cert" real.pdh && cp real.pdh whole.pdh &&
		cp real.platform whole.platform
}
real() {
	says 0 '' verify "$1" && prints '^root +Naples$' 'some AMD chip, and not which' \
		'^API version 0.16'
}
real_shown() {
	says 0 '' certs show real.pdh real.platform real.amd whole.amd &&
		prints '^ARK  AMD form, 576 bytes at 832$' 'the signature is not there' \
			'^ARK  AMD form, 832 bytes at 832$' 'key +2048 bits'
}
real_allowed() {
	says 0 '' certs pin --platform real.platform && cp out real.allow &&
		says 0 '' verify real --allow real.allow --floor 0.16 &&
		says 1 'neither its chip' verify real --allow allow &&
		says 1 'API 0.16' verify real --floor 0.17
}
real_altered() {
	cp real.pdh bad.pdh && cp real.amd bad.amd && cp real.platform bad.platform &&
		printf x | dd of=bad.platform bs=1 seek=4300 conv=notrunc status=none &&
		says 1 'refused: the CEK' verify bad
}
real_mixed() {
	cp host.pdh mixed.pdh && cp real.platform mixed.platform &&
		cp real.amd mixed.amd && says 1 'refused: the PDH' verify mixed
}
published() {
	local chip

	for chip in rome milan genoa; do
		cat "$data/$chip/ask.cert" "$data/$chip/ark.cert" >$chip.amd
		says 0 '' certs show $chip.amd && prints '^ARK .* 1600 bytes at 1600$' ||
			return 1
		cp real.pdh $chip.pdh && cp real.platform $chip.platform &&
			says 1 'refused: the CEK' verify $chip && prints '^ask +ok$' ||
			return 1
	done
}
skipped() {
	tap_tests=$((tap_tests + 1))
	echo "ok $tap_tests - a real chain # SKIP no certificates in $data"
}
if [ -d "$data/naples" ]; then
	ok "the certificates of a real platform" real_files
	ok "verify" real real
	ok "with the root's signature, too" real whole
	ok "are shown" real_shown
	ok "are pinned" real_allowed
	ok "and refused when altered" real_altered
	ok "or when the PDH is another's" real_mixed
	ok "AMD's published roots are known" published
else
	skipped
fi
finish
