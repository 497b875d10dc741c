/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>
#include <linux/psp-sev.h>

#include "rig.h"

#define BOOT_ROUNDS 100u
#define CONSENTS (SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY)

static int boot_host(struct rig_hosts *hosts, int i)
{
	const struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = hosts->seed + 1 + (uint64_t)i,
		.asids = hosts->asids,
		.multi_page = 1,
	};

	hosts->left[i] = 0;
	return sevlm_sim_host_new(&config, &hosts->host[i]);
}

int rig_hosts_new(struct rig_hosts *hosts, uint64_t seed, uint32_t asids)
{
	int ret = 0;

	memset(hosts, 0, sizeof(*hosts));
	hosts->seed = seed;
	hosts->asids = asids;
	for (int i = 0; !ret && i < 2; i++)
		ret = boot_host(hosts, i);
	if (ret)
		rig_hosts_free(hosts);
	return ret ? -ENODEV : 0;
}

void rig_hosts_free(struct rig_hosts *hosts)
{
	sevlm_sim_host_free(hosts->host[0]);
	sevlm_sim_host_free(hosts->host[1]);
	memset(hosts, 0, sizeof(*hosts));
}

static int ask(struct sevlm_sim_host *host, struct sev_user_data_status *status)
{
	struct sev_issue_cmd cmd = {
		.cmd = SEV_PLATFORM_STATUS,
		.data = (uintptr_t)status,
	};

	return sevlm_sim_host_sev(host, SEV_ISSUE_CMD, &cmd);
}

static bool dead(struct sevlm_sim_host *host)
{
	struct sev_user_data_status status;

	return ask(host, &status) == -EBUSY;
}

int rig_hosts_boot(struct rig_hosts *hosts)
{
	int ret = 0;

	for (int i = 0; !ret && i < 2; i++) {
		if (!dead(hosts->host[i]))
			continue;
		sevlm_sim_host_free(hosts->host[i]);
		hosts->host[i] = NULL;
		ret = boot_host(hosts, i);
	}
	return ret ? -ENODEV : 0;
}

static uint32_t guests(struct sevlm_sim_host *host)
{
	struct sev_user_data_status status = {0};

	return ask(host, &status) ? UINT32_MAX : status.guest_count;
}

/* Is there an ASID for as many VMs as the host was made for? */
static bool all_asids(struct sevlm_sim_host *host, uint32_t count)
{
	struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.memory = RIG_PAGE,
	};
	uint8_t *page = aligned_alloc(RIG_PAGE, RIG_PAGE);
	struct sevlm_sim_vm *vms[64] = {NULL};
	bool ret = page != NULL;

	for (uint32_t i = 0; ret && i < count; i++)
		ret = !sevlm_sim_vm_new(host, &config, &vms[i]) &&
		      !sevlm_sim_vm_prepare(vms[i], page);
	for (uint32_t i = 0; i < count; i++)
		sevlm_sim_vm_free(vms[i]);
	free(page);
	return ret;
}

bool rig_hosts_clean(struct rig_hosts *hosts)
{
	bool ret = true;

	for (int i = 0; i < 2; i++) {
		sevlm_sim_host_fail(hosts->host[i], NULL);
		ret = ret && guests(hosts->host[i]) == hosts->left[i] &&
		      all_asids(hosts->host[i], hosts->asids);
	}
	return ret;
}

static uint8_t *new_memory(uint64_t bytes)
{
	void *ret;

	if (posix_memalign(&ret, RIG_PACKET, bytes))
		return NULL;
	return memset(ret, 0, bytes);
}

static int door_vm(void *ctx, uint32_t request, void *arg)
{
	struct rig_side *side = *(struct rig_side **)ctx;
	struct rig_hooks *hooks = &side->rig->hooks;

	return hooks->door ? hooks->door(side, request, arg)
			   : rig_vmm_door(side, request, arg);
}

static int door_sev(void *ctx, uint32_t request, void *arg)
{
	struct rig_side *side = *(struct rig_side **)ctx;

	return sevlm_sim_host_sev(side->host, request, arg);
}

