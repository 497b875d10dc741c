/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "doubt.h"

#define DEFAULT_MEMORY (512 * MIB)
#define RETRY_NS (NS_PER_S / 10)

static uint64_t memory_for(const struct image *image)
{
	if (!image->bytes)
		return DEFAULT_MEMORY;
	return (image->bytes + MIB - 1) / MIB * MIB;
}

int shape_of(const struct options *options, struct image *image,
	     struct shape *shape, struct sentence *why)
{
	char size[32];
	int ret = 0;

	if (options->image)
		ret = image_load(image, options->image, why);
	if (ret)
		return ret;
	*shape = (struct shape){
		.memory = options->memory ? options->memory : memory_for(image),
		.seed = options->seed,
		.rate = options->rate,
		.image_bytes = image->bytes,
		.workload = (uint32_t)options->workload,
		.offered = !options->no_offer,
	};
	if (shape->image_bytes <= shape->memory)
		return 0;
	return fail(why, -EINVAL, "--image %s does not fit into %s",
		    options->image,
		    size_text(shape->memory, size, sizeof(size)));
}

/* The target may be started later. */
static int find_target(struct side *side)
{
	const struct options *options = side->options;
	uint64_t until = now_ns() + options->wait_s * NS_PER_S;
	bool said = false;
	int ret;

	for (;;) {
		ret = link_connect(&side->channel.link, options->to,
				   options->insecure_plain, &side->why);
		if (!ret)
			side->why.text[0] = '\0';
		if (ret != -ECONNREFUSED || now_ns() >= until)
			return ret;
		if (!said)
			show_waiting(&side->show, options->to);
		said = true;
		link_poll(&side->channel.link, 0, RETRY_NS);
		if (side->channel.link.cancelled)
			return fail(&side->why, -ECANCELED,
				    "interrupted before a target appeared");
	}
}

static int run_guest(struct side *side, const struct shape *shape)
{
	int ret = guest_launch(&side->guest, shape, &side->image, &side->why);

	if (ret)
		return ret;
	ret = vcpu_resume(&side->guest);
	return ret ? fail(&side->why, ret, "the vCPU got no thread: %s",
			  strerror(-ret))
		   : 0;
}

static int meet_target(struct side *side)
{
	int ret = find_target(side);

	return ret ? ret : channel_open(&side->channel, &side->why);
}

/* A peer that is there already does not wait until the guest runs. */
static int begin(struct side *side, const struct shape *shape)
{
	bool there = side->channel.link.fd >= 0;
	int ret = there ? channel_open(&side->channel, &side->why) : 0;

	if (!ret)
		ret = run_guest(side, shape);
	if (!ret && !there)
		ret = meet_target(side);
	if (!ret)
		ret = preamble_send(side);
	return ret ? ret : side_source(side);
}

int send_run(struct side *side, const struct shape *shape)
{
	int ret = begin(side, shape);

	if (ret)
		return ending_early(side, ret);
	move_run(side);
	doubt_source(side);
	return ending_source(side);
}

static int prepare(struct side *side, struct shape *shape)
{
	const struct options *options = side->options;
	int ret = side_init(side, "send", options);

	if (!ret)
		ret = link_check(options->to, options->insecure_plain,
				 &side->why);
	if (!ret)
		ret = show_init(&side->show, "source", options->json,
				options->quiet);
	return ret ? ret : shape_of(options, &side->image, shape, &side->why);
}

int command_send(const struct options *options)
{
	struct side side = {.options = options};
	struct shape shape;
	int ret = STATUS_USAGE;

	if (prepare(&side, &shape))
		complain("send", "%s", side.why.text);
	else
		ret = send_run(&side, &shape);
	side_free(&side);
	image_free(&side.image);
	return ret;
}
