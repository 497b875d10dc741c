/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Private to the software host. From the bottom up:
 *
 *   random    one seeded stream of bytes per host
 *   crypto    key derivation, wrapping, packets, signatures (OpenSSL)
 *   identity  the platform's keys and certificates
 *   memory    slots, dirty log, pinned regions, the encrypting controller
 *   firmware  commands and state machines; knows nothing of KVM
 *   psp       the driver between it and all who ask
 *   kvm       ioctls on top of it, with KVM's own checks and quirks; frames
 *   list      who answers the guest, and a patched kernel's list (gfns)
 *   workload  what the guest does, as a pure function of seed and step
 *   guest     the vCPU that does it
 *   host, vm  lifetimes
 */
#ifndef SEVLM_SIM_INTERNAL_H
#define SEVLM_SIM_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libsevlm/sim.h>

#define SIM_API __attribute__((visibility("default")))
#define SIM_PAGE 4096u

struct sim_random;
struct sim_identity;
struct sim_memory;
struct sim_firmware;
struct sim_guest;
struct sim_list;

/* random.c: a deterministic generator, AES-128-CTR over a key made of the
 * seed; draws in batches so that an IV per page is cheap. Not thread safe:
 * the host's lock covers it. seed 0: the key comes from getrandom(2). */
int sim_random_new(uint64_t seed, struct sim_random **ret);
void sim_random_free(struct sim_random *random);
int sim_random_bytes(struct sim_random *random, void *buf, size_t bytes);

/* identity.c: keys and certificates of one chip (SEV API, "Certificates"). */
int sim_identity_new(struct sim_random *random, uint32_t api_major,
		     uint32_t api_minor, struct sim_identity **ret);
void sim_identity_free(struct sim_identity *identity);
int sim_identity_new_pdh(struct sim_identity *identity,
			 struct sim_random *random);
const uint8_t *sim_identity_pdh(const struct sim_identity *identity);
/* PEK, OCA, CEK; the CEK as the chip has it, unsigned */
void sim_identity_chain(const struct sim_identity *identity, uint8_t *chain);
const uint8_t *sim_identity_cek(const struct sim_identity *identity);
const uint8_t *sim_identity_id(const struct sim_identity *identity); /* 64 */
/* Z of ECDH between the own PDH and the certificate's key, 48 bytes, big
 * endian. Returns 0 or a firmware status. */
uint32_t sim_identity_agree(const struct sim_identity *identity,
			    const uint8_t *peer_pdh, uint8_t *z);

/* memory.c: what the VMM registered, and the controller that encrypts.
 * A location is a page's place in host memory as the tweak sees it. All
 * calls are safe from several threads; one lock per VM stands for the bus. */
struct kvm_userspace_memory_region;
struct kvm_dirty_log;
struct kvm_clear_dirty_log;
struct kvm_enc_region;

int sim_memory_new(struct sim_memory **ret);
void sim_memory_free(struct sim_memory *memory);
int sim_memory_set_slot(struct sim_memory *memory,
			const struct kvm_userspace_memory_region *region);
int sim_memory_get_log(struct sim_memory *memory, struct kvm_dirty_log *log);
int sim_memory_clear_log(struct sim_memory *memory,
			 const struct kvm_clear_dirty_log *log);
void sim_memory_manual_protect(struct sim_memory *memory, bool on);
int sim_memory_pin(struct sim_memory *memory,
		   const struct kvm_enc_region *region);
int sim_memory_unpin(struct sim_memory *memory,
		     const struct kvm_enc_region *region);
/* the key the controller uses for this guest, 32 bytes for AES-128-XTS;
 * NULL takes it away (DEACTIVATE) */
int sim_memory_set_key(struct sim_memory *memory, const uint8_t *key);
/* by host address, as firmware reaches it; hva and bytes within one page of a
 * pinned region, multiples of 16. 0, -EFAULT (not pinned), -EIO */
int sim_memory_decrypt(struct sim_memory *memory, const void *hva,
		       size_t bytes, void *plain);
int sim_memory_encrypt(struct sim_memory *memory, void *hva, size_t bytes,
		       const void *plain);
bool sim_memory_pinned(struct sim_memory *memory, uint64_t addr,
		       uint64_t bytes);
/* by guest address, as the guest reaches it; within one page; c_bit set means
 * through the key. Writes show up in the dirty log. 0, -EFAULT, -EIO */
int sim_memory_load(struct sim_memory *memory, uint64_t gpa, bool c_bit,
		    void *buf, size_t bytes);
int sim_memory_store(struct sim_memory *memory, uint64_t gpa, bool c_bit,
		     const void *buf, size_t bytes);

/* firmware.c: handles, states, commands. Each returns a firmware status
 * (SEV API, "Status Codes"). The caller holds the host's lock. guest memory
 * is passed as the VM's memory and a host address. */
struct sim_start {		/* SEND_START */
	uint32_t policy;	/* out */
	const uint8_t *pdh;
	uint32_t pdh_len;
	const uint8_t *chain;
	uint32_t chain_len;
	const uint8_t *amd;
	uint32_t amd_len;
	uint8_t *session;
	uint32_t session_len;	/* in and out */
};
struct sim_packet {		/* SEND_/RECEIVE_UPDATE_DATA */
	uint8_t *header;
	uint32_t header_len;	/* in and out for SEND */
	void *hva;
	uint32_t guest_len;
	uint8_t *trans;
	uint32_t trans_len;	/* in and out for SEND */
};

int sim_firmware_new(struct sim_random *random, struct sim_identity *identity,
		     uint32_t api_major, uint32_t api_minor, uint32_t build,
		     uint32_t asids, struct sim_firmware **ret);