static int open_handle(struct rig_side *side)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = -1,
		.sev_fd = SEVLM_SIM_SEV_FD,
		.kvm_fd = -1,
		.ops = &side->ops,
		.ops_ctx = malloc(sizeof(side)),
	};

	side->self = config.ops_ctx;
	if (!side->self)
		return -ENOMEM;
	*side->self = side;
	side->ops.size = sizeof(side->ops);
	side->ops.vm = door_vm;
	side->ops.sev = door_sev;
	return sevlm_vm_new(&config, &side->vm);
}

uint32_t rig_ram_type(const struct rig_side *side)
{
	return SEVLM_REGION_TRACKED |
	       (side->rig->plan.contiguous[side->target] ?
			SEVLM_REGION_CONTIGUOUS :
			0);
}

static int add_regions(struct rig_side *side)
{
	const struct rig_plan *plan = &side->rig->plan;
	uint64_t low = plan->split ? plan->split : plan->memory;
	uint32_t type = rig_ram_type(side);
	int ret;

	ret = sevlm_vm_add_region(side->vm, 0, low, side->ram, type);
	if (!ret && plan->split)
		ret = sevlm_vm_add_region(side->vm, low, plan->memory - low,
					  side->ram + low, type);
	if (!ret && plan->device)
		ret = sevlm_vm_add_region(side->vm, RIG_DEVICE_GPA,
					  side->device.bytes, side->device.mem,
					  SEVLM_REGION_SHARED);
	side->device.there = plan->device;
	return ret;
}

static int open_memory(struct rig_side *side)
{
	side->device.bytes = RIG_DEVICE_PAGES * RIG_PAGE;
	side->plug.bytes = RIG_PLUG_PAGES * RIG_PAGE;
	side->ram = new_memory(side->rig->plan.memory);
	side->device.mem = new_memory(side->device.bytes);
	side->plug.mem = new_memory(side->plug.bytes);
	return side->ram && side->device.mem && side->plug.mem ? 0 : -ENOMEM;
}

static int open_side(struct rig *rig, struct rig_side *side,
		     struct sevlm_sim_host *host)
{
	struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.seed = rig->plan.seed,
		.memory = rig->plan.memory,
		.workload = rig->plan.workload,
		.offered = 1,
	};
	int ret;

	side->rig = rig;
	side->host = host;
	ret = open_memory(side);
	if (!ret)
		ret = sevlm_sim_vm_new(host, &config, &side->sim);
	if (!ret)
		ret = open_handle(side);
	if (!ret)
		ret = add_regions(side);
	if (!ret && !rig->plan.scattered[side->target])
		ret = sevlm_sim_vm_contiguous(side->sim, side->ram,
					      rig->plan.memory);
	return ret;
}

static void close_side(struct rig_side *side)
{
	rig_free_engine(side);
	sevlm_vm_free(side->vm);
	sevlm_sim_vm_free(side->sim);
	free(side->self);
	free(side->ram);
	free(side->device.mem);
	free(side->plug.mem);
	memset(side, 0, sizeof(*side));
}

static int boot(struct rig_side *side)
{
	uint32_t control = 0;
	int ret = sevlm_sim_vm_launch(side->sim, side->ram, NULL, 0,
				      side->rig->plan.policy);

	if (!ret)
		ret = sevlm_vm_offer(side->vm, 0);
	if (ret)
		return ret;
	side->running = true;
	for (uint32_t i = 0; i < BOOT_ROUNDS && control != CONSENTS; i++) {
		rig_vmm_run(side, 1);
		sevlm_vm_control(side->vm, &control);
	}
	if (control != CONSENTS)
		return -ENODEV;
	rig_bytes(&side->rig->random, side->device.mem, side->device.bytes / 2);
	rig_bytes(&side->rig->random, side->plug.mem, side->plug.bytes / 2);
	return 0;
}

static int open_target(struct rig *rig, struct sevlm_sim_host *host)
{
	struct rig_side *target = &rig->target;
	int ret;

	target->target = true;
	target->name = "target";
	ret = open_side(rig, target, host);
	if (!ret)
		ret = sevlm_sim_vm_prepare(target->sim, target->ram);
	return ret;
}

