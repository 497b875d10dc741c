/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * libsevlm-sim - a host with SEV, in software
 *
 * For tests and CI of VMMs, and for trying a migration on any machine. A host
 * is one platform: a chip identity with real certificates, and firmware with
 * the key agreement, wrapping, packets and state machines of the SEV API. A
 * VM is what KVM shows of one guest, reached through the same ioctls, and the
 * guest in it: a deterministic workload that writes through its own
 * encrypted view, announces page states, and can check its memory.
 *
 * Private memory is really encrypted where the host can see it, under the
 * guest's key and a tweak of the page's location. Code that copies
 * ciphertext, swaps pages, or takes a shared page for private breaks here as
 * it breaks on hardware.
 *
 * It is no security boundary: the keys are in this process, and its root of
 * trust is a published test key. Nothing here says how AMD's hardware behaves
 * where the public sources are silent; docs/software-host.md lists those.
 *
 * Calls return 0 or a negative errno of the set in libsevlm.h. A host may be
 * shared by threads; of a VM, sevlm_sim_vm_run() may be in one thread while
 * its ioctls come from others. The ABI of this library is not stable yet.
 */
#ifndef LIBSEVLM_SIM_H
#define LIBSEVLM_SIM_H

#include <stddef.h>
#include <stdint.h>

#include <libsevlm/libsevlm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------
 * 1. A host
 */
struct sevlm_sim_host;

/**
 * struct sevlm_sim_host_config - what platform to be
 *
 * @size:      sizeof of the caller
 * @seed:      everything random on this host follows from it; 0 takes the
 *             system's randomness
 * @api_major: firmware API version; both zero mean 0.24
 * @api_minor: firmware API version
 * @build:     firmware build
 * @asids:     guests that can be active at once; 0 means 15
 * @shared_list: 1: a patched kernel that can keep the list of shared pages
 *             (lib/uapi). A hypercall or MSR access then exits only where the
 *             VMM enabled KVM_CAP_EXIT_HYPERCALL or KVM_CAP_X86_USER_SPACE_MSR
 *             on the VM; without it they exit until told otherwise
 * @multi_page: 1: a patched kernel that makes one packet of up to 16 KiB where
 *             memory is contiguous (KVM_CAP_SEV_PACKET_SIZE, lib/uapi)
 * @init_on_use: 1: the driver of the PSP brings the platform up for the first
 *             who wants it, KVM_SEV_INIT or a command of /dev/sev, as with
 *             ccp.psp_init_on_probe=0; without it before the host is there
 * @reserved:  0
 */
struct sevlm_sim_host_config {
	size_t size;
	uint64_t seed;
	uint32_t api_major;
	uint32_t api_minor;
	uint32_t build;
	uint32_t asids;
	uint32_t shared_list;
	uint32_t multi_page;
	uint32_t init_on_use;
	uint32_t reserved;
};

/**
 * sevlm_sim_host_new - make a platform
 * @config:   what to be, or NULL for the defaults
 * @ret_host: freed with sevlm_sim_host_free()
 *
 * Return: 0, -EINVAL, -ENOMEM, -EIO.
 */
int sevlm_sim_host_new(const struct sevlm_sim_host_config *config,
		       struct sevlm_sim_host **ret_host);

/**
 * sevlm_sim_host_free - take it away
 * @host: a host without VMs, or NULL
 */
void sevlm_sim_host_free(struct sevlm_sim_host *host);

/** Size of the blob of sevlm_sim_host_amd(). */
#define SEVLM_SIM_AMD_SIZE 3200u
/** Size of one SEV certificate. */
#define SEVLM_SIM_CERT_SIZE 2084u

/**
 * sevlm_sim_host_amd - the certificates that AMD would publish, ASK then ARK
 * @host: the platform
 * @amd:  receives SEVLM_SIM_AMD_SIZE bytes
 *
 * Return: 0, -EINVAL.
 */
int sevlm_sim_host_amd(struct sevlm_sim_host *host, void *amd);

