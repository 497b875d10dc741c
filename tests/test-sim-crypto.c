/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "check-main.h"
#include "../sim/crypto.h"
#include "../sim/internal.h"

#define PACKET 4096u

static void unhex(const char *text, uint8_t *out)
{
	for (; *text; text += 2) {
		char byte[3] = {text[0], text[1], 0};

		*out++ = (uint8_t)strtoul(byte, NULL, 16);
	}
}

static void expect(const uint8_t *got, const char *text)
{
	uint8_t want[64];

	unhex(text, want);
	ck_assert_mem_eq(got, want, strlen(text) / 2);
}

static void count_up(uint8_t *out, size_t bytes, uint8_t first)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(first + i);
}

START_TEST(kdf_of_zeroes)
{
	const uint8_t zeroes[16] = {0};
	uint8_t master[16], key[16];

	ck_assert_int_eq(
		sim_kdf(zeroes, 16, "sev-master-secret", zeroes, 16, master),
		0);
	expect(master, "ab4d269fcc62bedb4511d56c386ce706");
	ck_assert_int_eq(sim_kdf(master, 16, "sev-kek", NULL, 0, key), 0);
	expect(key, "b6abfbfb75ea1ea74ed8750b8afdb973");
	ck_assert_int_eq(sim_kdf(master, 16, "sev-kik", NULL, 0, key), 0);
	expect(key, "53b524bf5669a363f365c864acba8572");
}
END_TEST

START_TEST(kdf_of_a_real_length)
{
	uint8_t z[SIM_Z], nonce[16], master[16], key[16];

	count_up(z, sizeof(z), 0);
	count_up(nonce, sizeof(nonce), 0x40);
	ck_assert_int_eq(
		sim_kdf(z, SIM_Z, "sev-master-secret", nonce, 16, master), 0);
	expect(master, "12c8472d588d423682a6afda61b86c8d");
	ck_assert_int_eq(sim_kdf(master, 16, "sev-kek", NULL, 0, key), 0);
	expect(key, "f77d1d9cc866b613a9c2627d3db2bf09");
	ck_assert_int_eq(sim_kdf(master, 16, "sev-kik", NULL, 0, key), 0);
	expect(key, "51e2236bbd2f991921b72e94e003bc38");
}
END_TEST

START_TEST(kdf_refuses_what_does_not_fit)
{
	const uint8_t long_context[17] = {0};
	uint8_t out[16];

	ck_assert_int_eq(sim_kdf(long_context, 16, "x", long_context, 17, out),
			 -EIO);
	ck_assert_int_eq(sim_kdf(long_context, 16,
				 "a label that is longer than thirty-two", NULL,
				 0, out),
			 -EIO);
}
END_TEST

START_TEST(session_of_zeroes)
{
	const struct sim_keys zero_keys = {{0}, {0}};
	const uint8_t z[16] = {0};
	struct sim_session session;
	struct sim_keys keys;

	memset(&session, 0, sizeof(session));
	ck_assert_int_eq(sim_session_wrap(z, 16, 0, &zero_keys, &session), 0);
	expect(session.wrap_tk, "2137bc7f9bb8bd7c3e55a576a15d3454"
				"b3856b8ba27afadf46dcfee9f02c02c4");
	expect(session.wrap_mac, "3176c0752738bd9d5e86689534020f52"
				 "8c088f16238826b000b327dee6aeed7d");
	expect(session.policy_mac, "aa7855e13839dd767cd5da7c1ff50365"
				   "40c9264b7a803029315e55375287b4af");
	memset(&keys, 0xff, sizeof(keys));
	ck_assert_int_eq(sim_session_unwrap(z, 16, 0, &session, &keys), 0);
	ck_assert_mem_eq(&keys, &zero_keys, sizeof(keys));
}
END_TEST

START_TEST(policy_is_little_endian)
{
	uint8_t z[SIM_Z] = {0};
	struct sim_session session = {{0}, {0}, {0}, {0}, {0}};
	struct sim_keys keys;

	count_up(keys.tek, 16, 0x00);
	count_up(keys.tik, 16, 0x10);
	ck_assert_int_eq(
		sim_session_wrap(z, SIM_Z, 0x01000025, &keys, &session), 0);
	expect(session.policy_mac, "b1789eb2a19c6c475473c8343d43e4b3"
				   "35fee1065d539a423d95b08e3672cdb5");
}
END_TEST

