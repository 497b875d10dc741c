/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The session's key, verdicts and notes. */
#include <errno.h>

#include "check-main.h"
#include "engine.h"

static const uint16_t types[] = {
	RECORD_COMMIT,
	RECORD_STARTED,
	RECORD_NEVER,
	RECORD_LOST,
};

static struct sevlm__engine engine_of(uint32_t role)
{
	struct sevlm__engine engine = {.role = role};

	sevlm__error_clear(&engine.error);
	for (size_t i = 0; i < 32; i++) {
		engine.exporter[i] = (uint8_t)i;
		engine.nonces[0][i] = (uint8_t)(0x40 + i);
		engine.nonces[1][i] = (uint8_t)(0x80 + i);
	}
	ck_assert_int_eq(sevlm__commit_key(&engine), 0);
	return engine;
}

/* what a session is bound to, one bit of it changed */
static struct sevlm__engine other_engine(uint32_t role, int number)
{
	struct sevlm__engine engine = engine_of(role);
	size_t byte = (size_t)(number / 3 * 31);

	switch (number % 3) {
	case 0:
		engine.exporter[byte] ^= 1;
		break;
	case 1:
		engine.nonces[0][byte] ^= 1;
		break;
	case 2:
		engine.nonces[1][byte] ^= 1;
		break;
	}
	ck_assert_int_eq(sevlm__commit_key(&engine), 0);
	return engine;
}

#define OTHERS 6

/* ---- MACs ---- */

struct mac {
	uint8_t bytes[SEVLM__DIGEST_SIZE];
};

static struct mac mac_of(const struct sevlm__engine *engine, uint32_t role,
			 uint16_t type)
{
	struct mac mac;

	ck_assert_int_eq(sevlm__commit_mac(engine, role, type, mac.bytes), 0);
	return mac;
}

/* every role, type and session has a MAC of its own */
START_TEST(all_differ)
{
	struct mac macs[(1 + OTHERS) * 2 * ARRAY_SIZE(types)];
	size_t count = 0;

	for (int i = -1; i < OTHERS; i++) {
		struct sevlm__engine engine =
			i < 0 ? engine_of(ROLE_SOURCE)
			      : other_engine(ROLE_SOURCE, i);

		for (uint32_t role = 1; role <= 2; role++)
			for (size_t t = 0; t < ARRAY_SIZE(types); t++)
				macs[count++] = mac_of(&engine, role, types[t]);
	}
	ck_assert_uint_eq(count, ARRAY_SIZE(macs));
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_mem_ne(macs[i].bytes, macs[j].bytes,
					 sizeof(macs[i].bytes));
}
END_TEST

/* both sides compute the same, whoever sends it */
START_TEST(sides_agree)
{
	struct sevlm__engine source = engine_of(ROLE_SOURCE);
	struct sevlm__engine target = engine_of(ROLE_TARGET);

	ck_assert_mem_eq(source.key, target.key, sizeof(source.key));
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		struct mac by_source = mac_of(&source, ROLE_SOURCE, types[t]);
		struct mac by_target = mac_of(&target, ROLE_TARGET, types[t]);

		ck_assert_int_eq(
			sevlm__commit_check(&target, types[t], by_source.bytes),
			0);
		ck_assert_int_eq(
			sevlm__commit_check(&source, types[t], by_target.bytes),
			0);
	}
}
END_TEST

/* a side's own word, sent back to it, is not its peer's */
START_TEST(reflection)
{
	for (uint32_t role = 1; role <= 2; role++) {
		struct sevlm__engine engine = engine_of(role);

		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			struct mac own = mac_of(&engine, role, types[t]);

			ck_assert_int_eq(sevlm__commit_check(&engine, types[t],
							     own.bytes),
					 -EKEYREJECTED);
		}
	}
}
END_TEST

