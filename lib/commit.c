/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "engine.h"

#define NOTE_MAGIC "SEVLMNT1"

int sevlm__commit_token(struct sevlm__engine *engine)
{
	char label[] = "sevlm session token";
	struct iovec parts[] = {
		{ label, sizeof(label) - 1 },
		{ engine->nonces[0], SEVLM_NONCE_SIZE },
		{ engine->nonces[1], SEVLM_NONCE_SIZE },
	};

	return sevlm__digest(parts, ARRAY_SIZE(parts), engine->token);
}

int sevlm__commit_key(struct sevlm__engine *engine)
{
	char label[] = "sevlm session key";
	struct iovec parts[] = {
		{ label, sizeof(label) - 1 },
		{ engine->nonces[0], SEVLM_NONCE_SIZE },
		{ engine->nonces[1], SEVLM_NONCE_SIZE },
	};
	int ret = sevlm__hmac(engine->exporter, parts, ARRAY_SIZE(parts),
			      engine->key);

	if (!ret)
		ret = sevlm__commit_token(engine);
	engine->met = !ret;
	return ret;
}

int sevlm__commit_name(const struct sevlm__engine *engine, void *token)
{
	if (!engine->met)
		return -EBADFD;
	memcpy(token, engine->token, SEVLM_TOKEN_SIZE);
	return 0;
}

int sevlm__commit_mac(const struct sevlm__engine *engine, uint32_t role,
		      uint16_t type, uint8_t *mac)
{
	uint8_t head[8];
	struct sevlm__writer w = sevlm__writer(head, sizeof(head));
	struct iovec parts[] = {
		{ head, sizeof(head) },
		{ (void *)engine->nonces[0], SEVLM_NONCE_SIZE },
		{ (void *)engine->nonces[1], SEVLM_NONCE_SIZE },
	};

	sevlm__put32(&w, role);
	sevlm__put32(&w, type);
	return sevlm__hmac(engine->key, parts, ARRAY_SIZE(parts), mac);
}

int sevlm__commit_send(struct sevlm__engine *engine, uint16_t type)
{
	uint8_t mac[SEVLM__DIGEST_SIZE];
	int ret = sevlm__commit_mac(engine, engine->role, type, mac);

	return ret ? ret : sevlm__engine_send(engine, type, mac, sizeof(mac));
}

int sevlm__commit_check(struct sevlm__engine *engine, uint16_t type,
			const uint8_t *body)
{
	uint32_t peer = ROLE_SOURCE + ROLE_TARGET - engine->role;
	uint8_t mac[SEVLM__DIGEST_SIZE];
	int ret = sevlm__commit_mac(engine, peer, type, mac);

	if (!ret && !sevlm__equal(mac, body, sizeof(mac)))
		ret = sevlm__fail(&engine->error, -EKEYREJECTED,
				  "a %s that is not of this session",
				  sevlm__record_type(type)->name);
	return ret;
}

void sevlm__commit_note(const struct sevlm__engine *engine, uint8_t *note)
{
	struct sevlm__writer w = sevlm__writer(note, SEVLM_NOTE_SIZE);

	sevlm__put_bytes(&w, NOTE_MAGIC, 8);
	sevlm__put32(&w, engine->role);
	sevlm__put32(&w, SEVLM_STREAM_VERSION);
	sevlm__put_bytes(&w, engine->nonces[0], SEVLM_NONCE_SIZE);
	sevlm__put_bytes(&w, engine->nonces[1], SEVLM_NONCE_SIZE);
	sevlm__put_bytes(&w, engine->key, sizeof(engine->key));
	memset(w.at, 0, w.left);
}