/* every byte of the session counts */
START_TEST(session_tampered)
{
	struct sim_session good, bad;
	struct sim_keys keys, out;
	uint8_t z[SIM_Z];

	count_up(z, sizeof(z), 7);
	count_up((uint8_t *)&keys, sizeof(keys), 9);
	count_up((uint8_t *)&good, sizeof(good), 11);
	ck_assert_int_eq(sim_session_wrap(z, SIM_Z, 5, &keys, &good), 0);
	for (size_t i = 0; i < sizeof(good); i++) {
		bad = good;
		((uint8_t *)&bad)[i] ^= 0x80;
		ck_assert_int_eq(sim_session_unwrap(z, SIM_Z, 5, &bad, &out),
				 -EBADMSG);
	}
	ck_assert_int_eq(sim_session_unwrap(z, SIM_Z, 4, &good, &out),
			 -EBADMSG);
	z[0] ^= 1;
	ck_assert_int_eq(sim_session_unwrap(z, SIM_Z, 5, &good, &out),
			 -EBADMSG);
}
END_TEST

START_TEST(refused_session_leaves_no_keys)
{
	const struct sim_keys nothing = {{0}, {0}};
	struct sim_session session;
	struct sim_keys keys;
	uint8_t z[SIM_Z];

	count_up(z, sizeof(z), 7);
	count_up((uint8_t *)&keys, sizeof(keys), 9);
	count_up((uint8_t *)&session, sizeof(session), 11);
	ck_assert_int_eq(sim_session_wrap(z, SIM_Z, 5, &keys, &session), 0);
	ck_assert_int_eq(sim_session_unwrap(z, SIM_Z, 6, &session, &keys),
			 -EBADMSG);
	ck_assert_mem_eq(&keys, &nothing, sizeof(keys));
}
END_TEST

START_TEST(measure_vector)
{
	uint8_t digest[32], mnonce[16], tik[16], mac[32];
	struct sim_measured measured = {
		.api_minor = 18,
		.build = 15,
		.digest = digest,
		.mnonce = mnonce,
	};

	ck_assert(EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL));
	unhex("4fbe0bedbad6c86ae8f68971d103e554", mnonce);
	unhex("66320db73158a35a255d051758e95ed4", tik);
	ck_assert_int_eq(sim_measure(tik, &measured, mac), 0);
	expect(mac, "6faab2daae389bcd3405a05d6cafe33c"
		    "0414f7bedd0bae19ba5f38b7fd1664ea");
}
END_TEST

START_TEST(measure_before_version_17)
{
	uint8_t msg[52] = {0}, tik[16] = {1}, mac[32], want[32];
	struct sim_measured measured = {
		.api_minor = 16,
		.build = 15,
		.policy = 0x04030201,
		.digest = msg + 4,
		.mnonce = msg + 36,
	};

	count_up(msg, sizeof(msg), 1);
	ck_assert_int_eq(sim_hmac(tik, 16, msg, sizeof(msg), want), 0);
	ck_assert_int_eq(sim_measure(tik, &measured, mac), 0);
	ck_assert_mem_eq(mac, want, sizeof(mac));
	measured.api_minor = 17;
	ck_assert_int_eq(sim_measure(tik, &measured, mac), 0);
	ck_assert_mem_ne(mac, want, sizeof(mac));
}
END_TEST

static struct sim_transport *transport;
static uint8_t plain[PACKET], trans[PACKET], out[PACKET];
static struct sim_header header;

static void packet_up(void)
{
	struct sim_keys keys;

	count_up(keys.tek, 16, 0x00);
	count_up(keys.tik, 16, 0x10);
	count_up(header.iv, 16, 0xf0);
	for (unsigned int i = 0; i < PACKET; i++)
		plain[i] = (uint8_t)(7 * i + 3);
	ck_assert_int_eq(sim_transport_new(&keys, &transport), 0);
	ck_assert_int_eq(
		sim_transport_seal(transport, &header, plain, PACKET, trans),
		0);
}

static void packet_down(void)
{
	sim_transport_free(transport);
}

static void expect_vector(void)
{
	uint8_t digest[32];

	expect(trans, "65add6f02b741c7cac1397576448c8c1");
	expect(trans + PACKET - 16, "57acc75849f5ebfbc96678ad61fd4992");
	ck_assert(EVP_Digest(trans, PACKET, digest, NULL, EVP_sha256(), NULL));
	expect(digest, "7434b048ee53131b56bfcd05d3bb9dfd"
		       "d79d627b70c5d5d434ffd6ed0a363351");
	expect(header.mac, "6972160ed7a32ed8c690699901e24f68"
			   "9106346bdcc5af17064f6cf046e53db4");
	expect(header.flags, "00000000");
}

/* a second packet starts afresh, in spite of the contexts that are kept */
START_TEST(packet_vector)
{
	expect_vector();
	ck_assert_int_eq(
		sim_transport_seal(transport, &header, plain, 16, trans), 0);
	ck_assert_int_eq(
		sim_transport_seal(transport, &header, plain, PACKET, trans),
		0);
	expect_vector();
}
END_TEST

