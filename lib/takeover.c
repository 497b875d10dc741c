/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The target's end: state is loaded, the promise, the decision. */
#include <errno.h>

#include "target.h"

int target_load(struct sevlm_target *target)
{
	return target_ask(target, SEVLM_WANT_STATE);
}

/* Firmware first: PREPARED promises that nothing of ours can fail any more. */
int target_prepare(struct sevlm_target *target)
{
	struct sevlm__engine *engine = &target->engine;
	uint8_t digest[SEVLM__DIGEST_SIZE];
	int ret;

	if (sevlm__outbox_full(&engine->outbox))
		return -EAGAIN;
	ret = sevlm_vm_publish_states(engine->vm);
	if (!ret)
		ret = sevlm_receive_finish(target->receive);
	if (ret)
		return target_blame(target, ret);
	ret = sevlm__hash_peek(engine->hash, digest);
	if (ret)
		return ret;
	target->prepared = true;
	target->state = TARGET_COMMIT;
	return sevlm__engine_send(engine, RECORD_PREPARED, digest,
				  sizeof(digest));
}

int target_commit(struct sevlm_target *target)
{
	const uint8_t *body;
	size_t bytes;
	int ret = target_expect(target, RECORD_COMMIT, &body, &bytes);

	if (!ret)
		ret = sevlm__commit_check(&target->engine, RECORD_COMMIT, body);
	if (ret)
		return ret;
	sevlm__engine_release(&target->engine);
	target->heard = VERDICT_COMMITTED;
	target->asked = true;
	target->state = TARGET_PERSIST;
	return 0;
}

int target_persist(struct sevlm_target *target)
{
	return target_ask(target, SEVLM_WANT_PERSIST);
}

int target_run(struct sevlm_target *target)
{
	return target_ask(target, SEVLM_WANT_RUN);
}

/* The guest runs: from here on nothing can change the outcome. */
int target_started(struct sevlm_target *target)
{
	int ret = target->asked ? 0 : target_late_word(target);

	if (ret != -EAGAIN && target->asked)
		ret = target_say(target, RECORD_STARTED);
	if (ret == -EAGAIN)
		return ret;
	target->state = TARGET_FLUSH;
	return 0;
}
