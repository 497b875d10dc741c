/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The target engine and the inspector read the committed stream; what the
 * engine answers is the committed answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "check-main.h"
#include "internal.h"
#include "script.h"
#include "vectors.h"

static const char *const from_source[] = {
	"HELLO-SOURCE", "START",  "ROUND", "PAGES", "FREE",
	"REGION",	"SHARED", "STATE", "END",   "COMMIT",
};
static const char *const from_target[] = {"HELLO-TARGET", "PREPARED",
					  "STARTED"};

static struct certs theirs, ours;
static struct sevlm_trust *trust;
static struct script script;
static struct sevlm_vm *vm;
static struct sevlm_target *target;
static uint8_t *ram;
static uint8_t said[1u << 16];
static size_t said_bytes;

/* ---- what firmware sees ---- */

static void give_certs(const struct script_step *step, void *params)
{
	struct sev_user_data_pdh_cert_export *data = params;

	(void)step;
	memcpy((void *)(uintptr_t)data->pdh_cert_address, ours.pdh,
	       SEVLM_PDH_SIZE);
	memcpy((void *)(uintptr_t)data->cert_chain_address, ours.chain,
	       SEVLM_CHAIN_SIZE);
}

static void expect_bytes(uint64_t address, uint8_t byte, uint32_t count)
{
	const uint8_t *bytes = (const uint8_t *)(uintptr_t)address;

	for (uint32_t i = 0; i < count; i++)
		if (bytes[i] != byte)
			ck_abort_msg("byte %u of %u", i, count);
}

static void see_start(const struct script_step *step, void *params)
{
	struct kvm_sev_receive_start *data = params;

	(void)step;
	ck_assert_uint_eq(data->policy, SEVLM_POLICY_NODBG);
	ck_assert_mem_eq((void *)(uintptr_t)data->pdh_uaddr, theirs.pdh,
			 SEVLM_PDH_SIZE);
	expect_bytes(data->session_uaddr, 0xc1, SEVLM_SESSION_SIZE);
}

static void see_packet(const struct script_step *step, void *params)
{
	struct kvm_sev_receive_update_data *data = params;

	(void)step;
	ck_assert_uint_eq(data->guest_uaddr, (uintptr_t)ram);
	expect_bytes(data->hdr_uaddr, 0xd1, SEVLM_PACKET_HEADER_SIZE);
	expect_bytes(data->trans_uaddr, 0xd2, PAGE_SIZE);
}

/* ---- a VMM ---- */

/* by hand: sha256sum of 01000000, the source's PDH, 128 bytes of c1 */
static void do_session(void)
{
	uint8_t digest[SEVLM_DIGEST_SIZE];

	ck_assert_int_eq(sevlm_target_session(target, digest), 0);
	ck_assert_mem_eq(digest, vector("session-digest")->body,
			 sizeof(digest));
}

static void do_region(void)
{
	struct sevlm_region region = {.size = sizeof(region)};

	ck_assert_int_eq(sevlm_target_region(target, &region), 0);
	ck_assert_uint_eq(region.gpa, 0x200000);
	ck_assert_uint_eq(region.bytes, 0x4000);
	ck_assert_uint_eq(region.remove, 0);
	ck_assert_int_eq(sevlm_vm_add_region(vm, region.gpa, region.bytes, NULL,
					     region.type),
			 0);
}

static void do_state(void)
{
	const void *bytes;
	size_t count;
	uint32_t id;

	ck_assert_int_eq(sevlm_target_state(target, 0, &id, &bytes, &count), 0);
	ck_assert_uint_eq(id, 7);
	ck_assert_uint_eq(count, 5);
	ck_assert_mem_eq(bytes, "state", 5);
	ck_assert_int_eq(sevlm_target_state(target, 1, &id, &bytes, &count),
			 -EINVAL);
}

static void do_persist(void)
{
	uint8_t note[SEVLM_NOTE_SIZE];

	ck_assert_int_eq(sevlm_target_note(target, note), 0);
	ck_assert_mem_eq(note, vector("note-target")->body, sizeof(note));
}

static void do_run(void)
{
	uint32_t state;
	uint64_t bytes;

	ck_assert_int_eq(sevlm_vm_page_state(vm, 0x101000, &state, &bytes), 0);
	ck_assert_uint_eq(state, SEVLM_PAGE_SHARED);
	ck_assert_uint_eq(bytes, 0x2000);
	ck_assert_uint_eq(ram[0x1000], 0xe0);
	ck_assert_uint_eq(ram[0x1fff], 0xef);
	ck_assert_uint_eq(ram[0x2000] | ram[0x2fff], 0);
}

static const struct {
	uint32_t want;
	void (*work)(void);
} duties[] = {
	{SEVLM_WANT_SESSION, do_session}, {SEVLM_WANT_REGION, do_region},
	{SEVLM_WANT_STATE, do_state},	  {SEVLM_WANT_PERSIST, do_persist},
	{SEVLM_WANT_RUN, do_run},
};

static void write_out(void)
{
	struct iovec iov[8];
	size_t count = ARRAY_SIZE(iov), bytes = 0;

	ck_assert_int_eq(sevlm_target_output(target, iov, &count), 0);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_le(said_bytes + iov[i].iov_len, sizeof(said));
		memcpy(said + said_bytes, iov[i].iov_base, iov[i].iov_len);
		said_bytes += iov[i].iov_len;
		bytes += iov[i].iov_len;
	}
	ck_assert_int_eq(sevlm_target_consumed(target, bytes), 0);
}

