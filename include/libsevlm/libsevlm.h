/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * libsevlm - live migration of AMD SEV guests, for any VMM
 *
 * Reading guide
 * -------------
 * The header follows a migration from front to back: what the kernel offers,
 * one guest and its memory, control over what the guest may announce, then
 * the two ways to move it. A VMM with a migration loop of its own uses the
 * send and receive sessions (section 7) and keeps its stream. A VMM without
 * one drives the engine (sections 8 to 11), which speaks docs/stream.md.
 * Which platforms are trusted is told once, in section 14.
 *
 * Errors. Calls return 0 or a negative errno out of this closed set; any
 * other negative value must be taken as failure too.
 *
 *   -EINVAL        an argument is wrong: fix the program
 *   -EBADFD        right call, wrong moment: fix the order
 *   -ENOBUFS       no room: a buffer is too small, or a fixed table is full
 *   -EBADMSG       bytes from the peer or a file are malformed
 *   -EPROTO        well-formed, but not allowed here
 *   -EKEYREJECTED  something signed or authenticated does not verify
 *   -EPERM         the guest's policy, or its missing consent, forbids it
 *   -EREMOTEIO     the firmware refused: ask for its status
 *   -ENOTSUP       this kernel, firmware or build lacks it
 *   -EAGAIN        not now; the same call may succeed later
 *   -ETIMEDOUT     a deadline passed
 *   -ECONNRESET    the peer or the link is gone
 *   -ECANCELED     cancelled by the caller
 *   -ENOMEM        out of memory
 *   -EINTR         a system call was interrupted
 *   -EIO           anything else; the sentence carries the original errno
 *
 * A call that names ioctls may also return what the kernel makes of any of
 * them: -ENOMEM, -EINTR, -ETIMEDOUT, -EPERM, -ENOTSUP or -EIO; its Return list
 * names what is its own. The firmware's status is a second domain and is
 * asked for separately.
 * Every object keeps one sentence for a human about its last failure; wrong
 * arguments (-EINVAL) leave it alone.
 *
 * Threads. One thread at a time per object, different objects are free, and
 * these exceptions, each repeated at its call: the guest-facing handlers,
 * sevlm_vm_mark_dirty(), sevlm_vm_skip() and the cancel calls may be made
 * from any thread at any time; of one engine, step() with its answers may run
 * in one thread while the byte calls run in another.
 *
 * Memory and files. File descriptors and guest memory stay the VMM's. The
 * library opens nothing, maps nothing, starts no thread, installs no handler,
 * reads no clock, prints nothing and never ends the process. Time comes in as
 * nanoseconds of any monotonic clock. free calls take NULL.
 *
 * ABI. Structs that cross the border begin with their size (ABI.md).
 * Sizes are in bytes and guest addresses in bytes unless a name says pages;
 * a page is 4096 bytes.
 */
#ifndef LIBSEVLM_LIBSEVLM_H
#define LIBSEVLM_LIBSEVLM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEVLM_PAGE_SIZE 4096u

/* ------------------------------------------------------------------------
 * 1. Version
 */
#define SEVLM_VERSION_MAJOR 0
#define SEVLM_VERSION_MINOR 1
#define SEVLM_VERSION_PATCH 0

/** Version of the migration stream this library writes (docs/stream.md). */
#define SEVLM_STREAM_VERSION 1

/**
 * sevlm_version - version of the library that is running
 *
 * May be newer than the header the caller was built with.
 *
 * Thread: any.  Since: 0.1
 * Return: "major.minor.patch", static.
 */
const char *sevlm_version(void);

/* ------------------------------------------------------------------------
 * 2. Words for numbers
 */

/**
 * sevlm_strerror - the sentence for a code of the set above
 * @error: zero or a negative errno returned by this library
 *
 * Thread: any.  Since: 0.1
 * Return: static text; unknown codes get a general one.
 */
const char *sevlm_strerror(int error);

/**
 * sevlm_firmware_strerror - the name of a firmware status
 * @status: what a *_firmware_status() call returned
 *
 * Names are those of the SEV API specification, "Status Codes".
 *
 * Thread: any.  Since: 0.1
 * Return: static text; unknown codes get a general one.
 */
const char *sevlm_firmware_strerror(uint32_t status);

/** The firmware was not asked: KVM or the library refused before the call. */
#define SEVLM_FIRMWARE_NOT_ASKED 0xffffffffu

/* ------------------------------------------------------------------------
 * 3. The kernel door
 */

/**
 * struct sevlm_kernel_ops - how the library reaches the kernel
 *
 * @size: sizeof(struct sevlm_kernel_ops) of the caller
 * @vm:   an ioctl on the guest's KVM VM file; required
 * @sev:  an ioctl on /dev/sev; required
 * @host: an ioctl on /dev/kvm; may be NULL, then host questions are -ENOTSUP
 *
 * Each takes the request number and argument the file would take, in the
 * kernel's own structures (linux/kvm.h, linux/psp-sev.h), and returns the
 * ioctl's result or a negative errno; the C library's errno is not looked at.
 * A VMM whose sandbox brokers ioctls, the software host and the tests
 * implement it; without one the library calls ioctl(2) on the files named in
 * struct sevlm_vm_config. They are called on the thread of the library call
 * that needs them and never while the library holds a lock.
 */
struct sevlm_kernel_ops {
	size_t size;
	int (*vm)(void *ctx, uint32_t request, void *arg);
	int (*sev)(void *ctx, uint32_t request, void *arg);
	int (*host)(void *ctx, uint32_t request, void *arg);
};

/* ------------------------------------------------------------------------
 * 4. One guest
 */
struct sevlm_vm;

/**
 * struct sevlm_vm_config - what a guest is reached by
 *
 * @size:    sizeof(struct sevlm_vm_config) of the caller
 * @vm_fd:   the KVM VM; stays open until the guest is gone
 * @sev_fd:  /dev/sev. KVM remembers the *number* from LAUNCH_START or
 *           RECEIVE_START on and looks it up at each later command, so it
 *           must name the same open file until the guest is gone; a command
 *           that finds another file or none there fails with -EIO, and EBADF
 *           in the sentence
 * @kvm_fd:  /dev/kvm, or -1
 * @reserved: zero
 * @ops:     a door of the caller's instead of ioctl(2), or NULL. The struct
 *           is copied; with it the three descriptors are not used, except
 *           that @sev_fd is passed in kvm_sev_cmd
 * @ops_ctx: first argument of each operation
 */
struct sevlm_vm_config {
	size_t size;
	int32_t vm_fd;
	int32_t sev_fd;
	int32_t kvm_fd;
	uint32_t reserved;
	const struct sevlm_kernel_ops *ops;
	void *ops_ctx;
};

/**
 * sevlm_vm_new - describe one guest
 * @config:  how to reach it
 * @ret_vm:  the handle; freed with sevlm_vm_free()
 *
 * Makes no system call.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sevlm_vm_new(const struct sevlm_vm_config *config,
		 struct sevlm_vm **ret_vm);

/**
 * sevlm_vm_free - forget a guest
 * @vm: a handle or NULL; no session or engine of it may be left
 *
 * Thread: one, and no other call on @vm may be running.  Since: 0.1
 */
void sevlm_vm_free(struct sevlm_vm *vm);

/**
 * sevlm_vm_error - the last failure of a call on @vm, as one sentence
 * @vm: the guest
 *
 * The handlers of section 6 and the calls that any thread may make do not
 * change it.
 *
 * Thread: the one of the guest's other calls.  Since: 0.1
 * Return: text without a newline, valid until the next call on @vm; ""
 * where nothing failed yet.
 */
const char *sevlm_vm_error(const struct sevlm_vm *vm);

/**
 * sevlm_vm_firmware_status - firmware status of the last failed command
 * @vm: the guest
 *
 * Thread: the one of the guest's other calls.  Since: 0.1
 * Return: the status, or SEVLM_FIRMWARE_NOT_ASKED.
 */
uint32_t sevlm_vm_firmware_status(const struct sevlm_vm *vm);

/** The guest's firmware state (SEV API, "Guest State Machine"). */
#define SEVLM_GUEST_UNINIT  0u
#define SEVLM_GUEST_LUPDATE 1u
#define SEVLM_GUEST_LSECRET 2u
#define SEVLM_GUEST_RUNNING 3u
#define SEVLM_GUEST_SUPDATE 4u
#define SEVLM_GUEST_RUPDATE 5u
#define SEVLM_GUEST_SENT    6u

/** The guest's policy word (SEV API, "Guest Policy"). */
#define SEVLM_POLICY_NODBG  (1u << 0)
#define SEVLM_POLICY_NOKS   (1u << 1)
#define SEVLM_POLICY_ES     (1u << 2)
#define SEVLM_POLICY_NOSEND (1u << 3)
#define SEVLM_POLICY_DOMAIN (1u << 4)
#define SEVLM_POLICY_SEV    (1u << 5)

/**
 * struct sevlm_guest_status - what the firmware says of a guest
 *
 * @size:   sizeof(struct sevlm_guest_status) of the caller, set before
 * @handle: firmware handle
 * @policy: policy word
 * @state:  SEVLM_GUEST_*
 */
struct sevlm_guest_status {
	size_t size;
	uint32_t handle;
	uint32_t policy;
	uint32_t state;
	uint32_t reserved;
};

/**
 * sevlm_vm_guest_status - ask the firmware about the guest
 * @vm:         the guest
 * @ret_status: filled up to its size
 *
 * ioctls: KVM_MEMORY_ENCRYPT_OP (GUEST_STATUS).
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EREMOTEIO, -ENOTSUP, -EIO.
 */
int sevlm_vm_guest_status(struct sevlm_vm *vm,
			  struct sevlm_guest_status *ret_status);

/** Sizes of what PDH_CERT_EXPORT returns (SEV API, "Certificate format"). */
#define SEVLM_PDH_SIZE   2084u
#define SEVLM_CHAIN_SIZE 6252u

/**
 * sevlm_vm_export_certs - this host's PDH certificate and its chain
 * @vm:    a guest of this host
 * @pdh:   receives SEVLM_PDH_SIZE bytes
 * @chain: receives SEVLM_CHAIN_SIZE bytes, PEK then OCA then CEK
 *
 * The CEK in it is not signed by AMD; the signed one is downloaded.
 * ioctls: SEV_ISSUE_CMD (PDH_CERT_EXPORT) on /dev/sev.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EREMOTEIO, -ENOTSUP, -EIO.
 */
int sevlm_vm_export_certs(struct sevlm_vm *vm, void *pdh, void *chain);

/* ------------------------------------------------------------------------
 * 5. The guest's memory and the truth about its pages
 *
 * Page states are kept by guest address and outlive regions: a range that is
 * removed and added again (PAM, SMRAM, hotplug) has the states it had. A page
 * nobody spoke of is private.
 */

/** What a region's pages are. */
#define SEVLM_REGION_TRACKED 1u /**< private or shared, as the guest says */
#define SEVLM_REGION_PRIVATE 2u /**< always private, e.g. encrypted flash */
#define SEVLM_REGION_SHARED  3u /**< always shared */
#define SEVLM_REGION_SKIP    4u /**< not moved: flash, ROM, VRAM kept in step
				     by the VMM */

/**
 * With TRACKED or PRIVATE: what is one aligned 16 KiB in the region is
 * contiguous in the host's physical memory, as hugetlb memory is, and
 * registered with KVM, so that it stays so. Where both sides of a migration
 * say so, and both kernels have the optional patches, private memory travels
 * in packets of four pages: a quarter of the firmware commands. On the source
 * a mistake costs time, on the target it ends the migration.
 */
