/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Certificates, bytes to fields and back. */
#include <stdlib.h>
#include <string.h>

#include "cert.h"
#include "certs.h"
#include "check-main.h"

static struct certs host;
static struct forge forge;

static void make_all(void)
{
	certs_of_seed(&host, 3);
	forge_new(&forge, 2048);
}

/* each kind there is */
static const struct part {
	size_t at, bytes;
	enum { PDH, CHAIN, AMD, AMD_2048 } blob;
	uint32_t usage;
} parts[] = {
	{0, CERT, PDH, SEVLM_USAGE_PDH},
	{AT_PEK, CERT, CHAIN, SEVLM_USAGE_PEK},
	{AT_OCA, CERT, CHAIN, SEVLM_USAGE_OCA},
	{AT_CEK, CERT, CHAIN, SEVLM_USAGE_CEK},
	{0, 1600, AMD, SEVLM_USAGE_ASK},
	{1600, 1600, AMD, SEVLM_USAGE_ARK},
	{0, 832, AMD_2048, SEVLM_USAGE_ASK},
	{832, 832, AMD_2048, SEVLM_USAGE_ARK},
	{832, 576, AMD_2048, SEVLM_USAGE_ARK},
};
#define PARTS ((int)ARRAY_SIZE(parts))

static const uint8_t *bytes_of(int i)
{
	const uint8_t *const blobs[] = {host.pdh, host.chain, host.amd,
					forge.certs.amd};

	return blobs[parts[i].blob] + parts[i].at;
}

static void holds(const struct sevlm__cert *cert, const uint8_t *in,
		  size_t bytes)
{
	uint8_t out[CERT + 1];

	memset(out, 0xa5, sizeof(out));
	ck_assert_uint_eq(cert->bytes, bytes);
	ck_assert_uint_eq(sevlm__cert_encode(cert, out, bytes), bytes);
	ck_assert_mem_eq(out, in, bytes);
	ck_assert_uint_eq(out[bytes], 0xa5);
}

START_TEST(written_as_it_was_read)
{
	struct sevlm__cert cert;

	ck_assert_uint_eq(
		sevlm__cert_decode(bytes_of(_i), parts[_i].bytes, &cert), 0);
	ck_assert_uint_eq(cert.usage, parts[_i].usage);
	holds(&cert, bytes_of(_i), parts[_i].bytes);
}
END_TEST

/* whatever the bytes: what can be read is written the same, or refused */
START_TEST(altered_bytes_are_refused_or_kept)
{
	uint8_t in[CERT];
	struct sevlm__cert cert;
	int taken = 0;

	srandom((unsigned int)_i + 1);
	for (int round = 0; round < 4000; round++) {
		memcpy(in, bytes_of(_i), parts[_i].bytes);
		in[(size_t)random() % parts[_i].bytes] = (uint8_t)random();
		if (sevlm__cert_decode(in, parts[_i].bytes, &cert))
			continue;
		holds(&cert, in, parts[_i].bytes);
		taken++;
	}
	ck_assert_int_gt(taken, 0);
}
END_TEST

START_TEST(no_byte_too_few)
{
	uint8_t *exact;
	struct sevlm__cert cert;
	size_t most = parts[_i].bytes;

	for (size_t bytes = 0; bytes < most; bytes++) {
		/* the ARK of 832 bytes holds that of 576 */
		if (bytes == 576 && parts[_i].usage == SEVLM_USAGE_ARK &&
		    most == 832)
			continue;
		exact = malloc(bytes ? bytes : 1);
		ck_assert_ptr_nonnull(exact);
		memcpy(exact, bytes_of(_i), bytes);
		ck_assert_uint_ne(sevlm__cert_decode(exact, bytes, &cert), 0);
		free(exact);
	}
}
END_TEST

START_TEST(no_room_too_small)
{
	uint8_t out[CERT];
	struct sevlm__cert cert;

	ck_assert_uint_eq(
		sevlm__cert_decode(bytes_of(_i), parts[_i].bytes, &cert), 0);
	ck_assert_uint_eq(sevlm__cert_encode(&cert, out, parts[_i].bytes - 1),
			  0);
	ck_assert_uint_eq(sevlm__cert_encode(&cert, out, 0), 0);
}
END_TEST

static size_t walk(const uint8_t *blob, size_t bytes, const uint32_t *usages)
{
	struct sevlm__cert cert;
	size_t at = 0, count = 0;

	while (at < bytes) {
		ck_assert_uint_eq(
			sevlm__cert_decode(blob + at, bytes - at, &cert), 0);
		ck_assert_uint_eq(cert.usage, usages[count++]);
		at += cert.bytes;
	}
	ck_assert_uint_eq(at, bytes);
	return count;
}

START_TEST(blobs_are_walked_one_by_one)
{
	static const uint32_t platform[] = {SEVLM_USAGE_PEK, SEVLM_USAGE_OCA,
					    SEVLM_USAGE_CEK};
	static const uint32_t amd[] = {SEVLM_USAGE_ASK, SEVLM_USAGE_ARK};

	ck_assert_uint_eq(walk(host.chain, sizeof(host.chain), platform), 3);
	ck_assert_uint_eq(walk(host.amd, 3200, amd), 2);
	ck_assert_uint_eq(walk(forge.certs.amd, 1664, amd), 2);
	ck_assert_uint_eq(walk(forge.certs.amd, 1408, amd), 2);
}
END_TEST

