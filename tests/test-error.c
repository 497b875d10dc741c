/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "internal.h"

/* ---- the closed set ---- */

static const int set[] = {
	EINVAL,	   EBADFD,    ENOBUFS, EBADMSG, EPROTO,	   EKEYREJECTED,
	EPERM,	   EREMOTEIO, ENOTSUP, EAGAIN,	ETIMEDOUT, ECONNRESET,
	ECANCELED, ENOMEM,    EINTR,   EIO,
};

static bool in_set(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		if (code == -set[i])
			return true;
	return false;
}

START_TEST(sentences)
{
	const char *unknown = sevlm_strerror(-4095);

	ck_assert_str_ne(sevlm_strerror(0), unknown);
	for (size_t i = 0; i < ARRAY_SIZE(set); i++) {
		const char *text = sevlm_strerror(-set[i]);

		ck_assert_uint_gt(strlen(text), 0);
		ck_assert_str_ne(text, unknown);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(text, sevlm_strerror(-set[j]));
	}
}
END_TEST

START_TEST(other_codes)
{
	static const int odd[] = {
		INT_MIN, INT_MIN + 1, -4095, -1000, 1, EINVAL, INT_MAX,
	};
	const char *unknown = sevlm_strerror(-4095);

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		ck_assert_str_eq(sevlm_strerror(odd[i]), unknown);
	for (int code = -1; code > -200; code--)
		ck_assert_int_eq(!strcmp(sevlm_strerror(code), unknown),
				 !in_set(code));
}
END_TEST

START_TEST(public_error)
{
	for (int code = -1; code > -4096; code--)
		ck_assert_int_eq(sevlm__public_error(code),
				 in_set(code) ? code : -EIO);
	ck_assert_int_eq(sevlm__public_error(INT_MIN), -EIO);
	ck_assert_int_eq(sevlm__public_error(0), 0);
	ck_assert_int_eq(sevlm__public_error(7), 7);
}
END_TEST

/* ---- firmware: SEV API, "Status Codes" ---- */

static const char *const statuses[] = {
	[0x00] = "SUCCESS",
	[0x01] = "INVALID_PLATFORM_STATE",
	[0x02] = "INVALID_GUEST_STATE",
	[0x03] = "INVALID_CONFIG",
	[0x04] = "INVALID_LEN",
	[0x05] = "ALREADY_OWNED",
	[0x06] = "INVALID_CERTIFICATE",
	[0x07] = "POLICY_FAILURE",
	[0x08] = "INACTIVE",
	[0x09] = "INVALID_ADDRESS",
	[0x0a] = "BAD_SIGNATURE",
	[0x0b] = "BAD_MEASUREMENT",
	[0x0c] = "ASID_OWNED",
	[0x0d] = "INVALID_ASID",
	[0x0e] = "WBINVD_REQUIRED",
	[0x0f] = "DFFLUSH_REQUIRED",
	[0x10] = "INVALID_GUEST",
	[0x11] = "INVALID_COMMAND",
	[0x12] = "ACTIVE",
	[0x13] = "HWSEV_RET_PLATFORM",
	[0x14] = "HWSEV_RET_UNSAFE",
	[0x15] = "UNSUPPORTED",
	[0x16] = "INVALID_PARAM",
	[0x17] = "RESOURCE_LIMIT",
	[0x18] = "SECURE_DATA_INVALID",
	[0x19] = "INVALID_PAGE_SIZE",
	[0x1a] = "INVALID_PAGE_STATE",
	[0x1b] = "INVALID_MDATA_ENTRY",
	[0x1c] = "INVALID_PAGE_OWNER",
	[0x1d] = "AEAD_OFLOW",
	[0x1f] = "EXIT_RING_BUFFER",
	[0x20] = "RMP_INIT_REQUIRED",
	[0x21] = "BAD_SVN",
	[0x22] = "BAD_VERSION",
	[0x23] = "SHUTDOWN_REQUIRED",
	[0x24] = "UPDATE_FAILED",
	[0x25] = "RESTORE_REQUIRED",
	[0x26] = "RMP_INITIALIZATION_FAILED",
	[0x27] = "INVALID_KEY",
};