#define SEVLM_REGION_CONTIGUOUS (1u << 8)

/** What one page is, as sevlm_vm_page_state() tells it. */
#define SEVLM_PAGE_PRIVATE 1u
#define SEVLM_PAGE_SHARED  2u
#define SEVLM_PAGE_SKIP    3u /**< in a SKIP region */
#define SEVLM_PAGE_NONE    4u /**< in no region */

/** Most regions a guest may have. */
#define SEVLM_MAX_REGIONS 256u

/**
 * sevlm_vm_add_region - register guest memory
 * @vm:    the guest
 * @gpa:   guest address, page aligned
 * @bytes: size, a multiple of the page size, not zero
 * @hva:   where the VMM has it mapped, page aligned; read and (on a target)
 *         written, never past @bytes; stays mapped until removed
 * @type:  SEVLM_REGION_*, perhaps with SEVLM_REGION_CONTIGUOUS; then @gpa and
 *         @hva must have the same place in 16 KiB
 *
 * Registering with KVM (memory slot, KVM_MEMORY_ENCRYPT_REG_REGION before
 * the first receive) stays with the VMM. Memory that it registers should have
 * been written once (MAP_POPULATE does): KVM of Linux 6.1.192 pins nothing
 * where nothing is yet, and says so to nobody. While an engine of the guest
 * runs it is sevlm_source_add_region() that adds.
 *
 * Cost: four bits per page are allocated here, and never later.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM, -ENOBUFS (over SEVLM_MAX_REGIONS), -EBADFD
 * (an engine runs).
 */
int sevlm_vm_add_region(struct sevlm_vm *vm, uint64_t gpa, uint64_t bytes,
			void *hva, uint32_t type);

/**
 * sevlm_vm_remove_region - unregister guest memory
 * @vm:  the guest
 * @gpa: start of a registered region
 *
 * The page states are kept. While an engine of the guest runs it is
 * sevlm_source_remove_region() that removes.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL (no region starts there), -EBADFD (an engine runs).
 */
int sevlm_vm_remove_region(struct sevlm_vm *vm, uint64_t gpa);

/**
 * sevlm_vm_page_state - what a run of pages is
 * @vm:        the guest
 * @gpa:       where to look, page aligned
 * @ret_state: SEVLM_PAGE_* of the page at @gpa
 * @ret_bytes: how far the same answer holds, at least one page
 *
 * A walk over RAM costs one call per run. The answer is true at the moment
 * of the call; sevlm_send_packet() looks again after encrypting.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_vm_page_state(struct sevlm_vm *vm, uint64_t gpa,
			uint32_t *ret_state, uint64_t *ret_bytes);

/**
 * sevlm_vm_mark_dirty - memory was written by the VMM or a device
 * @vm:    the guest
 * @gpa:   start, need not be aligned
 * @bytes: how much
 *
 * For writes that KVM's dirty log does not see. Pages outside registered
 * memory are passed over. Costs nothing worth naming when no migration runs.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_vm_mark_dirty(struct sevlm_vm *vm, uint64_t gpa, uint64_t bytes);

/**
 * sevlm_vm_skip - the guest said that these pages hold nothing
 * @vm:    the guest
 * @gpa:   start, page aligned
 * @bytes: a multiple of the page size
 *
 * Free-page hints. The pages are declared skipped instead of sent, until
 * they are written again. The guest must have called them free after the
 * dirty log of the current round was harvested: an older hint may be about
 * a page that is in use again. Without a running engine it does nothing.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_vm_skip(struct sevlm_vm *vm, uint64_t gpa, uint64_t bytes);

/* ------------------------------------------------------------------------
 * 6. Control: what the guest may announce
 *
 * Default off. A guest that was not offered live migration gets an error for
 * the hypercall and #GP for the MSR even if it tries anyway.
 */

/** What the guest reads in CPUID, KVM leaf 0x40000001, EAX. */
#define SEVLM_CPUID_HC_MAP_GPA_RANGE  (1u << 16)
#define SEVLM_CPUID_MIGRATION_CONTROL (1u << 17)

struct kvm_cpuid2; /* linux/kvm.h */

/**
 * sevlm_cpuid_set - offer live migration in a vCPU's CPUID, or take it out
 * @cpuid:       what is to go to KVM_SET_CPUID2; changed in place
 * @on:          1 sets the two bits of the KVM leaf, 0 clears them
 * @ret_changed: the bits that changed; may be NULL
 *
 * The two bits move together: Linux looks at one of them and uses both. The
 * KVM leaf is looked for by its signature, as it stands behind Hyper-V's
 * where that is there. KVM does not gate the hypercall on CPUID, so the other
 * half of a refusal is not to call sevlm_vm_offer(). Before the first
 * KVM_RUN only.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOTSUP (the array has no KVM leaf; nothing changed).
 */
int sevlm_cpuid_set(struct kvm_cpuid2 *cpuid, uint32_t on,
		    uint32_t *ret_changed);

/**
 * sevlm_cpuid_get - what a vCPU is offered
 * @cpuid:    what came from KVM_GET_CPUID2
 * @ret_bits: SEVLM_CPUID_*
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOTSUP (the array has no KVM leaf).
 */
int sevlm_cpuid_get(const struct kvm_cpuid2 *cpuid, uint32_t *ret_bits);

/**
 * struct sevlm_kvm_setup - what the VMM must ask of KVM, merged with its own
 *
 * @size:                sizeof of the caller, set before
 * @exit_hypercall:      bits for KVM_CAP_EXIT_HYPERCALL
 * @user_space_msr:      bits for KVM_CAP_X86_USER_SPACE_MSR
 * @msr_filter_base:     first MSR of a range for KVM_X86_SET_MSR_FILTER whose
 *                       bitmap denies reads and writes
 * @msr_filter_count:    MSRs in it
 * @shared_list:         args[0] for KVM_ENABLE_CAP of the next; the rest is 0
 * @shared_list_cap:     the capability of a kernel that keeps the list of
 *                       shared pages (see sevlm_vm_use_states()); a VMM that
 *                       does not want it, or whose kernel has it not
 *                       (SEVLM_HOST_SHARED_LIST), leaves it alone
 * @reserved:            0
 *
 * KVM_ENABLE_CAP and the filter replace what was set before, so the library
 * never sets them itself. Without the filter ignore_msrs=1 would swallow the
 * guest's writes.
 */
struct sevlm_kvm_setup {
	size_t size;
	uint64_t exit_hypercall;
	uint64_t user_space_msr;
	uint32_t msr_filter_base;
	uint32_t msr_filter_count;
	uint64_t shared_list;
	uint32_t shared_list_cap;
	uint32_t reserved;
};

/**
 * sevlm_kvm_get_setup - what the VMM must ask of KVM
 * @ret_setup: filled up to its size
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_kvm_get_setup(struct sevlm_kvm_setup *ret_setup);

/**
 * sevlm_vm_offer - offer live migration to the guest
 * @vm:     the guest
 * @policy: the policy it is launched with
 *
 * Called before the first KVM_RUN, by a VMM that also sets CPUID bits
 * KVM_FEATURE_HC_MAP_GPA_RANGE and KVM_FEATURE_MIGRATION_CONTROL together. A
 * guest that must not be sent (NOSEND), or cannot (ES, bits that are not
 * known), is never offered it.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EPERM (the policy), -EBADFD (the guest has called
 * already, or was told to hang up).
 */
int sevlm_vm_offer(struct sevlm_vm *vm, uint32_t policy);

/**
 * sevlm_vm_hang_up - stop listening to the guest
 * @vm: the guest
 *
 * Clears READY. The hypercall fails from now on; the MSR reads 0 and takes
 * 0 (Linux writes 0 at CPU offline, kexec and reboot), READY gets #GP.
 * Nothing but a reset of the VM takes it back. Where the kernel keeps the
 * list it is the VMM who tells it, by enabling KVM_CAP_X86_SHARED_PAGES_LIST
 * with args[0] = 0.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_vm_hang_up(struct sevlm_vm *vm);

/**
 * sevlm_vm_reset - the VM was reset
 * @vm: the guest
 *
 * Every page is private again, READY and INCOMPLETE are cleared; what was
 * offered stays offered, a hang-up is over. Where the kernel keeps the list
 * it must be enabled again by then, and is emptied.
 * ioctls: KVM_GET_SHARED_PAGES_LIST, KVM_SET_SHARED_PAGES_LIST, where page
 * states do not come from exits.
 *
 * Thread: one, no vCPU running.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (an engine runs), or as
 * sevlm_vm_publish_states(), and nothing was reset.
 */
int sevlm_vm_reset(struct sevlm_vm *vm);

/**
 * sevlm_vm_hypercall - answer KVM_EXIT_HYPERCALL
 * @vm:      the guest
 * @nr:      run->hypercall.nr
 * @args:    run->hypercall.args, six
 * @ret_ret: for run->hypercall.ret; always written
 *
 * Handles KVM_HC_MAP_GPA_RANGE (12). Checks the arguments that KVM does not.
 * A call of an offered guest that cannot be recorded, whatever the reason,
 * makes the guest INCOMPLETE, because Linux ignores the answer.
 *
 * Thread: any vCPU thread.  Since: 0.1
 * Return: 0 handled, -ENOTSUP another hypercall (@ret_ret is -KVM_ENOSYS),
 * -EINVAL.
 */
int sevlm_vm_hypercall(struct sevlm_vm *vm, uint64_t nr,
		       const uint64_t *args, uint64_t *ret_ret);

/** MSR_KVM_MIGRATION_CONTROL and its one bit. */
#define SEVLM_MSR_MIGRATION_CONTROL 0x4b564d08u
#define SEVLM_MSR_READY             1u

/**
 * sevlm_vm_rdmsr - answer KVM_EXIT_X86_RDMSR
 * @vm:        the guest
 * @index:     run->msr.index
 * @ret_value: for run->msr.data; always written
 *
 * Thread: any vCPU thread.  Since: 0.1
 * Return: 0 handled, -EPERM answer with #GP (run->msr.error = 1), -ENOTSUP
 * another MSR, -EINVAL.
 */
int sevlm_vm_rdmsr(struct sevlm_vm *vm, uint32_t index, uint64_t *ret_value);

/**
 * sevlm_vm_wrmsr - answer KVM_EXIT_X86_WRMSR
 * @vm:    the guest
 * @index: run->msr.index
 * @value: run->msr.data
 *
 * Thread: any vCPU thread.  Since: 0.1
 * Return: as sevlm_vm_rdmsr().
 */
int sevlm_vm_wrmsr(struct sevlm_vm *vm, uint32_t index, uint64_t value);

/** Bits of sevlm_vm_control(). */
#define SEVLM_CONTROL_OFFERED    (1u << 0)
#define SEVLM_CONTROL_READY      (1u << 1) /**< the guest keeps us told */
#define SEVLM_CONTROL_INCOMPLETE (1u << 2) /**< a state change was lost */
#define SEVLM_CONTROL_HUNG_UP    (1u << 3)

/**
 * sevlm_vm_control - where the guest stands
 * @vm:       the guest
 * @ret_bits: SEVLM_CONTROL_*
 *
 * A guest can be migrated when OFFERED and READY are set and no other is.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_vm_control(struct sevlm_vm *vm, uint32_t *ret_bits);

/** Where page states come from. */
#define SEVLM_STATES_EXITS   1u /**< sevlm_vm_hypercall(); the default */
#define SEVLM_STATES_LIST    2u /**< the list a patched kernel keeps */
#define SEVLM_STATES_COMPARE 3u /**< exits, held against the kernel's list */
#define SEVLM_STATES_ANY     4u /**< LIST where this VM has one, else EXITS */