START_TEST(blobs_of_amd_have_three_sizes)
{
	size_t good = 0;

	for (size_t bytes = 0; bytes <= SEVLM_BLOB_MAX; bytes++)
		good += !!sevlm__cert_split(bytes);
	ck_assert_uint_eq(good, 3);
	ck_assert_uint_eq(sevlm__cert_split(1408), 832);
	ck_assert_uint_eq(sevlm__cert_split(1664), 832);
	ck_assert_uint_eq(sevlm__cert_split(3200), 1600);
}
END_TEST

/* only the ARK may come without a signature, only with 2048 bits, only alone */
START_TEST(signature_may_be_missing_in_one_form_only)
{
	const uint8_t *ask = forge.certs.amd, *ark = ask + 832;
	struct sevlm__cert cert;

	ck_assert_uint_eq(sevlm__cert_decode_amd(ark, 576, &cert), 0);
	ck_assert_uint_eq(cert.slots[0].algorithm, 0);
	ck_assert_uint_eq(sevlm__cert_decode_amd(ark, 577, &cert),
			  SEVLM_REASON_MALFORMED);
	ck_assert_uint_eq(sevlm__cert_decode_amd(ask, 576, &cert),
			  SEVLM_REASON_MALFORMED);
	ck_assert_uint_eq(sevlm__cert_decode_amd(host.amd + 1600, 1088, &cert),
			  SEVLM_REASON_MALFORMED);
}
END_TEST

static const struct {
	size_t at;
	uint32_t value, reason;
} amd_changes[] = {
	{0, 2, SEVLM_REASON_MALFORMED},
	{36, 1, SEVLM_REASON_USAGE},
	{36, 0x1004, SEVLM_REASON_USAGE},
	{40, 1, SEVLM_REASON_MALFORMED},
	{52, 1u << 31, SEVLM_REASON_MALFORMED},
	{56, 2048, SEVLM_REASON_ALGORITHM},
	{60, 2048, SEVLM_REASON_ALGORITHM},
	{60, 0, SEVLM_REASON_ALGORITHM},
	{60, UINT32_MAX, SEVLM_REASON_ALGORITHM},
	{64, 3, SEVLM_REASON_ALGORITHM}, /* exponent */
	{64, 1, SEVLM_REASON_ALGORITHM},
	{572, 1u << 31, SEVLM_REASON_ALGORITHM},
	{576, 2, SEVLM_REASON_MALFORMED}, /* an even modulus */
	{1084, 0x7fffffff, SEVLM_REASON_MALFORMED}, /* a shorter one */
};

START_TEST(amd_fields_that_must_be_as_they_are)
{
	uint8_t in[1600];
	struct sevlm__cert cert;

	memcpy(in, host.amd, sizeof(in));
	put_le32(in + amd_changes[_i].at, amd_changes[_i].value);
	ck_assert_uint_eq(sevlm__cert_decode_amd(in, sizeof(in), &cert),
			  amd_changes[_i].reason);
}
END_TEST

START_TEST(numbers_are_turned_round)
{
	const uint8_t *pdh = host.pdh;
	struct sevlm__cert cert;
	uint8_t r[48], s[48];

	ck_assert_uint_eq(sevlm__cert_decode_sev(pdh, CERT, &cert), 0);
	ck_assert(sevlm__cert_ecdsa(&cert.slots[0], r, s));
	for (size_t i = 0; i < 48; i++) {
		ck_assert_uint_eq(cert.point.x[i], pdh[20 + 47 - i]);
		ck_assert_uint_eq(cert.point.y[i], pdh[92 + 47 - i]);
		ck_assert_uint_eq(r[i], pdh[1052 + 47 - i]);
		ck_assert_uint_eq(s[i], pdh[1124 + 47 - i]);
	}
	for (size_t at = 48; at < 72; at++) {
		struct sevlm__cert_slot slot = cert.slots[0];

		slot.value[at] = 1;
		ck_assert(!sevlm__cert_ecdsa(&slot, r, s));
		slot.value[at] = 0;
		slot.value[72 + at] = 1;
		ck_assert(!sevlm__cert_ecdsa(&slot, r, s));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("cert");
	Suite *suite = suite_create("cert");
	int failed;

	make_all();
	tcase_add_loop_test(tcase, written_as_it_was_read, 0, PARTS);
	tcase_add_loop_test(tcase, altered_bytes_are_refused_or_kept, 0, PARTS);
	tcase_add_loop_test(tcase, no_byte_too_few, 0, PARTS);
	tcase_add_loop_test(tcase, no_room_too_small, 0, PARTS);
	tcase_add_test(tcase, blobs_are_walked_one_by_one);
	tcase_add_test(tcase, blobs_of_amd_have_three_sizes);
	tcase_add_test(tcase, signature_may_be_missing_in_one_form_only);
	tcase_add_loop_test(tcase, amd_fields_that_must_be_as_they_are, 0,
			    (int)ARRAY_SIZE(amd_changes));
	tcase_add_test(tcase, numbers_are_turned_round);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	forge_free(&forge);
	return failed;
}
