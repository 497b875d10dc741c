/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <pthread.h>

#include "check-main.h"
#include "internal.h"
#include "script.h"

#define MAP_GPA_RANGE 12
#define ENCRYPTED (1ull << 4)
#define LIMIT (1ull << 52)
/* linux/kvm_para.h */
#define ANSWER_ENOSYS (0ull - 1000)
#define ANSWER_EINVAL (0ull - 22)

static struct script script;
static struct sevlm_vm *vm;

static void set_up(void)
{
	vm = script_vm(&script);
	ck_assert_int_eq(sevlm_vm_add_region(vm, 0, 1 << 20, (void *)0x10000,
					     SEVLM_REGION_TRACKED),
			 0);
}

static void tear_down(void)
{
	sevlm_vm_free(vm);
}

static uint32_t control(void)
{
	uint32_t bits = ~0u;

	ck_assert_int_eq(sevlm_vm_control(vm, &bits), 0);
	return bits;
}

static uint64_t call(uint64_t gpa, uint64_t count, uint64_t attributes)
{
	const uint64_t args[6] = {gpa, count, attributes, ~0ull, ~0ull, ~0ull};
	uint64_t answer = 0xdead;

	ck_assert_int_eq(sevlm_vm_hypercall(vm, MAP_GPA_RANGE, args, &answer),
			 0);
	return answer;
}

static uint32_t state_of(uint64_t gpa)
{
	uint64_t bytes;
	uint32_t state;

	ck_assert_int_eq(sevlm_vm_page_state(vm, gpa, &state, &bytes), 0);
	return state;
}

static int write_msr(uint64_t value)
{
	return sevlm_vm_wrmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, value);
}

static int read_msr(uint64_t *value)
{
	*value = 0xdead;
	return sevlm_vm_rdmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, value);
}

/* ---- where a guest may stand, and what it gets there ---- */

static void offered(void)
{
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
}

static void nothing(void)
{
}

static void hung_up(void)
{
	offered();
	ck_assert_int_eq(write_msr(SEVLM_MSR_READY), 0);
	ck_assert_int_eq(sevlm_vm_hang_up(vm), 0);
}

static void never_offered_and_hung_up(void)
{
	ck_assert_int_eq(sevlm_vm_hang_up(vm), 0);
}

static void reset(void)
{
	hung_up();
	ck_assert_int_eq(sevlm_vm_reset(vm), 0);
}

static void reset_unoffered(void)
{
	never_offered_and_hung_up();
	ck_assert_int_eq(sevlm_vm_reset(vm), 0);
}

#define OFFERED SEVLM_CONTROL_OFFERED
#define READY SEVLM_CONTROL_READY
#define HUNG_UP SEVLM_CONTROL_HUNG_UP
#define INCOMPLETE SEVLM_CONTROL_INCOMPLETE

static const struct {
	void (*arrange)(void);
	uint32_t bits;
	uint64_t answer; /* to a good hypercall */
	int rdmsr;
	int zero, ready; /* WRMSR of them */
	int offer;
} places[] = {
	{nothing, 0, ANSWER_ENOSYS, -EPERM, -EPERM, -EPERM, 0},
	{offered, OFFERED, 0, 0, 0, 0, 0},
	{hung_up, OFFERED | HUNG_UP, ANSWER_ENOSYS, 0, 0, -EPERM, -EBADFD},
	{never_offered_and_hung_up, HUNG_UP, ANSWER_ENOSYS, -EPERM, -EPERM,
	 -EPERM, -EBADFD},
	{reset, OFFERED, 0, 0, 0, 0, 0},
	{reset_unoffered, 0, ANSWER_ENOSYS, -EPERM, -EPERM, -EPERM, 0},
};

