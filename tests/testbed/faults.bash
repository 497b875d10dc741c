# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
# Sourced by hosts.sh, as scenarios.bash: what two hosts do when firmware fails,
# is slow, or does not answer.

# Firmware fails once. The guest runs on here, and moves at the next attempt.
firmware() {
	local fault

	for fault in SEND_START,0x13,1,1 SEND_UPDATE_DATA,0x13,0,1 \
		     SEND_UPDATE_DATA,0x13,300,1 SEND_START,0x06,1,1 \
		     SEND_START,0x13,1,1,late; do
		scenario "the source's firmware fails: $fault" \
			"launch=flip check fail=$fault send=aborted check
			 send=completed" \
			"prepare receive=aborted silent close
			 prepare receive=completed check" 0 0 -
	done
	for fault in RECEIVE_START,0x07,0,1 RECEIVE_START,0x0b,0,1 \
		     ACTIVATE,0x0d,0,1 RECEIVE_UPDATE_DATA,0x0b,0,1 \
		     RECEIVE_UPDATE_DATA,0x0b,300,1 \
		     RECEIVE_START,0x13,0,1,late RECEIVE_FINISH,0x13,0,1; do
		scenario "the target's firmware fails: $fault" \
			"launch=flip check send=aborted check send=completed" \
			"prepare fail=$fault receive=aborted silent close
			 prepare receive=completed check" 0 0 -
	done
	scenario "the source's firmware does not tell of the guest" \
		"launch=flip check fail=GUEST_STATUS,0x13,0,1 send=aborted
		 check send=completed" \
		"prepare receive=aborted silent close
		 prepare receive=completed check" 0 0 -
	scenario "the source's firmware shows no certificates" \
		"launch=flip check fail=PDH_CERT_EXPORT,0x13,0,1 send=none check
		 send=completed" \
		"prepare receive=none silent receive=completed check" 0 0 -
	scenario "the target's firmware shows no certificates" \
		"launch=flip check send=none check send=completed" \
		"prepare fail=PDH_CERT_EXPORT,0x13,0,1 receive=none silent
		 receive=completed check" 0 0 -
	scenario "the target's firmware fails late: RECEIVE_FINISH, it runs" \
		"launch=flip check send=completed silent" \
		"prepare fail=RECEIVE_FINISH,0x13,0,1,late receive=completed
		 check" 0 0 -
	for fault in SEND_FINISH,0x13,0,1 SEND_FINISH,0x13,0,1,late; do
		scenario "the source's firmware fails: $fault, it runs there" \
			"launch=flip check fail=$fault send=completed silent" \
			"prepare receive=completed check" 0 0 -
	done
	scenario "SEND_CANCEL fails once: the guest runs on, and moves" \
		"launch=flip check fail=SEND_CANCEL,0x13,0,1 cancel@300000
		 send=cancelled check send=completed" \
		"prepare receive=cancelled silent close
		 prepare receive=completed check" 0 0 -
	scenario "SEND_CANCEL fails twice: the guest runs on, and stays" \
		"launch=flip check fail=SEND_CANCEL,0x13,0,2 cancel@300000
		 send=cancelled check send=aborted check" \
		"prepare receive=cancelled silent close
		 prepare receive=aborted silent" 0 0 -
	for fault in LAUNCH_START,0x07,0,1 LAUNCH_UPDATE_DATA,0x13,0,1 \
		     LAUNCH_MEASURE,0x13,0,1 LAUNCH_FINISH,0x13,0,1 \
		     ACTIVATE,0x0d,0,1; do
		scenario "the launch fails: $fault" \
			"fail=$fault launch=flip ; launch=flip check" \
			"prepare" '1 0' 0 -
	done
	scenario "the target's firmware does not tell of itself" \
		"launch=flip check send=aborted check send=completed" \
		"prepare fail=PLATFORM_STATUS,0x13,0,1 receive=aborted silent
		 close prepare receive=completed check" 0 0 -
	scenario "the chip's ID: firmware does not tell it, once" \
		"fail=GET_ID,0x13,0,1 chip-id=unknown chip-id=known" \
		"fail=GET_ID,0x13,1,1 chip-id=unknown chip-id=known" 0 0 -
	scenario "DF_FLUSH fails: one guest less, on 7 ASIDs" \
		"fail=DF_FLUSH,0x13,0,1 guests=6,7 guests=7,7" \
		"fail=DF_FLUSH,0x0e,0,1 guests=6,7 guests=7,7" 0 0 -
	slow
}

