/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The tables of control-matrix.txt, asked of the handlers without a kernel:
 * also what KVM would have refused before the exit. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsevlm/libsevlm.h>

#include "check-main.h"

#define RAM_BYTES (16ull << 20)
#define MAX_ROWS 64
#define MAX_CELLS 10
#define HYPERCALL "hypercall"

/* cells of an access, from 1 */
enum { NAME = 1, DOES, NO_EXITS, BEFORE, NOT_OFFERED, LISTENING, HUNG, LEAVES };
/* cells of a step */
enum { STEP = 1, WHO, WHAT, GETS, THEN };

struct row {
	char text[256];
	const char *cell[MAX_CELLS];
};

struct access {
	char name[16];
	unsigned long long nr, arg[3];
};

static struct row accesses[MAX_ROWS], steps[MAX_ROWS];
static size_t access_count, step_count;
static struct sevlm_vm *vm;

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (*text == ' ')
		text++;
	while (end > text && (end[-1] == ' ' || end[-1] == '\n'))
		*--end = '\0';
	return text;
}

static size_t split(struct row *row)
{
	char *rest = row->text;
	size_t count = 0;

	while (rest && count < MAX_CELLS)
		row->cell[count++] = trim(strsep(&rest, "|"));
	return count;
}

static void keep(const struct row *read, size_t count)
{
	struct row *row = &accesses[access_count];

	ck_assert_uint_lt(access_count, MAX_ROWS);
	ck_assert_uint_lt(step_count, MAX_ROWS);
	if (count == MAX_CELLS)
		access_count++;
	else
		row = &steps[step_count++];
	*row = *read;
	split(row);
}

static void read_tables(void)
{
	const char *root = getenv("SEVLM_SOURCE_ROOT");
	char path[4096];
	struct row row = { 0 }, copy;
	FILE *file;

	ck_assert_msg(root, "SEVLM_SOURCE_ROOT is not set");
	snprintf(path, sizeof(path), "%s/tests/control-matrix.txt", root);
	file = fopen(path, "re");
	ck_assert_msg(file, "cannot open %s", path);
	access_count = step_count = 0;
	while (fgets(row.text, sizeof(row.text), file)) {
		size_t count;

		copy = row;
		count = split(&copy);
		if (count < 2 || !strcmp(copy.cell[NAME], "---") ||
		    !strcmp(copy.cell[NAME], "access") ||
		    !strcmp(copy.cell[STEP], "step"))
			continue;
		ck_assert(count == MAX_CELLS || count == THEN + 2);
		keep(&row, count);
	}
	fclose(file);
	ck_assert_uint_ge(access_count, 22);
	ck_assert_uint_ge(step_count, 23);
}

static int no_ioctl(void *ctx, uint32_t request, void *arg)
{
	(void)ctx;
	(void)request;
	(void)arg;
	return -ENOTTY;
}

static void new_vm(bool offer)
{
	static const struct sevlm_kernel_ops ops = {
		.size = sizeof(ops), .vm = no_ioctl, .sev = no_ioctl,
	};
	struct sevlm_vm_config config = {
		.size = sizeof(config), .ops = &ops,
	};

	ck_assert_int_eq(sevlm_vm_new(&config, &vm), 0);
	/* never touched, as nothing is moved */
	ck_assert_int_eq(sevlm_vm_add_region(vm, 0, RAM_BYTES,
					     (void *)SEVLM_PAGE_SIZE,
					     SEVLM_REGION_TRACKED), 0);
	if (offer)
		ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
}

static struct access parse(const char *command)
{
	struct access a = { 0 };
	unsigned long long *const at[] = { &a.nr, &a.arg[0], &a.arg[1],
					   &a.arg[2] };
	const char *word = strchr(command, ' ');
	char *end;

	ck_assert_int_eq(sscanf(command, "%15s", a.name), 1);
	for (int i = 0; word && i < 4; i++, word = strchr(end, ' '))
		*at[i] = strtoull(word, &end, 0);
	return a;
}

static const char *number(long long value, bool hex)
{
	static char text[32];

	snprintf(text, sizeof(text), hex ? "0x%llx" : "%lld", value);
	return text;
}

static const char *hypercall(const struct access *a)
{
	const uint64_t args[6] = { a->arg[0], a->arg[1], a->arg[2] };
	uint64_t answer = 0xdead;

	ck_assert_int_eq(sevlm_vm_hypercall(vm, a->nr, args, &answer),
			 a->nr == 12 ? 0 : -ENOTSUP);
	return number((long long)answer, false);
}

static const char *msr(const struct access *a)
{
	uint64_t value = 0;
	int ret;

	if (!strcmp(a->name, "rdmsr"))
		ret = sevlm_vm_rdmsr(vm, a->nr, &value);
	else
		ret = sevlm_vm_wrmsr(vm, a->nr, a->arg[0]);
	ck_assert(ret == 0 || ret == -EPERM);
	return ret ? "#GP" : number((long long)value, true);
}