/**
 * sevlm_vm_use_states - choose where page states come from
 * @vm:     the guest
 * @states: SEVLM_STATES_*
 *
 * LIST and COMPARE need a kernel with KVM_CAP_X86_SHARED_PAGES_LIST, enabled
 * on the VM by the VMM before its vCPUs are created (sevlm_kvm_setup). ANY
 * takes the list of a VM for which it is enabled and exits for any other;
 * sevlm_vm_states() says which. With LIST the
 * kernel answers the hypercall and the MSR; READY and INCOMPLETE are its
 * own, as of the last sevlm_vm_sync_states(). With COMPARE both are on, READY
 * is what sevlm_vm_wrmsr() was told (the MSR stays in KVM's filter), and a
 * difference while the guest stands makes it INCOMPLETE.
 * ioctls: KVM_GET_SHARED_PAGES_LIST.
 *
 * Thread: one, before the first KVM_RUN.  Since: 0.1
 * Return: 0, -EINVAL, -ENOTSUP (no such list; what was chosen stays), -EBADFD
 * (an engine runs), or as sevlm_vm_sync_states().
 */
int sevlm_vm_use_states(struct sevlm_vm *vm, uint32_t states);

/**
 * sevlm_vm_states - where page states come from
 * @vm:         the guest
 * @ret_states: SEVLM_STATES_EXITS, SEVLM_STATES_LIST or SEVLM_STATES_COMPARE
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_vm_states(const struct sevlm_vm *vm, uint32_t *ret_states);

/**
 * sevlm_vm_sync_states - fetch the page states from where they come
 * @vm:      the guest
 * @stopped: 1 where no vCPU runs and every pending exit is completed
 *
 * For a VMM with its own loop: before sevlm_send_start(), and in each round
 * behind the dirty log and before sevlm_vm_page_state(). The engine does it
 * itself. Does nothing where states come from exits, or behind a hang-up.
 * ioctls: KVM_GET_SHARED_PAGES_LIST.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EPERM (COMPARE: they differ while the guest stands),
 * -ENOTSUP (the list is not enabled), -ENOBUFS (more shared ranges outside of
 * RAM than fit; the guest is INCOMPLETE), -ENOMEM, -EINTR, -EIO (also: what
 * the kernel answers is no list, or changes though the guest stands).
 */
int sevlm_vm_sync_states(struct sevlm_vm *vm, uint32_t stopped);

/**
 * sevlm_vm_publish_states - hand the page states to the kernel's list
 * @vm: the guest, on a target, before the first KVM_RUN
 *
 * For a VMM with its own stream; the engine does it itself. READY goes with
 * them. Does nothing where states come from exits.
 * ioctls: KVM_GET_SHARED_PAGES_LIST, KVM_SET_SHARED_PAGES_LIST.
 *
 * Thread: one.  Since: 0.1
 * Return: as sevlm_vm_sync_states().
 */
int sevlm_vm_publish_states(struct sevlm_vm *vm);

/**
 * sevlm_vm_import_control - take over what the guest had said elsewhere
 * @vm:   the guest, on a target, before the first KVM_RUN
 * @bits: OFFERED and READY of sevlm_vm_control() on the source
 *
 * For a VMM with its own stream; the engine does it itself. A hang-up on this
 * side holds.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL (other bits), -EBADFD (an engine runs).
 */
int sevlm_vm_import_control(struct sevlm_vm *vm, uint32_t bits);

/* ------------------------------------------------------------------------
 * 7. Sessions, for a VMM with a migration loop and a stream of its own
 *
 * The VMM walks its dirty log, asks sevlm_vm_page_state(), copies shared
 * pages itself and passes private ones through here. The order that keeps a
 * guest whole is its own to keep: harvest and re-arm the dirty log, then ask
 * for states, then read pages; send again what changed.
 */

/** Firmware's packet header and session blob (SEV API, "Transport"). */
#define SEVLM_PACKET_HEADER_SIZE 52u
#define SEVLM_SESSION_SIZE       128u
/** Largest blob KVM takes. */
#define SEVLM_BLOB_MAX 16384u

struct sevlm_send;
struct sevlm_receive;
struct sevlm_trust; /* section 14 */

/**
 * struct sevlm_peer - the certificates of the platform at the other end
 *
 * @size:      sizeof(struct sevlm_peer) of the caller
 * @pdh:       SEVLM_PDH_SIZE bytes
 * @chain:     SEVLM_CHAIN_SIZE bytes, PEK, OCA, CEK (signed by AMD)
 * @amd:       AMD's blob, ASK then ARK
 * @amd_bytes: its size, at most SEVLM_BLOB_MAX
 *
 * KVM demands all three even when the guest's policy needs none.
 */
struct sevlm_peer {
	size_t size;
	const void *pdh;
	const void *chain;
	const void *amd;
	size_t amd_bytes;
};

/**
 * sevlm_send_start - begin sending a guest
 * @vm:       the guest, in state RUNNING
 * @target:   where it goes; used during the call only
 * @trust:    which platforms it may go to; used during the call only
 * @ret_send: the session; freed with sevlm_send_free()
 *
 * Refuses, before SEND_START: a guest that did not consent or is INCOMPLETE;
 * one whose policy says NOSEND or ES, or has bits that are reserved; a target
 * whose chain sevlm_chain_verify() refuses, that has another owner where the
 * policy says DOMAIN, or claims a lower API version than the policy asks for.
 * ioctls: KVM_MEMORY_ENCRYPT_OP (GUEST_STATUS, SEND_START, SEND_CANCEL),
 * SEV_ISSUE_CMD (PDH_CERT_EXPORT).
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL (also: @trust trusts nobody), -EPERM (consent or
 * policy), -EBADMSG or -EKEYREJECTED (the chain), -EBADFD, -EREMOTEIO,
 * -ENOTSUP, -ENOMEM, -EIO.
 */
int sevlm_send_start(struct sevlm_vm *vm, const struct sevlm_peer *target,
		     const struct sevlm_trust *trust,
		     struct sevlm_send **ret_send);

/**
 * sevlm_send_session - what the target needs for sevlm_receive_start()
 * @send:       the session
 * @ret_policy: the guest's policy
 * @pdh:        receives SEVLM_PDH_SIZE bytes, this host's PDH
 * @session:    receives SEVLM_SESSION_SIZE bytes
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_send_session(const struct sevlm_send *send, uint32_t *ret_policy,
		       void *pdh, void *session);

/**
 * sevlm_send_packet - encrypt one private page for the target
 * @send:    the session
 * @gpa:     guest address, page aligned, in a registered region
 * @header:  receives SEVLM_PACKET_HEADER_SIZE bytes
 * @payload: receives SEVLM_PAGE_SIZE bytes
 *
 * The guest may run. If it writes the page afterwards, send it again.
 * -EAGAIN: the page is not private, or stopped being so during the call;
 * the output must be thrown away and the page looked at again.
 * ioctls: KVM_MEMORY_ENCRYPT_OP (SEND_UPDATE_DATA). Allocates nothing.
 *
 * Thread: one per session.  Since: 0.1
 * Return: 0, -EINVAL, -EAGAIN, -EBADFD, -EREMOTEIO, -EIO.
 */
int sevlm_send_packet(struct sevlm_send *send, uint64_t gpa, void *header,
		      void *payload);

/**
 * sevlm_send_finish - the target runs the guest
 * @send: the session
 *
 * Ends recovery: the firmware refuses to send this guest again. To be called
 * only after the target said that it runs. Nothing stops the vCPUs but the
 * VMM. ioctls: KVM_MEMORY_ENCRYPT_OP (SEND_FINISH, GUEST_STATUS).
 *
 * Thread: one per session.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD, -EREMOTEIO, -EIO.
 */
int sevlm_send_finish(struct sevlm_send *send);

/**
 * sevlm_send_cancel - the guest stays here
 * @send: the session
 *
 * The guest runs on and can be sent again. ioctls: KVM_MEMORY_ENCRYPT_OP
 * (SEND_CANCEL, GUEST_STATUS).
 *
 * Thread: one per session.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD, -ENOTSUP (old firmware: the guest runs on but
 * cannot be sent again), -EREMOTEIO, -EIO.
 */
int sevlm_send_cancel(struct sevlm_send *send);

/**
 * sevlm_send_free - forget a session
 * @send: a session or NULL; one that is open is cancelled first
 *
 * Thread: one.  Since: 0.1
 */
void sevlm_send_free(struct sevlm_send *send);

/**
 * sevlm_receive_start - begin receiving a guest
 * @vm:          a VM after KVM_SEV_INIT and before any LAUNCH_START, all of
 *               its memory registered with KVM and here
 * @source:      where it comes from, with the PDH of sevlm_send_session();
 *               used during the call only
 * @trust:       which platforms it may come from; used during the call only
 * @policy:      from sevlm_send_session(); the firmware checks its MAC
 * @session:     SEVLM_SESSION_SIZE bytes
 * @ret_receive: the session; freed with sevlm_receive_free()
 *
 * Refuses, before RECEIVE_START: a source whose chain sevlm_chain_verify()
 * refuses; a policy that says NOSEND or ES, has bits that are reserved, or
 * asks for a later API version than this platform's firmware has.
 * ioctls: SEV_ISSUE_CMD (PLATFORM_STATUS), KVM_MEMORY_ENCRYPT_OP
 * (RECEIVE_START, GUEST_STATUS).
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL (also: @trust trusts nobody), -EPERM (policy), -EBADMSG
 * or -EKEYREJECTED (the chain), -EBADFD, -EREMOTEIO, -ENOTSUP, -ENOMEM, -EIO.
 */
int sevlm_receive_start(struct sevlm_vm *vm, const struct sevlm_peer *source,
			const struct sevlm_trust *trust, uint32_t policy,
			const void *session,
			struct sevlm_receive **ret_receive);

/**
 * sevlm_receive_packet - decrypt one private page into the guest
 * @receive: the session
 * @gpa:     guest address, page aligned, in a registered region
 * @header:  SEVLM_PACKET_HEADER_SIZE bytes
 * @payload: SEVLM_PAGE_SIZE bytes
 *
 * The firmware proves that the packet comes from this session, not which
 * page it is nor how old: the VMM's stream must bind address and order.
 * ioctls: KVM_MEMORY_ENCRYPT_OP (RECEIVE_UPDATE_DATA). Allocates nothing.
 *
 * Thread: one per session.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD, -EREMOTEIO, -EIO.
 */
int sevlm_receive_packet(struct sevlm_receive *receive, uint64_t gpa,
			 const void *header, const void *payload);

/**
 * sevlm_receive_finish - all memory is here
 * @receive: the session
 *
 * Must succeed before the first KVM_RUN. ioctls: KVM_MEMORY_ENCRYPT_OP
 * (RECEIVE_FINISH, GUEST_STATUS).
 *
 * Thread: one per session.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD, -EREMOTEIO, -EIO.
 */
int sevlm_receive_finish(struct sevlm_receive *receive);

/**
 * sevlm_receive_free - forget a session
 * @receive: a session or NULL
 *
 * A guest whose session was not finished must not run: destroy the VM.
 *
 * Thread: one.  Since: 0.1
 */
void sevlm_receive_free(struct sevlm_receive *receive);

