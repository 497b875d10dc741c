/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The list, its words, and the page that explains them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "internal.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"

static struct sevlm_findings *list;

static void set_up(void)
{
	ck_assert_int_eq(sevlm_findings_new(&list), 0);
}

static void tear_down(void)
{
	sevlm_findings_free(list);
}

static struct sevlm_finding get(uint32_t index)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	ck_assert_int_eq(sevlm_findings_get(list, index, &finding), 0);
	return finding;
}

/* ---- the list ---- */

START_TEST(empty)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	ck_assert_uint_eq(sevlm_findings_worst(list), 0);
	ck_assert_uint_eq(sevlm_findings_worst(NULL), 0);
	ck_assert_int_eq(sevlm_findings_get(list, 0, &finding), -EINVAL);
	sevlm_findings_free(NULL);
}
END_TEST

START_TEST(arguments)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	ck_assert_int_eq(sevlm_findings_new(NULL), -EINVAL);
	ck_assert_int_eq(sevlm__find(list, SEVLM__OWNED, false, "%s", ""), 0);
	ck_assert_int_eq(sevlm_findings_get(NULL, 0, &finding), -EINVAL);
	ck_assert_int_eq(sevlm_findings_get(list, 0, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_findings_get(list, 1, &finding), -EINVAL);
	ck_assert_int_eq(sevlm_findings_get(list, UINT32_MAX, &finding),
			 -EINVAL);
	finding.size = sizeof(finding.size);
	ck_assert_int_eq(sevlm_findings_get(list, 0, &finding), -EINVAL);
}
END_TEST

START_TEST(words)
{
	struct sevlm_finding finding;

	ck_assert_int_eq(sevlm__find(list, SEVLM__SEND_MISSING, false, "%s",
				     ""),
			 0);
	ck_assert_int_eq(sevlm__find(list, SEVLM__SEND_MISSING, true, "%s %u",
				     "detail", 7u),
			 0);
	finding = get(0);
	ck_assert_str_eq(finding.code, "send-missing");
	ck_assert_str_eq(finding.message,
			 "The kernel lacks commands to send a guest.");
	ck_assert_uint_eq(finding.severity, SEVLM_SEVERITY_BLOCKER);
	ck_assert_uint_eq(finding.reserved, 0);
	finding = get(1);
	ck_assert_str_eq(finding.code, "target-send-missing");
	ck_assert_str_eq(finding.message,
			 "On the target: The kernel lacks commands to send a "
			 "guest (detail 7).");
	ck_assert_uint_eq(finding.severity, SEVLM_SEVERITY_WARNING);
}
END_TEST

START_TEST(same_words_once)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sevlm__find(list, SEVLM__POLICY_SEV, false,
					     "%s", "a"),
				 0);
	ck_assert_int_eq(sevlm_findings_get(list, 1, &finding), -EINVAL);
	ck_assert_int_eq(sevlm__find(list, SEVLM__POLICY_SEV, false, "%s",
				     "b"),
			 0);
	ck_assert_str_eq(get(1).code, "policy-sev");
}
END_TEST

START_TEST(worst)
{
	static const struct {
		enum sevlm__finding finding;
		uint32_t worst;
	} steps[] = {
		{SEVLM__DIRTY_RING, SEVLM_SEVERITY_INFO},
		{SEVLM__FIRMWARE_OLD, SEVLM_SEVERITY_WARNING},
		{SEVLM__OWNED, SEVLM_SEVERITY_WARNING},
		{SEVLM__SEV_OFF, SEVLM_SEVERITY_BLOCKER},
		{SEVLM__IGNORE_MSRS, SEVLM_SEVERITY_BLOCKER},
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		ck_assert_int_eq(sevlm__find(list, steps[i].finding, false,
					     "%s", ""),
				 0);
		ck_assert_uint_eq(sevlm_findings_worst(list), steps[i].worst);
	}
}
END_TEST

/* texts that were handed out stay where they are while the list grows */
START_TEST(many)
{
	struct sevlm_finding first, finding;
	char message[100];

	ck_assert_int_eq(sevlm__find(list, SEVLM__KVM_MISSING, false, "%d", 0),
			 0);
	first = get(0);
	for (int i = 1; i < 1000; i++)
		ck_assert_int_eq(sevlm__find(list, SEVLM__KVM_MISSING, false,
					     "%d", i),
				 0);
	for (uint32_t i = 0; i < 1000; i++) {
		finding = get(i);
		snprintf(message, sizeof(message),
			 "There is no /dev/kvm (%u).", i);
		ck_assert_str_eq(finding.message, message);
	}
	ck_assert_str_eq(first.message, "There is no /dev/kvm (0).");
	ck_assert_ptr_eq(first.message, get(0).message);
}
END_TEST

/* ---- the table ---- */

static bool code_is_well_formed(const char *code)
{
	size_t length = strlen(code);

	return length && strspn(code, LETTERS "-") == length &&
	       code[0] != '-' && code[length - 1] != '-';
}

