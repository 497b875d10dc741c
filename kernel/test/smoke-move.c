// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smoke test: a guest is sent and received
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "smoke.h"

/* One bit of each byte, all eight of them in turn */
static void test_flips(const char *what, uint8_t *at, unsigned int bytes,
		       unsigned int (*try)(void *context), void *context,
		       unsigned int want)
{
	unsigned int i, wrong = 0, status;

	for (i = 0; i < bytes; i++) {
		at[i] ^= 1 << i % 8;
		status = try(context);
		at[i] ^= 1 << i % 8;
		if (status != want && !wrong++)
			printf("# byte %u: %#x\n", i, status);
	}
	ok(!wrong, "any flipped bit of %s is refused", what);
}

struct transfer {
	struct vm *source, *target;
	struct peer peer;
	uint8_t session[SESSION];
	uint32_t policy;
	struct packet packet;
	uint8_t was[PAGE];
};

static unsigned int try_start(void *context)
{
	struct transfer *transfer = context;

	return receive_start(transfer->target, transfer->peer.pdh,
			     transfer->session, transfer->policy);
}

static unsigned int try_packet(void *context)
{
	struct transfer *transfer = context;

	return receive_page(transfer->target, transfer->target->private,
			    &transfer->packet);
}

static void test_query(struct transfer *transfer)
{
	struct kvm_sev_send_update_data update = {};
	struct kvm_sev_send_start start = {};

	is(sev(transfer->source, KVM_SEV_SEND_START, &start), BAD_LEN,
	   "SEND_START, asked for length");
	is(start.session_len, SESSION, "of 128 bytes");
	is(send_page(transfer->source, transfer->source->private,
		     &transfer->packet), BAD_GUEST_STATE,
	   "no SEND_UPDATE_DATA out of RUNNING");
	is(send_start(transfer->source, &transfer->peer, transfer->session),
	   OK, "SEND_START");
	is(guest_state(transfer->source), SUPDATE, "and it is SUPDATE");
	is(sev(transfer->source, KVM_SEV_SEND_UPDATE_DATA, &update), BAD_LEN,
	   "SEND_UPDATE_DATA, asked for lengths");
	is(update.hdr_len, HEADER, "of 52 bytes");
}

static void test_lengths(struct transfer *transfer)
{
	struct vm *vm = transfer->source;
	struct { struct packet packet; uint8_t more[PAGE]; } big;
	struct packet packet;

	is(send_part(vm, vm->private, 64, &packet, 48), BAD_LEN,
	   "no SEND_UPDATE_DATA into less");
	is(send_part(vm, vm->private, 64, &big.packet, 2 * PAGE), OK,
	   "SEND_UPDATE_DATA into more");
	is(send_part(vm, vm->private + 8, 64, &packet, 64), BAD_ADDRESS,
	   "no SEND_UPDATE_DATA that is not aligned");
	is(send_part(vm, vm->private, 24, &packet, 24), BAD_LEN,
	   "no SEND_UPDATE_DATA of half a block");
	vm = transfer->target;
	is(receive_part(vm, vm->private, 64, &big.packet, 80), BAD_LEN,
	   "no RECEIVE_UPDATE_DATA out of more");
	is(receive_part(vm, vm->private, 48, &big.packet, 64), BAD_LEN,
	   "no RECEIVE_UPDATE_DATA into less");
	is(receive_part(vm, vm->private + 8, 64, &big.packet, 64),
	   BAD_ADDRESS, "no RECEIVE_UPDATE_DATA that is not aligned");
	is(receive_part(vm, vm->private + 16, 64, &big.packet, 64), OK,
	   "RECEIVE_UPDATE_DATA of a part of a page");
	ok(!memcmp(vm->private + 16, transfer->source->private, 64),
	   "that is what was sent");
}

static void test_pages(struct transfer *transfer)
{
	struct vm *source = transfer->source, *target = transfer->target;
	unsigned int i, wrong = 0, clear = 0;

	for (i = 0; i < PAGES; i++) {
		wrong += send_page(source, source->private + i * PAGE,
				   &transfer->packet) ||
			 receive_page(target, target->private + i * PAGE,
				      &transfer->packet);
		clear += !memcmp(transfer->packet.data,
				 source->private + i * PAGE, 16);
	}
	ok(!wrong, "64 pages are sent and received");
	ok(!clear, "none of them was to be read in between");
	ok(!memcmp(source->private, target->private, MEMORY),
	   "they have arrived as they were");
	memcpy(target->shared, source->shared, MEMORY);
}

