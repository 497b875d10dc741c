/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where page states come from, and what a guest can do to that.
 *
 *	states=exits|list|compare|any	of the guests that come after
 *	room=COUNT	as many ranges fit into their lists
 *	refused=CODE	libsevlm finds that it cannot be sent, and that this is why
 *	hang-up		the kernel and libsevlm listen to the guest no more
 *	enable		the kernel shall listen again
 *	apart		the guest's memory is whole, but nobody knows its states
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../lib/uapi/kvm_shared_list.h"
#include "walk.h"

int lists_states(struct walk *walk, const char *arg)
{
	return host_states(arg, &walk->states);
}

int lists_room(struct walk *walk, const char *arg)
{
	walk->room = strtoul(arg, NULL, 10);
	return walk->room ? 0 : -1;
}

static bool has(const struct sevlm_findings *findings, const char *code)
{
	struct sevlm_finding finding = { .size = sizeof(finding) };

	for (uint32_t i = 0; !sevlm_findings_get(findings, i, &finding); i++)
		if (finding.severity == SEVLM_SEVERITY_BLOCKER &&
		    !strcmp(finding.code, code))
			return true;
	return false;
}

int lists_refused(struct walk *walk, const char *arg)
{
	struct sevlm_findings *findings;
	int ret = -1;

	if (sevlm_findings_new(&findings))
		return -1;
	if (!sevlm_check_vm(walk->vmm.vm, findings) && has(findings, arg))
		ret = 0;
	sevlm_findings_free(findings);
	return ret;
}

int lists_hang_up(struct walk *walk, const char *arg)
{
	(void)arg;
	return setup_hang_up(&walk->vmm);
}

static int flags(struct walk *walk, uint32_t *ret_flags)
{
	struct kvm_shared_pages_list list = { 0 };

	if (ioctl(walk->vmm.vm_fd, KVM_GET_SHARED_PAGES_LIST, &list)) {
		warn("the kernel's list");
		return -1;
	}
	*ret_flags = list.flags;
	return 0;
}

/* What it did not hear in between is lost, and it says so. */
int lists_enable(struct walk *walk, const char *arg)
{
	const uint32_t all = KVM_SHARED_PAGES_READY |
			     KVM_SHARED_PAGES_INCOMPLETE;
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_SHARED_PAGES_LIST,
		.args = { KVM_SHARED_LIST_TRACK | KVM_SHARED_LIST_MSR },
	};
	uint32_t now;

	(void)arg;
	if (ioctl(walk->vmm.vm_fd, KVM_ENABLE_CAP, &cap)) {
		warn("the list is not enabled again");
		return -1;
	}
	if (flags(walk, &now))
		return -1;
	return (now & all) == KVM_SHARED_PAGES_INCOMPLETE ? 0 : -1;
}

int lists_apart(struct walk *walk, const char *arg)
{
	struct guest_report report;

	(void)arg;
	if (device_report(&walk->vmm, &report))
		return -1;
	if (report.damaged || report.lost_steps || report.lost_clock)
		return -1;
	return walk->vmm.device.differs ? 0 : -1;
}
