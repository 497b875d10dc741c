/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "doubt.h"

static int begin(struct side *side)
{
	const struct image *image = side->image.contents ? &side->image : NULL;
	struct shape shape;
	int ret = channel_open(&side->channel, &side->why);

	if (!ret)
		ret = preamble_receive(side, &shape);
	if (ret)
		return ret;
	ret = guest_prepare(&side->guest, &shape, image, &side->why);
	if (!ret)
		ret = side_target(side);
	if (ret) {
		preamble_answer(side, true, false);
		return ret;
	}
	return preamble_answer(side, false, false);
}

int receive_run(struct side *side)
{
	int ret = begin(side);

	if (ret)
		return ending_early(side, ret);
	move_run(side);
	doubt_target(side);
	return ending_target(side);
}

static int prepare(struct side *side)
{
	const struct options *options = side->options;
	int ret = side_init(side, "receive", options);

	if (!ret)
		ret = link_check(options->listen, options->insecure_plain,
				 &side->why);
	if (!ret)
		ret = show_init(&side->show, "target", options->json,
				options->quiet);
	if (!ret && options->image)
		ret = image_load(&side->image, options->image, &side->why);
	return ret;
}

/* the address that it really is; an IPv6 address is in brackets already */
static void note_address(struct side *side, uint16_t port)
{
	const char *address = side->options->listen;
	int host = (int)(strrchr(address, ':') - address);

	snprintf(side->address, sizeof(side->address), "%.*s:%u", host, address,
		 port);
}

static int accept_source(struct side *side)
{
	const struct options *options = side->options;
	uint16_t port = 0;

	side->listener = link_listen(options->listen, options->insecure_plain,
				     &port, &side->why);
	if (side->listener < 0)
		return side->listener;
	note_address(side, port);
	show_listening(&side->show, side->address);
	return link_accept(&side->channel.link, side->listener, options->wait_s,
			   &side->why);
}

int command_receive(const struct options *options)
{
	struct side side = {.options = options};
	int ret = STATUS_USAGE, error;

	if (prepare(&side)) {
		complain("receive", "%s", side.why.text);
	} else {
		error = accept_source(&side);
		ret = error ? ending_early(&side, error) : receive_run(&side);
	}
	side_free(&side);
	image_free(&side.image);
	return ret;
}
