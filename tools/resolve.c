/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What has become of a guest, by the operator's word or by a note. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "side.h"

#define IOVECS 4u
#define RETRY_NS (NS_PER_S / 10)

struct resolution {
	const struct options *options;
	struct channel channel;
	struct show show;
	struct file note;
	bool lost; /* of a target: the guest died with its process */
	int listener; /* -1: none */
	struct sevlm_resolver *resolver;
	uint32_t outcome;
	struct sentence why, said;
};

/* ---- one attempt ---- */

static void write_some(struct resolution *resolution)
{
	struct iovec iov[IOVECS];
	size_t count = IOVECS;
	ssize_t put;

	if (sevlm_resolver_output(resolution->resolver, iov, &count) || !count)
		return;
	put = channel_write(&resolution->channel,
			    resolution->lost ? FROM_TARGET : FROM_SOURCE, iov,
			    count);
	if (put > 0)
		sevlm_resolver_consumed(resolution->resolver, (size_t)put);
}

static void read_some(struct resolution *resolution)
{
	uint8_t buf[4096];
	size_t taken;
	ssize_t got;

	got = channel_read(&resolution->channel,
			   resolution->lost ? FROM_SOURCE : FROM_TARGET, buf,
			   sizeof(buf));
	/* one record is all that comes, and there is room for it */
	if (got > 0)
		sevlm_resolver_feed(resolution->resolver, buf, (size_t)got,
				    &taken);
}

static uint64_t patience(const struct resolution *resolution, uint32_t want)
{
	uint64_t deadline = sevlm_resolver_deadline(resolution->resolver);
	uint64_t now = now_ns();

	if (want & SEVLM_WANT_STEP || deadline <= now)
		return 0;
	return deadline == SEVLM_NO_DEADLINE ? deadline : deadline - now;
}

static void move_bytes(struct resolution *resolution, uint32_t want)
{
	struct channel *channel = &resolution->channel;
	short events = 0, ready;

	if (want & SEVLM_WANT_WRITE && !channel_mute(channel))
		events |= POLLOUT;
	if (want & SEVLM_WANT_READ && !channel_ended(channel))
		events |= POLLIN;
	if (!events && !(want & SEVLM_WANT_STEP)) {
		sevlm_resolver_closed(resolution->resolver);
		return;
	}
	ready = channel_poll(channel, events, patience(resolution, want));
	if (events & POLLOUT && ready)
		write_some(resolution);
	if (events & POLLIN && ready)
		read_some(resolution);
}

static int make(struct resolution *resolution)
{
	struct sevlm_resolver_config config = {
		.size = sizeof(config),
		.note = resolution->note.contents,
		.channel = channel_kind(&resolution->channel),
		.lost = resolution->lost,
	};
	int ret = channel_exporter(&resolution->channel, config.exporter);

	if (!ret)
		ret = sevlm_resolver_new(&config, &resolution->resolver);
	return ret ? fail(&resolution->why, ret, "%s", sevlm_strerror(ret)) : 0;
}

static void run(struct resolution *resolution)
{
	struct link *link = &resolution->channel.link;
	uint32_t want;

	while (!sevlm_resolver_step(resolution->resolver, now_ns(), &want) &&
	       want) {
		if (link->cancelled)
			sevlm_resolver_closed(resolution->resolver);
		move_bytes(resolution, want);
	}
}

/* in a channel whose link is there */
static int attempt(struct resolution *resolution)
{
	int cause, ret = channel_open(&resolution->channel, &resolution->why);

	if (!ret)
		ret = make(resolution);
	if (ret)
		return ret;
	run(resolution);
	sevlm_resolver_outcome(resolution->resolver, &resolution->outcome,
			       &cause);
	fail(&resolution->why, 0, "%s",
	     sevlm_resolver_error(resolution->resolver));
	sevlm_resolver_free(resolution->resolver);
	resolution->resolver = NULL;
	channel_farewell(&resolution->channel);
	return resolution->outcome == SEVLM_OUTCOME_IN_DOUBT ? -EAGAIN : 0;
}

/* ---- until one of them was of use ---- */

static int try_once(struct resolution *resolution, uint64_t until)
{
	const struct options *options = resolution->options;
	struct channel *channel = &resolution->channel;
	int ret;

	channel_drop(channel);
	if (resolution->listener < 0)
		ret = link_connect(&channel->link, options->to,
				   options->insecure_plain, &resolution->why);
	else if (link_watch(&channel->link, resolution->listener, until))
		ret = link_answer(&channel->link, resolution->listener,
				  &resolution->why);
	else
		return -EAGAIN;
	if (!ret)
		ret = attempt(resolution);
	if (ret && !channel->link.cancelled &&
	    strcmp(resolution->said.text, resolution->why.text)) {
		show_event(&resolution->show, "attempt-failed",
			   resolution->why.text);
		resolution->said = resolution->why;
	}
	return ret;
}

static void resolve(struct resolution *resolution)
{
	uint64_t wait_s = resolution->options->wait_s;
	/* without an end where the source is to come */
	uint64_t until = wait_s || resolution->listener < 0
				 ? now_ns() + wait_s * NS_PER_S
				 : SEVLM_NO_DEADLINE;
	struct link *link = &resolution->channel.link;

	while (try_once(resolution, until) && !link->cancelled &&
	       now_ns() < until)
		if (resolution->listener < 0)
			link_poll(link, 0, RETRY_NS);
	if (link->cancelled && resolution->outcome == SEVLM_OUTCOME_NONE)
		fail(&resolution->why, 0, "interrupted by a signal");
}