START_TEST(hypercall)
{
	bool heard = !places[_i].answer;

	places[_i].arrange();
	ck_assert_uint_eq(control(), places[_i].bits);
	ck_assert_uint_eq(call(0x3000, 2, 0), places[_i].answer);
	ck_assert_uint_eq(state_of(0x3000),
			  heard ? SEVLM_PAGE_SHARED : SEVLM_PAGE_PRIVATE);
	ck_assert_uint_eq(control(), places[_i].bits);
	ck_assert_uint_eq(call(0x3000, 2, ENCRYPTED), places[_i].answer);
	ck_assert_uint_eq(state_of(0x3000), SEVLM_PAGE_PRIVATE);
}
END_TEST

START_TEST(rdmsr)
{
	uint64_t value;

	places[_i].arrange();
	ck_assert_int_eq(read_msr(&value), places[_i].rdmsr);
	ck_assert_uint_eq(value, 0);
	if (!write_msr(SEVLM_MSR_READY)) {
		ck_assert_int_eq(read_msr(&value), 0);
		ck_assert_uint_eq(value, SEVLM_MSR_READY);
	}
}
END_TEST

START_TEST(wrmsr)
{
	uint32_t ready = places[_i].ready ? 0 : READY;

	places[_i].arrange();
	ck_assert_int_eq(write_msr(0), places[_i].zero);
	ck_assert_uint_eq(control(), places[_i].bits);
	ck_assert_int_eq(write_msr(1), places[_i].ready);
	ck_assert_uint_eq(control(), places[_i].bits | ready);
	ck_assert_int_eq(write_msr(0), places[_i].zero);
	ck_assert_uint_eq(control(), places[_i].bits);
}
END_TEST

START_TEST(wrmsr_reserved)
{
	uint32_t bits;

	places[_i].arrange();
	write_msr(1);
	bits = control();
	for (uint32_t bit = 1; bit < 64; bit++) {
		ck_assert_int_eq(write_msr(1ull << bit), -EPERM);
		ck_assert_int_eq(write_msr(1ull << bit | 1), -EPERM);
	}
	ck_assert_uint_eq(control(), bits);
}
END_TEST

START_TEST(a_guest_that_must_not_be_sent)
{
	static const uint32_t policies[] = {
		SEVLM_POLICY_NOSEND,
		SEVLM_POLICY_ES,
		SEVLM_POLICY_NOSEND | SEVLM_POLICY_SEV | SEVLM_POLICY_NODBG,
	};
	const uint64_t args[6] = { 0x1000, 1, 0 };
	uint32_t bits;
	uint64_t answer;

	ck_assert_int_eq(sevlm_vm_offer(vm, policies[_i]), -EPERM);
	ck_assert_str_ne(sevlm_vm_error(vm), "");
	ck_assert_int_eq(sevlm_vm_control(vm, &bits), 0);
	ck_assert_uint_eq(bits, 0);
	ck_assert_int_eq(sevlm_vm_hypercall(vm, 12, args, &answer), 0);
	ck_assert_int_eq((int64_t)answer, -1000);
	ck_assert_int_eq(write_msr(SEVLM_MSR_READY), -EPERM);
}
END_TEST

START_TEST(offer)
{
	places[_i].arrange();
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), places[_i].offer);
}
END_TEST

/* ---- an offer after the guest's first word ---- */

static void says_hypercall(void)
{
	call(0, 1, 0);
}

static void says_rdmsr(void)
{
	uint64_t value;

	read_msr(&value);
}

static void says_wrmsr(void)
{
	write_msr(0);
}

static void says_nonsense(void)
{
	write_msr(~0ull);
}

static void (*const words[])(void) = {
	says_hypercall,
	says_rdmsr,
	says_wrmsr,
	says_nonsense,
};

START_TEST(offer_too_late)
{
	words[_i]();
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), -EBADFD);
	ck_assert_str_ne(sevlm_vm_error(vm), "");
	ck_assert_uint_eq(control(), 0);
	ck_assert_int_eq(sevlm_vm_reset(vm), 0);
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
	ck_assert_uint_eq(control(), OFFERED);
}
END_TEST