/* ------------------------------------------------------------------------
 * 8. The engine: words that source and target share
 *
 * Call step() with the time. It works for at most one batch of pages and
 * says what it wants: move bytes, call step() again, or have the VMM do one
 * thing and report it with did(). When it wants nothing, the migration has an
 * outcome.
 *
 *	source					target
 *						WANT_SESSION
 *	WANT_DIRTY, per round
 *	WANT_PAUSE, WANT_STATE, WANT_DIRTY
 *						WANT_STATE
 *				PREPARED <--
 *	WANT_PERSIST
 *		--> COMMIT
 *						WANT_PERSIST, WANT_RUN
 *				STARTED <--
 *
 * Until WANT_PERSIST was answered on the source every failure ends with the
 * guest running there (WANT_RESUME). From then on it must not run at the
 * source unless the outcome says so.
 *
 * A peer that has not shown in its HELLO that it is in the same channel costs
 * no command of the firmware, and at most 4096 bytes of memory beside what
 * the engine was made with.
 *
 * Where a side falls silent behind END the other is IN_DOUBT, or has kept the
 * guest while the target waits. Both come together in another channel, at any
 * later time and as often as it takes, and drive step() as before:
 *
 *	source_reconnect()			target_reconnect()
 *		--> COMMITTED or KEPT
 *						WANT_PERSIST, WANT_RUN
 *			STARTED, NEVER or LOST <--
 *	SEND_FINISH, or WANT_RESUME
 *
 * All of these are said for good. While an attempt goes on outcome() tells
 * the outcome from before it. The outcome changes with what the peer said; an
 * attempt that fails (silence, another session, a word that contradicts what
 * is known) changes nothing but error(), and may be made again. A side whose
 * process died resolves with its note alone, section 11. Where the source is
 * known to be dead for good, sevlm_target_source_fenced() needs no peer.
 *
 * A note says that the decision is made. It is removed where that is not so:
 * where its writing failed or did() does not want it any more, and where the
 * guest stays at the source after all (WANT_RESUME).
 */

#define SEVLM_WANT_STEP    (1u << 0)  /**< call step() again, at once */
#define SEVLM_WANT_WRITE   (1u << 1)  /**< output() has bytes */
#define SEVLM_WANT_READ    (1u << 2)  /**< waits for bytes, or the deadline */
#define SEVLM_WANT_DIRTY   (1u << 8)  /**< source: harvest the dirty log and
					   re-arm it, hand it to dirty() */
#define SEVLM_WANT_PAUSE   (1u << 9)  /**< source: stop vCPUs and devices,
					   complete every pending exit */
#define SEVLM_WANT_STATE   (1u << 10) /**< source: hand vCPU and device state
					   to state(); target: load it */
#define SEVLM_WANT_PERSIST (1u << 11) /**< write note() to stable storage */
#define SEVLM_WANT_RUN     (1u << 12) /**< target: start the vCPUs */
#define SEVLM_WANT_RESUME  (1u << 13) /**< source: the guest stays; it runs */
#define SEVLM_WANT_REGION  (1u << 14) /**< target: map and add, or remove, the
					   region told by region() */
#define SEVLM_WANT_SESSION (1u << 15) /**< target: store session() for good,
					   or refuse what was stored before */

/** How a migration ended, seen from one side. */
#define SEVLM_OUTCOME_NONE      0u /**< not yet */
#define SEVLM_OUTCOME_COMPLETED 1u /**< the guest runs on the target */
#define SEVLM_OUTCOME_ABORTED   2u /**< it failed; source: the guest runs on
					here; target: it never will here */
#define SEVLM_OUTCOME_CANCELLED 3u /**< as ABORTED, by cancel() of a side */
#define SEVLM_OUTCOME_IN_DOUBT  4u /**< the decision was on its way when the
					peer fell silent: the guest must not
					run here until resolved */
#define SEVLM_OUTCOME_LOST      5u /**< the target took the guest over and
					could not run it */

/** How the caller vouches for the channel the bytes travel in. */
#define SEVLM_CHANNEL_DECLARED 1u /**< authenticated and encrypted by the VMM;
				       exporter holds a value bound to it */
#define SEVLM_CHANNEL_INSECURE 2u /**< not protected at all; for tests */

/** Bytes of a nonce and of a channel's exporter value. */
#define SEVLM_NONCE_SIZE    32u
#define SEVLM_EXPORTER_SIZE 32u

/** Size of a note, WANT_PERSIST. */
#define SEVLM_NOTE_SIZE 128u

/** Size of a token: the public name of one migration. */
#define SEVLM_TOKEN_SIZE 32u

/** Size of what names a session for good, WANT_SESSION. */
#define SEVLM_DIGEST_SIZE 32u

/**
 * struct sevlm_reconnect - another channel, to resolve in
 *
 * @size:     sizeof of the caller
 * @channel:  SEVLM_CHANNEL_*, of the same kind as the first one
 * @reserved: zero
 * @exporter: value of this channel, which shows that there is one; zero where
 *            it is INSECURE
 *
 * What is said is proved by the key of the first channel.
 */
struct sevlm_reconnect {
	size_t size;
	uint32_t channel;
	uint32_t reserved;
	uint8_t exporter[SEVLM_EXPORTER_SIZE];
};

/** Largest batch of pages in one record. */
#define SEVLM_MAX_BATCH 64u

/** Most blobs of vCPU and device state. */
#define SEVLM_MAX_STATES 1024u

/** No deadline is set. */
#define SEVLM_NO_DEADLINE UINT64_MAX

/** Whether precopy will end (struct sevlm_progress). */
#define SEVLM_VERDICT_UNKNOWN   0u
#define SEVLM_VERDICT_CONVERGES 1u
#define SEVLM_VERDICT_DIVERGES  2u

/** Where a migration is (struct sevlm_progress). */
#define SEVLM_PHASE_HELLO   1u /**< the two sides introduce themselves */
#define SEVLM_PHASE_PRECOPY 2u /**< the guest runs, pages travel */
#define SEVLM_PHASE_STOP    3u /**< the guest stands, the rest travels */
#define SEVLM_PHASE_COMMIT  4u /**< PREPARED to STARTED */
#define SEVLM_PHASE_ENDING  5u /**< undoing, or last bytes out */
#define SEVLM_PHASE_ENDED   6u

/**
 * struct sevlm_progress - how far a migration is
 *
 * @size:              sizeof of the caller, set before
 * @phase:             SEVLM_PHASE_*
 * @verdict:           SEVLM_VERDICT_*, source only
 * @round:             from 1
 * @reserved:          zero
 * @pages_total:       pages of regions that are moved
 * @pages_left:        of this round, source only
 * @private_pages:     private pages so far
 * @shared_pages:      shared pages with contents so far
 * @zero_pages:        shared pages of zeroes so far
 * @skipped_pages:     declared free so far
 * @changed_pages:     read again because their state changed meanwhile
 * @bytes:             of the stream so far
 * @pages_per_second:  lately, source only
 * @dirtied_per_second: pages, in the last round, source only
 * @eta_ns:            to the end, source only; UINT64_MAX where unknown
 * @expected_downtime_ns: were the guest stopped now, source only
 * @downtime_ns:       from paused to STARTED (source, once known)
 * @total_ns:          from the first step
 * @packets:           firmware commands that carried the private pages; fewer
 *                     than those where memory is contiguous
 */
struct sevlm_progress {
	size_t size;
	uint32_t phase;
	uint32_t verdict;
	uint32_t round;
	uint32_t reserved;
	uint64_t pages_total;
	uint64_t pages_left;
	uint64_t private_pages;
	uint64_t shared_pages;
	uint64_t zero_pages;
	uint64_t skipped_pages;
	uint64_t changed_pages;
	uint64_t bytes;
	uint64_t pages_per_second;
	uint64_t dirtied_per_second;
	uint64_t eta_ns;
	uint64_t expected_downtime_ns;
	uint64_t downtime_ns;
	uint64_t total_ns;
	uint64_t packets;
};

/**
 * struct sevlm_region - a region that comes or goes during a migration
 *
 * @size:   sizeof of the caller, set before
 * @gpa:    guest address
 * @bytes:  size of the region
 * @type:   SEVLM_REGION_*
 * @remove: 1 to remove it, 0 to add it
 */
struct sevlm_region {
	size_t size;
	uint64_t gpa;
	uint64_t bytes;
	uint32_t type;
	uint32_t remove;
};

/* ------------------------------------------------------------------------
 * 9. The source engine
 */
struct sevlm_source;

/**
 * struct sevlm_source_config - how to send
 *
 * @size:              sizeof of the caller
 * @channel:           SEVLM_CHANNEL_*; zero is refused
 * @batch_pages:       pages per record, 1 to SEVLM_MAX_BATCH; 0 means 64. Below
 *                     4 none share a packet
 * @max_rounds:        precopy rounds before giving up; 0 means 30
 * @stop_anyway:       after @max_rounds stop the guest whatever the downtime
 *                     (1), or abort and let it run (0)
 * @nonce:             32 random bytes, fresh for each migration
 * @exporter:          value of the channel, same on both sides; zero where
 *                     the channel is INSECURE
 * @downtime_limit_ns: stop the guest once the rest fits; 0 means 300 ms
 * @hello_timeout_ns:  first step() to START, all of it; 0 means 30 s
 * @stall_timeout_ns:  no byte moved though some wait; 0 means 60 s
 * @commit_timeout_ns: END to PREPARED, and COMMIT to STARTED; 0 means 120 s
 * @cpuid:             what KVM_SET_CPUID2 got for the first vCPU, to be held
 *                     against the target's; NULL where neither side shows it.
 *                     Copied
 * @trust:             which platforms the guest may go to; required, must
 *                     outlive the engine
 * @chain:             SEVLM_CHAIN_SIZE bytes of this host with the CEK signed
 *                     by AMD, or NULL: what its firmware exports, which a
 *                     target refuses. Copied
 * @amd:               AMD's blob, ASK then ARK. Copied
 * @amd_bytes:         its size, at most SEVLM_BLOB_MAX
 */
struct sevlm_source_config {
	size_t size;
	uint32_t channel;
	uint32_t batch_pages;
	uint32_t max_rounds;
	uint32_t stop_anyway;
	uint8_t nonce[SEVLM_NONCE_SIZE];
	uint8_t exporter[SEVLM_EXPORTER_SIZE];
	uint64_t downtime_limit_ns;
	uint64_t hello_timeout_ns;
	uint64_t stall_timeout_ns;
	uint64_t commit_timeout_ns;
	const struct kvm_cpuid2 *cpuid;
	const struct sevlm_trust *trust;
	const void *chain;
	const void *amd;
	size_t amd_bytes;
};

/**
 * sevlm_source_new - prepare to send a guest
 * @vm:         the guest; must outlive the engine
 * @config:     how; copied
 * @ret_source: the engine; freed with sevlm_source_free()
 *
 * All memory the engine needs is allocated here. Refuses what
 * sevlm_send_start() would refuse, but issues no firmware command yet.
 * The VMM turns its dirty log on before the first step().
 * ioctls: those of sevlm_vm_sync_states().
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EPERM, -EBADFD (the guest has an engine), -ENOMEM, or
 * as sevlm_vm_sync_states().
 */
int sevlm_source_new(struct sevlm_vm *vm,
		     const struct sevlm_source_config *config,
		     struct sevlm_source **ret_source);

/**
 * sevlm_source_free - forget an engine
 * @source: an engine or NULL
 *
 * One that was not decided yet is cancelled first, without a word to the
 * peer: the guest may run.
 *
 * Thread: one, no other call running.  Since: 0.1
 */
void sevlm_source_free(struct sevlm_source *source);

