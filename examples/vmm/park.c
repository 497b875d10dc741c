/* SPDX-License-Identifier: MIT-0 */
/*
 * The thread that runs the vCPU, and its stopping. An exit is pending until
 * KVM_RUN is called again: registers that are saved before that are those of
 * an instruction half done. So to stand means to have come out of KVM_RUN
 * with -EINTR, which it answers only behind what was pending.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "hooks.h"

#define KICK SIGUSR1

static __thread struct kvm_run *this_run;

/* Wherever the thread is: if it is not in KVM_RUN now, the next one ends. */
static void on_kick(int signal)
{
	(void)signal;
	if (this_run)
		this_run->immediate_exit = 1;
}

static void becomes(struct vcpu *vcpu, int state)
{
	vcpu->is = state;
	pthread_cond_broadcast(&vcpu->changed);
}

/* until it shall run; false if it shall end */
static bool stand(struct vcpu *vcpu)
{
	bool run;

	pthread_mutex_lock(&vcpu->lock);
	while (vcpu->asked == VCPU_STANDS) {
		becomes(vcpu, VCPU_STANDS);
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	}
	run = vcpu->asked == VCPU_RUNS;
	if (run)
		becomes(vcpu, VCPU_RUNS);
	vcpu->run->immediate_exit = 0;
	pthread_mutex_unlock(&vcpu->lock);
	return run;
}

/* 1 where it came out with nothing pending */
static int run_once(struct vmm *vmm)
{
	if (!ioctl(vmm->vcpu.fd, KVM_RUN, 0)) {
		if (exits_handle(vmm))
			return -1;
		return hook_pending(vmm) ? 1 : 0;
	}
	if (errno == EINTR)
		return 1;
	if (errno == EAGAIN)
		return 0;
	warn("KVM_RUN");
	return -1;
}

static void *thread(void *arg)
{
	struct vmm *vmm = arg;
	int ret = 0;

	this_run = vmm->vcpu.run;
	while (ret >= 0 && stand(&vmm->vcpu))
		do
			ret = run_once(vmm);
		while (!ret);
	pthread_mutex_lock(&vmm->vcpu.lock);
	becomes(&vmm->vcpu, VCPU_ENDED);
	pthread_mutex_unlock(&vmm->vcpu.lock);
	return NULL;
}

int park_start(struct vmm *vmm)
{
	const struct sigaction action = { .sa_handler = on_kick };

	vmm->vcpu.asked = VCPU_STANDS;
	if (sigaction(KICK, &action, NULL) ||
	    pthread_create(&vmm->vcpu.thread, NULL, thread, vmm)) {
		warn("a thread for a vCPU");
		return -1;
	}
	vmm->vcpu.live = true;
	return 0;
}

static int ask(struct vmm *vmm, int state)
{
	struct vcpu *vcpu = &vmm->vcpu;
	int is;

	pthread_mutex_lock(&vcpu->lock);
	vcpu->asked = state;
	pthread_cond_broadcast(&vcpu->changed);
	if (state != VCPU_RUNS)
		pthread_kill(vcpu->thread, KICK);
	while (vcpu->is != state && vcpu->is != VCPU_ENDED)
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	is = vcpu->is;
	pthread_mutex_unlock(&vcpu->lock);
	return is == state ? 0 : -1;
}

int park_pause(struct vmm *vmm)
{
	return ask(vmm, VCPU_STANDS);
}

int park_resume(struct vmm *vmm)
{
	return ask(vmm, VCPU_RUNS);
}

void park_end(struct vmm *vmm)
{
	if (!vmm->vcpu.live)
		return;
	ask(vmm, VCPU_ENDED);
	pthread_join(vmm->vcpu.thread, NULL);
	vmm->vcpu.live = false;
}
