/* SPDX-License-Identifier: MIT-0 */
/* A migration: step the engine, do what it wants, move its bytes. */
#include <err.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "hooks.h"
#include "keep.h"
#include "link.h"

#define WANT_BYTES (SEVLM_WANT_STEP | SEVLM_WANT_WRITE | SEVLM_WANT_READ)
#define IOVECS	   64
#define MAX_ROUNDS 4 /* a guest that writes without end ends this, too */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void feed(struct move *move)
{
	size_t taken = 0;

	engine_feed(move, move->held + move->held_from,
		    move->held_to - move->held_from, &taken);
	move->held_from += taken;
}

/* false where nothing moved */
static bool read_some(struct move *move)
{
	ssize_t got;

	if (move->held_from == move->held_to) {
		got = channel_read(&move->channel, move->held,
				   hook_limit(move, sizeof(move->held)));
		if (!got)
			engine_closed(move);
		if (got <= 0)
			return !got;
		move->held_from = 0;
		move->held_to = (size_t)got;
		hook_moved(move, (size_t)got);
	}
	feed(move);
	return true;
}

static void cut(struct iovec *iov, size_t count, size_t most)
{
	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len > most)
			iov[i].iov_len = most;
		most -= iov[i].iov_len;
	}
}

static bool write_some(struct move *move)
{
	struct iovec iov[IOVECS];
	size_t count = IOVECS;
	ssize_t put;

	engine_output(move, iov, &count);
	cut(iov, count, hook_limit(move, SIZE_MAX));
	put = channel_write(&move->channel, iov, count);
	if (put < 0)
		return false;
	engine_consumed(move, (size_t)put);
	hook_moved(move, (size_t)put);
	return true;
}

static int timeout_ms(struct move *move, uint32_t want)
{
	uint64_t deadline = engine_deadline(move), now = now_ns();

	if (want & SEVLM_WANT_STEP || deadline <= now)
		return 0;
	if (deadline == SEVLM_NO_DEADLINE)
		return -1;
	deadline = (deadline - now) / 1000000u + 1;
	return deadline < INT_MAX ? (int)deadline : INT_MAX;
}

static void move_bytes(struct move *move, uint32_t want)
{
	bool read = want & SEVLM_WANT_READ || move->channel.mute;
	bool moved = false;

	if (read)
		moved = read_some(move);
	if (want & SEVLM_WANT_WRITE)
		moved = write_some(move) || moved;
	if (!moved)
		channel_wait(&move->channel, read, timeout_ms(move, want));
}

uint32_t move_drive(struct move *move)
{
	uint32_t want;

	while ((want = engine_step(move, now_ns()))) {
		if (want & ~WANT_BYTES)
			wants_answer(move, want & ~WANT_BYTES);
		else
			move_bytes(move, want);
	}
	return engine_outcome(move);
}

static int refused(struct vmm *vmm, int error)
{
	warnx("%s: %s", sevlm_strerror(error), sevlm_vm_error(vmm->vm));
	return -1;
}

static int open_source(struct move *move)
{
	const struct papers *papers = &move->papers;
	struct sevlm_source_config config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_DECLARED,
		.hello_timeout_ns = move->vmm->patience_ns,
		.stall_timeout_ns = move->vmm->patience_ns,
		.commit_timeout_ns = move->vmm->patience_ns,
		.max_rounds = MAX_ROUNDS,
		.stop_anyway = 1,
		.cpuid = move->vmm->vcpu.cpuid,
		.trust = papers->trust,
		.chain = papers->chain,
		.amd = papers->amd,
		.amd_bytes = papers->amd_bytes,
	};
	int ret;

	getrandom(config.nonce, sizeof(config.nonce), 0);
	sevlm_tls_exporter(move->channel.tls, config.exporter);
	ret = sevlm_source_new(move->vmm->vm, &config, &move->source);
	return ret ? refused(move->vmm, ret) : 0;
}

static int open_target(struct move *move)
{
	const struct papers *papers = &move->papers;
	struct sevlm_target_config config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_DECLARED,
		.hello_timeout_ns = move->vmm->patience_ns,
		.stall_timeout_ns = move->vmm->patience_ns,
		.cpuid = move->vmm->vcpu.cpuid,
		.trust = papers->trust,
		.chain = papers->chain,
		.amd = papers->amd,
		.amd_bytes = papers->amd_bytes,
	};
	int ret;

	getrandom(config.nonce, sizeof(config.nonce), 0);
	sevlm_tls_exporter(move->channel.tls, config.exporter);
	ret = sevlm_target_new(move->vmm->vm, &config, &move->target);
	return ret ? refused(move->vmm, ret) : 0;
}

/* another channel, between the same two */
static int meet(struct move *move, int fd, uint32_t role)
{
	move->role = role;
	return channel_open(&move->channel, fd, role, move->papers.psk);
}

static int begin(struct move *move, struct vmm *vmm, int fd, uint32_t role)
{
	memset(move, 0, sizeof(*move));
	move->vmm = vmm;
	move->channel.fd = -1;
	if (!papers_load(vmm, &move->papers))
		return meet(move, fd, role);
	link_farewell(fd);
	return -1;
}

int move_open(struct move *move, struct vmm *vmm, int fd, uint32_t role)
{
	if (begin(move, vmm, fd, role))
		return -1;
	if (role == SEVLM_TLS_TARGET)
		return open_target(move);
	return memory_dirty_log(vmm, true) ? -1 : open_source(move);
}

int move_reconnect(struct move *move, int fd)
{
	struct sevlm_reconnect config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_DECLARED,
	};

	channel_close(&move->channel);
	move->held_from = move->held_to = 0;
	if (meet(move, fd, move->role))
		return -1;
	sevlm_tls_exporter(move->channel.tls, config.exporter);
	return engine_reconnect(move, &config) ? -1 : 0;
}

int move_resolve(struct move *move, struct vmm *vmm, int fd, uint32_t role)
{
	uint8_t note[SEVLM_NOTE_SIZE];
	struct sevlm_resolver_config config = {
		.size = sizeof(config),
		.note = note,
		.channel = SEVLM_CHANNEL_DECLARED,
		.lost = role == SEVLM_TLS_TARGET,
	};
	int ret;

	if (begin(move, vmm, fd, role) || keep_read_note(vmm->keep, note))
		return -1;
	sevlm_tls_exporter(move->channel.tls, config.exporter);
	ret = sevlm_resolver_new(&config, &move->resolver);
	explicit_bzero(note, sizeof(note));
	return ret ? refused(vmm, ret) : 0;
}

void move_close(struct move *move)
{
	channel_close(&move->channel);
	if (move->source)
		memory_dirty_log(move->vmm, false);
	sevlm_source_free(move->source);
	sevlm_target_free(move->target);
	sevlm_resolver_free(move->resolver);
	papers_free(&move->papers);
	memset(move, 0, sizeof(*move));
	move->channel.fd = -1;
}