START_TEST(another_word)
{
	struct sevlm__engine source = engine_of(ROLE_SOURCE);

	for (size_t a = 0; a < ARRAY_SIZE(types); a++) {
		struct mac mac = mac_of(&source, ROLE_TARGET, types[a]);

		for (size_t b = 0; b < ARRAY_SIZE(types); b++)
			ck_assert_int_eq(sevlm__commit_check(&source, types[b],
							     mac.bytes),
					 a == b ? 0 : -EKEYREJECTED);
	}
}
END_TEST

START_TEST(another_session)
{
	struct sevlm__engine target = engine_of(ROLE_TARGET);
	struct sevlm__engine old = other_engine(ROLE_SOURCE, _i);
	struct mac mac = mac_of(&old, ROLE_SOURCE, RECORD_COMMIT);

	ck_assert_int_eq(sevlm__commit_check(&target, RECORD_COMMIT, mac.bytes),
			 -EKEYREJECTED);
	ck_assert_ptr_nonnull(strstr(target.error.text, "COMMIT"));
}
END_TEST

START_TEST(every_bit)
{
	struct sevlm__engine target = engine_of(ROLE_TARGET);
	struct mac mac = mac_of(&target, ROLE_SOURCE, RECORD_COMMIT);

	for (size_t bit = 0; bit < 8 * sizeof(mac.bytes); bit++) {
		mac.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(
			sevlm__commit_check(&target, RECORD_COMMIT, mac.bytes),
			-EKEYREJECTED);
		mac.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_int_eq(sevlm__commit_check(&target, RECORD_COMMIT, mac.bytes),
			 0);
}
END_TEST

/* ---- on the wire ---- */

START_TEST(send)
{
	struct sevlm__engine engine = engine_of(ROLE_TARGET);
	struct mac mac = mac_of(&engine, ROLE_TARGET, RECORD_STARTED);
	struct sevlm__record record;
	struct iovec iov[4];
	size_t count = 4;

	ck_assert_int_eq(sevlm__outbox_init(&engine.outbox, 64), 0);
	ck_assert_int_eq(sevlm__hash_new(&engine.hash), 0);
	ck_assert_int_eq(sevlm__commit_send(&engine, RECORD_STARTED), 0);
	sevlm__outbox_output(&engine.outbox, iov, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(sevlm__record_decode(iov[1].iov_base, &record), 0);
	ck_assert_uint_eq(record.type, RECORD_STARTED);
	ck_assert_uint_eq(record.flags, RECORD_REQUIRED);
	ck_assert_uint_eq(iov[2].iov_len, sizeof(mac.bytes));
	ck_assert_mem_eq(iov[2].iov_base, mac.bytes, sizeof(mac.bytes));
	sevlm__hash_free(engine.hash);
	sevlm__outbox_fini(&engine.outbox);
}
END_TEST

/* ---- notes ---- */

START_TEST(note)
{
	struct sevlm__engine engine = engine_of((uint32_t)_i);
	static const uint8_t zeroes[16];
	uint8_t bytes[SEVLM_NOTE_SIZE + 1];

	memset(bytes, 0xee, sizeof(bytes));
	sevlm__commit_note(&engine, bytes);
	ck_assert_mem_eq(bytes, "SEVLMNT1", 8);
	ck_assert_uint_eq(bytes[8], _i);
	ck_assert_mem_eq(bytes + 9, zeroes, 3);
	ck_assert_uint_eq(bytes[12], SEVLM_STREAM_VERSION);
	ck_assert_mem_eq(bytes + 13, zeroes, 3);
	ck_assert_mem_eq(bytes + 16, engine.nonces[0], 32);
	ck_assert_mem_eq(bytes + 48, engine.nonces[1], 32);
	ck_assert_mem_eq(bytes + 80, engine.key, 32);
	ck_assert_mem_eq(bytes + 112, zeroes, 16);
	ck_assert_uint_eq(bytes[SEVLM_NOTE_SIZE], 0xee);
}
END_TEST

static int read_note(const uint8_t *bytes, struct sevlm__engine *engine)
{
	*engine = (struct sevlm__engine){.role = 0};
	sevlm__error_clear(&engine->error);
	return sevlm__commit_read(engine, bytes);
}

START_TEST(note_is_read_back)
{
	struct sevlm__engine engine = engine_of((uint32_t)_i), back;
	uint8_t bytes[SEVLM_NOTE_SIZE], token[SEVLM_TOKEN_SIZE];

	sevlm__commit_note(&engine, bytes);
	ck_assert_int_eq(read_note(bytes, &back), 0);
	ck_assert_uint_eq(back.role, engine.role);
	ck_assert_mem_eq(back.nonces, engine.nonces, sizeof(back.nonces));
	ck_assert_mem_eq(back.key, engine.key, sizeof(back.key));
	ck_assert_int_eq(sevlm__commit_name(&back, token), 0);
	ck_assert_mem_eq(token, engine.token, sizeof(token));
}
END_TEST

/* a bit of what is the same in all notes of a role */
START_TEST(damaged_note)
{
	struct sevlm__engine engine = engine_of(ROLE_SOURCE), back;
	uint8_t bytes[SEVLM_NOTE_SIZE];

	sevlm__commit_note(&engine, bytes);
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		size_t byte = bit / 8;
		bool free = byte >= 16 && byte < 112;

		bytes[byte] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(read_note(bytes, &back),
				 free ? 0 : -EBADMSG);
		bytes[byte] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

/* a file that was made longer, and never written */
START_TEST(hollow_note)
{
	struct sevlm__engine engine = engine_of(ROLE_SOURCE), back;
	uint8_t bytes[SEVLM_NOTE_SIZE];

	for (size_t at = 16; at < 112; at += 32) {
		sevlm__commit_note(&engine, bytes);
		memset(bytes + at, 0, 32);
		ck_assert_int_eq(read_note(bytes, &back), -EBADMSG);
	}
	memset(bytes, 0, sizeof(bytes));
	ck_assert_int_eq(read_note(bytes, &back), -EBADMSG);
}
END_TEST

/* ---- verdicts of a RESOLVE ---- */

static void verdict_mac(struct sevlm__engine *engine, uint32_t role,
			uint32_t verdict, uint8_t *mac)
{
	ck_assert_int_eq(sevlm__commit_verdict(engine, role, verdict, mac), 0);
}

/* of every role, verdict and session its own, and none that of a record */
START_TEST(verdict_macs_differ)
{
	struct mac macs[(1 + OTHERS) * 2 * 6 + 2 * ARRAY_SIZE(types)];
	struct sevlm__engine engine = engine_of(ROLE_SOURCE);
	size_t count = 0;

	for (uint32_t role = 1; role <= 2; role++)
		for (size_t t = 0; t < ARRAY_SIZE(types); t++)
			macs[count++] = mac_of(&engine, role, types[t]);
	for (int i = -1; i < OTHERS; i++) {
		if (i >= 0)
			engine = other_engine(ROLE_SOURCE, i);
		for (uint32_t role = 1; role <= 2; role++)
			for (uint32_t verdict = 0; verdict < 6; verdict++)
				verdict_mac(&engine, role, verdict,
					    macs[count++].bytes);
	}
	ck_assert_uint_eq(count, ARRAY_SIZE(macs));
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_mem_ne(macs[i].bytes, macs[j].bytes,
					 sizeof(macs[i].bytes));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("commit");
	TCase *tcase = tcase_create("commit");

	tcase_add_test(tcase, all_differ);
	tcase_add_test(tcase, sides_agree);
	tcase_add_test(tcase, reflection);
	tcase_add_test(tcase, another_word);
	tcase_add_loop_test(tcase, another_session, 0, OTHERS);
	tcase_add_test(tcase, every_bit);
	tcase_add_test(tcase, send);
	tcase_add_loop_test(tcase, note, 1, 3);
	tcase_add_loop_test(tcase, note_is_read_back, 1, 3);
	tcase_add_test(tcase, damaged_note);
	tcase_add_test(tcase, hollow_note);
	tcase_add_test(tcase, verdict_macs_differ);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
