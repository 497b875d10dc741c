/* SPDX-License-Identifier: MIT-0 */
/*
 * For a VMM with a migration loop and a stream of its own: the library says
 * page by page what is private and makes and opens the packets; the VMM
 * walks its dirty log and moves the bytes. The stream is an array here.
 */
#include "guest.h"

struct message {
	uint64_t gpa;
	uint32_t private;
	unsigned char header[SEVLM_PACKET_HEADER_SIZE];
	unsigned char page[SEVLM_PAGE_SIZE];
};

static uint64_t dirty_log[PAGES / 64];

static int is_dirty(uint64_t page)
{
	return dirty_log[page / 64] >> page % 64 & 1;
}

static void clean(uint64_t page)
{
	dirty_log[page / 64] &= ~(1ull << page % 64);
}

/* The target's half of the VMM's stream. */
static void deliver(struct guest *to, struct sevlm_receive *receive,
		    const struct message *m)
{
	if (m->private)
		must(sevlm_receive_packet(receive, m->gpa, m->header, m->page),
		     sevlm_vm_error(to->vm));
	else
		memcpy(to->ram + m->gpa, m->page, SEVLM_PAGE_SIZE);
}

/* -EAGAIN says that the page changed its state: look at it again. */
static void send_page(struct guest *from, struct sevlm_send *send,
		      struct guest *to, struct sevlm_receive *receive,
		      uint64_t gpa)
{
	static struct message m;
	uint64_t run;
	uint32_t state;
	int ret;

	do {
		m.gpa = gpa;
		must(sevlm_vm_page_state(from->vm, gpa, &state, &run), "state");
		m.private = state == SEVLM_PAGE_PRIVATE;
		if (m.private)
			ret = sevlm_send_packet(send, gpa, m.header, m.page);
		else
			ret = !memcpy(m.page, from->ram + gpa, SEVLM_PAGE_SIZE);
	} while (ret == -11 /* -EAGAIN */);
	must(ret, sevlm_vm_error(from->vm));
	deliver(to, receive, &m);
}

/* The order matters: the dirty log first, then the states, then the pages. */
static unsigned int send_round(struct guest *from, struct sevlm_send *send,
			       struct guest *to, struct sevlm_receive *receive)
{
	unsigned int sent = 0;

	for (uint64_t page = 0; page < PAGES; page++) {
		if (!is_dirty(page))
			continue;
		clean(page);
		send_page(from, send, to, receive, page * SEVLM_PAGE_SIZE);
		if (++sent % 64 == 0)
			run_guest(from, 1); /* it goes on all the while */
	}
	return sent;
}

static void move_guest(struct guest *from, struct sevlm_send *send,
		       struct guest *to, struct sevlm_receive *receive)
{
	static unsigned char state[65536];
	size_t bytes = sizeof(state);

	must(sevlm_sim_vm_log(from->kvm, 1), "dirty log on");
	memset(dirty_log, 0xff, sizeof(dirty_log)); /* all of it, once */
	for (int round = 1; round <= 4; round++) {
		printf("round %d: %u pages\n", round,
		       send_round(from, send, to, receive));
		must(sevlm_sim_vm_harvest(from->kvm, dirty_log), "dirty log");
	}
	/* stop it: what was dirtied since the last harvest comes on top */
	send_round(from, send, to, receive);
	must(sevlm_sim_vm_save(from->kvm, state, &bytes), "save");
	must(sevlm_sim_vm_harvest(from->kvm, dirty_log), "dirty log");
	for (uint64_t page = 0; page < PAGES; page++)
		if (is_dirty(page))
			send_page(from, send, to, receive,
				  page * SEVLM_PAGE_SIZE);
	must(sevlm_sim_vm_load(to->kvm, state, bytes), "load");
}

int main(void)
{
	unsigned char pdh[SEVLM_PDH_SIZE], session[SEVLM_SESSION_SIZE];
	struct papers papers[2];
	struct sevlm_peer source, target;
	struct sevlm_trust *trust_source, *trust_target;
	struct sevlm_receive *receive;
	struct sevlm_send *send;
	struct guest from, to;
	uint32_t policy;

	make_source(&from);
	make_target(&to);
	/* each side has the other's certificates, and an operator's word for
	 * which chip is whose */
	source = show_papers(&from, &papers[0]);
	target = show_papers(&to, &papers[1]);
	trust_source = trust_only(&papers[0]);
	trust_target = trust_only(&papers[1]);
	must(sevlm_send_start(from.vm, &target, trust_target, &send),
	     sevlm_vm_error(from.vm));
	must(sevlm_send_session(send, &policy, pdh, session), "session");
	source.pdh = pdh;
	must(sevlm_receive_start(to.vm, &source, trust_source, policy, session,
				 &receive),
	     sevlm_vm_error(to.vm));
	move_guest(&from, send, &to, receive);
	must(sevlm_receive_finish(receive), sevlm_vm_error(to.vm));
	run_guest(&to, 1000);
	must(sevlm_send_finish(send), sevlm_vm_error(from.vm));
	must(sevlm_sim_vm_check(to.kvm, NULL, 0), "the memory");
	printf("moved: the guest is at step %llu\n",
	       (unsigned long long)sevlm_sim_vm_steps(to.kvm));
	sevlm_receive_free(receive);
	sevlm_send_free(send);
	sevlm_trust_free(trust_source);
	sevlm_trust_free(trust_target);
	free_guest(&from);
	free_guest(&to);
	return 0;
}