/**
 * sevlm_sim_host_cek - the chip's CEK certificate as AMD would serve it
 * @host: the platform
 * @cek:  receives SEVLM_SIM_CERT_SIZE bytes, signed by the ASK
 *
 * PDH_CERT_EXPORT gives it unsigned, as on hardware.
 *
 * Return: 0, -EINVAL.
 */
int sevlm_sim_host_cek(struct sevlm_sim_host *host, void *cek);

/**
 * sevlm_sim_host_sev - an ioctl on this host's /dev/sev
 * @host:    the platform
 * @request: SEV_ISSUE_CMD
 * @arg:     struct sev_issue_cmd
 *
 * PLATFORM_STATUS, PDH_GEN, PDH_CERT_EXPORT, GET_ID2 (linux/psp-sev.h).
 *
 * Return: as the ioctl, or a negative errno.
 */
int sevlm_sim_host_sev(struct sevlm_sim_host *host, uint32_t request,
		       void *arg);

/** The number of /dev/sev that KVM is to be given as sev_fd for a host. */
#define SEVLM_SIM_SEV_FD 1001
/** Numbers under which /dev/sev can be open: SEVLM_SIM_SEV_FD and so on. */
#define SEVLM_SIM_SEV_FDS 8u

/**
 * sevlm_sim_host_open - open /dev/sev under a number, or close it
 * @host:   the platform
 * @number: SEVLM_SIM_SEV_FD + 0 to SEVLM_SIM_SEV_FDS - 1; the first is open
 *          from the beginning
 * @open:   1 or 0
 *
 * KVM looks a VM's number up at each command: where it is closed, or names
 * another file by now, the command fails with -EBADF.
 *
 * Return: 0, -EINVAL.
 */
int sevlm_sim_host_open(struct sevlm_sim_host *host, int32_t number,
			uint32_t open);

/** Where a fault strikes. */
#define SEVLM_SIM_FAULT_BEFORE 1u /**< KVM refuses, firmware is not asked */
#define SEVLM_SIM_FAULT_STATUS 2u /**< firmware refuses with @status */
#define SEVLM_SIM_FAULT_AFTER  3u /**< firmware succeeds, KVM then fails to
				       copy the answer out */
#define SEVLM_SIM_FAULT_LATE   4u /**< firmware carries the command out, and
				       reports @status all the same */
#define SEVLM_SIM_FAULT_SILENT 5u /**< firmware does nothing, and does not
				       answer */
/** Firmware carries the command out, and does not answer. */
#define SEVLM_SIM_FAULT_SILENT_LATE 6u

/** Commands that KVM, or the driver of the PSP, gives to firmware by itself. */
#define SEVLM_SIM_COMMAND_ACTIVATE     64u /**< LAUNCH_ and RECEIVE_START */
#define SEVLM_SIM_COMMAND_DEACTIVATE   65u /**< the VM goes */
#define SEVLM_SIM_COMMAND_DECOMMISSION 66u /**< that, or ACTIVATE failed */
#define SEVLM_SIM_COMMAND_DF_FLUSH     67u /**< no ASID is fresh; and after
						INIT */
#define SEVLM_SIM_COMMAND_INIT	       68u /**< the platform is brought up */

/**
 * struct sevlm_sim_fault - make a command fail
 *
 * @size:    sizeof of the caller
 * @command: KVM_SEV_* of linux/kvm.h, or SEVLM_SIM_COMMAND_*
 * @where:   SEVLM_SIM_FAULT_*; not FAULT_AFTER where nothing is copied out,
 *           which is SEVLM_SIM_COMMAND_* and KVM_SEV_INIT; of the latter
 *           FAULT_BEFORE only, as what it gives to firmware has names here
 * @after:   how many such commands succeed before
 * @times:   how many fail then
 * @status:  firmware status for FAULT_STATUS and FAULT_LATE
 * @error:   positive errno for FAULT_BEFORE and FAULT_AFTER
 *
 * Where firmware does not answer the command fails with -ETIMEDOUT and status
 * 0, and the driver of the PSP gives up: whatever would ask firmware on this
 * host from then on fails with -EBUSY. Guests run on.
 */
struct sevlm_sim_fault {
	size_t size;
	uint32_t command;
	uint32_t where;
	uint32_t after;
	uint32_t times;
	uint32_t status;
	int32_t error;
};