/* The same packet as a VMSA's (0x03) and as a launch secret's (0x01, behind it
 * a measurement of zeroes): published, though no command here makes them. */
START_TEST(packet_vectors_of_other_commands)
{
	static uint8_t msg[29 + PACKET + 32];
	uint8_t tik[16], mac[32];

	count_up(tik, 16, 0x10);
	memset(msg, 0, sizeof(msg));
	memcpy(msg + 5, header.iv, 16);
	sim_put32(msg + 21, PACKET);
	sim_put32(msg + 25, PACKET);
	memcpy(msg + 29, trans, PACKET);
	msg[0] = 3;
	ck_assert_int_eq(sim_hmac(tik, 16, msg, 29 + PACKET, mac), 0);
	expect(mac, "b38ba0b42b3534d2d4bebc24982524dc"
		    "4a30ae0e6c002a444ccdc453e66d9faf");
	msg[0] = 1;
	ck_assert_int_eq(sim_hmac(tik, 16, msg, sizeof(msg), mac), 0);
	expect(mac, "ee6960847d60b4b1c385b336309b7f41"
		    "4e4a74659fba2c8c14e96526aef3372c");
}
END_TEST

START_TEST(packet_opens)
{
	for (int i = 0; i < 2; i++) {
		memset(out, 0, sizeof(out));
		ck_assert_int_eq(sim_transport_open(transport, &header, trans,
						    PACKET, out),
				 0);
		ck_assert_mem_eq(out, plain, PACKET);
	}
}
END_TEST

START_TEST(packet_tampered)
{
	uint8_t *bytes = (uint8_t *)&header;

	memset(out, 0x55, sizeof(out));
	for (size_t i = 0; i < sizeof(header); i++) {
		bytes[i] ^= 4;
		ck_assert_int_eq(sim_transport_open(transport, &header, trans,
						    PACKET, out),
				 -EBADMSG);
		bytes[i] ^= 4;
	}
	for (size_t i = 0; i < PACKET; i += 61) {
		trans[i] ^= 4;
		ck_assert_int_eq(sim_transport_open(transport, &header, trans,
						    PACKET, out),
				 -EBADMSG);
		trans[i] ^= 4;
	}
	for (size_t i = 0; i < PACKET; i++)
		ck_assert_uint_eq(out[i], 0x55);
}
END_TEST

START_TEST(packet_shortened)
{
	ck_assert_int_eq(
		sim_transport_open(transport, &header, trans, PACKET - 16, out),
		-EBADMSG);
}
END_TEST

static void draw(uint64_t seed, uint8_t *buf, size_t bytes, size_t step)
{
	struct sim_random *random;

	ck_assert_int_eq(sim_random_new(seed, &random), 0);
	for (size_t done = 0; done < bytes; done += step)
		ck_assert_int_eq(sim_random_bytes(random, buf + done,
						  bytes - done < step
							  ? bytes - done
							  : step),
				 0);
	sim_random_free(random);
}

START_TEST(random_repeats)
{
	static uint8_t a[5000], b[5000], c[5000];

	draw(7, a, sizeof(a), 17);
	draw(7, b, sizeof(b), sizeof(b));
	draw(8, c, sizeof(c), sizeof(c));
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_mem_ne(a, c, 32);
	ck_assert_mem_ne(a, a + 1024, 32);
}
END_TEST

START_TEST(random_of_the_system)
{
	uint8_t a[32], b[32];

	draw(0, a, sizeof(a), 32);
	draw(0, b, sizeof(b), 32);
	ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

static void add_keys(Suite *suite)
{
	TCase *tc = tcase_create("keys");

	tcase_add_test(tc, kdf_of_zeroes);
	tcase_add_test(tc, kdf_of_a_real_length);
	tcase_add_test(tc, kdf_refuses_what_does_not_fit);
	tcase_add_test(tc, session_of_zeroes);
	tcase_add_test(tc, policy_is_little_endian);
	tcase_add_test(tc, session_tampered);
	tcase_add_test(tc, refused_session_leaves_no_keys);
	tcase_add_test(tc, measure_vector);
	tcase_add_test(tc, measure_before_version_17);
	tcase_add_test(tc, random_repeats);
	tcase_add_test(tc, random_of_the_system);
	suite_add_tcase(suite, tc);
}

static void add_packets(Suite *suite)
{
	TCase *tc = tcase_create("packets");

	tcase_add_checked_fixture(tc, packet_up, packet_down);
	tcase_add_test(tc, packet_vector);
	tcase_add_test(tc, packet_vectors_of_other_commands);
	tcase_add_test(tc, packet_opens);
	tcase_add_test(tc, packet_tampered);
	tcase_add_test(tc, packet_shortened);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("sim-crypto");

	add_keys(suite);
	add_packets(suite);
	return run_suite(suite);
}
