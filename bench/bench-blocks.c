/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench-blocks [MIB]: how many firmware commands a guest takes on either side,
 * and what they cost with a PSP of a fixed latency, in a time that is only
 * counted: page by page, and in blocks of four pages. The numbers are exact
 * and the same on every machine. A sixteenth of the guest is shared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/kvm.h>

#include "pair.h"

/* what a command through the mailbox is taken to cost, whatever it moves */
#define PSP_NS 226000ull
#define GIB    (1ull << 30)

static uint64_t now_ns = 1;

static int slow_vm(void *ctx, uint32_t request, void *arg)
{
	const struct kvm_sev_cmd *cmd = arg;

	if (request == KVM_MEMORY_ENCRYPT_OP && arg &&
	    (cmd->id == KVM_SEV_SEND_UPDATE_DATA ||
	     cmd->id == KVM_SEV_RECEIVE_UPDATE_DATA))
		now_ns += PSP_NS;
	return sevlm_sim_ops()->vm(ctx, request, arg);
}

static int slow_sev(void *ctx, uint32_t request, void *arg)
{
	return sevlm_sim_ops()->sev(ctx, request, arg);
}

static const struct sevlm_kernel_ops slow = {
	.size = sizeof(slow),
	.vm = slow_vm,
	.sev = slow_sev,
};

static void migrate(struct pair *pair)
{
	uint32_t source, target;

	do {
		must(sevlm_source_step(pair->engines.source, now_ns, &source),
		     "step");
		pair_source_does(pair, pair->engines.source, source);
		pair_carry(pair, false);
		must(sevlm_target_step(pair->engines.target, now_ns, &target),
		     "step");
		pair_target_does(pair, pair->engines.target, target);
		pair_carry(pair, true);
	} while (source || target);
	pair_ended(pair->engines.source, pair->engines.target);
}

static uint64_t commands(const struct side *side, uint32_t id)
{
	return sevlm_sim_host_commands(side->host, id);
}

/* commands of the source, which are as many as the target's */
static uint64_t run(uint64_t memory, bool contiguous)
{
	static struct pair pair;
	uint64_t sent, start;

	pair_open(&pair, memory);
	pair.contiguous = contiguous;
	pair_launch(&pair, &slow);
	pair.engines.source = pair_source(&pair);
	pair.engines.target = pair_target(&pair);
	start = now_ns;
	migrate(&pair);
	sent = commands(&pair.source, KVM_SEV_SEND_UPDATE_DATA);
	must(sent == commands(&pair.target, KVM_SEV_RECEIVE_UPDATE_DATA) ?
		     0 :
		     -EIO,
	     "other commands there than here");
	printf("blocks-%s %llu commands per GiB on either side, %.1f s of "
	       "both PSPs\n",
	       contiguous ? "contiguous" : "scattered",
	       (unsigned long long)(sent * GIB / memory),
	       (double)(now_ns - start) / 1e9);
	sevlm_source_free(pair.engines.source);
	sevlm_target_free(pair.engines.target);
	pair_destroy(&pair);
	pair_close(&pair);
	return sent;
}

int main(int argc, char **argv)
{
	uint64_t mib = argc > 1 ? strtoull(argv[1], NULL, 10) : 256;
	uint64_t singly, blocks;

	must(mib && mib <= 65536 ? 0 : -EINVAL, "MIB");
	singly = run(mib << 20, false);
	blocks = run(mib << 20, true);
	printf("blocks ratio %.3f (commands page by page against those in "
	       "blocks, %llu MiB)\n",
	       (double)singly / (double)blocks, (unsigned long long)mib);
	return 0;
}
