/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "side.h"

int side_init(struct side *side, const char *who, const struct options *options)
{
	int ret;

	side->who = who;
	side->options = options;
	side->listener = -1;
	side->guest.host_seed = options->host_seed;
	side->guest.policy = options->policy.value;
	ret = channel_init(&side->channel, options,
			   options->command != FOR_RECEIVE, &side->why);
	if (!ret)
		ret = note_init(&side->note, options->note, &side->why);
	if (!ret)
		ret = trust_build(options, &side->trust, &side->why);
	return ret ? ret
		   : control_open(&side->control, options->control, &side->why);
}

void side_free(struct side *side)
{
	control_close(&side->control);
	channel_farewell(&side->channel);
	verify_end(side);
	vcpu_end(&side->guest);
	sevlm_source_free(side->source);
	sevlm_target_free(side->target);
	sevlm_trust_free(side->trust);
	guest_free(&side->guest);
	show_free(&side->show);
	channel_free(&side->channel);
	if (side->listener >= 0)
		close(side->listener);
}

/* what binds this migration to its channel, and to nothing else */
static int bind_channel(struct side *side, uint8_t *nonce, uint8_t *exporter)
{
	int ret = channel_exporter(&side->channel, exporter);

	if (ret)
		return fail(&side->why, ret, "no value of the channel: %s",
			    sevlm_strerror(ret));
	if (getrandom(nonce, SEVLM_NONCE_SIZE, 0) == SEVLM_NONCE_SIZE)
		return 0;
	return fail(&side->why, -EIO, "no randomness: %s", strerror(errno));
}

/* this host's certificates, for the peer */
struct identity {
	uint8_t chain[SEVLM_CHAIN_SIZE];
	uint8_t amd[SEVLM_SIM_AMD_SIZE];
};

/* The chip's CEK comes from AMD; the firmware's own is not signed. */
static int identify(struct side *side, struct identity *identity)
{
	const struct guest *guest = &side->guest;
	uint8_t *cek = identity->chain + SEVLM_CHAIN_SIZE - SEVLM_CERT_SIZE;
	uint8_t pdh[SEVLM_PDH_SIZE];
	int ret = sevlm_vm_export_certs(guest->vm, pdh, identity->chain);

	if (!ret)
		ret = sevlm_sim_host_cek(guest->host, cek);
	if (!ret)
		ret = sevlm_sim_host_amd(guest->host, identity->amd);
	return ret ? fail(&side->why, ret, "no certificates: %s",
			  sevlm_strerror(ret))
		   : 0;
}

static int new_source(struct side *side, struct sevlm_source_config *config)
{
	int ret = bind_channel(side, config->nonce, config->exporter);

	if (ret)
		return ret;
	ret = sevlm_source_new(side->guest.vm, config, &side->source);
	return ret ? fail(&side->why, ret, "%s", sevlm_vm_error(side->guest.vm))
		   : 0;
}

int side_source(struct side *side)
{
	const struct options *options = side->options;
	struct identity identity;
	struct sevlm_source_config config = {
		.size = sizeof(config),
		.channel = channel_kind(&side->channel),
		.batch_pages = (uint32_t)options->batch,
		.max_rounds = (uint32_t)options->max_rounds,
		.stop_anyway = options->force,
		.downtime_limit_ns = options->downtime_limit_ms * NS_PER_MS,
		.trust = side->trust,
		.chain = identity.chain,
		.amd = identity.amd,
		.amd_bytes = sizeof(identity.amd),
	};
	int ret = identify(side, &identity);

	if (!ret)
		ret = new_source(side, &config);
	if (ret)
		return ret;
	ret = sevlm_sim_vm_log(side->guest.sim, 1);
	return ret ? fail(&side->why, ret, "no dirty log: %s",
			  sevlm_strerror(ret))
		   : 0;
}

int side_target(struct side *side)
{
	const struct options *options = side->options;
	struct identity identity;
	struct sevlm_target_config config = {
		.size = sizeof(config),
		.channel = channel_kind(&side->channel),
		.chain = identity.chain,
		.amd = identity.amd,
		.amd_bytes = sizeof(identity.amd),
		.trust = side->trust,
		.policy = options->expect_policy.value,
		.policy_mask = options->expect_policy.mask,
	};
	int ret = identify(side, &identity);

	if (!ret)
		ret = bind_channel(side, config.nonce, config.exporter);
	if (ret)
		return ret;
	ret = sevlm_target_new(side->guest.vm, &config, &side->target);
	return ret ? fail(&side->why, ret, "%s", sevlm_vm_error(side->guest.vm))
		   : 0;
}

uint32_t side_step(struct side *side)
{
	uint64_t now = now_ns();
	uint32_t want = 0;

	if (side->source)
		sevlm_source_step(side->source, now, &want);
	else
		sevlm_target_step(side->target, now, &want);
	return want;
}

uint64_t side_deadline(struct side *side)
{
	return side->source ? sevlm_source_deadline(side->source)
			    : sevlm_target_deadline(side->target);
}

int side_output(struct side *side, struct iovec *iov, size_t *count)
{
	return side->source ? sevlm_source_output(side->source, iov, count)
			    : sevlm_target_output(side->target, iov, count);
}

void side_consumed(struct side *side, size_t bytes)
{
	if (side->source)
		sevlm_source_consumed(side->source, bytes);
	else
		sevlm_target_consumed(side->target, bytes);
}

void side_closed(struct side *side)
{
	if (side->source)
		sevlm_source_closed(side->source);
	else
		sevlm_target_closed(side->target);
}

void side_cancel(struct side *side)
{
	if (side->source)
		sevlm_source_cancel(side->source);
	else
		sevlm_target_cancel(side->target);
}

void side_did(struct side *side, uint32_t want, int result)
{
	if (side->source)
		sevlm_source_did(side->source, want, result);
	else
		sevlm_target_did(side->target, want, result);
}

void side_progress(struct side *side, struct sevlm_progress *progress)
{
	if (side->source)
		sevlm_source_progress(side->source, progress);
	else
		sevlm_target_progress(side->target, progress);
}

uint32_t side_outcome(struct side *side, int *ret_cause)
{
	uint32_t outcome = SEVLM_OUTCOME_NONE;

	if (side->source)
		sevlm_source_outcome(side->source, &outcome, ret_cause);
	else
		sevlm_target_outcome(side->target, &outcome, ret_cause);
	return outcome;
}

const char *side_error(struct side *side)
{
	return side->source ? sevlm_source_error(side->source)
			    : sevlm_target_error(side->target);
}