static void configure_source(struct rig *rig)
{
	const struct rig_plan *plan = &rig->plan;
	struct certs *own = &rig->certs[0];
	struct sevlm_source_config *config = &rig->source_config;

	*config = (struct sevlm_source_config){
		.size = sizeof(*config),
		.channel = SEVLM_CHANNEL_DECLARED,
		.batch_pages = plan->batch,
		.max_rounds = plan->max_rounds,
		.stop_anyway = plan->stop_anyway,
		.downtime_limit_ns = plan->downtime_ns,
		.hello_timeout_ns = plan->hello_ns,
		.stall_timeout_ns = plan->stall_ns,
		.commit_timeout_ns = plan->commit_ns,
		.trust = rig->trust,
		.chain = own->chain,
		.amd = own->amd,
		.amd_bytes = own->amd_bytes,
	};
	rig_bytes(&rig->random, config->nonce, sizeof(config->nonce));
	rig_bytes(&rig->random, config->exporter, sizeof(config->exporter));
}

static void configure_target(struct rig *rig)
{
	const struct rig_plan *plan = &rig->plan;
	struct certs *own = &rig->certs[1];
	struct sevlm_target_config *config = &rig->target_config;

	*config = (struct sevlm_target_config){
		.size = sizeof(*config),
		.channel = SEVLM_CHANNEL_DECLARED,
		.trust = rig->trust,
		.chain = plan->exported ? NULL : own->chain,
		.amd = own->amd,
		.amd_bytes = own->amd_bytes,
		.hello_timeout_ns = plan->hello_ns,
		.stall_timeout_ns = plan->stall_ns,
	};
	rig_bytes(&rig->random, config->nonce, sizeof(config->nonce));
	memcpy(config->exporter, rig->source_config.exporter,
	       sizeof(config->exporter));
}

/* a VMM has them from before where firmware does not answer any more */
static void take_certs(struct certs *certs, struct sevlm_sim_host *host)
{
	if (!dead(host))
		certs_of_host(certs, host);
}

static void configure(struct rig *rig)
{
	take_certs(&rig->certs[0], rig->source.host);
	take_certs(&rig->certs[1], rig->target.host);
	if (!rig->trust)
		rig->trust = certs_trust(&rig->certs[0]);
	configure_source(rig);
	configure_target(rig);
}

static void open_pipe(struct rig *rig, struct rig_pipe *pipe, int way)
{
	const struct rig_plan *plan = &rig->plan;

	pipe->bandwidth = plan->bandwidth;
	pipe->latency_ns = plan->latency_ns;
	pipe->fragment = plan->fragment;
	pipe->clock_ns = rig->now_ns;
	if (plan->cut_at[way])
		pipe->cut_at = plan->cut_at[way];
}

static int open_link(struct rig *rig)
{
	int ret = rig_pipe_init(&rig->there, rig_random(&rig->random));

	if (!ret)
		ret = rig_pipe_init(&rig->back, rig_random(&rig->random));
	open_pipe(rig, &rig->there, 0);
	open_pipe(rig, &rig->back, 1);
	return ret;
}

int rig_relink(struct rig *rig)
{
	rig_pipe_fini(&rig->there);
	rig_pipe_fini(&rig->back);
	rig->cut_told = false;
	rig->operated = false;
	rig->rounds = 0;
	return open_link(rig);
}

static void default_to(uint64_t *value, uint64_t by_default)
{
	if (!*value)
		*value = by_default;
}

static int open_rig(struct rig *rig, const struct rig_hosts *hosts)
{
	uint64_t words = (rig->plan.memory / RIG_PAGE + 63) / 64;
	int ret;

	rig->source.name = "source";
	rig->bitmap = calloc(words, sizeof(uint64_t));
	if (!rig->bitmap)
		return -ENOMEM;
	ret = open_side(rig, &rig->source, hosts->host[0]);
	if (!ret)
		ret = boot(&rig->source);
	if (!ret)
		ret = open_target(rig, hosts->host[1]);
	if (!ret)
		ret = open_link(rig);
	if (!ret)
		configure(rig);
	return ret;
}

