/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Eight vCPU threads that never let go of their handlers while both engines
 * and the bytes have threads of their own. What the vCPUs write is not seen by
 * a race detector, as on hardware; everything that the library does is.
 */
#include <malloc.h>
#include <pthread.h>
#include <sched.h>

#include "list-fixture.h"

#define VCPUS 8u
#define AREA 32u		/* pages of each */
#define FREE 4u			/* the last of them hold nothing */
#define LEAST 1000u		/* flips of each */
#define STACK (1u << 20)

struct vcpu {
	pthread_t thread;
	uint32_t index;
	uint32_t random;
	uint32_t flips;
	uint32_t wrong;
	bool shared[AREA];
};

struct crowd {
	struct duo duo;
	struct vcpu vcpus[VCPUS];
	pthread_t steps[2], bytes;
	_Atomic bool stop;
	bool from_list;
};

static struct crowd crowd;

/* by hand, because the compiler instruments the rest */
static void write_page(uint8_t *page, uint64_t value)
{
	size_t words = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq"
			 : "+D"(page), "+c"(words)
			 : "a"(value)
			 : "memory");
}

static uint64_t gpa_of(const struct vcpu *vcpu, uint32_t page)
{
	return DUO_EXTRA_GPA + (uint64_t)(vcpu->index * AREA + page) *
				       PAGE_SIZE;
}

static uint8_t *hva_of(const struct duo_side *at, const struct vcpu *vcpu,
		       uint32_t page)
{
	return at->extra + (size_t)(vcpu->index * AREA + page) * PAGE_SIZE;
}

static void announce(struct vcpu *vcpu, uint32_t page, uint32_t count,
		     bool shared)
{
	const uint64_t args[6] = { gpa_of(vcpu, page), count,
				   shared ? 0 : ENCRYPTED };
	struct duo_side *at = &crowd.duo.source;
	uint64_t ret = 1;

	if (crowd.from_list)
		vcpu->wrong += !sim_list_hypercall(at->sim->list,
						   MAP_GPA_RANGE, args, &ret);
	else
		vcpu->wrong += sevlm_vm_hypercall(at->vm, MAP_GPA_RANGE, args,
						  &ret) != 0;
	vcpu->wrong += ret != 0;
}

/* first the announcement, then new contents */
static void flip(struct vcpu *vcpu)
{
	uint32_t page = draw(&vcpu->random, AREA - FREE);
	uint32_t count = 1 + draw(&vcpu->random, 4);
	bool shared = draw(&vcpu->random, 2);

	if (count > AREA - FREE - page)
		count = AREA - FREE - page;
	announce(vcpu, page, count, shared);
	for (uint32_t i = page; i < page + count; i++) {
		vcpu->shared[i] = shared;
		write_page(hva_of(&crowd.duo.source, vcpu, i),
			   draw(&vcpu->random, 4) ? vcpu->random : 0);
	}
	sevlm_vm_mark_dirty(crowd.duo.source.vm, gpa_of(vcpu, page),
			    count * PAGE_SIZE);
	vcpu->flips++;
}

static void touch_msr(struct vcpu *vcpu)
{
	struct duo_side *at = &crowd.duo.source;
	uint64_t value = 0;
	bool fault;

	if (crowd.from_list) {
		vcpu->wrong += !sim_list_wrmsr(at->sim->list, 1, &fault);
		vcpu->wrong += !sim_list_rdmsr(at->sim->list, &value, &fault);
	} else {
		vcpu->wrong += sevlm_vm_wrmsr(at->vm,
					      SEVLM_MSR_MIGRATION_CONTROL,
					      1) != 0;
		vcpu->wrong += sevlm_vm_rdmsr(at->vm,
					      SEVLM_MSR_MIGRATION_CONTROL,
					      &value) != 0;
	}
	vcpu->wrong += value != 1;
}

/* pages that the balloon has */
static void give_free(struct vcpu *vcpu)
{
	struct sevlm_vm *vm = crowd.duo.source.vm;
	uint64_t gpa = gpa_of(vcpu, AREA - FREE);

	sevlm_vm_skip(vm, gpa, FREE * PAGE_SIZE);
	if (!draw(&vcpu->random, 3))
		sevlm_vm_mark_dirty(vm, gpa, PAGE_SIZE);
}

static void *run_vcpu(void *arg)
{
	struct vcpu *vcpu = arg;

	while (!atomic_load(&crowd.stop) || vcpu->flips < LEAST) {
		flip(vcpu);
		touch_msr(vcpu);
		give_free(vcpu);
		sched_yield();
	}
	return NULL;
}

/* by the thread of the source's steps */
static void stop_vcpus(struct duo *which)
{
	(void)which;
	atomic_store(&crowd.stop, true);
	for (uint32_t i = 0; i < VCPUS; i++)
		pthread_join(crowd.vcpus[i].thread, NULL);
}