/* ---- arguments that KVM does not check ---- */

static const struct {
	uint64_t gpa, count, attributes;
	bool good;
} calls[] = {
	{0, 1, 0, true},
	{0x1000, 1, ENCRYPTED, true},
	{0x1000, 1, 1, true},
	{0x1000, 512, 1 | ENCRYPTED, true},
	{0x1000, 1, 2, true},
	{0x1000, 1, 2 | ENCRYPTED, true},
	{0x1000, 1, 3, false},
	{0x1000, 1, 3 | ENCRYPTED, false},
	{0x1000, 1, 15, false},
	{0, 0, 0, false},
	{0x1000, 0, ENCRYPTED, false},
	{1, 1, 0, false},
	{0xfff, 1, 0, false},
	{0x800, 1, ENCRYPTED, false},
	{LIMIT - 0x1000, 1, 0, true},
	{LIMIT - 0x1000, 2, 0, false},
	{LIMIT, 1, 0, false},
	{LIMIT, 0, 0, false},
	{0, LIMIT >> 12, ENCRYPTED, true},
	{0, (LIMIT >> 12) + 1, ENCRYPTED, false},
	{0, UINT64_MAX, ENCRYPTED, false},
	{0, 1ull << 52, ENCRYPTED, false},
	{0x1000, (1ull << 52) - 1, ENCRYPTED, false},
	{-0x1000ull, 1, 0, false},
	{-0x1000ull, 2, 0, false},
	{1ull << 63, 1ull << 51, ENCRYPTED, false},
};

START_TEST(arguments)
{
	offered();
	ck_assert_uint_eq(
		call(calls[_i].gpa, calls[_i].count, calls[_i].attributes),
		calls[_i].good ? 0 : ANSWER_EINVAL);
	ck_assert_uint_eq(control(),
			  OFFERED | (calls[_i].good ? 0 : INCOMPLETE));
}
END_TEST

START_TEST(reserved_attributes)
{
	for (uint32_t bit = 5; bit < 64; bit++) {
		offered();
		ck_assert_uint_eq(call(0, 1, 1ull << bit), ANSWER_EINVAL);
		ck_assert_uint_eq(control(), OFFERED | INCOMPLETE);
		ck_assert_int_eq(sevlm_vm_reset(vm), 0);
	}
}
END_TEST

/* a good call and a bad one change what they name, or nothing */
START_TEST(what_is_recorded)
{
	offered();
	ck_assert_uint_eq(call(0x2000, 3, 0), 0);
	ck_assert_uint_eq(state_of(0x1000), SEVLM_PAGE_PRIVATE);
	ck_assert_uint_eq(state_of(0x2000), SEVLM_PAGE_SHARED);
	ck_assert_uint_eq(state_of(0x4000), SEVLM_PAGE_SHARED);
	ck_assert_uint_eq(state_of(0x5000), SEVLM_PAGE_PRIVATE);
	ck_assert_uint_eq(call(0x2000, 1, 3 | ENCRYPTED), ANSWER_EINVAL);
	ck_assert_uint_eq(state_of(0x2000), SEVLM_PAGE_SHARED);
	ck_assert_uint_eq(call(0x3000, 1, ENCRYPTED), 0);
	ck_assert_uint_eq(state_of(0x3000), SEVLM_PAGE_PRIVATE);
	ck_assert_uint_eq(state_of(0x4000), SEVLM_PAGE_SHARED);
}
END_TEST

/* ---- INCOMPLETE ---- */

