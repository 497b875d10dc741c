/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certs.h"
#include "hex.h"
#include "show.h"
#include "trust.h"

/* the least API version, in a policy */
#define API_MINOR(policy) ((policy) >> 24)
#define API_MAJOR(policy) ((policy) >> 16 & 0xffu)

struct verdict {
	const struct options *options;
	struct file pdh, platform, amd, own;
	struct sevlm_trust *trust;
	struct sevlm_chain_result result;
	bool any_chip; /* nobody named whom to trust */
	int error; /* 0: verified */
	struct sentence refusal; /* of the policy */
	struct sentence why;
};

static int read_files(struct verdict *verdict)
{
	const struct options *options = verdict->options;
	struct sentence *why = &verdict->why;
	int ret = certs_read(&verdict->pdh, options->pdh, SEVLM_PDH_SIZE, why);

	if (!ret)
		ret = certs_read(&verdict->platform, options->platform,
				 SEVLM_CHAIN_SIZE, why);
	if (!ret)
		ret = file_read(&verdict->amd, options->amd, AMD_MOST, false,
				why);
	if (!ret && options->own_platform)
		ret = certs_read(&verdict->own, options->own_platform,
				 SEVLM_CHAIN_SIZE, why);
	return ret ? ret
		   : certs_put_cek(verdict->platform.contents, options->cek,
				   why);
}

static int build_trust(struct verdict *verdict)
{
	int ret = trust_build(verdict->options, &verdict->trust, &verdict->why);

	verdict->any_chip =
		!trust_named(verdict->options) || verdict->options->any_chip;
	if (!ret && verdict->any_chip)
		ret = sevlm_trust_allow_any_chip(verdict->trust);
	return ret;
}

/* what the guest's policy asks of a target, beside the chain */
static int check_policy(struct verdict *verdict)
{
	uint32_t policy = verdict->options->policy.value;
	const struct sevlm_chain_result *result = &verdict->result;
	uint32_t asked = API_MAJOR(policy) << 8 | API_MINOR(policy);

	if (policy & SEVLM_POLICY_NOSEND)
		return fail(&verdict->refusal, -EPERM,
			    "the policy forbids that the guest is sent");
	if (asked > (result->api_major << 8 | result->api_minor))
		return fail(&verdict->refusal, -EPERM,
			    "the policy asks for API version %u.%u, and this "
			    "platform claims %u.%u",
			    API_MAJOR(policy), API_MINOR(policy),
			    result->api_major, result->api_minor);
	if (policy & SEVLM_POLICY_DOMAIN &&
	    sevlm_chain_same_owner(verdict->platform.contents,
				   verdict->own.contents) != 1)
		return fail(&verdict->refusal, -EPERM,
			    "the policy keeps the guest with its owner, and "
			    "this platform has another");
	return 0;
}

static void verify(struct verdict *verdict)
{
	struct sevlm_peer peer = {
		.size = sizeof(peer),
		.pdh = verdict->pdh.contents,
		.chain = verdict->platform.contents,
		.amd = verdict->amd.contents,
		.amd_bytes = verdict->amd.bytes,
	};

	verdict->result.size = sizeof(verdict->result);
	verdict->error =
		sevlm_chain_verify(&peer, verdict->trust, &verdict->result);
	if (!verdict->error)
		verdict->error = check_policy(verdict);
	if (verdict->result.link || verdict->refusal.text[0])
		return;
	if (verdict->error)
		fail(&verdict->refusal, 0, "%s",
		     sevlm_strerror(verdict->error));
}

/* what became of a part: they are verified in this order */
static const char *state(const struct verdict *verdict, uint32_t link)
{
	uint32_t refused = verdict->result.link;

	if (link == SEVLM_LINK_ALLOWED && verdict->any_chip &&
	    (!refused || refused > link))
		return "anybody";
	if (!refused || link < refused)
		return "ok";
	return link == refused ? "refused" : "not reached";
}

static const char *sentence(const struct verdict *verdict)
{
	return verdict->result.link ? verdict->result.sentence
				    : verdict->refusal.text;
}

static const char *digest(const uint8_t *key, char *text)
{
	return hex_encode(key, SEVLM_KEY_DIGEST_SIZE, text);
}

static void print_policy(const struct verdict *verdict)
{
	char text[SEVLM_POLICY_TEXT_SIZE];

	if (!sevlm_policy_text(verdict->options->policy.value, text,
			       sizeof(text)))
		printf("policy      %s: %s\n",
		       verdict->refusal.text[0] ? "refused" : "ok", text);
}