/**
 * sevlm_source_step - work, and say what is wanted
 * @source:   the engine
 * @now_ns:   monotonic time
 * @ret_want: SEVLM_WANT_*: any of STEP, WRITE, READ, and at most one of the
 *            others; 0 when the migration has ended and its last bytes are out
 *
 * ioctls: those of section 7 and of sevlm_vm_sync_states(); with contiguous
 * regions KVM_CHECK_EXTENSION on the VM. Issues at most batch_pages firmware
 * commands, and one more in a migration for each region with blocks that the
 * firmware refuses.
 * What goes wrong with the migration is not an error of this call but its
 * outcome, sevlm_source_outcome().
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_source_step(struct sevlm_source *source, uint64_t now_ns,
		      uint32_t *ret_want);

/**
 * sevlm_source_deadline - when to call step() even if nothing happens
 * @source: the engine
 *
 * Thread: the step thread.  Since: 0.1
 * Return: a time of the clock of step(), or SEVLM_NO_DEADLINE.
 */
uint64_t sevlm_source_deadline(struct sevlm_source *source);

/**
 * sevlm_source_output - bytes to put on the wire
 * @source: the engine
 * @iov:    receives where they are: in guest memory and in the engine
 * @count:  in, entries of @iov; out, entries filled, 0 where nothing waits
 *
 * They stay valid and the same call returns them again until consumed() or
 * closed().
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_source_output(struct sevlm_source *source, struct iovec *iov,
			size_t *count);

/**
 * sevlm_source_consumed - this many bytes of output() are on the wire
 * @source: the engine
 * @bytes:  how many; at most what output() offered
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_source_consumed(struct sevlm_source *source, size_t bytes);

/**
 * sevlm_source_feed - bytes from the peer
 * @source:    the engine
 * @buf:       the bytes
 * @bytes:     how many
 * @ret_taken: how many were taken; fewer than @bytes means call step()
 *             before feeding the rest
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_source_feed(struct sevlm_source *source, const void *buf,
		      size_t bytes, size_t *ret_taken);

/**
 * sevlm_source_closed - the link is gone, or the peer closed it
 * @source: the engine
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_source_closed(struct sevlm_source *source);

/**
 * sevlm_source_dirty - part of the harvested dirty log
 * @source: the engine, in WANT_DIRTY
 * @gpa:    guest address of the first bit, page aligned
 * @bitmap: KVM's form: bit n of the array is page n
 * @pages:  bits in it
 *
 * Any number of calls, then did(SEVLM_WANT_DIRTY). The protection must have
 * been re-armed before: KVM_GET_DIRTY_LOG does; under manual protect
 * KVM_CLEAR_DIRTY_LOG, with rings KVM_RESET_DIRTY_RINGS.
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD.
 */
int sevlm_source_dirty(struct sevlm_source *source, uint64_t gpa,
		       const void *bitmap, uint64_t pages);

/**
 * sevlm_source_state - vCPU or device state, as opaque bytes
 * @source: the engine, in WANT_STATE
 * @id:     of the VMM's choosing, each once
 * @buf:    the bytes; borrowed until the engine is freed, or wants RESUME
 * @bytes:  how many, not zero
 *
 * Any number of calls up to SEVLM_MAX_STATES, then did(SEVLM_WANT_STATE).
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD, -ENOBUFS.
 */
int sevlm_source_state(struct sevlm_source *source, uint32_t id,
		       const void *buf, size_t bytes);

/**
 * sevlm_source_add_region - memory was hot-added during the migration
 * @source: the engine, before the guest is stopped
 * @gpa, @bytes, @hva, @type: as sevlm_vm_add_region()
 *
 * Thread: the step thread.  Since: 0.1
 * Return: as sevlm_vm_add_region(), -EAGAIN (call step() and try again).
 */
int sevlm_source_add_region(struct sevlm_source *source, uint64_t gpa,
			    uint64_t bytes, void *hva, uint32_t type);

/**
 * sevlm_source_remove_region - memory goes during the migration
 * @source: the engine, before the guest is stopped
 * @gpa:    start of a registered region
 *
 * On 0 the memory may be unmapped. -EAGAIN: bytes of it are still waiting in
 * output(); move them and try again.
 *
 * Thread: the step thread, with the byte thread at rest.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD, -EAGAIN.
 */
int sevlm_source_remove_region(struct sevlm_source *source, uint64_t gpa);

/**
 * sevlm_source_note - what to persist, in WANT_PERSIST
 * @source: the engine
 * @note:   receives SEVLM_NOTE_SIZE bytes; a secret of this migration
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD.
 */
int sevlm_source_note(struct sevlm_source *source, void *note);

/**
 * sevlm_source_did - the VMM has done what was wanted
 * @source: the engine
 * @want:   the one SEVLM_WANT_* that step() asked for
 * @result: 0, or a negative errno: it could not be done, abort
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (that was not wanted).
 */
int sevlm_source_did(struct sevlm_source *source, uint32_t want, int result);

/**
 * sevlm_source_cancel - give up
 * @source: the engine
 *
 * Takes effect at the next step(), between two firmware commands at the
 * latest. Once the decision was made (WANT_PERSIST answered) it has none.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_source_cancel(struct sevlm_source *source);

/**
 * sevlm_source_reconnect - tell the target what was decided, and ask it
 * @source: the engine, whose step() wants nothing more
 * @config: another channel to the target, which is used from its first byte
 *
 * Allowed where the outcome is IN_DOUBT: the source has let go, and learns
 * whether the target runs the guest (COMPLETED), never will (ABORTED, after
 * WANT_RESUME), or took it over and lost it (LOST). Also where it is ABORTED
 * or CANCELLED and END was sent: the target, which may be waiting, is told
 * that it must never start; the guest runs on here meanwhile. -EBADFD once
 * the target has agreed, and where there is nothing to resolve.
 *
 * The target has commit_timeout_ns for its answer. cancel() has no effect;
 * closed() ends the attempt.
 *
 * Thread: the step thread, with the byte thread at rest.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD.
 */
int sevlm_source_reconnect(struct sevlm_source *source,
			   const struct sevlm_reconnect *config);

/**
 * sevlm_source_outcome - how it ended
 * @source:      the engine
 * @ret_outcome: SEVLM_OUTCOME_*
 * @ret_cause:   0, or the negative errno that led there; may be NULL
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_source_outcome(struct sevlm_source *source, uint32_t *ret_outcome,
			 int *ret_cause);

/**
 * sevlm_source_token - the public name of this migration
 * @source: the engine
 * @token:  receives SEVLM_TOKEN_SIZE bytes, the same on both sides
 *
 * No secret: for logs, and for finding the note that belongs to a doubt.
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (the two sides have not met yet).
 */
int sevlm_source_token(struct sevlm_source *source, void *token);

/**
 * sevlm_source_error - the outcome's cause as one sentence
 * @source: the engine
 *
 * Thread: the step thread.  Since: 0.1
 * Return: text without a newline, valid until the engine is freed; "" where
 * nothing went wrong.
 */
const char *sevlm_source_error(struct sevlm_source *source);

/**
 * sevlm_source_progress - how far it is
 * @source:       the engine
 * @ret_progress: filled up to its size
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_source_progress(struct sevlm_source *source,
			  struct sevlm_progress *ret_progress);

/* ------------------------------------------------------------------------
 * 10. The target engine: the same words
 */
struct sevlm_target;

/**
 * struct sevlm_target_config - how to receive
 *
 * @size:              sizeof of the caller
 * @channel:           SEVLM_CHANNEL_*, as on the source; zero is refused
 * @reserved:          zero
 * @nonce:             32 random bytes, fresh for each migration
 * @exporter:          as on the source
 * @chain:             as on the source
 * @amd:               AMD's blob, ASK then ARK
 * @amd_bytes:         its size, at most SEVLM_BLOB_MAX
 * @max_state_bytes:   all vCPU and device state together; 0 means 64 MiB
 * @hello_timeout_ns:  first step() to START, all of it; 0 means 30 s
 * @stall_timeout_ns:  nothing came, until PREPARED; 0 means 60 s. After
 *                     PREPARED the target waits without end
 * @cpuid:             as on the source: what differs is refused before
 *                     RECEIVE_START, with the leaf in the sentence
 * @trust:             which platforms a guest may come from; required, must
 *                     outlive the engine
 * @policy:            what the operator expects of the guest's policy, where
 *                     @policy_mask has a bit; elsewhere zero
 * @policy_mask:       which bits of it; 0: none
 *
 * The blobs are copied.
 */
struct sevlm_target_config {
	size_t size;
	uint32_t channel;
	uint32_t reserved;
	uint8_t nonce[SEVLM_NONCE_SIZE];
	uint8_t exporter[SEVLM_EXPORTER_SIZE];
	const void *chain;
	const void *amd;
	size_t amd_bytes;
	uint64_t max_state_bytes;
	uint64_t hello_timeout_ns;
	uint64_t stall_timeout_ns;
	const struct kvm_cpuid2 *cpuid;
	const struct sevlm_trust *trust;
	uint32_t policy;
	uint32_t policy_mask;
};

/**
 * sevlm_target_new - prepare to receive a guest
 * @vm:         the empty guest, see sevlm_receive_start(); its regions must
 *              equal the source's; must outlive the engine
 * @config:     how; copied
 * @ret_target: the engine; freed with sevlm_target_free()
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (the guest has an engine), -ENOMEM.
 */
int sevlm_target_new(struct sevlm_vm *vm,
		     const struct sevlm_target_config *config,
		     struct sevlm_target **ret_target);

/**
 * sevlm_target_free - forget an engine
 * @target: an engine or NULL
 *
 * Unless the outcome is COMPLETED the VM must be destroyed without running.
 *
 * Thread: one, no other call running.  Since: 0.1
 */
void sevlm_target_free(struct sevlm_target *target);

/**
 * sevlm_target_step - as sevlm_source_step()
 * @target:   the engine
 * @now_ns:   monotonic time
 * @ret_want: as there
 *
 * Handles at most one record. ioctls: SEV_ISSUE_CMD (PDH_CERT_EXPORT,
 * PLATFORM_STATUS),
 * KVM_MEMORY_ENCRYPT_OP (RECEIVE_*, GUEST_STATUS), those of
 * sevlm_vm_publish_states(); with contiguous regions KVM_CHECK_EXTENSION on
 * the VM.
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_step(struct sevlm_target *target, uint64_t now_ns,
		      uint32_t *ret_want);

/**
 * sevlm_target_deadline - as sevlm_source_deadline()
 * @target: the engine
 *
 * Thread: the step thread.  Since: 0.1
 * Return: a time of the clock of step(), or SEVLM_NO_DEADLINE.
 */
uint64_t sevlm_target_deadline(struct sevlm_target *target);

/**
 * sevlm_target_output - as sevlm_source_output()
 * @target: the engine
 * @iov:    as there
 * @count:  as there
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_output(struct sevlm_target *target, struct iovec *iov,
			size_t *count);

/**
 * sevlm_target_consumed - as sevlm_source_consumed()
 * @target: the engine
 * @bytes:  as there
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_consumed(struct sevlm_target *target, size_t bytes);

/**
 * sevlm_target_feed - as sevlm_source_feed()
 * @target:    the engine
 * @buf:       the bytes
 * @bytes:     how many
 * @ret_taken: as there
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_feed(struct sevlm_target *target, const void *buf,
		      size_t bytes, size_t *ret_taken);

/**
 * sevlm_target_space - where the next bytes from the peer may be read to
 * @target:    the engine
 * @ret_buf:   room inside the engine
 * @ret_bytes: how much; 0 means call step() first
 *
 * Spares a copy: read(2) there, then sevlm_target_fed().
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_space(struct sevlm_target *target, void **ret_buf,
		       size_t *ret_bytes);

/**
 * sevlm_target_fed - this many bytes were put into the space
 * @target: the engine
 * @bytes:  at most what sevlm_target_space() offered
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_fed(struct sevlm_target *target, size_t bytes);

/**
 * sevlm_target_closed - as sevlm_source_closed()
 * @target: the engine
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_closed(struct sevlm_target *target);

/**
 * sevlm_target_session - what must be received once only, in WANT_SESSION
 * @target: the engine
 * @digest: receives SEVLM_DIGEST_SIZE bytes: SHA-256 of the policy, the
 *          source's PDH and the session blob
 *
 * A recorded stream brings back the guest as it was: firmware takes the same
 * session any number of times. Store the digest where it outlives this
 * process and is found by every target of this host; answer did() with 0 once
 * it is on stable storage, with -EKEYREJECTED where it was there before. The
 * source waits meanwhile, for its stall timeout.
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD, -ENOMEM, -EIO.
 */