static const char *host(const char *name)
{
	ck_assert_int_eq(!strcmp(name, "hang-up") ? sevlm_vm_hang_up(vm) :
						    sevlm_vm_reset(vm), 0);
	return "0";
}

/* what the guest gets; CPUID is no matter of the handlers: NULL */
static const char *perform(const char *command)
{
	struct access a = parse(command);

	if (!strcmp(a.name, HYPERCALL))
		return hypercall(&a);
	if (strstr(a.name, "msr"))
		return msr(&a);
	return strcmp(a.name, "cpuid") ? host(command) : NULL;
}

static const char *control(void)
{
	static const char *const names[] = { "offered", "ready", "incomplete",
					     "hung-up" };
	static char text[64];
	uint32_t bits;

	ck_assert_int_eq(sevlm_vm_control(vm, &bits), 0);
	ck_assert_uint_eq(bits >> 4, 0);
	text[0] = '\0';
	for (int i = 0; i < 4; i++)
		if (bits & 1u << i) {
			strcat(text, text[0] ? " " : "");
			strcat(text, names[i]);
		}
	return text;
}

/* a call has its effect where it was answered with 0, and no other */
static void check_page(const char *command, const char *answer)
{
	struct access a = parse(command);
	uint32_t state, shared = SEVLM_PAGE_PRIVATE;
	uint64_t bytes;

	if (strcmp(a.name, HYPERCALL) || a.arg[0] >= RAM_BYTES)
		return;
	if (!strcmp(answer, "0") && !(a.arg[2] & 16))
		shared = SEVLM_PAGE_SHARED;
	a.arg[0] -= a.arg[0] % SEVLM_PAGE_SIZE;
	ck_assert_int_eq(sevlm_vm_page_state(vm, a.arg[0], &state, &bytes), 0);
	ck_assert_uint_eq(state, shared);
}

static void one_state(const struct row *row, bool offer, bool hung)
{
	char then[64] = "";
	const char *got;

	new_vm(offer);
	if (hung)
		ck_assert_int_eq(sevlm_vm_hang_up(vm), 0);
	got = perform(row->cell[DOES]);
	ck_assert_str_eq(got, row->cell[!offer ? NOT_OFFERED :
					hung   ? HUNG :
						 LISTENING]);
	check_page(row->cell[DOES], got);
	if (offer)
		strcpy(then, "offered");
	if (offer && !hung && row->cell[LEAVES][0])
		strcat(strcat(then, " "), row->cell[LEAVES]);
	if (hung)
		strcat(then, offer ? " hung-up" : "hung-up");
	ck_assert_str_eq(control(), then);
	sevlm_vm_free(vm);
}

START_TEST(every_access_in_every_state)
{
	for (size_t i = 0; i < access_count; i++)
		for (int state = 0; state < 4; state++)
			one_state(&accesses[i], state & 1, state & 2);
}
END_TEST

START_TEST(the_steps_in_a_row)
{
	new_vm(true);
	for (size_t i = 0; i < step_count; i++) {
		const char *got = perform(steps[i].cell[WHAT]);

		if (got)
			ck_assert_str_eq(got, steps[i].cell[GETS]);
		ck_assert_msg(!strcmp(control(), steps[i].cell[THEN]),
			      "%s: %s", steps[i].cell[STEP], control());
	}
	sevlm_vm_free(vm);
}
END_TEST

/* Linux, arch/x86/kvm/x86.c: kvm_emulate_hypercall() */
static const char *kvm_alone(const struct access *a)
{
	unsigned long long gfn = a->arg[0] / SEVLM_PAGE_SIZE;

	if (strcmp(a->name, HYPERCALL))
		return "exits";
	if (a->nr != 12)
		return "-1000";
	if (a->arg[0] % SEVLM_PAGE_SIZE || !a->arg[1] ||
	    gfn + a->arg[1] <= gfn)
		return "-22";
	return "exits";
}

START_TEST(the_table_knows_what_kvm_refuses)
{
	for (size_t i = 0; i < access_count; i++) {
		const char *command = accesses[i].cell[DOES];
		struct access a = parse(command);

		ck_assert_str_eq(accesses[i].cell[BEFORE], kvm_alone(&a));
		ck_assert_str_eq(accesses[i].cell[NO_EXITS],
				 strcmp(a.name, HYPERCALL) ? "#GP" : "-1000");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control-matrix");
	TCase *tcase = tcase_create("tables");

	tcase_add_checked_fixture(tcase, read_tables, NULL);
	tcase_add_test(tcase, every_access_in_every_state);
	tcase_add_test(tcase, the_steps_in_a_row);
	tcase_add_test(tcase, the_table_knows_what_kvm_refuses);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
