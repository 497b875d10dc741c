/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "rig.h"

static int open_resolver(struct rig_side *side)
{
	struct sevlm_resolver_config config = {
		.size = sizeof(config),
		.note = side->note,
		.channel = SEVLM_CHANNEL_DECLARED,
		/* does the guest that was taken over still run? */
		.lost = side->target && (side->killed || !side->ran),
		.timeout_ns = side->rig->plan.commit_ns,
	};

	memset(config.exporter, 0x33, sizeof(config.exporter));
	rig_free_engine(side);
	return sevlm_resolver_new(&config, &side->resolver);
}

static int reconnect(struct rig_side *side)
{
	struct sevlm_reconnect config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_DECLARED,
	};

	memset(config.exporter, 0x33, sizeof(config.exporter));
	if (side->killed || side->dropped)
		return side->barred ? open_resolver(side) : -EBADFD;
	return side->target
		       ? sevlm_target_reconnect(side->target_engine, &config)
		       : sevlm_source_reconnect(side->source_engine, &config);
}

static bool takes_part(struct rig_side *side)
{
	int ret = reconnect(side);

	rig_trace(side->rig, "%s: reconnects%s, %d", side->name,
		  side->resolver ? " with its note" : "", ret);
	side->closed = ret != 0;
	if (!ret)
		side->ended = false;
	side->want = 0;
	return !ret;
}

uint32_t rig_reconnect(struct rig *rig)
{
	uint32_t ret = 0;

	rig_trace(rig, "---- resolve");
	if (rig_relink(rig))
		return 0;
	if (takes_part(&rig->source))
		ret |= RIG_SOURCE;
	if (takes_part(&rig->target))
		ret |= RIG_TARGET;
	return ret;
}

int rig_fence(struct rig *rig)
{
	struct rig_side *target = &rig->target;
	int ret = sevlm_target_source_fenced(target->target_engine);

	rig_trace(rig, "target: the source is fenced, %d", ret);
	if (!ret)
		target->ended = false;
	return ret;
}

void rig_reconnected(struct rig *rig)
{
	struct rig_side *source = &rig->source;

	if (!source->resolver || source->killed ||
	    source->outcome != SEVLM_OUTCOME_ABORTED)
		return;
	source->barred = false;
	source->running = true;
	if (rig->target.ran)
		rig->both = true;
}
