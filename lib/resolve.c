/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "engine.h"

/* The exporter value is looked at as a proof that there is a channel; it is
 * no part of a verdict, which is true in any. */
static int check_config(const struct sevlm__engine *engine,
			const struct sevlm_reconnect *config)
{
	uint32_t at = engine->role == ROLE_SOURCE ? 0 : 1;
	struct sevlm_reconnect own;
	int ret = sevlm__copy_in(&own, sizeof(own), config, sizeof(own));

	if (!ret)
		ret = sevlm__engine_check(own.channel, engine->nonces[at],
					  own.exporter);
	if (!ret && (own.reserved || own.channel != engine->channel))
		ret = -EINVAL;
	sevlm__wipe(&own, sizeof(own));
	return ret;
}

int sevlm__resolve_begin(struct sevlm__engine *engine,
			 const struct sevlm_reconnect *config)
{
	int ret = check_config(engine, config);

	if (ret)
		return ret;
	/* what an attempt before this one said of itself goes */
	if (engine->resolving)
		engine->error = engine->reason;
	engine->reason = engine->error;
	engine->resolving = true;
	engine->told = engine->outcome;
	sevlm__inbox_reset(&engine->inbox);
	sevlm__outbox_reset(&engine->outbox);
	atomic_store(&engine->closed, false);
	engine->peer_aborted = false;
	engine->sequence_in = 0;
	engine->sequence_out = 0;
	engine->epoch = 0;
	engine->start_ns = 0;
	return 0;
}

int sevlm__resolve_send(struct sevlm__engine *engine, uint32_t verdict)
{
	struct sevlm__resolve resolve = {
		.role = engine->role,
		.verdict = verdict,
	};
	uint8_t body[RESOLVE_SIZE];
	int ret = sevlm__commit_verdict(engine, engine->role, verdict,
					resolve.mac);

	if (ret)
		return ret;
	memcpy(resolve.token, engine->token, sizeof(resolve.token));
	sevlm__resolve_encode(&resolve, body);
	return sevlm__engine_send(engine, RECORD_RESOLVE, body, sizeof(body));
}

static const char *peer_of(const struct sevlm__engine *engine)
{
	return engine->role == ROLE_SOURCE ? "target" : "source";
}

static int check(struct sevlm__engine *engine, const uint8_t *body,
		 uint32_t *ret_verdict)
{
	uint32_t peer = ROLE_SOURCE + ROLE_TARGET - engine->role;
	uint8_t mac[SEVLM__DIGEST_SIZE];
	struct sevlm__resolve resolve;
	int ret = sevlm__resolve_decode(body, &resolve);

	if (ret)
		return sevlm__fail(&engine->error, ret,
				   "the peer's RESOLVE is malformed");
	if (resolve.role != peer)
		return sevlm__fail(&engine->error, -EPROTO,
				   "a verdict of a %s, where the %s's was due",
				   engine->role == ROLE_SOURCE ? "source" :
								 "target",
				   peer_of(engine));
	if (memcmp(resolve.token, engine->token, sizeof(resolve.token)))
		return sevlm__fail(&engine->error, -EKEYREJECTED,
				   "the %s resolves another session",
				   peer_of(engine));
	ret = sevlm__commit_verdict(engine, peer, resolve.verdict, mac);
	if (ret)
		return ret;
	if (!sevlm__equal(mac, resolve.mac, sizeof(mac)))
		return sevlm__fail(&engine->error, -EKEYREJECTED,
				   "a verdict %s that the %s of this session "
				   "did not give",
				   sevlm__verdict_name(resolve.verdict),
				   peer_of(engine));
	*ret_verdict = resolve.verdict;
	return 0;
}

int sevlm__resolve_hear(struct sevlm__engine *engine, uint32_t *ret_verdict)
{
	struct sevlm__record record;
	const uint8_t *body;
	int ret = sevlm__engine_peek(engine, &record, &body);

	if (ret)
		return ret;
	if (record.type != RECORD_RESOLVE)
		return sevlm__fail(&engine->error, -EPROTO,
				   "the %s sent record type %u where a verdict "
				   "was due",
				   peer_of(engine), record.type);
	ret = check(engine, body, ret_verdict);
	if (!ret)
		sevlm__engine_release(engine);
	return ret;
}

static const struct {
	uint32_t verdict;
	int cause;
	const char *text;
} meanings[] = {
	{ VERDICT_NEVER, -ECANCELED,
	  "the target said that it will never start the guest" },
	{ VERDICT_LOST, -EIO,
	  "the target took the guest over and could not run it" },
	{ VERDICT_KEPT, -EPROTO,
	  "the source says that it kept the guest, which was taken over here: "
	  "it may run twice" },
};

int sevlm__resolve_words(struct sevlm__engine *engine, uint32_t verdict)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].verdict == verdict)
			return sevlm__fail(&engine->error, meanings[i].cause,
					   "%s", meanings[i].text);
	return 0;
}

int sevlm__resolve_late(struct sevlm__engine *engine)
{
	return sevlm__fail(&engine->error, -ETIMEDOUT,
			   "the %s gave no verdict within %llu seconds",
			   peer_of(engine),
			   (unsigned long long)(engine->patience_ns /
						NS_PER_S));
}