START_TEST(firmware_names)
{
	const char *unknown = sevlm_firmware_strerror(0x12345678);
	const char *text;

	ck_assert_uint_gt(strlen(unknown), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(statuses); i++)
		ck_assert_str_eq(sevlm_firmware_strerror(i),
				 statuses[i] ? statuses[i] : unknown);
	for (uint32_t i = ARRAY_SIZE(statuses); i < 0x10000; i++)
		ck_assert_str_eq(sevlm_firmware_strerror(i), unknown);
	ck_assert_str_eq(sevlm_firmware_strerror(0x80000000), unknown);
	text = sevlm_firmware_strerror(SEVLM_FIRMWARE_NOT_ASKED);
	ck_assert_str_ne(text, unknown);
	ck_assert_uint_gt(strlen(text), 0);
}
END_TEST

START_TEST(version)
{
	int major, minor, patch;

	ck_assert_int_eq(
		sscanf(sevlm_version(), "%d.%d.%d", &major, &minor, &patch), 3);
	ck_assert_int_eq(major, SEVLM_VERSION_MAJOR);
	ck_assert_int_eq(minor, SEVLM_VERSION_MINOR);
	ck_assert_int_eq(patch, SEVLM_VERSION_PATCH);
}
END_TEST

/* ---- one sentence ---- */

START_TEST(fail)
{
	struct sevlm__error error = {0};

	sevlm__error_clear(&error);
	ck_assert_uint_eq(error.status, SEVLM_FIRMWARE_NOT_ASKED);
	ck_assert_str_eq(error.text, "");
	error.status = 7;
	ck_assert_int_eq(sevlm__fail(&error, -EPERM, "%s %d", "no", 3), -EPERM);
	ck_assert_str_eq(error.text, "no 3");
	ck_assert_uint_eq(error.status, 7);
	ck_assert_int_eq(sevlm__fail(&error, -EXDEV, "%s", "odd"), -EIO);
	ck_assert_str_eq(error.text, "odd");
	sevlm__error_clear(&error);
	ck_assert_uint_eq(error.status, SEVLM_FIRMWARE_NOT_ASKED);
}
END_TEST

START_TEST(long_sentence)
{
	struct sevlm__error error;
	char text[2 * sizeof(error.text)];

	memset(text, 'x', sizeof(text));
	for (size_t length = sizeof(error.text) - 2; length < sizeof(text);
	     length++) {
		size_t kept = length < sizeof(error.text)
				      ? length
				      : sizeof(error.text) - 1;

		sevlm__fail(&error, -EIO, "%.*s", (int)length, text);
		ck_assert_uint_eq(strlen(error.text), kept);
	}
}
END_TEST

/* ---- size-first structs ---- */

struct known {
	size_t size;
	uint32_t a, b;
	uint64_t added;
};

#define LEAST offsetof(struct known, added)

static void *sized(size_t room, size_t size)
{
	uint8_t *bytes = malloc(room);

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 0x5a, room);
	memcpy(bytes, &size, sizeof(size));
	return bytes;
}

START_TEST(in_old_caller)
{
	struct known known;

	for (size_t size = LEAST; size <= sizeof(known); size++) {
		uint8_t *src = sized(size, size);
		size_t extra = size - LEAST;

		memset(&known, 0xff, sizeof(known));
		ck_assert_int_eq(
			sevlm__copy_in(&known, sizeof(known), src, LEAST), 0);
		ck_assert_uint_eq(known.size, size);
		ck_assert_uint_eq(known.a, 0x5a5a5a5a);
		ck_assert_uint_eq(known.b, 0x5a5a5a5a);
		ck_assert_uint_eq(known.added,
				  extra == 8
					  ? 0x5a5a5a5a5a5a5a5aull
					  : 0x5a5a5a5a5a5a5a5aull &
						    ((1ull << 8 * extra) - 1));
		free(src);
	}
}
END_TEST