void test_move(struct vm *source)
{
	static struct transfer transfer;
	struct vm target;

	transfer.source = source;
	transfer.target = &target;
	export(&transfer.peer);
	need(!vm_open(&target), "KVM_SEV_INIT");
	test_query(&transfer);

	test_flips("the session", transfer.session, SESSION, try_start,
		   &transfer, BAD_MEASUREMENT);
	test_flips("the policy", (uint8_t *)&transfer.policy, 4, try_start,
		   &transfer, BAD_MEASUREMENT);
	test_flips("the PDH's point", transfer.peer.pdh + 0x14, 144,
		   try_start, &transfer, BAD_CERT);
	is(try_start(&transfer), OK, "RECEIVE_START");
	is(guest_state(&target), RUPDATE, "and it is RUPDATE");

	test_lengths(&transfer);
	is(send_page(source, source->private, &transfer.packet), OK,
	   "SEND_UPDATE_DATA");
	memset(target.private, 0x5a, PAGE);
	memcpy(transfer.was, target.private, PAGE);
	test_flips("the header", transfer.packet.header, HEADER, try_packet,
		   &transfer, BAD_MEASUREMENT);
	test_flips("the payload", transfer.packet.data, PAGE, try_packet,
		   &transfer, BAD_MEASUREMENT);
	ok(!memcmp(target.private, transfer.was, PAGE),
	   "and nothing of it got into the guest");
	test_pages(&transfer);

	is(sev(source, KVM_SEV_SEND_FINISH, NULL), OK, "SEND_FINISH");
	is(guest_state(source), SENT, "and it is SENT");
	is(sev(source, KVM_SEV_SEND_CANCEL, NULL), BAD_GUEST_STATE,
	   "no SEND_CANCEL out of SENT");
	is(send_start(source, &transfer.peer, transfer.session),
	   BAD_GUEST_STATE, "no SEND_START out of SENT");
	is(sev(&target, KVM_SEV_RECEIVE_FINISH, NULL), OK, "RECEIVE_FINISH");
	is(guest_state(&target), RUNNING, "and it is RUNNING");
	is(try_packet(&transfer), BAD_GUEST_STATE,
	   "no RECEIVE_UPDATE_DATA out of RUNNING");

	move_vcpu(source, &target);
	ok(round_of(&target, 3), "the guest goes on where it was");
	vm_close(&target);
}

void test_cancel(void)
{
	static struct peer peer;
	uint8_t session[SESSION], again[SESSION];
	struct vm vm, target;

	export(&peer);
	launch(&vm, 0);
	is(send_start(&vm, &peer, session), OK, "SEND_START");
	is(sev(&vm, KVM_SEV_SEND_CANCEL, NULL), OK, "SEND_CANCEL");
	is(guest_state(&vm), RUNNING, "and it is RUNNING");
	is(send_start(&vm, &peer, again), OK, "SEND_START once more");
	ok(memcmp(session, again, SESSION), "with another session");

	need(!vm_open(&target), "KVM_SEV_INIT");
	is(receive_start(&target, peer.chain, again, 0), BAD_CERT,
	   "no RECEIVE_START with a PEK for a PDH");
	is(platform(SEV_PDH_GEN, NULL), OK, "PDH_GEN");
	is(receive_start(&target, peer.pdh, again, 0), BAD_MEASUREMENT,
	   "no RECEIVE_START with the PDH gone");
	is(sev(&vm, KVM_SEV_SEND_CANCEL, NULL), OK, "SEND_CANCEL");
	export(&peer);
	is(send_start(&vm, &peer, again), OK, "SEND_START with the new one");
	is(receive_start(&target, peer.pdh, again, 0), OK, "RECEIVE_START");
	vm_close(&target);
	vm_close(&vm);
}

/* A session of an owner has the form of one between machines */
void test_owner(void)
{
	static struct peer peer;
	uint8_t session[SESSION];
	struct kvm_sev_launch_start start = {
		.policy = 1, .dh_uaddr = (uintptr_t)peer.pdh, .dh_len = CERT,
	};
	struct vm vm, other;

	export(&peer);
	launch(&vm, 1);
	need(!send_start(&vm, &peer, session) && !vm_open(&other), "start");
	is(sev(&other, KVM_SEV_LAUNCH_START, &start), BAD_LEN,
	   "no LAUNCH_START with half of what an owner gives");
	start.session_uaddr = (uintptr_t)session;
	start.session_len = SESSION;
	start.policy = 0;
	is(sev(&other, KVM_SEV_LAUNCH_START, &start), BAD_MEASUREMENT,
	   "no LAUNCH_START with a policy that is not the owner's");
	start.policy = 1;
	is(sev(&other, KVM_SEV_LAUNCH_START, &start), OK,
	   "LAUNCH_START with an owner's session");
	vm_close(&other);
	vm_close(&vm);
}

void test_speed(void)
{
	static struct transfer transfer;
	struct vm source, target;
	double begin;
	int i;

	launch(&source, 0);
	transfer.source = &source;
	transfer.target = &target;
	export(&transfer.peer);
	need(!vm_open(&target) &&
	     !send_start(&source, &transfer.peer, transfer.session) &&
	     !try_start(&transfer), "start");
	begin = now();
	for (i = 0; i < 1000; i++)
		send_page(&source, source.private, &transfer.packet);
	printf("# SEND_UPDATE_DATA %.0f pages/s\n", i / (now() - begin));
	begin = now();
	for (i = 0; i < 1000; i++)
		try_packet(&transfer);
	printf("# RECEIVE_UPDATE_DATA %.0f pages/s\n", i / (now() - begin));
	vm_close(&target);
	vm_close(&source);
}
