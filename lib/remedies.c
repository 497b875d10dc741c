/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

/* docs/findings.md has the same words; a test compares them */
#define INFO SEVLM_SEVERITY_INFO
#define WARNING SEVLM_SEVERITY_WARNING
#define BLOCKER SEVLM_SEVERITY_BLOCKER

const struct sevlm__finding_text sevlm__finding_texts[SEVLM__FINDINGS] = {
	[SEVLM__KVM_MISSING] = {
		"kvm-missing", BLOCKER, BLOCKER,
		"There is no /dev/kvm",
		"Turn on virtualization in the system's setup, load kvm and "
		"kvm_amd, and look for kvm in the kernel's log.",
	},
	[SEVLM__KVM_NO_ACCESS] = {
		"kvm-no-access", BLOCKER, BLOCKER,
		"/dev/kvm may not be opened",
		"Give the user that runs the VMM access to /dev/kvm, on most "
		"distributions through the group kvm.",
	},
	[SEVLM__KVM_UNUSABLE] = {
		"kvm-unusable", BLOCKER, BLOCKER,
		"/dev/kvm cannot be used",
		"Look for kvm in the kernel's log; KVM API version 12 is "
		"needed.",
	},
	[SEVLM__SEV_DEVICE_MISSING] = {
		"sev-device-missing", BLOCKER, BLOCKER,
		"There is no /dev/sev",
		"It comes from the driver ccp on AMD EPYC hosts whose SEV is "
		"turned on in the system's setup: load ccp and look for it in "
		"the kernel's log. Other processors have no SEV.",
	},
	[SEVLM__SEV_DEVICE_NO_ACCESS] = {
		"sev-device-no-access", BLOCKER, BLOCKER,
		"/dev/sev may not be opened",
		"Give the user that runs the VMM access to /dev/sev; as it "
		"comes only root has it.",
	},
	[SEVLM__SEV_DEVICE_UNUSABLE] = {
		"sev-device-unusable", BLOCKER, BLOCKER,
		"/dev/sev cannot be used",
		"Look for ccp in the kernel's log.",
	},
	[SEVLM__SEV_OFF] = {
		"sev-off", BLOCKER, BLOCKER,
		"KVM does not say that SEV can be used here",
		"On an AMD EPYC host turn SEV on in the system's setup and "
		"load kvm_amd with sev=1; other processors have no SEV. Where "
		"no scratch VM could be made to ask, make that possible.",
	},
	[SEVLM__COMMANDS_UNKNOWN] = {
		"commands-unknown", WARNING, WARNING,
		"It could not be found out which migration commands the "
		"kernel knows",
		"Probe with a scratch VM that is not an SEV guest.",
	},
	[SEVLM__SEND_MISSING] = {
		"send-missing", BLOCKER, WARNING,
		"The kernel lacks commands to send a guest",
		"Use Linux 5.13 or newer.",
	},
	[SEVLM__RECEIVE_MISSING] = {
		"receive-missing", WARNING, BLOCKER,
		"The kernel lacks commands to receive a guest",
		"Use Linux 5.13 or newer.",
	},
	[SEVLM__SEND_CANCEL_MISSING] = {
		"send-cancel-missing", WARNING, INFO,
		"The kernel lacks SEND_CANCEL: a guest whose migration failed "
		"cannot be sent again",
		"Use Linux 5.13 or newer.",
	},
	[SEVLM__HYPERCALL_EXIT_MISSING] = {
		"hypercall-exit-missing", BLOCKER, BLOCKER,
		"KVM cannot pass on what the guest announces about its pages",
		"Use Linux 5.14 or newer: KVM_CAP_EXIT_HYPERCALL with "
		"KVM_HC_MAP_GPA_RANGE is needed.",
	},
	[SEVLM__USER_MSR_MISSING] = {
		"user-msr-missing", BLOCKER, BLOCKER,
		"KVM cannot pass on the guest's MSR accesses",
		"Use Linux 5.10 or newer: KVM_CAP_X86_USER_SPACE_MSR is "
		"needed.",
	},
	[SEVLM__MSR_FILTER_MISSING] = {
		"msr-filter-missing", BLOCKER, BLOCKER,
		"KVM cannot filter MSRs",
		"Use Linux 5.10 or newer: KVM_CAP_X86_MSR_FILTER is needed.",
	},
	[SEVLM__IGNORE_MSRS] = {
		"ignore-msrs", WARNING, WARNING,
		"kvm.ignore_msrs is set: KVM swallows accesses to MSRs that it "
		"does not know",
		"Set it to 0, or be sure that the VMM sets the filter which "
		"sevlm_kvm_get_setup() names: without it the guest's READY "
		"never arrives.",
	},
	[SEVLM__MANUAL_PROTECT] = {
		"manual-protect", INFO, INFO,
		"KVM can re-arm the dirty log separately from reading it",
		"",
	},
	[SEVLM__DIRTY_RING] = {
		"dirty-ring", INFO, INFO,
		"KVM has dirty rings",
		"",
	},
	[SEVLM__SHARED_LIST] = {
		"shared-list", INFO, INFO,
		"This kernel can keep the list of shared pages itself",
		"",
	},
	[SEVLM__FIRMWARE_SILENT] = {
		"firmware-silent", BLOCKER, BLOCKER,
		"The SEV firmware does not answer",
		"Look for ccp and SEV in the kernel's log. Firmware that did "
		"not answer in time once is not asked again before the next "
		"boot.",
	},
	[SEVLM__FIRMWARE_OLD] = {
		"firmware-old", WARNING, WARNING,
		"The SEV firmware's API is older than 0.17",
		"Update the system's firmware, or the SEV firmware that "
		"linux-firmware brings in amd/.",
	},
	[SEVLM__ES_CONFIGURED] = {
		"es-configured", INFO, INFO,
		"SEV-ES is configured",
		"",
	},
	[SEVLM__OWNED] = {
		"owned", INFO, INFO,
		"The platform has an external owner",
		"",
	},
	[SEVLM__ASIDS_USED_UP] = {
		"asids-used-up", WARNING, BLOCKER,
		"Every ASID for SEV guests is in use",
		"Stop an SEV guest or move it away.",
	},
	[SEVLM__ASIDS_SHORT] = {
		"asids-short", WARNING, WARNING,
		"There are as many guests as ASIDs for SEV, and only SEV-ES "
		"guests among them would leave one free",
		"Stop an SEV guest or move it away.",
	},
	[SEVLM__MEMLOCK_LOW] = {
		"memlock-low", WARNING, WARNING,
		"The guest's memory is larger than what may be locked",
		"SEV pins the guest's memory: raise RLIMIT_MEMLOCK of the VMM "
		"(LimitMEMLOCK= in systemd) above it, or give it CAP_IPC_LOCK, "
		"which the limit does not show.",
	},
	[SEVLM__GUEST_SILENT] = {
		"guest-silent", BLOCKER, BLOCKER,
		"The firmware does not tell the guest's state",
		"Ask in the process that owns the VM, which must be an SEV "
		"guest, with /dev/sev open under the number it had at launch.",
	},
	[SEVLM__GUEST_STATE] = {
		"guest-state", BLOCKER, BLOCKER,
		"The firmware does not hold the guest for running",
		"Finish its launch, or end the migration that has begun, "
		"before it is sent.",
	},
	[SEVLM__NOT_OFFERED] = {
		"not-offered", BLOCKER, BLOCKER,
		"Live migration was not offered to the guest",
		"Offer it at the guest's next start: CPUID bits 16 and 17 "
		"cannot be given to a guest that runs.",
	},
	[SEVLM__HUNG_UP] = {
		"hung-up", BLOCKER, BLOCKER,
		"The guest was told to hang up",
		"Only a reset of the VM takes that back.",
	},
	[SEVLM__INCOMPLETE] = {
		"incomplete", BLOCKER, BLOCKER,
		"A change of a page's state was lost, so that nobody knows "
		"the guest's memory for sure",
		"Reset the VM; look for a guest that announces nonsense.",
	},
	[SEVLM__STATES_SILENT] = {
		"states-silent", BLOCKER, BLOCKER,
		"The list of shared pages that the kernel keeps cannot be read",
		"Enable KVM_CAP_X86_SHARED_PAGES_LIST on the VM before its "
		"vCPUs are created, or take the page states from exits.",
	},
	[SEVLM__NEVER_READY] = {
		"never-ready", BLOCKER, BLOCKER,
		"The guest has not said that it is ready",
		"The known causes: its Linux is older than 5.16; it was not "
		"offered CPUID bit 17; its EFI firmware does not set "
		"SevLiveMigrationEnabled, and stock OVMF does not; or it has "
		"not booted that far.",
	},
	[SEVLM__READY_WITHDRAWN] = {
		"ready-withdrawn", BLOCKER, BLOCKER,
		"The guest was ready and took it back",
		"Linux does so at kexec and reboot, when a CPU goes offline, "
		"and at suspend. After the first two wait until it has booted; "
		"after the others it says READY again only after a reboot.",
	},
	[SEVLM__POLICY_RESERVED] = {
		"policy-reserved", BLOCKER, BLOCKER,
		"The guest's policy has bits that are reserved",
		"Only a new launch with another policy, by its owner, changes "
		"that.",
	},
	[SEVLM__POLICY_NOSEND] = {
		"policy-nosend", BLOCKER, BLOCKER,
		"The guest's policy says NOSEND: its owner forbids to move it",
		"Only a new launch with another policy, by its owner, changes "
		"that.",
	},
	[SEVLM__POLICY_ES] = {
		"policy-es", BLOCKER, BLOCKER,
		"The guest's policy says ES: no kernel can move an SEV-ES "
		"guest",
		"Only a new launch with another policy, by its owner, changes "
		"that.",
	},
	[SEVLM__POLICY_DOMAIN] = {
		"policy-domain", WARNING, WARNING,
		"The guest's policy says DOMAIN: it goes only to a platform of "
		"the same owner",
		"Be sure that one owner's OCA certificate was imported on "
		"both hosts.",
	},
	[SEVLM__POLICY_SEV] = {
		"policy-sev", INFO, INFO,
		"The guest's policy says SEV: it goes only to a platform that "
		"AMD's certificates vouch for",
		"Have the target's CEK certificate from AMD at hand, with ASK "
		"and ARK.",
	},
	[SEVLM__TARGET_FIRMWARE_FLOOR] = {
		"target-firmware-floor", BLOCKER, BLOCKER,
		"The guest's policy demands newer firmware than the target has",
		"Update the target's firmware or choose another target.",
	},
};