int sevlm_target_session(struct sevlm_target *target, void *digest);

/**
 * sevlm_target_state - vCPU or device state to load, in WANT_STATE
 * @target:    the engine
 * @index:     from 0
 * @ret_id:    the source's id
 * @ret_buf:   the bytes, verified; valid until did(SEVLM_WANT_STATE)
 * @ret_bytes: how many
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL (no such index), -EBADFD.
 */
int sevlm_target_state(struct sevlm_target *target, uint32_t index,
		       uint32_t *ret_id, const void **ret_buf,
		       size_t *ret_bytes);

/**
 * sevlm_target_region - the region of WANT_REGION
 * @target:     the engine
 * @ret_region: filled up to its size
 *
 * To add: map it, register it with KVM, sevlm_vm_add_region(), which is
 * allowed here, and does not care for SEVLM_REGION_CONTIGUOUS; to remove: sevlm_vm_remove_region(). Then did().
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD.
 */
int sevlm_target_region(struct sevlm_target *target,
			struct sevlm_region *ret_region);

/**
 * sevlm_target_note - as sevlm_source_note()
 * @target: the engine
 * @note:   as there
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD.
 */
int sevlm_target_note(struct sevlm_target *target, void *note);

/**
 * sevlm_target_did - as sevlm_source_did()
 * @target: the engine
 * @want:   as there
 * @result: as there. A failed WANT_RUN means LOST: the source has let go
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD.
 */
int sevlm_target_did(struct sevlm_target *target, uint32_t want, int result);

/**
 * sevlm_target_cancel - give up
 * @target: the engine
 *
 * Takes effect at the next step(). Once the target's note is persisted it has
 * none. After PREPARED the source is told that this target never starts,
 * which lets it run the guest even after its COMMIT.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_cancel(struct sevlm_target *target);

/**
 * sevlm_target_reconnect - answer a source that comes back
 * @target: the engine, whose step() wants nothing more
 * @config: another channel to the source, which is used from its first byte
 *
 * Allowed after PREPARED, whatever the outcome is: one that is decided is
 * told again. IN_DOUBT becomes what the source says: it let go, and the guest
 * is taken over (WANT_PERSIST, WANT_RUN; COMPLETED), or it kept the guest,
 * which then can never start here (ABORTED). A cancel() before the source
 * spoke decides as well: this target never starts the guest.
 *
 * The source has hello_timeout_ns for its word.
 *
 * Thread: the step thread, with the byte thread at rest.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD.
 */
int sevlm_target_reconnect(struct sevlm_target *target,
			   const struct sevlm_reconnect *config);

/**
 * sevlm_target_source_fenced - the source is dead for good: take over
 * @target: the engine, waiting for COMMIT or IN_DOUBT after PREPARED
 *
 * To be called only where somebody made sure that the source's copy does not
 * run and never will again; where it does, the guest runs twice, and nothing
 * here can see it. step() then wants PERSIST and RUN as after a COMMIT. A
 * source that speaks all the same is answered STARTED if it let go, and is
 * waited for on an open link for 5 s; if it says that it kept the guest, both
 * sides' error() say so.
 * -EAGAIN: the source has just spoken or hung up; step(), and look again.
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (it does not wait, or is decided), -EAGAIN.
 */
int sevlm_target_source_fenced(struct sevlm_target *target);

/**
 * sevlm_target_outcome - as sevlm_source_outcome()
 * @target:      the engine
 * @ret_outcome: SEVLM_OUTCOME_*
 * @ret_cause:   as there
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_outcome(struct sevlm_target *target, uint32_t *ret_outcome,
			 int *ret_cause);

/**
 * sevlm_target_token - as sevlm_source_token()
 * @target: the engine
 * @token:  as there
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD.
 */
int sevlm_target_token(struct sevlm_target *target, void *token);

/**
 * sevlm_target_error - as sevlm_source_error()
 * @target: the engine
 *
 * Thread: the step thread.  Since: 0.1
 * Return: text without a newline, valid until the engine is freed; "" where
 * nothing went wrong.
 */
const char *sevlm_target_error(struct sevlm_target *target);

/**
 * sevlm_target_progress - how far it is
 * @target:       the engine
 * @ret_progress: filled up to its size
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_target_progress(struct sevlm_target *target,
			  struct sevlm_progress *ret_progress);

/* ------------------------------------------------------------------------
 * 11. Resolving with the note alone
 *
 * For a side whose process died, or whose engine is gone: no guest is needed,
 * and none is touched. One resolver is one attempt in one channel.
 */
struct sevlm_resolver;

/**
 * struct sevlm_resolver_config - one attempt
 *
 * @size:       sizeof of the caller
 * @note:       SEVLM_NOTE_SIZE bytes that WANT_PERSIST had stored; copied
 * @channel:    SEVLM_CHANNEL_*; zero is refused
 * @lost:       1 for a target that took the guest over and lost it, as where
 *              its process died with the guest; a source's takes 0 only
 * @exporter:   value of the channel; zero where it is INSECURE
 * @timeout_ns: all of the attempt, from the first step(); 0 means 120 s
 */
struct sevlm_resolver_config {
	size_t size;
	const void *note;
	uint32_t channel;
	uint32_t lost;
	uint8_t exporter[SEVLM_EXPORTER_SIZE];
	uint64_t timeout_ns;
};

/**
 * sevlm_resolver_new - read a note
 * @config:       how; copied
 * @ret_resolver: freed with sevlm_resolver_free()
 *
 * All memory the attempt needs, some KiB, is allocated here. Makes no system
 * call.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -EBADMSG (no note, damaged, or of another version),
 * -ENOMEM, -EIO.
 */
int sevlm_resolver_new(const struct sevlm_resolver_config *config,
		       struct sevlm_resolver **ret_resolver);

/**
 * sevlm_resolver_free - forget an attempt
 * @resolver: what to free, or NULL
 *
 * Thread: one, no other call running.  Since: 0.1
 */
void sevlm_resolver_free(struct sevlm_resolver *resolver);

/**
 * sevlm_resolver_step - as sevlm_source_step()
 * @resolver: the attempt
 * @now_ns:   monotonic time
 * @ret_want: of SEVLM_WANT_STEP, READ and WRITE; 0 when it is over
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_resolver_step(struct sevlm_resolver *resolver, uint64_t now_ns,
			uint32_t *ret_want);

/**
 * sevlm_resolver_deadline - as sevlm_source_deadline()
 * @resolver: the attempt
 *
 * Thread: the step thread.  Since: 0.1
 * Return: a time of the clock of step(), or SEVLM_NO_DEADLINE.
 */
uint64_t sevlm_resolver_deadline(struct sevlm_resolver *resolver);

/**
 * sevlm_resolver_output - as sevlm_source_output()
 * @resolver: the attempt
 * @iov:      as there
 * @count:    as there
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_resolver_output(struct sevlm_resolver *resolver, struct iovec *iov,
			  size_t *count);

/**
 * sevlm_resolver_consumed - as sevlm_source_consumed()
 * @resolver: the attempt
 * @bytes:    as there
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_resolver_consumed(struct sevlm_resolver *resolver, size_t bytes);

/**
 * sevlm_resolver_feed - as sevlm_source_feed()
 * @resolver:  the attempt
 * @buf:       the bytes
 * @bytes:     how many
 * @ret_taken: as there
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_resolver_feed(struct sevlm_resolver *resolver, const void *buf,
			size_t bytes, size_t *ret_taken);

/**
 * sevlm_resolver_closed - as sevlm_source_closed()
 * @resolver: the attempt
 *
 * Thread: the byte thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_resolver_closed(struct sevlm_resolver *resolver);

/**
 * sevlm_resolver_token - as sevlm_source_token()
 * @resolver: the attempt
 * @token:    as there
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_resolver_token(struct sevlm_resolver *resolver, void *token);

/**
 * sevlm_resolver_outcome - what became of the guest
 * @resolver:    the attempt
 * @ret_outcome: SEVLM_OUTCOME_NONE until step() wants nothing
 * @ret_cause:   0, or the negative errno that led there; may be NULL
 *
 * A source's note: COMPLETED, the target runs the guest; ABORTED, the target
 * never starts it, and the source's copy may be started where there still is
 * one; LOST. A target's: COMPLETED, the source was told that it must let go,
 * as the note says that the guest was taken over here, whether or not it
 * still runs; LOST, told so. Else IN_DOUBT: nothing was resolved, or the
 * peer's word contradicts the note; another attempt may be made.
 *
 * Thread: the step thread.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_resolver_outcome(struct sevlm_resolver *resolver,
			   uint32_t *ret_outcome, int *ret_cause);

/**
 * sevlm_resolver_error - the outcome's cause as one sentence
 * @resolver: the attempt
 *
 * Thread: the step thread.  Since: 0.1
 * Return: text without a newline, valid until it is freed; "" where nothing
 * went wrong.
 */
const char *sevlm_resolver_error(struct sevlm_resolver *resolver);

/* ------------------------------------------------------------------------
 * 12. Reading a stream without a guest
 */
struct sevlm_inspect;

/**
 * struct sevlm_record - one record of a stream
 *
 * @size:     sizeof of the caller, set before
 * @offset:   of its header, from the first byte of the stream
 * @sequence: from 0
 * @type:     docs/stream.md, "Records"
 * @flags:    as on the wire
 * @epoch:    the round it belongs to
 * @bytes:    of its body
 * @name:     of the type, static
 * @text:     its fields as one line, valid until the next record
 */
struct sevlm_record {
	size_t size;
	uint64_t offset;
	uint64_t sequence;
	uint32_t type;
	uint32_t flags;
	uint32_t epoch;
	uint32_t bytes;
	const char *name;
	const char *text;
};

/**
 * sevlm_inspect_new - read the bytes of one direction of a stream
 * @ret_inspect: freed with sevlm_inspect_free()
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sevlm_inspect_new(struct sevlm_inspect **ret_inspect);

/**
 * sevlm_inspect_free - forget it
 * @inspect: what to free, or NULL
 *
 * Thread: one.  Since: 0.1
 */
void sevlm_inspect_free(struct sevlm_inspect *inspect);

/**
 * sevlm_inspect_feed - the next bytes
 * @inspect:   the reader
 * @buf:       the bytes
 * @bytes:     how many
 * @ret_taken: how many were taken; a record is complete when fewer were, or
 *             when next() says so
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADMSG (not a stream, or damaged; the sentence of
 * sevlm_inspect_error() says where).
 */
int sevlm_inspect_feed(struct sevlm_inspect *inspect, const void *buf,
		       size_t bytes, size_t *ret_taken);

/**
 * sevlm_inspect_next - the record that is complete
 * @inspect:    the reader
 * @ret_record: filled up to its size
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EAGAIN (feed more), -EBADMSG.
 */