START_TEST(incomplete_sticks)
{
	offered();
	ck_assert_int_eq(write_msr(1), 0);
	call(1, 1, 0);
	ck_assert_uint_eq(control(), OFFERED | READY | INCOMPLETE);
	ck_assert_uint_eq(call(0, 1, 0), 0);
	ck_assert_int_eq(write_msr(0), 0);
	ck_assert_int_eq(write_msr(1), 0);
	ck_assert_uint_eq(control(), OFFERED | READY | INCOMPLETE);
	ck_assert_int_eq(sevlm_vm_hang_up(vm), 0);
	ck_assert_uint_eq(control(), OFFERED | INCOMPLETE | HUNG_UP);
	ck_assert_int_eq(sevlm_vm_reset(vm), 0);
	ck_assert_uint_eq(control(), OFFERED);
}
END_TEST

START_TEST(incomplete_for_offered_only)
{
	ck_assert_uint_eq(call(1, 0, ~0ull), ANSWER_ENOSYS);
	ck_assert_uint_eq(control(), 0);
}
END_TEST

/* outside of memory the set is bounded: what does not fit is lost */
START_TEST(incomplete_when_full)
{
	uint64_t gpa = 1ull << 40, answer = 0;
	uint32_t fit = 0;

	offered();
	for (; !answer && fit < 100000; fit++, gpa += 2 * PAGE_SIZE)
		answer = call(gpa, 1, 0);
	ck_assert_uint_eq(answer, ANSWER_EINVAL);
	ck_assert_uint_ge(fit, 256);
	ck_assert_uint_eq(control(), OFFERED | INCOMPLETE);
	ck_assert_uint_eq(call(0, 1, 0), 0);
	ck_assert_uint_eq(state_of(0), SEVLM_PAGE_SHARED);
	ck_assert_int_eq(sevlm_vm_reset(vm), 0);
	ck_assert_uint_eq(control(), OFFERED);
	ck_assert_uint_eq(state_of(0), SEVLM_PAGE_PRIVATE);
	ck_assert_uint_eq(call(gpa, 1, 0), 0);
}
END_TEST

/* ---- not ours ---- */

START_TEST(others)
{
	static const uint64_t args[6] = {1, 1, ~0ull};
	static const uint64_t numbers[] = {
		0, 1, 5, 9, 10, 11, 13, 1ull << 32 | 12, ~0ull,
	};
	static const uint32_t msrs[] = {
		0, 0x10, 0x4b564d07, 0x4b564d09, 0xc0000080, ~0u,
	};
	uint64_t answer;

	offered();
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		answer = 0xdead;
		ck_assert_int_eq(
			sevlm_vm_hypercall(vm, numbers[i], args, &answer),
			-ENOTSUP);
		ck_assert_uint_eq(answer, ANSWER_ENOSYS);
	}
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		answer = 0xdead;
		ck_assert_int_eq(sevlm_vm_rdmsr(vm, msrs[i], &answer),
				 -ENOTSUP);
		ck_assert_uint_eq(answer, 0);
		ck_assert_int_eq(sevlm_vm_wrmsr(vm, msrs[i], 1), -ENOTSUP);
	}
	ck_assert_uint_eq(control(), OFFERED);
	/* no word of the guest's about migration */
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
}
END_TEST