/* ---- what is said of it ---- */

static const struct {
	uint32_t outcome;
	const char *name;
	int status;
	const char *text;
} ends[] = {
	{SEVLM_OUTCOME_COMPLETED, "completed", STATUS_DONE,
	 "the guest runs on the target"},
	{SEVLM_OUTCOME_ABORTED, "aborted", STATUS_FAILED,
	 "the guest will never run on the target: where its source still has "
	 "it, it may run there"},
	{SEVLM_OUTCOME_LOST, "lost", STATUS_LOST, "the guest runs nowhere"},
	{SEVLM_OUTCOME_IN_DOUBT, "in-doubt", STATUS_IN_DOUBT, "still in doubt"},
};

static int tell(const struct options *options, const char *outcome, int status,
		const char *text)
{
	if (options->json) {
		printf("{\"event\":\"result\",\"outcome\":\"%s\",\"sentence\":",
		       outcome);
		json_text(text);
		printf(",\"exit_status\":%d}\n", status);
	} else if (!status) {
		puts(text);
	}
	if (status)
		complain("resolve", "%s", text);
	return status;
}

static int conclude(const struct resolution *resolution)
{
	const struct options *options = resolution->options;
	const char *why = resolution->why.text;
	struct sentence text;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(ends) &&
	       ends[i].outcome != resolution->outcome)
		i++;
	fail(&text, 0, "%s%s%.300s", ends[i].text,
	     *why && ends[i].status ? ": " : "", ends[i].status ? why : "");
	return tell(options, ends[i].name, ends[i].status, text.text);
}

/* ---- the command ---- */

static int try_note(const struct resolution *resolution, bool lost)
{
	struct sevlm_resolver_config config = {
		.size = sizeof(config),
		.note = resolution->note.contents,
		.channel = SEVLM_CHANNEL_INSECURE,
		.lost = lost,
	};
	struct sevlm_resolver *resolver = NULL;
	int ret = sevlm_resolver_new(&config, &resolver);

	sevlm_resolver_free(resolver);
	return ret;
}

/* Only a target can have lost a guest that it took over. */
static int check_note(struct resolution *resolution)
{
	const char *path = resolution->options->note;
	bool target = !try_note(resolution, true);
	int ret = try_note(resolution, false);

	if (ret)
		return fail(&resolution->why, ret,
			    "--note %s: it is no note, or damaged", path);
	if (target == resolution->lost)
		return 0;
	return fail(&resolution->why, -EINVAL, "--note %s: it is a %s", path,
		    target ? "target's, which waits with --listen"
			   : "source's, which goes there with --to");
}

static int listen_there(struct resolution *resolution)
{
	const struct options *options = resolution->options;
	char address[280];
	uint16_t port;
	int host;

	resolution->listener =
		link_listen(options->listen, options->insecure_plain, &port,
			    &resolution->why);
	if (resolution->listener < 0)
		return resolution->listener;
	host = (int)(strrchr(options->listen, ':') - options->listen);
	snprintf(address, sizeof(address), "%.*s:%u", host, options->listen,
		 port);
	show_listening(&resolution->show, address);
	return 0;
}

static int prepare(struct resolution *resolution)
{
	const struct options *options = resolution->options;
	struct sentence *why = &resolution->why;
	int ret = channel_init(&resolution->channel, options, !resolution->lost,
			       why);

	if (!ret)
		ret = show_init(&resolution->show,
				resolution->lost ? "target" : "source",
				options->json, false);
	if (!ret)
		ret = file_read(&resolution->note, options->note,
				SEVLM_NOTE_SIZE, true, why);
	if (!ret && resolution->note.bytes != SEVLM_NOTE_SIZE)
		ret = fail(why, -EBADMSG, "--note %s has %zu bytes, and not %u",
			   options->note, resolution->note.bytes,
			   SEVLM_NOTE_SIZE);
	if (!ret)
		ret = check_note(resolution);
	if (!ret && options->to)
		ret = link_check(options->to, options->insecure_plain, why);
	return ret || options->to ? ret : listen_there(resolution);
}

static int by_note(const struct options *options)
{
	struct resolution resolution = {
		.options = options,
		.lost = options->listen,
		.listener = -1,
	};
	int ret = STATUS_USAGE;

	if (prepare(&resolution)) {
		complain("resolve", "%s", resolution.why.text);
	} else {
		resolve(&resolution);
		ret = conclude(&resolution);
	}
	file_free(&resolution.note);
	show_free(&resolution.show);
	channel_free(&resolution.channel);
	if (resolution.listener >= 0)
		close(resolution.listener);
	return ret;
}

static int by_operator(const struct options *options)
{
	static const char *const names[] = {
		[STATUS_DONE] = "completed", [STATUS_FAILED] = "aborted",
		[STATUS_USAGE] = "none",     [STATUS_IN_DOUBT] = "in-doubt",
		[STATUS_LOST] = "lost",
	};
	struct sentence why;
	int status;

	if (!control_ask(options->control, CONTROL_FENCED, &status, &why))
		return tell(options, names[status], status, why.text);
	complain("resolve", "%s", why.text);
	return STATUS_USAGE;
}

int command_resolve(const struct options *options)
{
	return options->note ? by_note(options) : by_operator(options);
}
