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

static int mac_of(const struct sevlm__engine *engine, const uint32_t *words,
		  size_t count, uint8_t *mac)
{
	uint8_t head[16];
	struct sevlm__writer w = sevlm__writer(head, sizeof(head));
	struct iovec parts[] = {
		{ head, 4 * count },
		{ (void *)engine->nonces[0], SEVLM_NONCE_SIZE },
		{ (void *)engine->nonces[1], SEVLM_NONCE_SIZE },
	};

	for (size_t i = 0; i < count; i++)
		sevlm__put32(&w, words[i]);
	return sevlm__hmac(engine->key, parts, ARRAY_SIZE(parts), mac);
}

int sevlm__commit_mac(const struct sevlm__engine *engine, uint32_t role,
		      uint16_t type, uint8_t *mac)
{
	const uint32_t words[] = { role, type };

	return mac_of(engine, words, ARRAY_SIZE(words), mac);
}

int sevlm__commit_verdict(const struct sevlm__engine *engine, uint32_t role,
			  uint32_t verdict, uint8_t *mac)
{
	const uint32_t words[] = { role, RECORD_RESOLVE, verdict };

	return mac_of(engine, words, ARRAY_SIZE(words), mac);
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

/* A note of another version, or one that was not written to its end, must not
 * decide over a guest. */
int sevlm__commit_read(struct sevlm__engine *engine, const uint8_t *note)
{
	static const uint8_t nothing[SEVLM_NONCE_SIZE];
	struct sevlm__reader r = sevlm__reader(note, SEVLM_NOTE_SIZE);
	const uint8_t *magic = sevlm__get(&r, 8);
	uint32_t version;

	engine->role = sevlm__get32(&r);
	version = sevlm__get32(&r);
	sevlm__get_bytes(&r, engine->nonces[0], SEVLM_NONCE_SIZE);
	sevlm__get_bytes(&r, engine->nonces[1], SEVLM_NONCE_SIZE);
	sevlm__get_bytes(&r, engine->key, sizeof(engine->key));
	if (memcmp(magic, NOTE_MAGIC, 8) || version != SEVLM_STREAM_VERSION ||
	    (engine->role != ROLE_SOURCE && engine->role != ROLE_TARGET) ||
	    !memcmp(engine->nonces[0], nothing, sizeof(nothing)) ||
	    !memcmp(engine->nonces[1], nothing, sizeof(nothing)) ||
	    sevlm__equal(engine->key, nothing, sizeof(nothing)) ||
	    memcmp(r.at, nothing, r.left))
		return -EBADMSG;
	engine->met = true;
	return sevlm__commit_token(engine);
}
