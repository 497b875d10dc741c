/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "engine.h"

int sevlm__outbox_init(struct sevlm__outbox *outbox, size_t payload_bytes)
{
	size_t slot = OUT_HEAD_SIZE + payload_bytes;

	memset(outbox, 0, sizeof(*outbox));
	if (pthread_mutex_init(&outbox->lock, NULL))
		return -ENOMEM;
	outbox->payload_bytes = payload_bytes;
	outbox->memory = malloc(OUTBOX_SLOTS * slot);
	if (!outbox->memory)
		return -ENOMEM;
	for (int i = 0; i < OUTBOX_SLOTS; i++) {
		outbox->slots[i].head = outbox->memory + (size_t)i * slot;
		outbox->slots[i].payload =
			outbox->slots[i].head + OUT_HEAD_SIZE;
	}
	memcpy(outbox->magic, RECORD_MAGIC, RECORD_MAGIC_SIZE);
	outbox->magic_left = RECORD_MAGIC_SIZE;
	return 0;
}

void sevlm__outbox_fini(struct sevlm__outbox *outbox)
{
	free(outbox->memory);
	if (outbox->payload_bytes)
		pthread_mutex_destroy(&outbox->lock);
}

struct sevlm__out *sevlm__outbox_begin(struct sevlm__outbox *outbox)
{
	struct sevlm__out *out = NULL;

	pthread_mutex_lock(&outbox->lock);
	/* where all was written: the slot that is still in the cache */
	if (!outbox->count)
		outbox->first = 0;
	if (outbox->count < OUTBOX_SLOTS)
		out = &outbox->slots[(outbox->first + outbox->count) %
				     OUTBOX_SLOTS];
	pthread_mutex_unlock(&outbox->lock);
	if (out) {
		/* the head comes first; its length is known last */
		out->iov[0] = (struct iovec){ out->head, 0 };
		out->parts = 1;
		out->bytes = 0;
	}
	return out;
}

void sevlm__out_add(struct sevlm__out *out, void *buf, size_t bytes)
{
	struct iovec *last = &out->iov[out->parts - 1];

	out->bytes += bytes;
	if (out->parts > 1 && (uint8_t *)last->iov_base + last->iov_len == buf)
		last->iov_len += bytes;
	else
		out->iov[out->parts++] = (struct iovec){ buf, bytes };
}

void sevlm__outbox_end(struct sevlm__outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	outbox->count++;
	pthread_mutex_unlock(&outbox->lock);
}

/* The parts of a slot behind the first skip bytes. */
static size_t list_parts(const struct sevlm__out *out, size_t skip,
			 struct iovec *iov, size_t room)
{
	size_t used = 0;

	for (uint32_t i = 0; i < out->parts && used < room; i++) {
		struct iovec part = out->iov[i];

		if (skip >= part.iov_len) {
			skip -= part.iov_len;
			continue;
		}
		part.iov_base = (uint8_t *)part.iov_base + skip;
		part.iov_len -= skip;
		skip = 0;
		iov[used++] = part;
	}
	return used;
}

void sevlm__outbox_output(struct sevlm__outbox *outbox, struct iovec *iov,
			  size_t *count)
{
	size_t room = *count, used = 0, skip;

	pthread_mutex_lock(&outbox->lock);
	skip = outbox->consumed;
	if (outbox->magic_left && outbox->count && room)
		iov[used++] = (struct iovec){
			outbox->magic + RECORD_MAGIC_SIZE - outbox->magic_left,
			outbox->magic_left
		};
	for (uint32_t i = 0; i < outbox->count && used < room; i++) {
		uint32_t at = (outbox->first + i) % OUTBOX_SLOTS;

		used += list_parts(&outbox->slots[at], skip, iov + used,
				   room - used);
		skip = 0;
	}
	if (outbox->closed)
		used = 0;
	pthread_mutex_unlock(&outbox->lock);
	*count = used;
}

static size_t waiting(const struct sevlm__outbox *outbox)
{
	size_t bytes = outbox->count ? outbox->magic_left : 0;

	for (uint32_t i = 0; i < outbox->count; i++)
		bytes += outbox->slots[(outbox->first + i) % OUTBOX_SLOTS].bytes;
	return bytes - outbox->consumed;
}

static void consume(struct sevlm__outbox *outbox, size_t bytes)
{
	size_t magic = bytes < outbox->magic_left ? bytes : outbox->magic_left;

	outbox->moved += bytes;
	outbox->magic_left -= magic;
	outbox->consumed += bytes - magic;
	while (outbox->count &&
	       outbox->consumed >= outbox->slots[outbox->first].bytes) {
		outbox->consumed -= outbox->slots[outbox->first].bytes;
		outbox->first = (outbox->first + 1) % OUTBOX_SLOTS;
		outbox->count--;
	}
}

int sevlm__outbox_consumed(struct sevlm__outbox *outbox, size_t bytes)
{
	int ret = 0;

	pthread_mutex_lock(&outbox->lock);
	if (bytes > waiting(outbox))
		ret = -EINVAL;
	else
		consume(outbox, bytes);
	pthread_mutex_unlock(&outbox->lock);
	return ret;
}

void sevlm__outbox_close(struct sevlm__outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	outbox->closed = true;
	pthread_mutex_unlock(&outbox->lock);
}

void sevlm__outbox_reset(struct sevlm__outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	outbox->first = 0;
	outbox->count = 0;
	outbox->consumed = 0;
	outbox->magic_left = RECORD_MAGIC_SIZE;
	outbox->closed = false;
	pthread_mutex_unlock(&outbox->lock);
}

bool sevlm__outbox_left(struct sevlm__outbox *outbox)
{
	bool left;

	pthread_mutex_lock(&outbox->lock);
	left = outbox->count;
	pthread_mutex_unlock(&outbox->lock);
	return left;
}

bool sevlm__outbox_empty(struct sevlm__outbox *outbox)
{
	bool empty;

	pthread_mutex_lock(&outbox->lock);
	empty = !outbox->count || outbox->closed;
	pthread_mutex_unlock(&outbox->lock);
	return empty;
}

bool sevlm__outbox_full(struct sevlm__outbox *outbox)
{
	bool full;

	pthread_mutex_lock(&outbox->lock);
	full = outbox->count == OUTBOX_SLOTS;
	pthread_mutex_unlock(&outbox->lock);
	return full;
}

uint64_t sevlm__outbox_moved(struct sevlm__outbox *outbox)
{
	uint64_t moved;

	pthread_mutex_lock(&outbox->lock);
	moved = outbox->moved;
	pthread_mutex_unlock(&outbox->lock);
	return moved;
}
