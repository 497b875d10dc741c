/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The other implementation: a guest's memory lies in a host of libsevlm-sim
 * while it moves, its vCPU stays KVM's. So firmware written for the library's
 * tests and the kernel's read each other's packets, and a guest that runs
 * says whether they did.
 */
#include <err.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <libsevlm/sim.h>

#include "walk.h"

#define HC_MAP_GPA_RANGE 12u
#define HOST_SEED	 77u
#define POLICY		 (SEVLM_POLICY_NODBG | SEVLM_POLICY_NOKS)

static struct sevlm_sim_host *host;
static struct sevlm_sim_vm *sim;
static uint8_t *ram;

static int write_file(const char *directory, const char *name,
		      const void *buf, size_t bytes)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	if (!file)
		return -1;
	bytes -= fwrite(buf, 1, bytes, file);
	return fclose(file) || bytes ? -1 : 0;
}

static int copy_file(const char *from, const char *to, const char *name)
{
	uint8_t buf[SEVLM_BLOB_MAX];
	char path[64];
	size_t bytes;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", from, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	bytes = fread(buf, 1, sizeof(buf), file);
	fclose(file);
	return write_file(to, name, buf, bytes);
}

/* It has a seed, and so on every machine one identity. */
static int open_host(uint8_t *amd, uint8_t *cek)
{
	const struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = HOST_SEED,
	};

	return sevlm_sim_host_new(&config, &host) ||
			       sevlm_sim_host_amd(host, amd) ||
			       sevlm_sim_host_cek(host, cek) ?
		       -1 : 0;
}

/* its own papers, and who its peer is as this host has it */
static int show(struct walk *walk)
{
	uint8_t amd[SEVLM_SIM_AMD_SIZE], cek[SEVLM_SIM_CERT_SIZE];
	const char *here = "/papers-of-sim";

	mkdir(here, 0700);
	if (open_host(amd, cek) ||
	    write_file(here, "amd.cert", amd, sizeof(amd)) ||
	    write_file(here, "cek.cert", cek, sizeof(cek)) ||
	    copy_file(walk->papers, here, "peer.ark") ||
	    copy_file(walk->papers, here, "peer.cek") ||
	    copy_file(walk->papers, here, "peer.psk"))
		return -1;
	walk->vmm.papers = here;
	return 0;
}

int cross_trust(struct walk *walk)
{
	uint8_t amd[SEVLM_SIM_AMD_SIZE], cek[SEVLM_SIM_CERT_SIZE];
	const char *here = "/papers-for-sim";

	mkdir(here, 0700);
	if (open_host(amd, cek) ||
	    write_file(here, "peer.ark", amd + sizeof(amd) / 2,
		       sizeof(amd) / 2) ||
	    write_file(here, "peer.cek", cek, sizeof(cek)) ||
	    copy_file(walk->papers, here, "amd.cert") ||
	    copy_file(walk->papers, here, "cek.cert") ||
	    copy_file(walk->papers, here, "peer.psk"))
		return -1;
	cross_close();
	walk->vmm.papers = here;
	return 0;
}

static int open_sim(struct walk *walk)
{
	struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.seed = 1,
		.memory = walk->vmm.memory.bytes,
		.workload = SEVLM_SIM_IDLE,
		.offered = 1,
	};

	if (show(walk))
		return -1;
	ram = mmap(NULL, config.memory, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return ram == MAP_FAILED || sevlm_sim_vm_new(host, &config, &sim) ?
		       -1 : 0;
}

/* libsevlm's view of the guest is that of the other host from here on */
static int enter_sim(struct vmm *vmm)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.sev_fd = SEVLM_SIM_SEV_FD,
		.ops = sevlm_sim_ops(),
		.ops_ctx = sim,
	};

	sevlm_vm_free(vmm->vm);
	vmm->vm = NULL;
	if (sevlm_vm_new(&config, &vmm->vm) ||
	    sevlm_vm_add_region(vmm->vm, 0, vmm->memory.bytes, ram,
				SEVLM_REGION_TRACKED))
		return -1;
	return vmm_offer(vmm, POLICY);
}

void cross_close(void)
{
	sevlm_sim_vm_free(sim);
	sevlm_sim_host_free(host);
	sim = NULL;
	host = NULL;
}

/* which pages are shared, before the view changes */
static void shared_pages(struct vmm *vmm, uint8_t *shared)
{
	uint64_t bytes;
	uint32_t state;

	for (uint64_t gpa = 0; gpa < vmm->memory.bytes; gpa += PAGE) {
		sevlm_vm_page_state(vmm->vm, gpa, &state, &bytes);
		shared[gpa / PAGE] = state == SEVLM_PAGE_SHARED;
	}
}

static int share(struct vmm *vmm, uint64_t gpa)
{
	const uint64_t args[6] = { gpa, 1, 0 };
	uint64_t ret;

	if (sevlm_sim_vm_convert(sim, gpa, 1) ||
	    sevlm_sim_vm_write(sim, gpa, vmm->memory.shared + gpa, PAGE) ||
	    sevlm_vm_hypercall(vmm->vm, HC_MAP_GPA_RANGE, args, &ret))
		return -1;
	return ret ? -1 : 0;
}

static int tell(struct vmm *vmm, const uint8_t *shared)
{
	for (uint64_t gpa = 0; gpa < vmm->memory.bytes; gpa += PAGE)
		if (shared[gpa / PAGE] && share(vmm, gpa))
			return -1;
	return sevlm_vm_wrmsr(vmm->vm, SEVLM_MSR_MIGRATION_CONTROL,
			      SEVLM_MSR_READY);
}

/* A guest that ran here stands, and is as one of the other host's. */
int cross_leave(struct walk *walk)
{
	static uint8_t shared[GUEST_MAX_RAM / PAGE];
	struct vmm *vmm = &walk->vmm;

	if (park_pause(vmm) || open_sim(walk))
		return -1;
	shared_pages(vmm, shared);
	if (enter_sim(vmm) ||
	    sevlm_sim_vm_launch(sim, ram, vmm->memory.private,
				vmm->memory.bytes, POLICY))
		return -1;
	return tell(vmm, shared);
}

/* A VM that waits here does so at the other host. */
int cross_wait(struct walk *walk)
{
	return open_sim(walk) || enter_sim(&walk->vmm) ||
			       sevlm_sim_vm_prepare(sim, ram) ?
		       -1 : 0;
}

/* What came to the other host goes into this one's memory, and runs here. */
int cross_arrive(struct vmm *vmm)
{
	uint32_t state;
	uint64_t bytes;

	for (uint64_t gpa = 0; gpa < vmm->memory.bytes; gpa += PAGE) {
		sevlm_vm_page_state(vmm->vm, gpa, &state, &bytes);
		if (state == SEVLM_PAGE_SHARED)
			memcpy(vmm->memory.shared + gpa, ram + gpa, PAGE);
		else if (sevlm_sim_vm_read(sim, gpa,
					   vmm->memory.private + gpa, PAGE))
			return -1;
	}
	return sev_launch(vmm, POLICY);
}

bool cross_is(void)
{
	return sim;
}
