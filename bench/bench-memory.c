/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the library keeps in memory for a guest that is being moved: one side's
 * handle and engine, by the size of the guest. The guest's memory is only
 * reserved; nothing here reads it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "counter.h"
#include "pair.h"

#define GIB (1ull << 30)
#define MOST (16 * GIB)

static const uint32_t sizes[] = {1, 4, 16};

static int door_any(void *ctx, uint32_t request, void *arg)
{
	(void)ctx;
	(void)request;
	(void)arg;
	return 0;
}

static const struct sevlm_kernel_ops door = {
	.size = sizeof(door),
	.vm = door_any,
	.sev = door_any,
};

static struct sevlm_vm *new_vm(uint64_t memory, void *hva)
{
	struct sevlm_vm_config config = {.size = sizeof(config), .ops = &door};
	struct sevlm_vm *vm;

	must(sevlm_vm_new(&config, &vm), "handle");
	must(sevlm_vm_add_region(vm, 0, memory, hva, SEVLM_REGION_TRACKED),
	     "memory");
	must(sevlm_vm_offer(vm, 0), "offer");
	must(sevlm_vm_wrmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, SEVLM_MSR_READY),
	     "ready");
	return vm;
}

static struct sevlm_trust *trust;

static size_t source_bytes(uint64_t memory, void *hva)
{
	static const uint8_t amd[SEVLM_SIM_AMD_SIZE];
	struct sevlm_source_config config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_INSECURE,
		.nonce = {1},
		.trust = trust,
		.amd = amd,
		.amd_bytes = sizeof(amd),
	};
	size_t before = counter_read().bytes, ret;
	struct sevlm_vm *vm = new_vm(memory, hva);
	struct sevlm_source *source;

	must(sevlm_source_new(vm, &config, &source), "source engine");
	ret = counter_read().bytes - before;
	sevlm_source_free(source);
	sevlm_vm_free(vm);
	return ret;
}

static size_t target_bytes(uint64_t memory, void *hva)
{
	static const uint8_t amd[SEVLM_SIM_AMD_SIZE];
	struct sevlm_target_config config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_INSECURE,
		.nonce = {2},
		.trust = trust,
		.amd = amd,
		.amd_bytes = sizeof(amd),
	};
	size_t before = counter_read().bytes, ret;
	struct sevlm_vm *vm = new_vm(memory, hva);
	struct sevlm_target *target;

	must(sevlm_target_new(vm, &config, &target), "target engine");
	ret = counter_read().bytes - before;
	sevlm_target_free(target);
	sevlm_vm_free(vm);
	return ret;
}

static void line(const char *side, uint32_t gib, size_t bytes)
{
	double goal = 128.0 * gib + 1024 + 256, kib = (double)bytes / 1024;

	printf("memory-%s-%u ratio %.3f (bytes allocated against 128 KiB per "
	       "GiB, 1 MiB and 256 KiB)\n",
	       side, gib, kib / goal);
	printf("memory-%s-%u %.0f KiB\n", side, gib, kib);
}

int main(void)
{
	void *hva;

	must(counter_init() ? 0 : -EIO, "OpenSSL's allocator");
	hva = mmap(NULL, MOST, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(hva == MAP_FAILED ? -ENOMEM : 0, "mmap");
	must(sevlm_trust_new(&trust), "trust");
	must(sevlm_trust_allow_any_chip(trust), "any chip");
	/* what OpenSSL keeps for the process is nobody's */
	source_bytes(GIB, hva);
	target_bytes(GIB, hva);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		line("source", sizes[i], source_bytes(sizes[i] * GIB, hva));
		line("target", sizes[i], target_bytes(sizes[i] * GIB, hva));
	}
	munmap(hva, MOST);
	return 0;
}
