/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

struct word {
	uint32_t code;
	const char *text;
};

/* The closed set of the public header. */
static const struct word errors[] = {
	{ EINVAL, "an argument is wrong" },
	{ EBADFD, "this call is not allowed now" },
	{ ENOBUFS, "a buffer or table is too small" },
	{ EBADMSG, "malformed bytes" },
	{ EPROTO, "not allowed at this point of the protocol" },
	{ EKEYREJECTED, "authentication failed" },
	{ EPERM, "the guest's policy or missing consent forbids it" },
	{ EREMOTEIO, "the firmware refused" },
	{ ENOTSUP, "not supported by this kernel, firmware or build" },
	{ EAGAIN, "not now, try again" },
	{ ETIMEDOUT, "a deadline passed" },
	{ ECONNRESET, "the peer or the link is gone" },
	{ ECANCELED, "cancelled" },
	{ ENOMEM, "out of memory" },
	{ EINTR, "interrupted" },
	{ EIO, "input or output failed" },
};

/* SEV API, "Status Codes"; installed kernel headers have wrong numbers from
 * 0x19 up, so the values stand here. */
static const struct word statuses[] = {
	{ 0x00, "SUCCESS" },
	{ 0x01, "INVALID_PLATFORM_STATE" },
	{ 0x02, "INVALID_GUEST_STATE" },
	{ 0x03, "INVALID_CONFIG" },
	{ 0x04, "INVALID_LEN" },
	{ 0x05, "ALREADY_OWNED" },
	{ 0x06, "INVALID_CERTIFICATE" },
	{ 0x07, "POLICY_FAILURE" },
	{ 0x08, "INACTIVE" },
	{ 0x09, "INVALID_ADDRESS" },
	{ 0x0a, "BAD_SIGNATURE" },
	{ 0x0b, "BAD_MEASUREMENT" },
	{ 0x0c, "ASID_OWNED" },
	{ 0x0d, "INVALID_ASID" },
	{ 0x0e, "WBINVD_REQUIRED" },
	{ 0x0f, "DFFLUSH_REQUIRED" },
	{ 0x10, "INVALID_GUEST" },
	{ 0x11, "INVALID_COMMAND" },
	{ 0x12, "ACTIVE" },
	{ 0x13, "HWSEV_RET_PLATFORM" },
	{ 0x14, "HWSEV_RET_UNSAFE" },
	{ 0x15, "UNSUPPORTED" },
	{ 0x16, "INVALID_PARAM" },
	{ 0x17, "RESOURCE_LIMIT" },
	{ 0x18, "SECURE_DATA_INVALID" },
	{ 0x19, "INVALID_PAGE_SIZE" },
	{ 0x1a, "INVALID_PAGE_STATE" },
	{ 0x1b, "INVALID_MDATA_ENTRY" },
	{ 0x1c, "INVALID_PAGE_OWNER" },
	{ 0x1d, "AEAD_OFLOW" },
	{ 0x1f, "EXIT_RING_BUFFER" },
	{ 0x20, "RMP_INIT_REQUIRED" },
	{ 0x21, "BAD_SVN" },
	{ 0x22, "BAD_VERSION" },
	{ 0x23, "SHUTDOWN_REQUIRED" },
	{ 0x24, "UPDATE_FAILED" },
	{ 0x25, "RESTORE_REQUIRED" },
	{ 0x26, "RMP_INITIALIZATION_FAILED" },
	{ 0x27, "INVALID_KEY" },
	{ SEVLM_FIRMWARE_NOT_ASKED, "firmware was not asked" },
};

static const char *look_up(const struct word *words, size_t count,
			   uint32_t code)
{
	for (size_t i = 0; i < count; i++)
		if (words[i].code == code)
			return words[i].text;
	return NULL;
}

SEVLM_API const char *sevlm_strerror(int error)
{
	const char *text;

	if (!error)
		return "success";
	text = error < 0 ? look_up(errors, ARRAY_SIZE(errors),
				   0u - (uint32_t)error) :
			   NULL;
	return text ? text : "unknown error";
}

SEVLM_API const char *sevlm_firmware_strerror(uint32_t status)
{
	const char *text = look_up(statuses, ARRAY_SIZE(statuses), status);

	return text ? text : "unknown firmware status";
}

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

SEVLM_API const char *sevlm_version(void)
{
	return STRINGIFY(SEVLM_VERSION_MAJOR) "." STRINGIFY(
		SEVLM_VERSION_MINOR) "." STRINGIFY(SEVLM_VERSION_PATCH);
}

int sevlm__public_error(int code)
{
	if (code >= 0 || look_up(errors, ARRAY_SIZE(errors),
				 0u - (uint32_t)code))
		return code;
	return -EIO;
}

void sevlm__error_clear(struct sevlm__error *error)
{
	error->status = SEVLM_FIRMWARE_NOT_ASKED;
	error->text[0] = '\0';
}

int sevlm__fail(struct sevlm__error *error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return sevlm__public_error(code);
}

int sevlm__copy_in(void *dst, size_t known, const void *src, size_t least)
{
	const unsigned char *bytes = src;
	size_t size;

	if (!src)
		return -EINVAL;
	memcpy(&size, src, sizeof(size));
	if (size < least || size > 4096)
		return -EINVAL;
	/* a newer caller asks for something that we cannot do */
	for (size_t i = known; i < size; i++)
		if (bytes[i])
			return -EINVAL;
	memset(dst, 0, known);
	memcpy(dst, src, size < known ? size : known);
	return 0;
}

int sevlm__copy_out(void *dst, const void *src, size_t known)
{
	size_t size, part;

	if (!dst)
		return -EINVAL;
	memcpy(&size, dst, sizeof(size));
	if (size <= sizeof(size) || size > 4096)
		return -EINVAL;
	part = size < known ? size : known;
	memcpy((char *)dst + sizeof(size), (const char *)src + sizeof(size),
	       part - sizeof(size));
	memset((char *)dst + part, 0, size - part);
	return 0;
}
