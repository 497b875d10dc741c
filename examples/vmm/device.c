/* SPDX-License-Identifier: MIT-0 */
/* What the guest talks to: a clock that goes on when it is looked at, and a
 * place to report to. It writes guest memory, as devices do. */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "vmm.h"

static void *shared(struct vmm *vmm, uint64_t gpa)
{
	return vmm->memory.shared + gpa;
}

/* KVM's dirty log does not see what the VMM writes. */
uint32_t device_read(struct vmm *vmm)
{
	struct device *device = &vmm->device;
	bool ask;

	pthread_mutex_lock(&device->lock);
	device->clock++;
	ask = device->ask;
	device->ask = false;
	pthread_mutex_unlock(&device->lock);
	memcpy(shared(vmm, GUEST_CLOCK), &device->clock,
	       sizeof(device->clock));
	sevlm_vm_mark_dirty(vmm->vm, GUEST_CLOCK, sizeof(device->clock));
	return ask ? CONTROL_TELL : CONTROL_WORK;
}

static int check_states(struct vmm *vmm, const struct guest_report *report)
{
	uint64_t pages = vmm->memory.bytes / SEVLM_PAGE_SIZE, bytes;
	bool shared_there;
	uint32_t state;

	if (sevlm_vm_sync_states(vmm->vm, 1)) {
		warnx("page states: %s", sevlm_vm_error(vmm->vm));
		return -1;
	}
	for (uint64_t i = 0; i < pages; i++) {
		shared_there = report->shared[i / 8] >> (i % 8) & 1;
		if (sevlm_vm_page_state(vmm->vm, i * SEVLM_PAGE_SIZE, &state,
					&bytes))
			return -1;
		if (shared_there == (state == SEVLM_PAGE_SHARED))
			continue;
		warnx("page 0x%llx is %s for the guest",
		      (unsigned long long)i,
		      shared_there ? "shared" : "private");
		return -1;
	}
	return 0;
}

/* The guest stands here: its page states are those it has reported. */
void device_written(struct vmm *vmm)
{
	struct device *device = &vmm->device;

	pthread_mutex_lock(&device->lock);
	memcpy(&device->report, shared(vmm, GUEST_REPORT),
	       sizeof(device->report));
	device->differs = check_states(vmm, &device->report);
	device->told_all = true;
	pthread_cond_signal(&device->told);
	pthread_mutex_unlock(&device->lock);
}

/* asks, unless it has told something that was not looked at yet */
int device_report(struct vmm *vmm, struct guest_report *report)
{
	struct device *device = &vmm->device;
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += vmm_patience_s();
	pthread_mutex_lock(&device->lock);
	device->ask = !device->told_all;
	while (!device->told_all && !ret)
		ret = pthread_cond_timedwait(&device->told, &device->lock,
					     &until);
	*report = device->report;
	device->told_all = false;
	pthread_mutex_unlock(&device->lock);
	if (!ret)
		return 0;
	warnx("the guest does not answer");
	return -1;
}

int device_check(struct vmm *vmm, const struct guest_report *report)
{
	if (report->damaged)
		warnx("%llu pages are damaged, the first is 0x%llx",
		      (unsigned long long)report->damaged,
		      (unsigned long long)report->first);
	if (report->lost_steps)
		warnx("the guest's registers and memory disagree");
	if (report->lost_clock)
		warnx("what a device wrote was lost");
	if (report->damaged || report->lost_steps || report->lost_clock)
		return -1;
	return vmm->device.differs;
}