int sevlm_inspect_next(struct sevlm_inspect *inspect,
		       struct sevlm_record *ret_record);

/**
 * sevlm_inspect_end - no more bytes come
 * @inspect: the reader
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADMSG (it ends within a record).
 */
int sevlm_inspect_end(struct sevlm_inspect *inspect);

/**
 * sevlm_inspect_error - what is wrong with the stream, as one sentence
 * @inspect: the reader
 *
 * Thread: one.  Since: 0.1
 * Return: text without a newline; "" where nothing is.
 */
const char *sevlm_inspect_error(const struct sevlm_inspect *inspect);

/* ------------------------------------------------------------------------
 * 13. Probe and preflight: can this guest go there, and if not, why?
 *
 * Facts first, judgement second: sevlm_probe_host() asks the kernel and the
 * firmware, the check calls turn facts into findings. Facts are plain
 * numbers, so another host's can travel as text.
 */

/** Bits of struct sevlm_host, commands: what this kernel knows. */
#define SEVLM_COMMAND_SEND_START	  (1u << 0)
#define SEVLM_COMMAND_SEND_UPDATE_DATA	  (1u << 1)
#define SEVLM_COMMAND_SEND_FINISH	  (1u << 2)
#define SEVLM_COMMAND_SEND_CANCEL	  (1u << 3)
#define SEVLM_COMMAND_RECEIVE_START	  (1u << 4)
#define SEVLM_COMMAND_RECEIVE_UPDATE_DATA (1u << 5)
#define SEVLM_COMMAND_RECEIVE_FINISH	  (1u << 6)

/** Bits of struct sevlm_host, flags. */
#define SEVLM_HOST_SEV		   (1u << 0) /**< usable in this KVM */
#define SEVLM_HOST_FIRMWARE	   (1u << 1) /**< the firmware answered */
#define SEVLM_HOST_EXTERNAL_OWNER  (1u << 2) /**< the platform has an owner */
#define SEVLM_HOST_ES		   (1u << 3) /**< SEV-ES is configured */
#define SEVLM_HOST_USER_MSR	   (1u << 4) /**< KVM_CAP_X86_USER_SPACE_MSR */
#define SEVLM_HOST_MSR_FILTER	   (1u << 5) /**< KVM_CAP_X86_MSR_FILTER */
#define SEVLM_HOST_MANUAL_PROTECT  (1u << 6) /**< MANUAL_DIRTY_LOG_PROTECT2 */
#define SEVLM_HOST_DIRTY_RING	   (1u << 7) /**< KVM_CAP_DIRTY_LOG_RING */
#define SEVLM_HOST_IGNORE_MSRS	   (1u << 8) /**< kvm.ignore_msrs is set */
#define SEVLM_HOST_SHARED_LIST	   (1u << 9) /**< list in the kernel */
#define SEVLM_HOST_BLOCKS	   (1u << 10) /**< packets of four pages */

/**
 * struct sevlm_probe - what the library cannot find out without opening files
 *
 * @size:          sizeof of the caller
 * @kvm_fd:        /dev/kvm, or the negative errno of opening it
 * @sev_fd:        /dev/sev, or the negative errno of opening it
 * @scratch_vm_fd: a VM made for this and without SEV, or negative: then
 *                 commands are not looked for. Never the guest's
 * @ignore_msrs:   kvm's module parameter, or negative where not known
 * @asids:         SEV ASIDs of this host (CPUID 0x8000001f), 0 not known
 * @reserved:      zero
 * @memlock:       RLIMIT_MEMLOCK in bytes, UINT64_MAX without limit
 * @ops:           a door instead of the descriptors, or NULL. @vm of it is
 *                 taken for the scratch VM's. A negative descriptor keeps its
 *                 meaning
 * @ops_ctx:       first argument of each operation
 */
struct sevlm_probe {
	size_t size;
	int32_t kvm_fd;
	int32_t sev_fd;
	int32_t scratch_vm_fd;
	int32_t ignore_msrs;
	uint32_t asids;
	uint32_t reserved;
	uint64_t memlock;
	const struct sevlm_kernel_ops *ops;
	void *ops_ctx;
};

/**
 * struct sevlm_host - the facts about a host
 *
 * @size:           sizeof of the caller, set before
 * @kvm_error:      0, or why /dev/kvm cannot be used, positive errno
 * @sev_error:      0, or why /dev/sev cannot be used, positive errno
 * @kvm_api:        KVM_GET_API_VERSION
 * @flags:          SEVLM_HOST_*
 * @commands:       SEVLM_COMMAND_*
 * @commands_known: 1 where commands could be looked for
 * @api_major:      firmware API version
 * @api_minor:      firmware API version
 * @build:          firmware build
 * @guests:         SEV guests that the firmware holds
 * @asids:          as in struct sevlm_probe
 * @platform_state: of the firmware: 0 UNINIT, 1 INIT, 2 WORKING
 * @exit_hypercall: KVM_CAP_EXIT_HYPERCALL
 * @memlock:        as in struct sevlm_probe
 */
struct sevlm_host {
	size_t size;
	int32_t kvm_error;
	int32_t sev_error;
	uint32_t kvm_api;
	uint32_t flags;
	uint32_t commands;
	uint32_t commands_known;
	uint32_t api_major;
	uint32_t api_minor;
	uint32_t build;
	uint32_t guests;
	uint32_t asids;
	uint32_t platform_state;
	uint64_t exit_hypercall;
	uint64_t memlock;
};

/**
 * sevlm_probe_host - ask this host
 * @probe:    how to reach it
 * @ret_host: filled up to its size; what is missing is a fact, not an error
 *
 * ioctls: KVM_GET_API_VERSION, KVM_CHECK_EXTENSION on /dev/kvm;
 * KVM_MEMORY_ENCRYPT_OP on the scratch VM, without effect there;
 * SEV_ISSUE_CMD (PLATFORM_STATUS) on /dev/sev.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_probe_host(const struct sevlm_probe *probe,
		     struct sevlm_host *ret_host);

/**
 * sevlm_probe_certs - this host's certificates, without a guest
 * @probe: how to reach it; only /dev/sev is asked
 * @pdh:   receives SEVLM_PDH_SIZE bytes
 * @chain: receives SEVLM_CHAIN_SIZE bytes, as sevlm_vm_export_certs()
 *
 * Where the platform is not initialised yet, the descriptor must be writable.
 * ioctls: SEV_ISSUE_CMD (PDH_CERT_EXPORT) on /dev/sev.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -EPERM (no access), -ENOTSUP (no /dev/sev), -EREMOTEIO,
 * -EIO.
 */
int sevlm_probe_certs(const struct sevlm_probe *probe, void *pdh, void *chain);

/** Size of a chip's ID. */
#define SEVLM_CHIP_ID_SIZE 64u

/**
 * sevlm_probe_chip_id - the ID under which AMD serves this chip's CEK
 * @probe: how to reach it; only /dev/sev is asked
 * @id:    receives SEVLM_CHIP_ID_SIZE bytes, of the first socket where there
 *         are two
 *
 * ioctls: SEV_ISSUE_CMD (GET_ID2) on /dev/sev.
 *
 * Thread: any.  Since: 0.1
 * Return: as sevlm_probe_certs(); -ENOTSUP also of firmware before API 0.16.
 */
int sevlm_probe_chip_id(const struct sevlm_probe *probe, void *id);

/** How bad a finding is. Callers take any other for a warning. */
#define SEVLM_SEVERITY_INFO    1u
#define SEVLM_SEVERITY_WARNING 2u
#define SEVLM_SEVERITY_BLOCKER 3u

/**
 * struct sevlm_finding - one thing that matters for a migration
 *
 * @size:     sizeof of the caller, set before
 * @severity: SEVLM_SEVERITY_*
 * @reserved: zero
 * @code:     stable, for machines, e.g. "kvm-missing" (docs/findings.md)
 * @message:  a sentence: what is the case
 * @remedy:   a sentence: what to do; "" where nothing is to be done
 *
 * The texts belong to the list.
 */
struct sevlm_finding {
	size_t size;
	uint32_t severity;
	uint32_t reserved;
	const char *code;
	const char *message;
	const char *remedy;
};

struct sevlm_findings;

/**
 * sevlm_findings_new - an empty list
 * @ret_findings: freed with sevlm_findings_free()
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sevlm_findings_new(struct sevlm_findings **ret_findings);

/**
 * sevlm_findings_free - forget a list
 * @findings: a list or NULL
 *
 * Thread: one.  Since: 0.1
 */
void sevlm_findings_free(struct sevlm_findings *findings);

/**
 * sevlm_findings_get - one of a list, in the order they were found
 * @findings:    the list
 * @index:       from 0
 * @ret_finding: filled up to its size
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL (also: no such index).
 */
int sevlm_findings_get(const struct sevlm_findings *findings, uint32_t index,
		       struct sevlm_finding *ret_finding);

/**
 * sevlm_findings_worst - can it be done?
 * @findings: the list
 *
 * Thread: one.  Since: 0.1
 * Return: the highest SEVLM_SEVERITY_* in it; 0 for an empty list or NULL.
 */
uint32_t sevlm_findings_worst(const struct sevlm_findings *findings);

/**
 * sevlm_check_host - what a host's facts mean for migration
 * @host:         the facts
 * @memory:       bytes of guest memory that must be pinned, 0 where not known
 * @findings:     receives what was found, behind what is there
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sevlm_check_host(const struct sevlm_host *host, uint64_t memory,
		     struct sevlm_findings *findings);

/**
 * sevlm_check_vm - may this guest be sent, and if not, why?
 * @vm:       the guest
 * @findings: receives what was found, behind what is there
 *
 * ioctls: KVM_MEMORY_ENCRYPT_OP (GUEST_STATUS), and KVM_GET_SHARED_PAGES_LIST
 * where page states do not come from exits.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sevlm_check_vm(struct sevlm_vm *vm, struct sevlm_findings *findings);

/**
 * sevlm_check_target - can a guest with this policy go to that host?
 * @policy:   the guest's policy
 * @memory:   bytes of guest memory, 0 where not known
 * @target:   the other host's facts
 * @findings: receives what was found, behind what is there; what
 *            sevlm_check_host() says of the target is part of it, with codes
 *            that begin with "target-"
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sevlm_check_target(uint32_t policy, uint64_t memory,
		       const struct sevlm_host *target,
		       struct sevlm_findings *findings);

/* ------------------------------------------------------------------------
 * 14. Trust: which platforms a guest may go to, and come from
 *
 * A platform shows six certificates:
 *
 *	ARK (root) -> ASK -> CEK (chip) -> PEK -> PDH
 *	                     OCA (owner) ---^
 *
 * AMD's published roots are known by their digest; they prove that a chip is
 * some chip of AMD's, which anyone can buy. So the VMM also says whose: chips
 * by their CEK, owners by their OCA, both by key digest, which is the SHA-256
 * of the public key as it stands in the certificate. Anyone can compute it:
 *
 *	dd if=cek.cert bs=1 skip=16 count=1028 | sha256sum	(SEV form)
 *	dd if=ark.cert bs=1 skip=64 count=1024 | sha256sum	(AMD, 4096 bits)
 *	dd if=ark.cert bs=1 skip=64 count=512 | sha256sum	(AMD, 2048 bits)
 *
 * docs/trust.md tells what is verified and what that does not prove.
 */

/** Size of a certificate in SEV form. */
#define SEVLM_CERT_SIZE 2084u
/** Size of a key digest, SHA-256. */
#define SEVLM_KEY_DIGEST_SIZE 32u