static void *step_source(void *arg)
{
	struct duo *which = arg;

	while (!which->source.ended)
		if (!duo_step_source(which))
			sched_yield();
	return NULL;
}

static void *step_target(void *arg)
{
	struct duo *which = arg;

	while (!which->target.ended)
		if (!duo_step_target(which))
			sched_yield();
	return NULL;
}

static void *carry(void *arg)
{
	struct duo *which = arg;

	while (!which->source.ended || !which->target.ended)
		if (!duo_carry(which))
			sched_yield();
	return NULL;
}

static void begin(pthread_t *thread, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (pthread_create(thread, &attr, run, arg))
		ck_abort_msg("no thread");
	pthread_attr_destroy(&attr);
}

static void run_crowd(void)
{
	for (uint32_t i = 0; i < VCPUS; i++) {
		crowd.vcpus[i].index = i;
		crowd.vcpus[i].random = 77 + i;
		begin(&crowd.vcpus[i].thread, run_vcpu, &crowd.vcpus[i]);
	}
	begin(&crowd.steps[1], step_target, &crowd.duo);
	begin(&crowd.bytes, carry, &crowd.duo);
	begin(&crowd.steps[0], step_source, &crowd.duo);
	pthread_join(crowd.steps[0], NULL);
	pthread_join(crowd.steps[1], NULL);
	pthread_join(crowd.bytes, NULL);
}

/* what the guest sees: through the key where it is private */
static void view(struct duo_side *at, const uint8_t *hva, bool shared,
		 uint8_t *ret)
{
	if (shared)
		memcpy(ret, hva, PAGE_SIZE);
	else
		ck_assert_int_eq(sim_memory_decrypt(at->sim->memory, hva,
						    PAGE_SIZE, ret), 0);
}

static void expect_page(const struct vcpu *vcpu, uint32_t page)
{
	struct duo_side *here = &crowd.duo.source, *there = &crowd.duo.target;
	uint8_t a[PAGE_SIZE], b[PAGE_SIZE];
	bool shared = vcpu->shared[page];
	uint64_t bytes;
	uint32_t state;

	ck_assert_int_eq(sevlm_vm_page_state(there->vm, gpa_of(vcpu, page),
					     &state, &bytes), 0);
	ck_assert_uint_eq(state, shared ? SEVLM_PAGE_SHARED :
					  SEVLM_PAGE_PRIVATE);
	view(here, hva_of(here, vcpu, page), shared, a);
	view(there, hva_of(there, vcpu, page), shared, b);
	ck_assert_msg(!memcmp(a, b, PAGE_SIZE), "vCPU %u, page %u",
		      vcpu->index, page);
}

static void expect_all(void)
{
	uint32_t bits;

	duo_expect_moved(&crowd.duo);
	for (uint32_t i = 0; i < VCPUS; i++) {
		ck_assert_uint_eq(crowd.vcpus[i].wrong, 0);
		ck_assert_uint_ge(crowd.vcpus[i].flips, LEAST);
		for (uint32_t page = 0; page < AREA - FREE; page++)
			expect_page(&crowd.vcpus[i], page);
	}
	sevlm_vm_control(crowd.duo.target.vm, &bits);
	ck_assert_uint_eq(bits, SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY);
}

static void *whole_run(void *arg)
{
	const uint32_t states = *(const uint32_t *)arg;
	struct duo_plan plan = {
		.memory = 64 * PAGE_SIZE,
		.extra = VCPUS * AREA * PAGE_SIZE,
		.workload = SEVLM_SIM_IDLE,
		.states = { states, states },
		.rounds = 12,
	};

	memset(&crowd, 0, sizeof(crowd));
	duo_open(&crowd.duo, &plan);
	crowd.from_list = states == SEVLM_STATES_LIST;
	crowd.duo.pause = stop_vcpus;
	duo_start(&crowd.duo);
	run_crowd();
	expect_all();
	duo_close(&crowd.duo);
	return NULL;
}

/* in a thread, so that what its allocator keeps for it is given back too */
static size_t heap_after_a_run(uint32_t states)
{
	struct mallinfo2 info;
	pthread_t thread;

	begin(&thread, whole_run, &states);
	pthread_join(thread, NULL);
	info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

START_TEST(a_flood_for_the_whole_migration)
{
	uint32_t states = _i ? SEVLM_STATES_LIST : SEVLM_STATES_EXITS;
	size_t before;

	/* what libraries set up once is set up by the first run */
	heap_after_a_run(states);
	before = heap_after_a_run(states);
	ck_assert_uint_eq(heap_after_a_run(states), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("threads");
	TCase *tcase = tcase_create("threads");

	/* one heap, so that its bytes do not depend on who was first */
	mallopt(M_ARENA_MAX, 1);
	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, a_flood_for_the_whole_migration, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
