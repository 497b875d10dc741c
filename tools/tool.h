/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What every part of the command uses. */
#ifndef SEVLM_TOOL_H
#define SEVLM_TOOL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libsevlm/libsevlm.h>

#define PROGRAM "sevlm"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIB (UINT64_C(1) << 20)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

enum exit_status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_IN_DOUBT = 3,
	STATUS_LOST = 4,
};

/* Why something failed, in words for a human. */
struct sentence {
	char text[512];
};

/* puts it into words and returns code */
int fail(struct sentence *why, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* one line on standard error in one write: "sevlm who: sentence" */
void complain(const char *who, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

uint64_t now_ns(void);
/* "512 MiB"; returns buf */
const char *size_text(uint64_t bytes, char *buf, size_t room);

#endif /* SEVLM_TOOL_H */
