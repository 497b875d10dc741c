/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "engine.h"

/* room for a header behind the record saves a read(2) per record */
#define SLOT_BYTES(max_body)                                                  \
	(RECORD_HEADER_SIZE + (size_t)(max_body) + RECORD_HEADER_SIZE)

int sevlm__inbox_init(struct sevlm__inbox *inbox, uint32_t max_body)
{
	size_t slot = SLOT_BYTES(max_body);

	memset(inbox, 0, sizeof(*inbox));
	if (pthread_mutex_init(&inbox->lock, NULL))
		return -ENOMEM;
	inbox->max_body = max_body;
	for (int i = 0; i < INBOX_SLOTS; i++)
		if (!(inbox->slots[i] = malloc(slot)))
			return -ENOMEM;
	return 0;
}

void sevlm__inbox_fini(struct sevlm__inbox *inbox)
{
	size_t slot = SLOT_BYTES(inbox->max_body);

	for (int i = 0; i < INBOX_SLOTS; i++) {
		/* state of the guest, and its session */
		if (inbox->slots[i])
			sevlm__wipe(inbox->slots[i], slot);
		free(inbox->slots[i]);
	}
	if (inbox->max_body)
		pthread_mutex_destroy(&inbox->lock);
}

static uint8_t *filling(const struct sevlm__inbox *inbox)
{
	return inbox->slots[(inbox->first + inbox->count) % INBOX_SLOTS];
}

/* The header is complete: how long is the record? */
static void begin_record(struct sevlm__inbox *inbox)
{
	struct sevlm__record record;

	inbox->broken = sevlm__record_decode(filling(inbox), &record);
	if (!inbox->broken &&
	    (!record.length || record.length > inbox->max_body))
		inbox->broken = -EBADMSG;
	if (!inbox->broken)
		inbox->total = RECORD_HEADER_SIZE + record.length;
}

static void take_next(struct sevlm__inbox *inbox)
{
	if (!inbox->next_pending || inbox->count == INBOX_SLOTS)
		return;
	memcpy(filling(inbox), inbox->next, inbox->have);
	inbox->next_pending = false;
	if (inbox->have == RECORD_HEADER_SIZE)
		begin_record(inbox);
}

static size_t space(struct sevlm__inbox *inbox, void **ret_buf)
{
	size_t end;

	if (inbox->broken || inbox->closed)
		return 0;
	if (inbox->magic_have < RECORD_MAGIC_SIZE) {
		*ret_buf = inbox->magic + inbox->magic_have;
		return RECORD_MAGIC_SIZE - inbox->magic_have;
	}
	take_next(inbox);
	if (inbox->count == INBOX_SLOTS || inbox->broken)
		return 0;
	end = inbox->total ? inbox->total + RECORD_HEADER_SIZE :
			     RECORD_HEADER_SIZE;
	*ret_buf = filling(inbox) + inbox->have;
	return end - inbox->have;
}

void sevlm__inbox_space(struct sevlm__inbox *inbox, void **ret_buf,
			size_t *ret_bytes)
{
	pthread_mutex_lock(&inbox->lock);
	*ret_buf = NULL;
	*ret_bytes = space(inbox, ret_buf);
	inbox->lent = *ret_bytes > 0;
	pthread_mutex_unlock(&inbox->lock);
}

static void end_record(struct sevlm__inbox *inbox)
{
	size_t beyond = inbox->have - inbox->total;

	memcpy(inbox->next, filling(inbox) + inbox->total, beyond);
	inbox->next_pending = beyond > 0;
	inbox->have = beyond;
	inbox->total = 0;
	inbox->count++;
}

static void fed(struct sevlm__inbox *inbox, size_t bytes)
{
	inbox->moved += bytes;
	if (inbox->magic_have < RECORD_MAGIC_SIZE) {
		inbox->magic_have += bytes;
		if (memcmp(inbox->magic, RECORD_MAGIC, inbox->magic_have))
			inbox->broken = -EPROTO;
		return;
	}
	inbox->have += bytes;
	if (!inbox->total && inbox->have == RECORD_HEADER_SIZE)
		begin_record(inbox);
	else if (inbox->total && inbox->have >= inbox->total)
		end_record(inbox);
}

int sevlm__inbox_fed(struct sevlm__inbox *inbox, size_t bytes)
{
	void *unused;
	int ret = 0;

	pthread_mutex_lock(&inbox->lock);
	if (bytes > space(inbox, &unused))
		ret = -EINVAL;
	else if (bytes)
		fed(inbox, bytes);
	if (!ret)
		inbox->lent = false;
	pthread_mutex_unlock(&inbox->lock);
	return ret;
}

size_t sevlm__inbox_feed(struct sevlm__inbox *inbox, const void *buf,
			 size_t bytes)
{
	size_t taken = 0, room, part;
	void *to;

	while (taken < bytes) {
		sevlm__inbox_space(inbox, &to, &room);
		if (!room)
			break;
		part = bytes - taken < room ? bytes - taken : room;
		memcpy(to, (const uint8_t *)buf + taken, part);
		sevlm__inbox_fed(inbox, part);
		taken += part;
	}
	return taken;
}

void sevlm__inbox_close(struct sevlm__inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->closed = true;
	pthread_mutex_unlock(&inbox->lock);
}

void sevlm__inbox_reset(struct sevlm__inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->first = 0;
	inbox->count = 0;
	inbox->have = 0;
	inbox->total = 0;
	inbox->magic_have = 0;
	inbox->next_pending = false;
	inbox->lent = false;
	inbox->broken = 0;
	inbox->closed = false;
	pthread_mutex_unlock(&inbox->lock);
}

int sevlm__inbox_peek(struct sevlm__inbox *inbox, struct sevlm__record *record,
		      const uint8_t **ret_header, const uint8_t **ret_body)
{
	int ret = 0;

	pthread_mutex_lock(&inbox->lock);
	if (!inbox->count)
		ret = inbox->broken ? inbox->broken :
		      inbox->closed ? -ECONNRESET :
				      -EAGAIN;
	*ret_header = inbox->slots[inbox->first];
	pthread_mutex_unlock(&inbox->lock);
	if (ret)
		return ret;
	*ret_body = *ret_header + RECORD_HEADER_SIZE;
	return sevlm__record_decode(*ret_header, record);
}

void sevlm__inbox_release(struct sevlm__inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	/* where the next record has not begun: the slot that is still in the
	 * cache */
	if (inbox->count > 1 || inbox->lent ||
	    (inbox->have && !inbox->next_pending))
		inbox->first = (inbox->first + 1) % INBOX_SLOTS;
	inbox->count--;
	pthread_mutex_unlock(&inbox->lock);
}

uint64_t sevlm__inbox_moved(struct sevlm__inbox *inbox)
{
	uint64_t moved;

	pthread_mutex_lock(&inbox->lock);
	moved = inbox->moved;
	pthread_mutex_unlock(&inbox->lock);
	return moved;
}

size_t sevlm__inbox_partial(struct sevlm__inbox *inbox)
{
	size_t have;

	pthread_mutex_lock(&inbox->lock);
	have = inbox->have;
	if (inbox->magic_have < RECORD_MAGIC_SIZE)
		have = inbox->magic_have;
	pthread_mutex_unlock(&inbox->lock);
	return have;
}