/* COMMIT answers PREPARED: nothing of it comes before that was said */
static uint32_t run(const uint8_t *stream, size_t bytes, size_t promised)
{
	const size_t commit = 24 + vector("COMMIT")->bytes;
	uint32_t want = SEVLM_WANT_STEP, outcome, steps = 0;
	size_t at = 0, end, taken;

	while (want) {
		ck_assert_uint_lt(steps++, 1000);
		end = said_bytes < promised ? bytes - commit : bytes;
		ck_assert_int_eq(sevlm_target_feed(target, stream + at,
						   end - at, &taken),
				 0);
		at += taken;
		ck_assert_int_eq(sevlm_target_step(target, steps, &want), 0);
		write_out();
		for (size_t i = 0; i < ARRAY_SIZE(duties); i++) {
			if (!(want & duties[i].want))
				continue;
			duties[i].work();
			ck_assert_int_eq(
				sevlm_target_did(target, duties[i].want, 0), 0);
		}
	}
	ck_assert_str_eq(sevlm_target_error(target), "");
	ck_assert_int_eq(sevlm_target_outcome(target, &outcome, NULL), 0);
	ck_assert_uint_eq(at, bytes);
	return outcome;
}

static void set_up(void)
{
	struct sevlm_target_config config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_DECLARED,
		.amd = ours.amd,
	};

	vectors_load();
	certs_of_seed(&theirs, VECTORS_SOURCE);
	certs_of_seed(&ours, VECTORS_TARGET);
	trust = certs_trust(&theirs);
	config.trust = trust;
	config.amd_bytes = ours.amd_bytes;
	memcpy(config.nonce, vector("nonce-target")->body, 32);
	memcpy(config.exporter, vector("exporter")->body, 32);
	vm = script_vm(&script);
	ram = aligned_alloc(PAGE_SIZE, 0x8000);
	ck_assert_ptr_nonnull(ram);
	memset(ram, 0x77, 0x8000);
	ck_assert_int_eq(sevlm_vm_add_region(vm, 0x100000, 0x8000, ram,
					     SEVLM_REGION_TRACKED),
			 0);
	ck_assert_int_eq(sevlm_target_new(vm, &config, &target), 0);
}

static void tear_down(void)
{
	sevlm_target_free(target);
	sevlm_vm_free(vm);
	sevlm_trust_free(trust);
	free(ram);
	vectors_free();
}

START_TEST(target_reads_it)
{
	uint8_t *stream, *answer;
	size_t bytes, answer_bytes, promised;

	stream = vectors_stream(from_source, ARRAY_SIZE(from_source), &bytes);
	answer = vectors_stream(from_target, ARRAY_SIZE(from_target),
				&answer_bytes);
	SCRIPT_PLAY(&script, {.door = SCRIPT_SEV, .id = SEV_PLATFORM_STATUS},
		    {.door = SCRIPT_SEV,
		     .id = SEV_PDH_CERT_EXPORT,
		     .look = give_certs},
		    {.id = KVM_SEV_GUEST_STATUS, .ret = -EBADF},
		    {.id = KVM_SEV_RECEIVE_START, .look = see_start},
		    {.id = KVM_SEV_RECEIVE_UPDATE_DATA, .look = see_packet},
		    {.id = KVM_SEV_RECEIVE_FINISH});
	promised = answer_bytes - 24 - vector("STARTED")->bytes;
	ck_assert_uint_eq(run(stream, bytes, promised),
			  SEVLM_OUTCOME_COMPLETED);
	script_end(&script);
	ck_assert_uint_eq(said_bytes, answer_bytes);
	ck_assert_mem_eq(said, answer, said_bytes);
	free(stream);
	free(answer);
}
END_TEST

/* ---- the inspector ---- */

static void inspect(const char *const *names, size_t count)
{
	struct sevlm_record record = {.size = sizeof(record)};
	struct sevlm_inspect *reader;
	size_t bytes, at = 0, taken;
	uint8_t *stream = vectors_stream(names, count, &bytes);

	ck_assert_int_eq(sevlm_inspect_new(&reader), 0);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(sevlm_inspect_feed(reader, stream + at,
						    bytes - at, &taken),
				 0);
		at += taken;
		ck_assert_int_eq(sevlm_inspect_next(reader, &record), 0);
		ck_assert_uint_eq(record.sequence, i);
		ck_assert_uint_eq(record.bytes, vector(names[i])->bytes);
		ck_assert_uint_eq(strncmp(record.name, names[i], 5), 0);
		ck_assert_str_ne(record.text, "");
	}
	ck_assert_uint_eq(at, bytes);
	ck_assert_int_eq(sevlm_inspect_next(reader, &record), -EAGAIN);
	ck_assert_int_eq(sevlm_inspect_end(reader), 0);
	ck_assert_str_eq(sevlm_inspect_error(reader), "");
	sevlm_inspect_free(reader);
	free(stream);
}

START_TEST(inspector_reads_it)
{
	static const char *const aborted[] = {"HELLO-TARGET", "ABORT"};
	static const char *const resolved[] = {"RESOLVE-KEPT"};

	inspect(from_source, ARRAY_SIZE(from_source));
	inspect(from_target, ARRAY_SIZE(from_target));
	inspect(aborted, ARRAY_SIZE(aborted));
	inspect(resolved, ARRAY_SIZE(resolved));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vectors-engine");
	TCase *tcase = tcase_create("vectors-engine");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, target_reads_it);
	tcase_add_test(tcase, inspector_reads_it);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
