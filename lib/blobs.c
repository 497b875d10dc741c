/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "target.h"

#define LEAST_ROOM 65536u

static int begin_blob(struct sevlm_target *target,
		      const struct sevlm__state_piece *piece)
{
	struct sevlm__engine *engine = &target->engine;

	for (uint32_t i = 0; i < target->blob_count; i++)
		if (target->blobs[i].id == piece->id)
			return sevlm__fail(&engine->error, -EPROTO,
					   "state %u comes twice", piece->id);
	if (target->blob_count == SEVLM_MAX_STATES ||
	    piece->total > target->config.max_state_bytes - target->state_bytes)
		return sevlm__fail(&engine->error, -EPROTO,
				   "more than %llu bytes of guest state",
				   (unsigned long long)
					   target->config.max_state_bytes);
	target->state_bytes += piece->total;
	target->blobs[target->blob_count++] = (struct target_blob){
		.id = piece->id,
		.total = (size_t)piece->total,
	};
	return 0;
}

/* Room grows with what has come, not with what was announced. */
static int make_room(struct target_blob *blob, size_t bytes)
{
	size_t room = blob->room ? blob->room : LEAST_ROOM;
	uint8_t *buf;

	if (blob->have + bytes <= blob->room)
		return 0;
	while (room < blob->have + bytes)
		room *= 2;
	if (room > blob->total)
		room = blob->total;
	buf = malloc(room);
	if (!buf)
		return -ENOMEM;
	if (blob->have)
		memcpy(buf, blob->buf, blob->have);
	if (blob->buf)
		sevlm__wipe(blob->buf, blob->room);
	free(blob->buf);
	blob->buf = buf;
	blob->room = room;
	return 0;
}

int target_blob_add(struct sevlm_target *target, const uint8_t *body,
		    size_t bytes)
{
	struct sevlm__engine *engine = &target->engine;
	struct sevlm__state_piece piece;
	struct target_blob *blob;
	int ret = sevlm__state_decode(body, bytes, &piece);

	if (ret)
		return sevlm__fail(&engine->error, ret,
				   "a STATE record is malformed");
	if (!piece.offset)
		ret = begin_blob(target, &piece);
	if (ret)
		return ret;
	blob = target->blob_count ? &target->blobs[target->blob_count - 1] :
				    NULL;
	if (!blob || blob->id != piece.id || blob->total != piece.total ||
	    blob->have != piece.offset)
		return sevlm__fail(&engine->error, -EPROTO,
				   "a piece of state %u is out of order",
				   piece.id);
	if (make_room(blob, piece.count))
		return sevlm__fail(&engine->error, -ENOMEM,
				   "no memory for %zu bytes of guest state",
				   blob->total);
	memcpy(blob->buf + blob->have, piece.bytes, piece.count);
	blob->have += piece.count;
	return 0;
}

int target_blobs_complete(struct sevlm_target *target)
{
	for (uint32_t i = 0; i < target->blob_count; i++)
		if (target->blobs[i].have != target->blobs[i].total)
			return sevlm__fail(&target->engine.error, -EPROTO,
					   "state %u is not complete",
					   target->blobs[i].id);
	return 0;
}

void target_blobs_free(struct sevlm_target *target)
{
	for (uint32_t i = 0; i < target->blob_count; i++) {
		if (target->blobs[i].buf)
			sevlm__wipe(target->blobs[i].buf,
				    target->blobs[i].room);
		free(target->blobs[i].buf);
	}
	target->blob_count = 0;
}

SEVLM_API int sevlm_target_state(struct sevlm_target *target, uint32_t index,
				 uint32_t *ret_id, const void **ret_buf,
				 size_t *ret_bytes)
{
	if (!target || !ret_id || !ret_buf || !ret_bytes)
		return -EINVAL;
	if (target->engine.want != SEVLM_WANT_STATE)
		return -EBADFD;
	if (index >= target->blob_count)
		return -EINVAL;
	*ret_id = target->blobs[index].id;
	*ret_buf = target->blobs[index].buf;
	*ret_bytes = target->blobs[index].total;
	return 0;
}
