/* SPDX-License-Identifier: MIT-0 */
/*
 * What both examples need and a real VMM has already: two VMs with memory
 * (here of the software host, one that runs and one that is empty), and a
 * vCPU loop that passes the library its exits.
 */
#ifndef EXAMPLES_GUEST_H
#define EXAMPLES_GUEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsevlm/libsevlm.h>
#include <libsevlm/sim.h>

#define MEMORY (8u << 20)
#define PAGES (MEMORY / SEVLM_PAGE_SIZE)

struct guest {
	struct sevlm_sim_host *host;
	struct sevlm_sim_vm *kvm;
	struct sevlm_vm *vm;	/* the library's handle */
	unsigned char *ram;
};

static inline void must(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "%s: %s\n", what, sevlm_strerror(ret));
	exit(1);
}

/* The vCPU: exits that belong to the library go there. */
static inline void run_guest(struct guest *guest, uint64_t steps)
{
	uint64_t answer, goal = sevlm_sim_vm_steps(guest->kvm) + steps;
	struct sevlm_sim_exit e = { .size = sizeof(e) };

	for (;;) {
		steps = goal - sevlm_sim_vm_steps(guest->kvm);
		must(sevlm_sim_vm_run(guest->kvm, steps, &e), "KVM_RUN");
		if (e.reason == SEVLM_SIM_EXIT_INTR)
			return;
		if (e.reason == SEVLM_SIM_EXIT_HYPERCALL)
			sevlm_vm_hypercall(guest->vm, e.nr, e.args, &answer);
		else
			answer = !!sevlm_vm_wrmsr(guest->vm, e.index, e.data);
		must(sevlm_sim_vm_answer(guest->kvm, answer), "answer");
	}
}

static inline void make_vm(struct guest *guest)
{
	struct sevlm_sim_vm_config shape = { sizeof(shape), 7, MEMORY,
					     SEVLM_SIM_FLIP, 1 };
	struct sevlm_vm_config config = { .size = sizeof(config),
					  .sev_fd = SEVLM_SIM_SEV_FD,
					  .ops = sevlm_sim_ops() };

	must(sevlm_sim_host_new(NULL, &guest->host), "host");
	must(sevlm_sim_vm_new(guest->host, &shape, &guest->kvm), "VM");
	guest->ram = aligned_alloc(SEVLM_PAGE_SIZE, MEMORY);
	if (!guest->ram)
		exit(1);
	memset(guest->ram, 0, MEMORY);
	config.ops_ctx = guest->kvm;
	must(sevlm_vm_new(&config, &guest->vm), "handle");
	must(sevlm_vm_add_region(guest->vm, 0, MEMORY, guest->ram,
				 SEVLM_REGION_TRACKED), "region");
}

/* What a platform shows of itself. Of a real one the CEK and AMD's blob are
 * downloaded once (docs/trust.md). */
struct papers {
	unsigned char pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE];
	unsigned char amd[SEVLM_SIM_AMD_SIZE];
};

static inline struct sevlm_peer show_papers(struct guest *guest,
					    struct papers *papers)
{
	struct sevlm_peer ret = { sizeof(ret), papers->pdh, papers->chain,
				  papers->amd, sizeof(papers->amd) };
	unsigned char cek[SEVLM_CERT_SIZE];

	must(sevlm_vm_export_certs(guest->vm, papers->pdh, papers->chain),
	     "certificates");
	must(sevlm_sim_host_cek(guest->host, cek), "CEK");
	must(sevlm_chain_set_cek(papers->chain, cek, sizeof(cek)), "CEK");
	must(sevlm_sim_host_amd(guest->host, papers->amd), "AMD's blob");
	return ret;
}

/* This very chip, and the software hosts' root. AMD's roots need no adding. */
static inline struct sevlm_trust *trust_only(const struct papers *papers)
{
	const unsigned char *ark = papers->amd + sizeof(papers->amd) / 2;
	const unsigned char *cek = papers->chain + 2 * SEVLM_CERT_SIZE;
	struct sevlm_cert cert = { .size = sizeof(cert) };
	struct sevlm_trust *trust;

	must(sevlm_trust_new(&trust), "trust");
	must(sevlm_trust_add_root(trust, ark, sizeof(papers->amd) / 2), "root");
	must(sevlm_cert_decode(cek, SEVLM_CERT_SIZE, &cert), "CEK");
	must(sevlm_trust_add_chip(trust, cert.key_digest), "chip");
	return trust;
}

static inline void make_source(struct guest *guest)
{
	make_vm(guest);
	must(sevlm_sim_vm_launch(guest->kvm, guest->ram, NULL, 0, 0), "launch");
	must(sevlm_vm_offer(guest->vm, 0), "offer");
	run_guest(guest, 1000); /* it boots and says that it is ready */
}

static inline void make_target(struct guest *guest)
{
	make_vm(guest);
	must(sevlm_sim_vm_prepare(guest->kvm, guest->ram), "prepare");
}

static inline void free_guest(struct guest *guest)
{
	sevlm_vm_free(guest->vm);
	sevlm_sim_vm_free(guest->kvm);
	sevlm_sim_host_free(guest->host);
	free(guest->ram);
}

#endif /* EXAMPLES_GUEST_H */