START_TEST(null)
{
	const uint64_t args[6] = {0, 1, 0};
	uint64_t answer = 0xdead;

	ck_assert_int_eq(sevlm_vm_offer(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_vm_hang_up(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_vm_reset(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_vm_control(NULL, &(uint32_t){0}), -EINVAL);
	ck_assert_int_eq(sevlm_vm_control(vm, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_vm_hypercall(vm, 12, args, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_vm_hypercall(NULL, 12, args, &answer), -EINVAL);
	ck_assert_uint_eq(answer, ANSWER_ENOSYS);
	answer = 0xdead;
	ck_assert_int_eq(sevlm_vm_hypercall(vm, 12, NULL, &answer), -EINVAL);
	ck_assert_uint_eq(answer, ANSWER_ENOSYS);
	ck_assert_int_eq(
		sevlm_vm_rdmsr(NULL, SEVLM_MSR_MIGRATION_CONTROL, &answer),
		-EINVAL);
	ck_assert_uint_eq(answer, 0);
	ck_assert_int_eq(sevlm_vm_rdmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, NULL),
			 -EINVAL);
	ck_assert_int_eq(sevlm_vm_wrmsr(NULL, SEVLM_MSR_MIGRATION_CONTROL, 0),
			 -EINVAL);
}
END_TEST

START_TEST(reset_during_engine)
{
	offered();
	vm->engaged = true;
	ck_assert_int_eq(sevlm_vm_reset(vm), -EBADFD);
	ck_assert_str_ne(sevlm_vm_error(vm), "");
	ck_assert_uint_eq(control(), OFFERED);
	vm->engaged = false;
	ck_assert_int_eq(sevlm_vm_reset(vm), 0);
}
END_TEST

/* ---- from several threads ---- */

#define WRITERS 3
#define WRITES 64
#define RACES 100

static pthread_barrier_t start;
static _Atomic uint32_t wrong;

static void look(void)
{
	uint32_t bits;

	if (sevlm_vm_control(vm, &bits) ||
	    (bits & (READY | HUNG_UP)) == (READY | HUNG_UP))
		atomic_fetch_add(&wrong, 1);
}

static void *write_ready(void *unused)
{
	pthread_barrier_wait(&start);
	for (int i = 0; i < WRITES; i++) {
		write_msr((uint64_t)i % 4 != 3);
		look();
	}
	return unused;
}

static void *hang_up(void *unused)
{
	pthread_barrier_wait(&start);
	for (int i = 0; i < WRITES / 4; i++)
		look();
	sevlm_vm_hang_up(vm);
	for (int i = 0; i < WRITES / 4; i++)
		look();
	return unused;
}

START_TEST(ready_against_hang_up)
{
	pthread_t threads[WRITERS + 1];

	offered();
	ck_assert_int_eq(pthread_barrier_init(&start, NULL, WRITERS + 1), 0);
	for (int race = 0; race < RACES; race++) {
		for (int i = 0; i <= WRITERS; i++)
			ck_assert_int_eq(
				pthread_create(&threads[i], NULL,
					       i ? write_ready : hang_up, NULL),
				0);
		for (int i = 0; i <= WRITERS; i++)
			pthread_join(threads[i], NULL);
		ck_assert_uint_eq(control(), OFFERED | HUNG_UP);
		ck_assert_int_eq(sevlm_vm_reset(vm), 0);
	}
	ck_assert_uint_eq(wrong, 0);
	pthread_barrier_destroy(&start);
}
END_TEST

int main(void)
{
	const int count = ARRAY_SIZE(places);
	Suite *suite = suite_create("control");
	TCase *matrix = tcase_create("matrix");
	TCase *tcase = tcase_create("control");

	tcase_add_checked_fixture(matrix, set_up, tear_down);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(matrix, hypercall, 0, count);
	tcase_add_loop_test(matrix, rdmsr, 0, count);
	tcase_add_loop_test(matrix, wrmsr, 0, count);
	tcase_add_loop_test(matrix, wrmsr_reserved, 0, count);
	tcase_add_loop_test(matrix, offer, 0, count);
	tcase_add_loop_test(tcase, a_guest_that_must_not_be_sent, 0, 3);
	tcase_add_loop_test(tcase, offer_too_late, 0, ARRAY_SIZE(words));
	tcase_add_loop_test(tcase, arguments, 0, ARRAY_SIZE(calls));
	tcase_add_test(tcase, reserved_attributes);
	tcase_add_test(tcase, what_is_recorded);
	tcase_add_test(tcase, incomplete_sticks);
	tcase_add_test(tcase, incomplete_for_offered_only);
	tcase_add_test(tcase, incomplete_when_full);
	tcase_add_test(tcase, others);
	tcase_add_test(tcase, null);
	tcase_add_test(tcase, reset_during_engine);
	tcase_add_test(tcase, ready_against_hang_up);
	suite_add_tcase(suite, matrix);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