static void print_text(const struct verdict *verdict)
{
	const struct sevlm_chain_result *result = &verdict->result;
	char text[DIGEST_TEXT];

	for (uint32_t link = SEVLM_LINK_ROOT; link <= SEVLM_LINK_FLOOR; link++)
		printf("%-11s %s%s%s\n", sevlm_chain_link_name(link),
		       state(verdict, link), link == result->link ? ": " : "",
		       link == result->link ? result->sentence : "");
	if (result->link)
		printf("refused key %s\n", digest(result->key_digest, text));
	if (result->link && result->link < SEVLM_LINK_ALLOWED)
		return;
	if (verdict->options->policy.mask)
		print_policy(verdict);
	printf("chip        %s\n", digest(result->cek_digest, text));
	printf("owner       %s\n", digest(result->oca_digest, text));
	printf("root        %s\nAPI version %u.%u, by its own word\n",
	       result->root, result->api_major, result->api_minor);
	if (!verdict->error && verdict->any_chip)
		printf("\nThis proves that it is some %s, and not which: "
		       "anyone "
		       "can have one.\nName it with --allow, --chip or "
		       "--owner.\n",
		       strcmp(result->root, "added") ? "AMD chip"
						     : "chip of that root");
}

static void json_links(const struct verdict *verdict)
{
	printf(",\"links\":{");
	for (uint32_t link = SEVLM_LINK_ROOT; link <= SEVLM_LINK_FLOOR; link++)
		printf("%s\"%s\":\"%s\"", link > SEVLM_LINK_ROOT ? "," : "",
		       sevlm_chain_link_name(link), state(verdict, link));
	putchar('}');
}

static void json_identity(const struct sevlm_chain_result *result)
{
	char text[DIGEST_TEXT];

	printf(",\"chip\":\"%s\"", digest(result->cek_digest, text));
	printf(",\"owner\":\"%s\",\"root\":\"%s\",\"api_major\":%u,"
	       "\"api_minor\":%u",
	       digest(result->oca_digest, text), result->root,
	       result->api_major, result->api_minor);
}

static void json_refusal(const struct sevlm_chain_result *result)
{
	char text[DIGEST_TEXT];

	printf(",\"link\":\"%s\",\"reason\":\"%s\",\"key\":\"%s\"",
	       sevlm_chain_link_name(result->link),
	       sevlm_chain_reason_name(result->reason),
	       digest(result->key_digest, text));
}

static void print_json(const struct verdict *verdict)
{
	printf("{\"event\":\"result\",\"verified\":%s,\"any_chip\":%s",
	       verdict->error ? "false" : "true",
	       verdict->any_chip ? "true" : "false");
	json_links(verdict);
	if (verdict->result.link)
		json_refusal(&verdict->result);
	if (!verdict->result.link || verdict->result.link >= SEVLM_LINK_ALLOWED)
		json_identity(&verdict->result);
	printf(",\"sentence\":");
	json_text(sentence(verdict));
	printf(",\"exit_status\":%d}\n",
	       verdict->error ? STATUS_FAILED : STATUS_DONE);
}

static int tell(struct verdict *verdict)
{
	if (verdict->options->json)
		print_json(verdict);
	else
		print_text(verdict);
	if (!verdict->error)
		return STATUS_DONE;
	complain("certs verify", "refused: %s", sentence(verdict));
	return STATUS_FAILED;
}

static int complain_of(const struct verdict *verdict, int status)
{
	complain("certs verify", "%s", verdict->why.text);
	return status;
}

static int judge(struct verdict *verdict)
{
	int ret = read_files(verdict);

	/* another chip's CEK refuses the chain, as a bad one does */
	if (ret)
		return complain_of(verdict, ret == -EKEYREJECTED
						    ? STATUS_FAILED
						    : STATUS_USAGE);
	if (build_trust(verdict))
		return complain_of(verdict, STATUS_USAGE);
	verify(verdict);
	return tell(verdict);
}

int command_certs_verify(const struct options *options)
{
	struct verdict verdict = {.options = options};
	int ret = judge(&verdict);

	sevlm_trust_free(verdict.trust);
	file_free(&verdict.pdh);
	file_free(&verdict.platform);
	file_free(&verdict.amd);
	file_free(&verdict.own);
	return ret;
}