/**
 * sevlm_sim_host_fail - plant a fault; an earlier one is replaced
 * @host:  the platform
 * @fault: what to plant, or NULL for none
 *
 * Return: 0, -EINVAL.
 */
int sevlm_sim_host_fail(struct sevlm_sim_host *host,
			const struct sevlm_sim_fault *fault);

/**
 * sevlm_sim_host_commands - how often a command reached the firmware
 * @host:    the platform
 * @command: KVM_SEV_* of linux/kvm.h, or SEVLM_SIM_COMMAND_*
 *
 * From the beginning: what brought the platform up is counted.
 *
 * Return: the count.
 */
uint64_t sevlm_sim_host_commands(struct sevlm_sim_host *host,
				 uint32_t command);

/* ------------------------------------------------------------------------
 * 2. A VM, as KVM shows it
 */
struct sevlm_sim_vm;

/** What the guest does. */
#define SEVLM_SIM_IDLE       0u /**< nothing */
#define SEVLM_SIM_SEQUENTIAL 1u /**< writes page after page */
#define SEVLM_SIM_HOT        2u /**< writes a few pages, over and over */
#define SEVLM_SIM_RANDOM     3u /**< writes anywhere */
#define SEVLM_SIM_FLIP       4u /**< turns pages shared and private again,
				     and writes in between; its page tables are
				     in its RAM */
#define SEVLM_SIM_COUNTER    5u /**< reads the counter of a device, writes
				     down what it read, and writes anywhere */

/** The port of that counter: the first read gives 1, the next one 2 and so on.
    The device is the VMM's, which moves it as well. */
#define SEVLM_SIM_COUNTER_PORT 0x4d8u

/**
 * struct sevlm_sim_vm_config - what guest to have
 *
 * @size:     sizeof of the caller
 * @seed:     of the workload and of the memory's first contents
 * @memory:   bytes of RAM, a multiple of the page size, from address 0
 * @workload: SEVLM_SIM_*
 * @offered:  1: the guest sees CPUID bits 16 and 17, announces page states
 *            and says READY
 */
struct sevlm_sim_vm_config {
	size_t size;
	uint64_t seed;
	uint64_t memory;
	uint32_t workload;
	uint32_t offered;
};

/**
 * sevlm_sim_vm_new - make a VM
 * @host:   where; must outlive it
 * @config: what guest
 * @ret_vm: freed with sevlm_sim_vm_free()
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sevlm_sim_vm_new(struct sevlm_sim_host *host,
		     const struct sevlm_sim_vm_config *config,
		     struct sevlm_sim_vm **ret_vm);

/**
 * sevlm_sim_vm_free - destroy it; its guest context and ASID are given back
 * @vm: a VM or NULL
 */
void sevlm_sim_vm_free(struct sevlm_sim_vm *vm);

/**
 * sevlm_sim_ops - the kernel door of every software host's VMs
 *
 * Its context is a struct sevlm_sim_vm. Of the VM file it knows
 * KVM_CHECK_EXTENSION, KVM_ENABLE_CAP, KVM_CREATE_VCPU,
 * KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG,
 * KVM_MEMORY_ENCRYPT_OP, KVM_MEMORY_ENCRYPT_REG_REGION and _UNREG_REGION; of
 * a host with shared_list also KVM_GET_SHARED_PAGES_LIST and
 * KVM_SET_SHARED_PAGES_LIST.
 *
 * Return: static operations.
 */
const struct sevlm_kernel_ops *sevlm_sim_ops(void);

/**
 * sevlm_sim_vm_launch - start a guest, through the door
 * @vm:     a new VM
 * @hva:    the RAM, zeroed, config.memory bytes, page aligned
 * @image:  first contents, or NULL for what the seed gives
 * @bytes:  of @image, a multiple of the page size, at most config.memory
 * @policy: guest policy
 *
 * The last pages of a guest that flips hold its page tables, whatever is in
 * @image there.
 *
 * KVM_SEV_INIT, one memory slot (number 0), REG_REGION, the LAUNCH commands.
 *
 * Return: 0, -EINVAL, or what the ioctl failed with.
 */