START_TEST(rows)
{
	const struct sevlm__finding_text *row = &sevlm__finding_texts[_i];

	ck_assert_ptr_nonnull(row->code);
	ck_assert_msg(code_is_well_formed(row->code), "%s", row->code);
	ck_assert_uint_ge(row->severity, SEVLM_SEVERITY_INFO);
	ck_assert_uint_le(row->severity, SEVLM_SEVERITY_BLOCKER);
	ck_assert_uint_ge(row->at_target, SEVLM_SEVERITY_INFO);
	ck_assert_uint_le(row->at_target, SEVLM_SEVERITY_BLOCKER);
	ck_assert_uint_gt(strlen(row->message), 0);
	ck_assert_int_ne(row->message[strlen(row->message) - 1], '.');
	if (row->severity > SEVLM_SEVERITY_INFO)
		ck_assert_msg(*row->remedy, "%s: no remedy", row->code);
	if (*row->remedy)
		ck_assert_int_eq(row->remedy[strlen(row->remedy) - 1], '.');
	for (int i = 0; i < _i; i++)
		ck_assert_str_ne(row->code, sevlm__finding_texts[i].code);
	/* a host's code may be a target's too */
	if (_i < SEVLM__OF_A_GUEST)
		ck_assert(strncmp(row->code, SEVLM__TARGET_PREFIX, 7));
}
END_TEST

/* the longest words and the longest detail fit */
START_TEST(rows_fit)
{
	const struct sevlm__finding_text *row = &sevlm__finding_texts[_i];
	char detail[256];
	struct sevlm_finding finding;

	memset(detail, 'x', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	ck_assert_int_eq(sevlm__find(list, (enum sevlm__finding)_i, true, "%s",
				     detail),
			 0);
	finding = get(0);
	ck_assert_ptr_nonnull(strstr(finding.message, "xxx)."));
	ck_assert_str_eq(finding.code + strlen(SEVLM__TARGET_PREFIX),
			 row->code);
}
END_TEST

/* ---- the page ---- */

static const char *const severities[] = {"", "info", "warning", "blocker"};
static char *page;

static void read_page(void)
{
	const char *root = getenv("SEVLM_SOURCE_ROOT");
	char path[4096];
	size_t bytes;
	FILE *file;

	snprintf(path, sizeof(path), "%s/docs/findings.md", root ? root : ".");
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s is not there", path);
	page = calloc(1, 1 << 20);
	ck_assert_ptr_nonnull(page);
	bytes = fread(page, 1, (1 << 20) - 1, file);
	ck_assert_uint_gt(bytes, 0);
	fclose(file);
}

static void drop_page(void)
{
	free(page);
}

START_TEST(page_has_the_row)
{
	const struct sevlm__finding_text *row = &sevlm__finding_texts[_i];
	char line[2048];

	if (_i < SEVLM__OF_A_GUEST)
		snprintf(line, sizeof(line),
			 "\n| `%s` | %s | %s | %s. | %s |\n", row->code,
			 severities[row->severity], severities[row->at_target],
			 row->message, row->remedy);
	else
		snprintf(line, sizeof(line), "\n| `%s` | %s | %s. | %s |\n",
			 row->code, severities[row->severity], row->message,
			 row->remedy);
	ck_assert_msg(strstr(page, line) != NULL, "no row: %s", line);
}
END_TEST

static bool in_table(const char *code, size_t length)
{
	for (int i = 0; i < SEVLM__FINDINGS; i++)
		if (strlen(sevlm__finding_texts[i].code) == length &&
		    !strncmp(sevlm__finding_texts[i].code, code, length))
			return true;
	return false;
}

/* of the two tables between "Of a host" and "JSON" */
START_TEST(page_has_no_other_row)
{
	const char *end = strstr(page, "\n## JSON\n");
	const char *at = strstr(page, "\n## Of a host\n");
	int count = 0;

	ck_assert_ptr_nonnull(end);
	ck_assert_ptr_nonnull(at);
	while ((at = strstr(at, "\n| `")) && at < end) {
		at += 4;
		ck_assert_msg(in_table(at, strcspn(at, "`")), "%.40s", at);
		count++;
	}
	ck_assert_int_eq(count, SEVLM__FINDINGS);
}
END_TEST

START_TEST(page_speaks_of_the_unknown)
{
	ck_assert_ptr_nonnull(
		strstr(page, "treat unknown codes and unknown severities as "
			     "a warning"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("findings");
	TCase *lists = tcase_create("list");
	TCase *table = tcase_create("table");
	TCase *pages = tcase_create("page");

	tcase_add_checked_fixture(lists, set_up, tear_down);
	tcase_add_test(lists, empty);
	tcase_add_test(lists, arguments);
	tcase_add_test(lists, words);
	tcase_add_test(lists, same_words_once);
	tcase_add_test(lists, worst);
	tcase_add_test(lists, many);
	tcase_add_checked_fixture(table, set_up, tear_down);
	tcase_add_loop_test(table, rows, 0, SEVLM__FINDINGS);
	tcase_add_loop_test(table, rows_fit, 0, SEVLM__FINDINGS);
	tcase_add_checked_fixture(pages, read_page, drop_page);
	tcase_add_loop_test(pages, page_has_the_row, 0, SEVLM__FINDINGS);
	tcase_add_test(pages, page_has_no_other_row);
	tcase_add_test(pages, page_speaks_of_the_unknown);
	suite_add_tcase(suite, lists);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, pages);
	return run_suite(suite);
}