int rig_open(struct rig *rig, const struct rig_hosts *hosts,
	     const struct rig_plan *plan)
{
	FILE *trace = rig->trace;
	int ret;

	memset(rig, 0, sizeof(*rig));
	rig->trace = trace;
	rig->plan = *plan;
	rig->random.state = plan->seed;
	default_to(&rig->plan.tick_ns, RIG_MS / 10);
	default_to(&rig->plan.bandwidth, 1000 * 1000 * 1000);
	rig->now_ns = RIG_SECOND;
	rig->start_ns = rig->now_ns;
	ret = open_rig(rig, hosts);
	if (ret)
		rig_close(rig);
	return ret;
}

int rig_start(struct rig *rig)
{
	struct rig_side *source = &rig->source, *target = &rig->target;
	int ret = sevlm_target_new(target->vm, &rig->target_config,
				   &target->target_engine);

	if (!ret)
		ret = sevlm_source_new(source->vm, &rig->source_config,
				       &source->source_engine);
	if (!ret)
		ret = sevlm_sim_vm_log(source->sim, 1);
	return ret;
}

/* What is left of a side for the next migration: the guest. */
static void forget(struct rig_side *side)
{
	struct rig_side old = *side;

	rig_free_engine(&old);
	memset(side, 0, sizeof(*side));
	side->self = old.self;
	*side->self = side;
	side->rig = old.rig;
	side->name = "source";
	side->host = old.host;
	side->sim = old.sim;
	side->vm = old.vm;
	side->ram = old.ram;
	side->device = old.device;
	side->plug = old.plug;
	side->ops = old.ops;
	side->running = true;
	side->in_exit = old.in_exit;
	side->exit = old.exit;
	side->counter = old.counter;
}

static int next(struct rig *rig, struct sevlm_sim_host *host)
{
	struct rig_plan *plan = &rig->plan;
	int ret;

	rig->hung = rig->both = rig->same = false;
	rig->freed = 0;
	memset(&rig->hooks, 0, sizeof(rig->hooks));
	memset(plan->cut_at, 0, sizeof(plan->cut_at));
	plan->stop_anyway = 1;
	sevlm_sim_host_fail(rig->source.host, NULL);
	sevlm_sim_host_fail(host, NULL);
	ret = open_target(rig, host);
	if (!ret)
		ret = rig_relink(rig);
	if (!ret)
		configure(rig);
	return ret;
}

static int settle_plug(struct rig_side *side)
{
	int ret = 0;

	rig_free_engine(side);
	if (side->plug.there) {
		ret = sevlm_vm_remove_region(side->vm, RIG_PLUG_GPA);
		if (!ret)
			ret = rig_vmm_map(side, &side->plug, RIG_PLUG_GPA, 1,
					  false);
	}
	side->plug.there = false;
	return ret;
}

static int settle_ram(struct rig *rig)
{
	uint64_t gpa = rig->plan.split;

	if (!rig->ram_taken)
		return 0;
	rig->ram_taken = false;
	return sevlm_vm_add_region(rig->source.vm, gpa, rig->plan.memory - gpa,
				   rig->source.ram + gpa,
				   rig_ram_type(&rig->source));
}

int rig_again(struct rig *rig)
{
	struct sevlm_sim_host *host = rig->target.host;
	int ret;

	close_side(&rig->target);
	ret = settle_plug(&rig->source);
	if (!ret)
		ret = settle_ram(rig);
	forget(&rig->source);
	rig_trace(rig, "---- again");
	return ret ? ret : next(rig, host);
}

int rig_turn(struct rig *rig)
{
	struct sevlm_sim_host *host = rig->source.host;
	int ret = settle_plug(&rig->target);

	close_side(&rig->source);
	rig->source = rig->target;
	memset(&rig->target, 0, sizeof(rig->target));
	forget(&rig->source);
	rig_trace(rig, "---- and back");
	return ret ? ret : next(rig, host);
}

void rig_close(struct rig *rig)
{
	close_side(&rig->source);
	close_side(&rig->target);
	rig_pipe_fini(&rig->there);
	rig_pipe_fini(&rig->back);
	sevlm_trust_free(rig->trust);
	free(rig->bitmap);
	free(rig->state);
	rig->trust = NULL;
	rig->bitmap = NULL;
	rig->state = NULL;
}