int sevlm_sim_vm_launch(struct sevlm_sim_vm *vm, void *hva, const void *image,
			size_t bytes, uint32_t policy);

/**
 * sevlm_sim_vm_prepare - make an empty VM ready to receive, through the door
 * @vm:  a new VM
 * @hva: the RAM, config.memory bytes, page aligned
 *
 * KVM_SEV_INIT, one memory slot (number 0), REG_REGION.
 *
 * Return: 0, -EINVAL, or what the ioctl failed with.
 */
int sevlm_sim_vm_prepare(struct sevlm_sim_vm *vm, void *hva);

/**
 * sevlm_sim_vm_contiguous - memory is contiguous where it lies in the host
 * @vm:    a VM
 * @hva:   memory of it, page aligned
 * @bytes: a multiple of the page size
 *
 * As memory of hugetlbfs is. Nothing is by itself. A packet of several pages
 * has to lie in one such piece.
 *
 * Return: 0, -EINVAL, -ENOBUFS (16 pieces there are).
 */
int sevlm_sim_vm_contiguous(struct sevlm_sim_vm *vm, const void *hva,
			    uint64_t bytes);

/**
 * sevlm_sim_vm_log - turn the dirty log of slot 0 on or off, through the door
 * @vm: a VM with its slot
 * @on: 1 or 0
 *
 * Return: 0, -EINVAL, or what the ioctl failed with.
 */
int sevlm_sim_vm_log(struct sevlm_sim_vm *vm, uint32_t on);

/**
 * sevlm_sim_vm_harvest - KVM_GET_DIRTY_LOG of slot 0, through the door
 * @vm:     a VM with the log on
 * @bitmap: one bit per page of RAM, rounded up to 64 bits
 *
 * Return: 0, -EINVAL, or what the ioctl failed with.
 */
int sevlm_sim_vm_harvest(struct sevlm_sim_vm *vm, void *bitmap);

/* ------------------------------------------------------------------------
 * 3. The guest in it
 */

/** Why the vCPU came back. */
#define SEVLM_SIM_EXIT_INTR      1u /**< the steps are used up */
#define SEVLM_SIM_EXIT_HYPERCALL 2u /**< nr, args; answer() with the result */
#define SEVLM_SIM_EXIT_WRMSR     3u /**< index, data; answer() 0, 1 for #GP */
#define SEVLM_SIM_EXIT_IN        4u /**< index; answer() with the value read */

/**
 * struct sevlm_sim_exit - an exit of the vCPU
 *
 * @size:   sizeof of the caller, set before
 * @reason: SEVLM_SIM_EXIT_*
 * @index:  of the MSR; the port
 * @data:   to be written to the MSR
 * @nr:     number of the hypercall
 * @args:   its arguments
 */
struct sevlm_sim_exit {
	size_t size;
	uint32_t reason;
	uint32_t index;
	uint64_t data;
	uint64_t nr;
	uint64_t args[6];
};

/**
 * sevlm_sim_vm_run - KVM_RUN
 * @vm:       the VM
 * @steps:    of the workload; 0 completes a pending exit and comes back, as
 *            immediate_exit does
 * @ret_exit: why it came back. What KVM answers by itself is no exit
 *
 * Return: 0, -EINVAL, -EBADFD (no memory that it could run in).
 */
int sevlm_sim_vm_run(struct sevlm_sim_vm *vm, uint64_t steps,
		     struct sevlm_sim_exit *ret_exit);

/**
 * sevlm_sim_vm_answer - what the VMM makes of the last exit
 * @vm:    the VM
 * @value: result of the hypercall, 1 for #GP, or the 32 bits read
 *
 * The vCPU takes it when it runs next, be it for 0 steps.
 *
 * Return: 0, -EINVAL, -EBADFD (no exit waits).
 */
int sevlm_sim_vm_answer(struct sevlm_sim_vm *vm, uint64_t value);