/** Forms of certificates. */
#define SEVLM_CERT_SEV 1u /**< PDH, PEK, OCA, CEK */
#define SEVLM_CERT_AMD 2u /**< ASK, ARK */

/** What a certificate's key is for (SEV API, "Public Key Usage"). */
#define SEVLM_USAGE_ARK	 0x0000u
#define SEVLM_USAGE_ASK	 0x0013u
#define SEVLM_USAGE_NONE 0x1000u
#define SEVLM_USAGE_OCA	 0x1001u
#define SEVLM_USAGE_PEK	 0x1002u
#define SEVLM_USAGE_PDH	 0x1003u
#define SEVLM_USAGE_CEK	 0x1004u

/**
 * struct sevlm_cert - one certificate, decoded
 *
 * @size:             sizeof of the caller, set before
 * @form:             SEVLM_CERT_*
 * @usage:            SEVLM_USAGE_*
 * @bytes:            its length
 * @signed_bytes:     how many of them are signed, from the first on
 * @api_major:        API version that made it, SEV form; a claim
 * @api_minor:        API version that made it, SEV form
 * @algorithm:        of the key, SEV form (SEV API, "Public Key Algorithm")
 * @key_bits:         384, 2048 or 4096
 * @signer:           SEVLM_USAGE_* of the keys that signed it, by their own
 *                    word, SEV form; SEVLM_USAGE_NONE where a slot is not used
 * @signer_algorithm: of these signatures; 0 where a slot is not used. Of the
 *                    AMD form's one signature: 0 where it is not there
 * @key_id:           AMD form: the name of its key
 * @certifying_id:    AMD form: the name of the key that signed it
 * @key_digest:       SHA-256 of its public key, see above
 */
struct sevlm_cert {
	size_t size;
	uint32_t form;
	uint32_t usage;
	uint32_t bytes;
	uint32_t signed_bytes;
	uint32_t api_major;
	uint32_t api_minor;
	uint32_t algorithm;
	uint32_t key_bits;
	uint32_t signer[2];
	uint32_t signer_algorithm[2];
	uint8_t key_id[16];
	uint8_t certifying_id[16];
	uint8_t key_digest[SEVLM_KEY_DIGEST_SIZE];
};

/**
 * sevlm_cert_decode - read the certificate that a blob begins with
 * @buf:      SEV form (2084 bytes) or AMD form: 832 or 1600 bytes, or 576, as
 *            AMD publishes the ARK of Naples, without a signature
 * @bytes:    how many there are; what follows the certificate is not read
 * @ret_cert: filled up to its size
 *
 * Nothing is verified but that it is well formed and its key one that can be.
 * A blob of several is walked by @bytes of each.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -EBADMSG, -ENOMEM.
 */
int sevlm_cert_decode(const void *buf, size_t bytes,
		      struct sevlm_cert *ret_cert);

/** Most roots that can be added, and most entries of either list. */
#define SEVLM_MAX_ROOTS	  16u
#define SEVLM_MAX_TRUSTED 16384u

/**
 * sevlm_trust_new - trust nobody
 * @ret_trust: freed with sevlm_trust_free()
 *
 * A trust is built by one thread and read by any afterwards; it must outlive
 * the engines it was given to, and stay as it is while they run.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM.
 */
int sevlm_trust_new(struct sevlm_trust **ret_trust);

/**
 * sevlm_trust_free - forget it
 * @trust: what to free, or NULL
 *
 * Thread: one.  Since: 0.1
 */
void sevlm_trust_free(struct sevlm_trust *trust);

/**
 * sevlm_trust_add_root - trust a root beside those that AMD published
 * @trust: whom to trust
 * @ark:   its ARK certificate, signed by itself or of the form without a
 *         signature; nothing of it is kept but a digest of what is signed
 * @bytes: its exact size
 *
 * For tests: the root of the software host is trusted only by this call.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADMSG (no ARK), -EKEYREJECTED (signed by another
 * key), -ENOBUFS (over SEVLM_MAX_ROOTS), -ENOMEM.
 */
int sevlm_trust_add_root(struct sevlm_trust *trust, const void *ark,
			 size_t bytes);

/**
 * sevlm_trust_add_chip - trust the platform with this chip
 * @trust:  whom to trust
 * @digest: key digest of its CEK, SEVLM_KEY_DIGEST_SIZE bytes
 *
 * A platform is admitted by an entry of either list. What is listed already
 * is not listed again.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -ENOBUFS (over SEVLM_MAX_TRUSTED), -ENOMEM.
 */
int sevlm_trust_add_chip(struct sevlm_trust *trust, const void *digest);

/**
 * sevlm_trust_add_owner - trust the platforms of this owner
 * @trust:  whom to trust
 * @digest: key digest of the OCA, SEVLM_KEY_DIGEST_SIZE bytes
 *
 * A platform without an owner makes its OCA by itself: then it names just
 * this platform, until it is reset.
 *
 * Thread: one.  Since: 0.1
 * Return: as sevlm_trust_add_chip().
 */
int sevlm_trust_add_owner(struct sevlm_trust *trust, const void *digest);

/**
 * sevlm_trust_allow_any_chip - trust every chip that AMD ever made
 * @trust: whom to trust
 *
 * The peer may then be anybody who owns one.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_trust_allow_any_chip(struct sevlm_trust *trust);

/**
 * sevlm_trust_set_floor - refuse platforms with older firmware
 * @trust:     whom to trust
 * @api_major: least API version, at most 255
 * @api_minor: least API version, at most 255
 *
 * Held against the version in the PEK: what the firmware claimed when it made
 * it, no proof of what runs now.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_trust_set_floor(struct sevlm_trust *trust, uint32_t api_major,
			  uint32_t api_minor);

/** Which part of a chain is meant (struct sevlm_chain_result). */
#define SEVLM_LINK_NONE	      0u
#define SEVLM_LINK_ROOT	      1u  /**< the ARK, and that it is trusted */
#define SEVLM_LINK_ASK	      2u  /**< the ASK, by the ARK */
#define SEVLM_LINK_CEK	      3u  /**< the CEK, by the ASK */
#define SEVLM_LINK_OCA	      4u  /**< the OCA, by itself */
#define SEVLM_LINK_PEK	      5u  /**< the PEK as such */
#define SEVLM_LINK_PEK_BY_OCA 6u  /**< its signature by the OCA */
#define SEVLM_LINK_PEK_BY_CEK 7u  /**< its signature by the CEK */
#define SEVLM_LINK_PDH	      8u  /**< the PDH, by the PEK */
#define SEVLM_LINK_ALLOWED    9u  /**< neither chip nor owner is listed */
#define SEVLM_LINK_FLOOR      10u /**< the API version */

/** What is wrong with it. */
#define SEVLM_REASON_NONE	    0u
#define SEVLM_REASON_MALFORMED	    1u
#define SEVLM_REASON_USAGE	    2u	/**< another one's certificate */
#define SEVLM_REASON_ALGORITHM	    3u	/**< of the key or a signature */
#define SEVLM_REASON_CURVE	    4u	/**< not P-384 */
#define SEVLM_REASON_POINT	    5u	/**< the key is no point of it */
#define SEVLM_REASON_UNKNOWN_ROOT   6u
#define SEVLM_REASON_KEY_ID	    7u	/**< names another signer */
#define SEVLM_REASON_UNSIGNED	    8u	/**< not signed by whom it must be */
#define SEVLM_REASON_UNKNOWN_SIGNER 9u	/**< signed by somebody else, too */
#define SEVLM_REASON_BAD_SIGNATURE  10u
#define SEVLM_REASON_NOT_ALLOWED    11u
#define SEVLM_REASON_BELOW_FLOOR    12u

/**
 * struct sevlm_chain_result - what became of a chain
 *
 * @size:       sizeof of the caller, set before
 * @link:       SEVLM_LINK_* that was refused, SEVLM_LINK_NONE where none was
 * @reason:     SEVLM_REASON_*
 * @api_major:  API version claimed in the PEK, once that is verified
 * @api_minor:  API version claimed in the PEK
 * @key_digest: of the key in the certificate that was refused; zeroes where
 *              none was
 * @cek_digest: key digest of the chip's CEK, once all is verified
 * @oca_digest: key digest of the owner's OCA, once all is verified
 * @root:       "Naples", "Rome", "Milan", "Genoa", "Turin", or "added"; ""
 *              before the root is known. Static
 * @sentence:   what is wrong, for a human; "" where nothing is
 */
struct sevlm_chain_result {
	size_t size;
	uint32_t link;
	uint32_t reason;
	uint32_t api_major;
	uint32_t api_minor;
	uint8_t key_digest[SEVLM_KEY_DIGEST_SIZE];
	uint8_t cek_digest[SEVLM_KEY_DIGEST_SIZE];
	uint8_t oca_digest[SEVLM_KEY_DIGEST_SIZE];
	const char *root;
	char sentence[160];
};

/**
 * sevlm_chain_verify - is this platform one to trust?
 * @peer:       its certificates
 * @trust:      whom to trust
 * @ret_result: filled up to its size, also where the chain is refused
 *
 * Every signature of every certificate must be by one of those who have a say
 * in it, and verify, from the root down; each who has must have signed.
 * Makes no system call.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -EBADMSG (malformed), -EKEYREJECTED (refused), -ENOMEM.
 */
int sevlm_chain_verify(const struct sevlm_peer *peer,
		       const struct sevlm_trust *trust,
		       struct sevlm_chain_result *ret_result);

/**
 * sevlm_chain_link_name - the name of a part of a chain
 * @link: SEVLM_LINK_*
 *
 * Thread: any.  Since: 0.1
 * Return: static text for machines, e.g. "pek-by-oca"; "unknown" for others.
 */
const char *sevlm_chain_link_name(uint32_t link);

/**
 * sevlm_chain_reason_name - the name of what is wrong with it
 * @reason: SEVLM_REASON_*
 *
 * Thread: any.  Since: 0.1
 * Return: static text for machines, e.g. "bad-signature"; "unknown" for
 * others.
 */
const char *sevlm_chain_reason_name(uint32_t reason);

/**
 * sevlm_chain_set_cek - put the CEK that AMD signed into a chain
 * @chain: SEVLM_CHAIN_SIZE bytes as exported; its third part is replaced
 * @cek:   the certificate from AMD's server
 * @bytes: its size
 *
 * Firmware exports the CEK without AMD's signature. It must be the same
 * certificate but for its signatures, which differ from download to download.
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -EBADMSG (another size), -EKEYREJECTED (another chip's).
 */
int sevlm_chain_set_cek(void *chain, const void *cek, size_t bytes);

/**
 * sevlm_chain_same_owner - do two platforms have the same owner?
 * @chain: SEVLM_CHAIN_SIZE bytes
 * @other: SEVLM_CHAIN_SIZE bytes
 *
 * Compares the OCA keys as they stand there and verifies nothing.
 *
 * Thread: any.  Since: 0.1
 * Return: 1 the same, 0 another, -EINVAL.
 */
int sevlm_chain_same_owner(const void *chain, const void *other);

/** Room that sevlm_policy_text() never exceeds. */
#define SEVLM_POLICY_TEXT_SIZE 512u

/**
 * sevlm_policy_text - a guest's policy in words
 * @policy: the policy word
 * @buf:    receives one line without a newline
 * @bytes:  room; SEVLM_POLICY_TEXT_SIZE is enough
 *
 * Thread: any.  Since: 0.1
 * Return: 0, -EINVAL, -ENOBUFS.
 */
int sevlm_policy_text(uint32_t policy, char *buf, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* LIBSEVLM_LIBSEVLM_H */
