/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define CODE_ROOM 48
#define DETAIL_ROOM 256
#define MESSAGE_ROOM 512

struct entry {
	uint32_t severity;
	const char *remedy;
	char code[CODE_ROOM];
	char message[MESSAGE_ROOM];
};

/* Each entry has memory of its own: the texts handed out stay where they are
 * while the list grows. */
struct sevlm_findings {
	struct entry **entries;
	uint32_t count;
	uint32_t room;
};

SEVLM_API int sevlm_findings_new(struct sevlm_findings **ret_findings)
{
	if (!ret_findings)
		return -EINVAL;
	*ret_findings = calloc(1, sizeof(**ret_findings));
	return *ret_findings ? 0 : -ENOMEM;
}

SEVLM_API void sevlm_findings_free(struct sevlm_findings *findings)
{
	if (!findings)
		return;
	for (uint32_t i = 0; i < findings->count; i++)
		free(findings->entries[i]);
	free(findings->entries);
	free(findings);
}

SEVLM_API int sevlm_findings_get(const struct sevlm_findings *findings,
				 uint32_t index,
				 struct sevlm_finding *ret_finding)
{
	struct sevlm_finding finding = { .size = sizeof(finding) };
	const struct entry *entry;

	if (!findings || index >= findings->count)
		return -EINVAL;
	entry = findings->entries[index];
	finding.severity = entry->severity;
	finding.code = entry->code;
	finding.message = entry->message;
	finding.remedy = entry->remedy;
	return sevlm__copy_out(ret_finding, &finding, sizeof(finding));
}

SEVLM_API uint32_t sevlm_findings_worst(const struct sevlm_findings *findings)
{
	uint32_t worst = 0;

	for (uint32_t i = 0; findings && i < findings->count; i++)
		if (findings->entries[i]->severity > worst)
			worst = findings->entries[i]->severity;
	return worst;
}

static struct entry *entry_new(enum sevlm__finding finding, bool at_target,
			       const char *detail)
{
	const struct sevlm__finding_text *text = &sevlm__finding_texts[finding];
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->severity = at_target ? text->at_target : text->severity;
	entry->remedy = text->remedy;
	snprintf(entry->code, sizeof(entry->code), "%s%s",
		 at_target ? SEVLM__TARGET_PREFIX : "", text->code);
	snprintf(entry->message, sizeof(entry->message), "%s%s%s%s%s.",
		 at_target ? "On the target: " : "", text->message,
		 *detail ? " (" : "", detail, *detail ? ")" : "");
	return entry;
}

static bool listed(const struct sevlm_findings *findings,
		   const struct entry *entry)
{
	for (uint32_t i = 0; i < findings->count; i++)
		if (!strcmp(findings->entries[i]->code, entry->code) &&
		    !strcmp(findings->entries[i]->message, entry->message))
			return true;
	return false;
}

static int grow(struct sevlm_findings *findings)
{
	uint32_t room = findings->room ? 2 * findings->room : 16;
	struct entry **entries;

	if (findings->count < findings->room)
		return 0;
	entries = realloc(findings->entries, room * sizeof(struct entry *));
	if (!entries)
		return -ENOMEM;
	findings->entries = entries;
	findings->room = room;
	return 0;
}

static int add(struct sevlm_findings *findings, struct entry *entry)
{
	if (!entry)
		return -ENOMEM;
	if (listed(findings, entry)) {
		free(entry);
		return 0;
	}
	if (grow(findings)) {
		free(entry);
		return -ENOMEM;
	}
	findings->entries[findings->count++] = entry;
	return 0;
}

int sevlm__find(struct sevlm_findings *findings, enum sevlm__finding finding,
		bool at_target, const char *format, ...)
{
	char detail[DETAIL_ROOM];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	return add(findings, entry_new(finding, at_target, detail));
}
