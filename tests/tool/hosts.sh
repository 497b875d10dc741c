#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# hosts.sh SEVLM: probe and preflight, on this machine and on a software host.
set -u
. "$(dirname "$0")/common.bash"
good=$work/good.json

# edited SCRIPT: the good file, changed by sed
edited() {
	sed -E "$1" "$good" >"$work/edited.json"
	! cmp -s "$good" "$work/edited.json" || { echo "nothing changed"; return 1; }
}
preflight() {
	"$sevlm" preflight --simulate --target "$work/edited.json" "$@"
}
# broken SCRIPT PATTERN: the file is refused with one sentence
broken() {
	edited "$1" && says 2 "edited.json: $2" preflight
}
# judged STATUS SCRIPT CODE SEVERITY
judged() {
	edited "$2" && says "$1" '' preflight --json &&
		prints "\"code\":\"$3\",\"severity\":\"$4\""
}
file() {
	printf '%b' "$1" >"$work/edited.json"
	says 2 "edited.json: $2" preflight
}
is_json() {
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/out"
}

software() {
	says 0 '' "$sevlm" probe --simulate && prints '^KVM API version +12$' \
		'^flags .*sev firmware' '^commands .*receive-finish$'
}
software_json() {
	says 0 '' "$sevlm" probe --simulate --json && is_json &&
		cp "$work/out" "$good"
}
# whatever this machine is, it is explained
machine() {
	local status=0

	"$sevlm" probe --json >"$work/out" 2>"$work/err" || status=$?
	[ $status -le 1 ] && is_json || return 1
	[ $status -eq 0 ] || prints '"severity":"blocker"'
	[ -e /dev/kvm ] || prints '"code":"kvm-missing"'
	[ -e /dev/sev ] || prints '"code":"sev-device-missing"'
}
can() {
	says 0 '' "$sevlm" preflight --simulate --target "$good" &&
		prints '^The guest can go there\.$'
}
can_json() {
	says 0 '' "$sevlm" preflight --simulate --target "$good" --json &&
		is_json && prints '^\{"can":true,"host":\{.*"target":\{'
}
cannot() {
	says 1 '' "$sevlm" preflight --simulate --target "$good" --policy 8 &&
		prints '^blocker +policy-nosend$' '^The guest cannot go there\.$'
}
floor() {
	says 1 '' "$sevlm" preflight --simulate --target "$good" --json \
		--policy 0x19000000 &&
		prints '"can":false' '"target-firmware-floor"'
}
memory() {
	says 0 '' "$sevlm" preflight --simulate --target "$good" --json \
		--memory 1G || return 1
	edited 's/"memlock":[^}]*/"memlock":65536/' &&
		says 0 '' preflight --json --memory 1G &&
		prints '"target-memlock-low","severity":"warning"'
}

ok "a software host" software
ok "a software host as JSON" software_json
ok "this machine" machine
ok "a guest that can go" can
ok "a guest that can go, as JSON" can_json
ok "a guest that cannot" cannot
ok "firmware that is too old for the policy" floor
ok "more memory than may be locked" memory

ok "a target without KVM" judged 1 's/"kvm_error":0/"kvm_error":2/' \
	target-kvm-missing blocker
ok "a target without SEV" judged 1 's/"sev",//' target-sev-off blocker
ok "a target that cannot receive" judged 1 's/"receive-start",//' \
	target-receive-missing blocker
ok "a target that cannot send on" judged 0 's/"send-start",//' \
	target-send-missing warning
ok "a target that is full" judged 1 's/"guests":0/"guests":15/' \
	target-asids-used-up blocker
ok "a target whose commands are not known" judged 0 \
	's/"commands":\[[^]]*\]/"commands":null/' target-commands-unknown warning
ok "words and keys of a newer version" judged 0 \
	's/"flags":\[/"moon":{"full":[1,2.5,null]},"flags":["flying","es",/' \
	target-es-configured info

ok "no host in it" broken 's/"host"/"guest"/' 'there is no "host"'
ok "a host that is none" broken 's/"host":\{[^}]*\}/"host":7/' \
	'there is no "host"'
for key in kvm_error sev_error kvm_api api_major api_minor build \
	platform_state guests asids flags commands exit_hypercall memlock; do
	ok "$key is missing" broken "s/\"$key\":/\"other\":/" "host.$key is"
	ok "$key is a word" broken "s/\"$key\":[^[n][^,}]*/\"$key\":\"x\"/; \
		s/\"(flags|commands)\":\\[/&7,/" "host.$key (is|is no|is neither)|host.flags"
done
for value in -1 4096 1.5 1e3 18446744073709551616 99999999999999999999999 \
	true null '[]' '{}'; do
	ok "an errno of $value" broken "s/\"kvm_error\":0/\"kvm_error\":$value/" \
		'host.kvm_error is no number from 0 to 4095'
done
ok "a limit beyond 63 bits" broken \
	's/"memlock":[^}]*/"memlock":9223372036854775808/' 'host.memlock is'
ok "flags that are no list" broken 's/"flags":\[[^]]*\]/"flags":"sev"/' \
	'host.flags is no list of words'
ok "flags that are no words" broken 's/"flags":\[/&7,/' \
	'host.flags is no list of words'

ok "an empty file" file '' 'it is no JSON'
ok "blanks" file ' \n' 'it is no JSON'
ok "half a file" broken 's/.{40}$//' 'it is no JSON'
ok "something behind it" broken 's/$/ x/' 'it is no JSON'
ok "a second object" broken 's/$/{}/' 'it is no JSON'
ok "a zero byte behind it" file '{}\0' 'it is no JSON'
ok "no UTF-8" file '{"host":"\377"}' 'it is no JSON'
ok "a number" file 7 'there is no "host"|it is no JSON'
ok "null" file null 'there is no "host"|it is no JSON'
ok "brackets without end" file "$(printf '[%.0s' {1..5000})" 'it is no JSON'
head -c 65536 /dev/zero | tr '\0' ' ' >"$work/edited.json"
ok "too large a file" says 2 'larger than a probe' preflight
rm -f "$work/edited.json"
ok "a file that is missing" says 2 'No such file' preflight
ok "a directory" says 2 'directory' "$sevlm" preflight --target "$work"

ok "no target" says 2 'target FILE is missing' "$sevlm" preflight
for policy in -1 100000000 0x g '' 1g; do
	ok "the policy '$policy'" says 2 'policy( .*: must be hex| is empty)' \
		"$sevlm" preflight --target "$good" --policy "$policy"
done
ok "memory that is none" says 2 'memory comes in pages' "$sevlm" probe \
	--memory 1
ok "a word too many" says 2 'one word too many' "$sevlm" probe now
ok "an option of another command" says 2 'no option --target' "$sevlm" probe \
	--target x
finish
