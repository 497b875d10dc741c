/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <time.h>

#include "guest.h"

/* looks this often whether it must stop, or sleep */
#define SLICES_PER_S 200u
#define FAST_SLICE 2048u

static int answer(struct guest *guest, const struct sevlm_sim_exit *exit)
{
	uint64_t value = 0;

	if (exit->reason == SEVLM_SIM_EXIT_HYPERCALL)
		sevlm_vm_hypercall(guest->vm, exit->nr, exit->args, &value);
	else
		value = sevlm_vm_wrmsr(guest->vm, exit->index, exit->data) ? 1
									   : 0;
	return sevlm_sim_vm_answer(guest->sim, value);
}

int vcpu_run(struct guest *guest, uint64_t steps)
{
	struct sevlm_sim_exit exit = {.size = sizeof(exit)};
	uint64_t end = guest_steps(guest) + steps;
	uint64_t at;
	int ret;

	for (;;) {
		at = guest_steps(guest);
		ret = sevlm_sim_vm_run(guest->sim, end > at ? end - at : 0,
				       &exit);
		if (ret || exit.reason == SEVLM_SIM_EXIT_INTR)
			return ret;
		ret = answer(guest, &exit);
		if (ret)
			return ret;
	}
}

static uint64_t slice(const struct guest *guest)
{
	uint64_t rate = guest->shape.rate;

	if (!rate)
		return FAST_SLICE;
	return rate / SLICES_PER_S ? rate / SLICES_PER_S : 1;
}

/* when the next slice is due */
static uint64_t due_ns(const struct guest *guest)
{
	const struct vcpu *vcpu = &guest->vcpu;
	uint64_t done = guest_steps(guest) - vcpu->began_at;

	if (!guest->shape.rate)
		return 0;
	return vcpu->began_ns + (uint64_t)((double)done * (double)NS_PER_S /
					   (double)guest->shape.rate);
}

static void pace(struct guest *guest)
{
	struct vcpu *vcpu = &guest->vcpu;
	uint64_t due = due_ns(guest);
	struct timespec until = {
		.tv_sec = (time_t)(due / NS_PER_S),
		.tv_nsec = (long)(due % NS_PER_S),
	};

	while (vcpu->run && !vcpu->quit && now_ns() < due)
		if (pthread_cond_timedwait(&vcpu->wake, &vcpu->lock, &until))
			break;
}

static void turn(struct guest *guest)
{
	struct vcpu *vcpu = &guest->vcpu;
	int error;

	if (!vcpu->run) {
		vcpu->parked = true;
		pthread_cond_broadcast(&vcpu->wake);
		pthread_cond_wait(&vcpu->wake, &vcpu->lock);
		return;
	}
	pthread_mutex_unlock(&vcpu->lock);
	error = vcpu_run(guest, slice(guest));
	pthread_mutex_lock(&vcpu->lock);
	if (error) {
		vcpu->error = error;
		vcpu->run = false;
	}
	pace(guest);
}

static void *run(void *arg)
{
	struct guest *guest = arg;

	pthread_mutex_lock(&guest->vcpu.lock);
	while (!guest->vcpu.quit)
		turn(guest);
	pthread_mutex_unlock(&guest->vcpu.lock);
	return NULL;
}

static int make(struct vcpu *vcpu)
{
	pthread_condattr_t attr;
	int ret;

	if (pthread_condattr_init(&attr))
		return -ENOMEM;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	ret = pthread_cond_init(&vcpu->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (ret)
		return -ret;
	ret = pthread_mutex_init(&vcpu->lock, NULL);
	if (ret)
		pthread_cond_destroy(&vcpu->wake);
	vcpu->made = !ret;
	return -ret;
}

/* No thread before the guest runs: a target forks until then. */
static int start(struct guest *guest)
{
	struct vcpu *vcpu = &guest->vcpu;
	int ret = vcpu->made ? 0 : make(vcpu);

	if (ret || vcpu->there)
		return ret;
	vcpu->parked = true;
	ret = pthread_create(&vcpu->thread, NULL, run, guest);
	vcpu->there = !ret;
	return -ret;
}

int vcpu_resume(struct guest *guest)
{
	struct vcpu *vcpu = &guest->vcpu;
	int ret = start(guest);

	if (ret)
		return ret;
	pthread_mutex_lock(&vcpu->lock);
	vcpu->began_ns = now_ns();
	vcpu->began_at = guest_steps(guest);
	vcpu->parked = false;
	vcpu->run = true;
	ret = vcpu->error;
	pthread_cond_broadcast(&vcpu->wake);
	pthread_mutex_unlock(&vcpu->lock);
	return ret;
}

int vcpu_pause(struct guest *guest)
{
	struct vcpu *vcpu = &guest->vcpu;
	int ret;

	if (!vcpu->there)
		return 0;
	pthread_mutex_lock(&vcpu->lock);
	vcpu->run = false;
	pthread_cond_broadcast(&vcpu->wake);
	while (!vcpu->parked)
		pthread_cond_wait(&vcpu->wake, &vcpu->lock);
	ret = vcpu->error;
	pthread_mutex_unlock(&vcpu->lock);
	return ret ? ret : vcpu_run(guest, 0);
}

void vcpu_end(struct guest *guest)
{
	struct vcpu *vcpu = &guest->vcpu;

	if (vcpu->there) {
		pthread_mutex_lock(&vcpu->lock);
		vcpu->quit = true;
		pthread_cond_broadcast(&vcpu->wake);
		pthread_mutex_unlock(&vcpu->lock);
		pthread_join(vcpu->thread, NULL);
	}
	if (vcpu->made) {
		pthread_mutex_destroy(&vcpu->lock);
		pthread_cond_destroy(&vcpu->wake);
	}
	vcpu->there = vcpu->made = false;
}