# Each of a command takes so long that a deadline passes.
slow() {
	local delay

	for delay in PLATFORM_STATUS,2000000 RECEIVE_UPDATE_DATA,10000 \
		     RECEIVE_FINISH,2000000; do
		scenario "the target's firmware is slow: $delay" \
			"launch=flip check patience=1000 send=aborted check
			 patience=0 send=completed" \
			"prepare delay=$delay receive=aborted silent close
			 delay=${delay%,*},0 prepare receive=completed check" \
			0 0 -
	done
	for delay in SEND_START,1500000 SEND_UPDATE_DATA,40000; do
		scenario "the source's firmware is slow: $delay" \
			"launch=flip check delay=$delay send=aborted check
			 delay=${delay%,*},0 send=completed" \
			"prepare patience=1000 receive=aborted silent close
			 prepare receive=completed check" 0 0 -
	done
}

# A platform's beginning (platform_boot: at its first guest) and the end of
# guests, of which KVM does not ask how it went: what that costs.
platform_boot=ccp.psp_init_on_probe=0
platform() {
	scenario "INIT fails, and DF_FLUSH behind it: guests on the 8th ASID" \
		"fail=INIT,0x13,0,1 fail=DF_FLUSH,0x0e,0,1 guests=0,7
		 guests=7,7" \
		"fail=INIT,0x18,0,1 guests=7,7" 0 0 -
	scenario "DEACTIVATE and DECOMMISSION, and their answers are lost" \
		"launch=quiet fail=DEACTIVATE,0x13,0,1,late
		 fail=DECOMMISSION,0x13,0,1,late close knows=0 guests=7,7" \
		"knows=0" 0 0 -
	scenario "DECOMMISSION fails: firmware keeps the guest, nobody else" \
		"launch=quiet fail=DECOMMISSION,0x13,0,1 close knows=1
		 guests=14,14 knows=1" \
		"fail=ACTIVATE,0x0d,0,1 fail=DECOMMISSION,0x13,0,1
		 guests=0,1 knows=1 guests=14,14 knows=1" 0 0 -
	scenario "DEACTIVATE fails: one ASID of 7 is lost" \
		"launch=flip check send=aborted check send=completed" \
		"launch=quiet fail=DEACTIVATE,0x13,0,1 close knows=2
		 guests=6,6 prepare receive=aborted silent close knows=2
		 prepare receive=completed check close guests=12,14" 0 0 -
	scenario "no answer to DEACTIVATE, or DECOMMISSION: no guest any more" \
		"launch=quiet check fail=DEACTIVATE,timeout,0,1 close
		 guests=0,2" \
		"launch=quiet check fail=DECOMMISSION,timeout,0,1 close
		 guests=0,2" 0 0 -
}

# Firmware answers no more: the driver gives up on it until the next boot. A
# group each, for that.
dead_send() {
	scenario "no answer to SEND_UPDATE_DATA: the guest runs on, and stays" \
		"launch=flip check fail=SEND_UPDATE_DATA,timeout,300,1
		 send=aborted check send=none run=100 check close guests=0,1" \
		"prepare receive=aborted silent close
		 prepare receive=none silent close guests=1,1" 0 0 -
}

dead_cancel() {
	scenario "no answer to SEND_CANCEL: the guest runs on, and stays" \
		"launch=flip check fail=SEND_CANCEL,timeout,0,1 cancel@300000
		 send=cancelled check send=none run=100 check" \
		"prepare receive=cancelled silent close
		 prepare receive=none silent" 0 0 -
}

dead_receive() {
	scenario "no answer to RECEIVE_UPDATE_DATA: the guest runs on" \
		"launch=flip check send=aborted check send=none check" \
		"prepare fail=RECEIVE_UPDATE_DATA,timeout,300,1
		 receive=aborted silent close
		 prepare receive=none silent close guests=0,1" 0 0 -
}

# the last command before PREPARED; it was carried out
dead_finish() {
	scenario "no answer to RECEIVE_FINISH: the guest never ran there" \
		"launch=flip check send=aborted check" \
		"prepare fail=RECEIVE_FINISH,timeout,0,1,late
		 receive=aborted silent close guests=0,1" 0 0 -
}

# the first one behind COMMIT
dead_sent() {
	scenario "no answer to SEND_FINISH: the guest runs there" \
		"launch=flip check fail=SEND_FINISH,timeout,0,1
		 send=completed silent close guests=0,1" \
		"prepare receive=completed check send=none check" 0 0 -
}