/**
 * sevlm_sim_vm_save - the vCPU's state
 * @vm:    the VM, not running
 * @buf:   receives it; may be NULL to ask for the size
 * @bytes: in, room; out, size
 *
 * As KVM's registers, it points at an instruction whose exit is not complete:
 * where it is loaded, that one is done once more. Complete it first, with
 * sevlm_sim_vm_answer() and a sevlm_sim_vm_run() of 0 steps, or a device is
 * read twice.
 *
 * Return: 0, -EINVAL, -ENOBUFS, -EIO.
 */
int sevlm_sim_vm_save(struct sevlm_sim_vm *vm, void *buf, size_t *bytes);

/**
 * sevlm_sim_vm_load - the same on the target
 * @vm:    the VM, not running
 * @buf:   from sevlm_sim_vm_save()
 * @bytes: its size
 *
 * Page tables in RAM are not part of it, and looked at when the vCPU runs.
 *
 * Return: 0, -EINVAL, -EBADMSG (not a state, or of a VM of another shape).
 */
int sevlm_sim_vm_load(struct sevlm_sim_vm *vm, const void *buf, size_t bytes);

/**
 * sevlm_sim_vm_steps - how far the workload is
 * @vm: the VM
 *
 * Return: steps done since it was launched, wherever.
 */
uint64_t sevlm_sim_vm_steps(struct sevlm_sim_vm *vm);

/**
 * sevlm_sim_vm_check - does the guest find its memory as it left it?
 * @vm:    the VM, not running
 * @image: what sevlm_sim_vm_launch() was given, or NULL where it was given
 *         none
 * @bytes: of @image
 *
 * Replays the workload from its seed beside the memory and compares every
 * page, byte by byte, as the guest sees it. Pages that were declared free to
 * the VMM are compared too: this guest never frees any.
 *
 * Return: 0, -EBADMSG (sevlm_sim_vm_error() names the page), -EINVAL,
 * -ENOMEM.
 */
int sevlm_sim_vm_check(struct sevlm_sim_vm *vm, const void *image,
		       size_t bytes);

/**
 * sevlm_sim_vm_digest - SHA-256 of the memory as the guest sees it
 * @vm:     the VM, not running
 * @digest: receives 32 bytes
 *
 * Covers the contents of every page and whether it is shared.
 *
 * Return: 0, -EINVAL, -EIO.
 */
int sevlm_sim_vm_digest(struct sevlm_sim_vm *vm, void *digest);

/**
 * sevlm_sim_vm_shared - is a page shared, by the guest's own page tables?
 * @vm:  the VM
 * @gpa: in its RAM
 *
 * Return: 1 or 0.
 */
int sevlm_sim_vm_shared(struct sevlm_sim_vm *vm, uint64_t gpa);

/**
 * sevlm_sim_vm_read - read memory as the guest sees it
 * @vm:    the VM
 * @gpa:   where
 * @buf:   receives it
 * @bytes: how much
 *
 * Return: 0, -EINVAL.
 */
int sevlm_sim_vm_read(struct sevlm_sim_vm *vm, uint64_t gpa, void *buf,
		      size_t bytes);

/**
 * sevlm_sim_vm_write - write memory as the guest does
 * @vm:    the VM
 * @gpa:   where
 * @buf:   what
 * @bytes: how much
 *
 * Shows up in the dirty log. The workload's check does not know of it.
 *
 * Return: 0, -EINVAL.
 */
int sevlm_sim_vm_write(struct sevlm_sim_vm *vm, uint64_t gpa, const void *buf,
		       size_t bytes);

/**
 * sevlm_sim_vm_convert - the guest turns a page shared or private
 * @vm:     the VM
 * @gpa:    page aligned
 * @shared: 1 or 0
 *
 * Changes the guest's page table only: the announcement is the caller's to
 * make, and the contents are lost as on hardware.
 *
 * Return: 0, -EINVAL.
 */
int sevlm_sim_vm_convert(struct sevlm_sim_vm *vm, uint64_t gpa,
			 uint32_t shared);

/**
 * sevlm_sim_vm_error - the last failure as one sentence
 * @vm: the VM
 *
 * Return: text without a newline, "" where nothing failed.
 */
const char *sevlm_sim_vm_error(struct sevlm_sim_vm *vm);

#ifdef __cplusplus
}
#endif

#endif /* LIBSEVLM_SIM_H */