START_TEST(in_new_caller)
{
	struct known known;

	for (size_t more = 1; more <= 64; more++) {
		size_t size = sizeof(known) + more;
		uint8_t *src = sized(size, size);

		memset(src + sizeof(known), 0, more);
		ck_assert_int_eq(
			sevlm__copy_in(&known, sizeof(known), src, LEAST), 0);
		ck_assert_uint_eq(known.added, 0x5a5a5a5a5a5a5a5aull);
		src[size - 1] = 1;
		ck_assert_int_eq(
			sevlm__copy_in(&known, sizeof(known), src, LEAST),
			-EINVAL);
		src[size - 1] = 0;
		src[sizeof(known)] = 0x80;
		ck_assert_int_eq(
			sevlm__copy_in(&known, sizeof(known), src, LEAST),
			-EINVAL);
		free(src);
	}
}
END_TEST

static const size_t odd_sizes[] = {
	0, 1, 7, 8, LEAST - 1, 4097, 1u << 20, SIZE_MAX / 2, SIZE_MAX,
};

START_TEST(in_odd_sizes)
{
	struct known known;
	void *src = sized(LEAST, odd_sizes[_i]);

	ck_assert_int_eq(sevlm__copy_in(&known, sizeof(known), src, LEAST),
			 -EINVAL);
	ck_assert_int_eq(sevlm__copy_in(&known, sizeof(known), NULL, LEAST),
			 -EINVAL);
	free(src);
}
END_TEST

/* too large to be meant, even if all that we do not know is zero */
START_TEST(in_largest)
{
	struct known known;
	size_t *src = calloc(1, 4104);

	ck_assert_ptr_nonnull(src);
	*src = 4096;
	ck_assert_int_eq(sevlm__copy_in(&known, sizeof(known), src, LEAST), 0);
	*src = 4097;
	ck_assert_int_eq(sevlm__copy_in(&known, sizeof(known), src, LEAST),
			 -EINVAL);
	free(src);
}
END_TEST

START_TEST(out_sizes)
{
	struct known known = {sizeof(known), 0x01010101, 0x01010101,
			      0x0101010101010101ull};

	for (size_t size = sizeof(size) + 1; size <= 4096; size++) {
		uint8_t *dst = sized(size, size);
		size_t got;

		ck_assert_int_eq(sevlm__copy_out(dst, &known, sizeof(known)),
				 0);
		memcpy(&got, dst, sizeof(got));
		ck_assert_uint_eq(got, size);
		for (size_t i = sizeof(size); i < size; i++)
			if (dst[i] != (i < sizeof(known)))
				ck_abort_msg("byte %zu of %zu", i, size);
		free(dst);
	}
}
END_TEST

START_TEST(out_odd_sizes)
{
	static const size_t sizes[] = {0, 1, 7, 8, 4097, SIZE_MAX};
	struct known known = {.size = sizeof(known)};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *dst = sized(sizeof(known), sizes[i]);

		ck_assert_int_eq(sevlm__copy_out(dst, &known, sizeof(known)),
				 -EINVAL);
		ck_assert_int_eq(((uint8_t *)dst)[sizeof(size_t)], 0x5a);
		free(dst);
	}
	ck_assert_int_eq(sevlm__copy_out(NULL, &known, sizeof(known)), -EINVAL);
}
END_TEST

START_TEST(covers)
{
	struct known known;

	for (known.size = 0; known.size <= sizeof(known); known.size++) {
		ck_assert_int_eq(sevlm__covers(&known, a), known.size >= 12);
		ck_assert_int_eq(sevlm__covers(&known, added),
				 known.size >= 24);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *words = tcase_create("words");
	TCase *sizes = tcase_create("sizes");

	tcase_add_test(words, sentences);
	tcase_add_test(words, other_codes);
	tcase_add_test(words, public_error);
	tcase_add_test(words, firmware_names);
	tcase_add_test(words, version);
	tcase_add_test(words, fail);
	tcase_add_test(words, long_sentence);
	tcase_add_test(sizes, in_old_caller);
	tcase_add_test(sizes, in_new_caller);
	tcase_add_loop_test(sizes, in_odd_sizes, 0, ARRAY_SIZE(odd_sizes));
	tcase_add_test(sizes, in_largest);
	tcase_add_test(sizes, out_sizes);
	tcase_add_test(sizes, out_odd_sizes);
	tcase_add_test(sizes, covers);
	suite_add_tcase(suite, words);
	suite_add_tcase(suite, sizes);
	return run_suite(suite);
}