void sim_firmware_free(struct sim_firmware *firmware);
void sim_firmware_platform(struct sim_firmware *firmware, uint8_t *state,
			   uint32_t *guests);
uint32_t sim_firmware_init(struct sim_firmware *firmware);
uint32_t sim_firmware_pdh_gen(struct sim_firmware *firmware);
uint32_t sim_firmware_launch_start(struct sim_firmware *firmware,
				   uint32_t policy, uint32_t *handle);
uint32_t sim_firmware_launch_update(struct sim_firmware *firmware,
				    uint32_t handle, struct sim_memory *memory,
				    void *hva, uint32_t bytes);
uint32_t sim_firmware_launch_measure(struct sim_firmware *firmware,
				     uint32_t handle, uint8_t *buf,
				     uint32_t *bytes);
uint32_t sim_firmware_launch_finish(struct sim_firmware *firmware,
				    uint32_t handle);
uint32_t sim_firmware_activate(struct sim_firmware *firmware, uint32_t handle,
			       uint32_t asid, struct sim_memory *memory);
uint32_t sim_firmware_deactivate(struct sim_firmware *firmware,
				 uint32_t handle);
uint32_t sim_firmware_decommission(struct sim_firmware *firmware,
				   uint32_t handle);
uint32_t sim_firmware_guest_status(struct sim_firmware *firmware,
				   uint32_t handle, uint32_t *policy,
				   uint32_t *asid, uint8_t *state);
uint32_t sim_firmware_send_start(struct sim_firmware *firmware,
				 uint32_t handle, struct sim_start *start);
uint32_t sim_firmware_send_update(struct sim_firmware *firmware,
				  uint32_t handle, struct sim_memory *memory,
				  struct sim_packet *packet);
uint32_t sim_firmware_send_finish(struct sim_firmware *firmware,
				  uint32_t handle);
uint32_t sim_firmware_send_cancel(struct sim_firmware *firmware,
				  uint32_t handle);
uint32_t sim_firmware_receive_start(struct sim_firmware *firmware,
				    uint32_t policy, const uint8_t *pdh,
				    uint32_t pdh_len, const uint8_t *session,
				    uint32_t session_len, uint32_t *handle);
uint32_t sim_firmware_receive_update(struct sim_firmware *firmware,
				     uint32_t handle,
				     struct sim_memory *memory,
				     const struct sim_packet *packet);
uint32_t sim_firmware_receive_finish(struct sim_firmware *firmware,
				     uint32_t handle);

/* DF_FLUSH: no ASID can be activated before the first one, and none that was
 * in use before another */
uint32_t sim_firmware_df_flush(struct sim_firmware *firmware);
/* a VM is gone whose guest firmware would not give up */
void sim_firmware_forget(struct sim_firmware *firmware,
			 const struct sim_memory *memory);

/* host.c */
#define SIM_COMMANDS (SEVLM_SIM_COMMAND_INIT + 1)
/* any of /dev/sev: nobody plants a fault there */
#define SIM_COMMAND_SEV SIM_COMMANDS
struct sevlm_sim_host {
	pthread_mutex_t lock;	/* one PSP: commands of all VMs take turns */
	struct sim_random *random;
	struct sim_identity *identity;
	struct sim_firmware *firmware;
	struct sevlm_sim_fault fault;
	uint64_t commands[SIM_COMMAND_SEV + 1]; /* by KVM_SEV_* and our own */
	/* the driver of the PSP */
	bool psp_up;	/* it takes the platform for initialized */
	bool psp_dead;	/* there was no answer: nothing is asked any more */
	uint32_t sev_open;	/* bit per number of /dev/sev */
	uint32_t vms;
	uint8_t api_major, api_minor, build;
	bool shared_list;	/* a patched kernel */
	bool multi_page;	/* ... and so */
	/* KVM's, taken before the lock above */
	pthread_mutex_t asid_lock;
	uint32_t asids;
	uint64_t asids_used;	/* bit per ASID */
	uint64_t asids_stale;	/* of them, those that want a DF_FLUSH first */
};

/* kvm.c */
int sim_kvm_vm_ioctl(struct sevlm_sim_vm *vm, uint32_t request, void *arg);
void sim_kvm_destroy(struct sevlm_sim_vm *vm);

/* guest.c; the vCPU and its C-bits. The VM's vcpu_lock is held by callers. */
int sim_guest_new(const struct sevlm_sim_vm_config *config,
		  struct sim_memory *memory, struct sim_guest **ret);
void sim_guest_free(struct sim_guest *guest);

/* frames.c: where neighbours in host memory are neighbours physically; under
 * kvm_lock */
#define SIM_FRAMES 16u
struct sim_frames_run {
	uint64_t uaddr;
	uint64_t bytes;
};
struct sim_frames {
	struct sim_frames_run at[SIM_FRAMES];
	uint32_t count;
};

/* vm.c */
struct sevlm_sim_vm {
	struct sevlm_sim_host *host;
	struct sevlm_sim_vm_config config;
	struct sim_memory *memory;
	struct sim_guest *guest;
	struct sim_list *list;
	pthread_mutex_t vcpu_lock;	/* held while the vCPU runs */
	void *hva;			/* of slot 0, by launch or prepare */
	/* what KVM keeps of it (kvm.c), under kvm_lock */
	pthread_mutex_t kvm_lock;
	bool sev_active;	/* KVM_SEV_INIT was done */
	uint32_t asid;
	uint32_t handle;	/* of the firmware; 0: none */
	int32_t sev_fd;
	uint32_t vcpus;
	struct sim_frames frames;
	char error[160];
};

#endif /* SEVLM_SIM_INTERNAL_H */
