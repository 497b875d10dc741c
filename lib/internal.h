/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Private to the library, grouped by file, from the bottom layer up
 * (docs/architecture.md). A file calls down or within its layer, never up.
 */
#ifndef SEVLM_INTERNAL_H
#define SEVLM_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libsevlm/libsevlm.h>

#define SEVLM_API __attribute__((visibility("default")))
#define SEVLM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define PAGE_SHIFT 12
#define PAGE_SIZE SEVLM_PAGE_SIZE
/* what the firmware puts into one packet at most, where it lies together */
#define BLOCK_PAGES 4u
#define BLOCK_SIZE  (BLOCK_PAGES * PAGE_SIZE)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- layer 0: error.c -------------------------------------------------- */

/* One sentence for a human; a fixed buffer, so that failing cannot fail. */
struct sevlm__error {
	uint32_t status;	/* of the firmware */
	char text[200];
};

void sevlm__error_clear(struct sevlm__error *error);
/* keeps the sentence and returns code, for `return sevlm__fail(...)` */
int sevlm__fail(struct sevlm__error *error, int code, const char *format, ...)
	SEVLM_PRINTF(3, 4);
/* the closed set of the public header; anything else becomes -EIO */
int sevlm__public_error(int code);

/* Does a caller's size-first struct reach the end of a field? */
#define sevlm__covers(ptr, field)                                             \
	((ptr)->size >= offsetof(__typeof__(*(ptr)), field) +                 \
				sizeof((ptr)->field))
/* copy a size-first input; bytes we do not know must be zero, -EINVAL */
int sevlm__copy_in(void *dst, size_t known, const void *src, size_t least);
/* fill a size-first output up to the caller's size, the rest with zeroes */
int sevlm__copy_out(void *dst, const void *src, size_t known);

/* ---- layer 2: kernel.c, the only ioctl() ------------------------------- */

struct sevlm__kernel {
	struct sevlm_kernel_ops ops;
	void *ctx;
	int32_t vm_fd, sev_fd, kvm_fd;
};

int sevlm__kernel_init(struct sevlm__kernel *kernel,
		       const struct sevlm_vm_config *config);
/* Each issues one firmware command, keeps sentence and status in error, and
 * returns 0 or a code of the public set. */
int sevlm__kernel_guest_status(struct sevlm__kernel *kernel,
			       struct sevlm__error *error,
			       struct sevlm_guest_status *ret);
int sevlm__kernel_pdh_export(struct sevlm__kernel *kernel,
			     struct sevlm__error *error, void *pdh,
			     void *chain);
int sevlm__kernel_platform_api(struct sevlm__kernel *kernel,
			       struct sevlm__error *error, uint32_t *ret_major,
			       uint32_t *ret_minor);
int sevlm__kernel_send_start(struct sevlm__kernel *kernel,
			     struct sevlm__error *error,
			     const struct sevlm_peer *peer, void *session,
			     uint32_t *ret_policy);
/* of 1 or BLOCK_PAGES pages; -ENOTSUP of a block: it has to go page by page */
int sevlm__kernel_send_update(struct sevlm__kernel *kernel,
			      struct sevlm__error *error, const void *hva,
			      uint32_t pages, void *header, void *payload);
int sevlm__kernel_send_finish(struct sevlm__kernel *kernel,
			      struct sevlm__error *error);
int sevlm__kernel_send_cancel(struct sevlm__kernel *kernel,
			      struct sevlm__error *error);
int sevlm__kernel_receive_start(struct sevlm__kernel *kernel,
				struct sevlm__error *error, uint32_t policy,
				const void *pdh, const void *session);
int sevlm__kernel_receive_update(struct sevlm__kernel *kernel,
				 struct sevlm__error *error, void *hva,
				 uint32_t pages, const void *header,
				 const void *payload);
int sevlm__kernel_receive_finish(struct sevlm__kernel *kernel,
				 struct sevlm__error *error);

/* does the kernel (uapi/) take blocks? */
bool sevlm__kernel_blocks(struct sevlm__kernel *kernel);

/* The list of shared pages that a patched kernel keeps (uapi/), by page
 * numbers; as it came, unchecked but for the errno. */
#define SEVLM__LIST_READY	(1u << 0)
#define SEVLM__LIST_INCOMPLETE	(1u << 1)
#define SEVLM__LIST_TORN	(1u << 2)
#define SEVLM__LIST_DONE	UINT64_MAX

struct sevlm__list_entry {
	uint64_t first;
	uint64_t count;
	uint32_t flags;		/* 1: shared; nothing else is known */
	uint32_t pad;
};

struct sevlm__list {
	struct sevlm__list_entry *entries;
	uint32_t room;		/* of get; entries of set */
	uint32_t filled;
	uint32_t flags;		/* SEVLM__LIST_* */
	uint64_t cursor;	/* in and out */
	uint64_t generation;	/* out of get, in of set */
	uint64_t max_ranges;
};

int sevlm__kernel_list_get(struct sevlm__kernel *kernel,
			   struct sevlm__error *error,
			   struct sevlm__list *list);
/* all of the list; -EAGAIN: the generation is another */
int sevlm__kernel_list_set(struct sevlm__kernel *kernel,
			   struct sevlm__error *error,
			   const struct sevlm__list *list);

/* Questions to a host; nothing here has an effect on anything. */
int sevlm__kernel_init_probe(struct sevlm__kernel *kernel,
			     const struct sevlm_probe *probe);
/* the version, or a negative errno of the kernel's */
int sevlm__kernel_api_version(struct sevlm__kernel *kernel);
/* adds to flags, sets exit_hypercall */
void sevlm__kernel_extensions(struct sevlm__kernel *kernel,
			      struct sevlm_host *host);
/* of the scratch VM: is SEV usable in this KVM? */
bool sevlm__kernel_sev(struct sevlm__kernel *kernel);
/* of the scratch VM: false where it cannot be told */
bool sevlm__kernel_commands(struct sevlm__kernel *kernel,
			    uint32_t *ret_commands);
/* of the first socket, SEVLM_CHIP_ID_SIZE bytes; 0 or a code of the public
 * set */
int sevlm__kernel_chip_id(struct sevlm__kernel *kernel,
			  struct sevlm__error *error, void *id);
/* adds to flags, sets what the firmware says; 0, or a negative errno of the
 * kernel's */
int sevlm__kernel_platform_status(struct sevlm__kernel *kernel,
				  struct sevlm_host *host);

/* ---- layer 2: crypto.c, the only <openssl/> ---------------------------- */

#define SEVLM__DIGEST_SIZE 32

struct sevlm__hash;	/* SHA-256, running */

int sevlm__hash_new(struct sevlm__hash **ret);
void sevlm__hash_free(struct sevlm__hash *hash);
int sevlm__hash_update(struct sevlm__hash *hash, const void *buf,
		       size_t bytes);
/* the digest so far; the hash goes on */
int sevlm__hash_peek(struct sevlm__hash *hash, uint8_t *digest);
/* SHA-256 over the parts in order */
int sevlm__digest(const struct iovec *parts, size_t count, uint8_t *digest);
/* HMAC-SHA256 with a 32-byte key over the parts in order */
int sevlm__hmac(const uint8_t *key, const struct iovec *parts, size_t count,
		uint8_t *mac);
bool sevlm__equal(const void *a, const void *b, size_t bytes); /* no timing */
void sevlm__wipe(void *buf, size_t bytes);

/* ---- layer 2: verify.c, the other half of that door -------------------- */

#define SEVLM__P384 48

/* numbers are big-endian here; cert.h turns them round */
struct sevlm__point {
	uint8_t x[SEVLM__P384];
	uint8_t y[SEVLM__P384];
};

/* Each 0 or -EKEYREJECTED, also where memory ran out: what was not verified is
 * refused. A point of P-384 with no coordinate zero: */
int sevlm__verify_point(const struct sevlm__point *point);
/* over SHA-384 or SHA-256; r and s of 48 bytes, from 1 to the order less 1 */
int sevlm__verify_ecdsa(const struct sevlm__point *point, bool sha384,
			const void *msg, size_t bytes, const uint8_t *r,
			const uint8_t *s);
/* RSA-PSS with exponent 65537; modulus and signature of 256 bytes: SHA-256,
 * of 512: SHA-384; MGF1 with the same hash, salt as long as the hash */
int sevlm__verify_pss(const uint8_t *modulus, size_t rsa_bytes, const void *msg,
		      size_t bytes, const uint8_t *sig);

/* ---- layer 3: pages.c -------------------------------------------------- */

/*
 * The truth about a guest's pages. Four bits per page of registered memory in
 * chunks of 128 MiB, so that nothing a guest does can make it grow; what it
 * announces outside of them goes into a small capped set of ranges. One lock
 * inside; every call may come from any thread.
 *
 *   shared   the guest's announced state
 *   pending  changed, or written, since the round began
 *   todo     to be sent in this round
 *   skip     declared free, the peer not told yet
 *
 * On a target, where nothing is sent, pending means "arrived or declared
 * free", todo "arrived last as shared", skip "declared free last".
 */
struct sevlm__pages;

struct sevlm__region {
	uint64_t gpa;
	uint64_t bytes;
	uint8_t *hva;
	uint32_t type;		/* SEVLM_REGION_*, without the flag */
	bool contiguous;	/* blocks lie together in the host's memory */
	bool blocks;		/* ... and both sides of a migration can */
};

/* a page, or a block of private ones, taken for sending */
struct sevlm__page {
	uint64_t gpa;
	uint8_t *hva;
	uint32_t pages;		/* 1 or BLOCK_PAGES */
	uint32_t before;	/* pages that were taken with it, before it */
	bool shared;
};

/* a run of pages with shared ones in it, at most a chunk */
#define SEVLM__SPAN_PAGES 32768u
struct sevlm__span {
	uint64_t gpa;
	uint32_t pages;
	bool all;		/* all shared: no bitmap */
	uint64_t bitmap[SEVLM__SPAN_PAGES / 64];	/* 1: shared */
};

int sevlm__pages_new(struct sevlm__pages **ret);
void sevlm__pages_free(struct sevlm__pages *pages);

/* -EINVAL: unaligned, empty, wrapping, past 2^52, overlapping, unknown type,
 * contiguous but not moved as packets or with blocks that straddle;
 * -ENOBUFS, -ENOMEM. While tracking, a new region's pages are pending. */
int sevlm__pages_add_region(struct sevlm__pages *pages, uint64_t gpa,
			    uint64_t bytes, void *hva, uint32_t type);
int sevlm__pages_remove_region(struct sevlm__pages *pages, uint64_t gpa);
/* the index-th region by address; false past the last */
bool sevlm__pages_region(struct sevlm__pages *pages, uint32_t index,
			 struct sevlm__region *ret);
/* the region that holds [gpa, gpa + bytes); false where none does */
bool sevlm__pages_find(struct sevlm__pages *pages, uint64_t gpa,
		       uint64_t bytes, struct sevlm__region *ret);

/* Blocks of the region that begins there travel from now on, if it is
 * contiguous */
void sevlm__pages_allow_blocks(struct sevlm__pages *pages, uint64_t gpa);
/* ... those of no region that the pages touch */
void sevlm__pages_forbid_blocks(struct sevlm__pages *pages, uint64_t gpa,
				uint64_t count);

/* record what the guest announced. gpa aligned, no wrap: checked by the
 * caller. While tracking, pages that change become pending. -ENOBUFS: the
 * range set is full and nothing was recorded outside of RAM. */
int sevlm__pages_set(struct sevlm__pages *pages, uint64_t gpa, uint64_t count,
		     bool shared);
/* all private, nothing pending */
void sevlm__pages_reset(struct sevlm__pages *pages);
/* SEVLM_PAGE_* and how far it holds; at 2^52 and above NONE */
void sevlm__pages_state(struct sevlm__pages *pages, uint64_t gpa,
			uint32_t *ret_state, uint64_t *ret_bytes);
/* as state, for one page of a region: is it to be treated as shared? */
bool sevlm__pages_shared(struct sevlm__pages *pages, uint64_t gpa);
/* where a private page lies, and the generation at which it was private:
 * 0, -EINVAL (no page that is moved), -EAGAIN (shared) */
int sevlm__pages_private(struct sevlm__pages *pages, uint64_t gpa,
			 uint8_t **ret_hva, uint64_t *ret_generation);
/* grows with every call of set() that changed a page; takes no lock */
uint64_t sevlm__pages_generation(struct sevlm__pages *pages);

/* source side. on: every page of moved regions (all but SKIP) is pending;
 * off: pending, todo and skip are cleared */
void sevlm__pages_track(struct sevlm__pages *pages, bool on);
/* nothing where not tracking; outside of moved regions passed over */
void sevlm__pages_dirty(struct sevlm__pages *pages, uint64_t gpa,
			uint64_t count);
void sevlm__pages_dirty_bitmap(struct sevlm__pages *pages, uint64_t gpa,
			       const void *bitmap, uint64_t count);
/* todo pages of the range become skip; returns how many */
uint64_t sevlm__pages_skip(struct sevlm__pages *pages, uint64_t gpa,
			   uint64_t count);
/* begin a round: pending pages become todo; ones that were neither are
 * counted in ret_new. Returns how many are todo. */
uint64_t sevlm__pages_round(struct sevlm__pages *pages, uint64_t *ret_new);
uint64_t sevlm__pages_todo(struct sevlm__pages *pages);
uint64_t sevlm__pages_pending(struct sevlm__pages *pages);
/* take up to max todo pages at or after *cursor, by rising address; *cursor
 * moves behind the last; returns how many entries, 0 at the end of the round.
 * Fewer pages than there is room for are taken where a block comes next. */
uint32_t sevlm__pages_take(struct sevlm__pages *pages, uint64_t *cursor,
			   struct sevlm__page *ret, uint32_t max);
/* take the next run of skip pages at or after *cursor; false at the end */
bool sevlm__pages_take_skip(struct sevlm__pages *pages, uint64_t *cursor,
			    uint64_t *ret_gpa, uint64_t *ret_count);
/* the next span with shared pages at or after *cursor, whole guest, ranges
 * outside of RAM included; false at the end */
bool sevlm__pages_span(struct sevlm__pages *pages, uint64_t *cursor,
		       struct sevlm__span *ret);
/* pages of moved regions */
uint64_t sevlm__pages_total(struct sevlm__pages *pages);

/* target side: pages arrived as shared or private, or were declared free */
void sevlm__pages_arrived(struct sevlm__pages *pages, uint64_t gpa,
			  uint64_t count, bool shared);
void sevlm__pages_freed(struct sevlm__pages *pages, uint64_t gpa,
			uint64_t count);
/* every page of moved regions arrived, and last as what it is now? 0, or
 * -EPROTO with the first page that did not (*ret_missing) or that differs */
int sevlm__pages_account(struct sevlm__pages *pages, uint64_t *ret_gpa,
			 bool *ret_missing);

/* ---- layer 3: identity.c, trust.c, chain.c, reasons.c ------------------ */

struct sevlm__cert;

/* SHA-256 of a certificate's public key: 0 or -ENOMEM */
int sevlm__key_digest(const uint8_t *cert, size_t bytes, uint8_t *digest);

/* somebody is trusted by it */
bool sevlm__trust_usable(const struct sevlm_trust *trust);
/* the name of the root that these bytes are, NULL where nobody trusts it */
const char *sevlm__trust_root(const struct sevlm_trust *trust,
			      const uint8_t *ark,
			      const struct sevlm__cert *cert);
/* key digests of CEK and OCA: is one of them listed? */
bool sevlm__trust_admits(const struct sevlm_trust *trust, const uint8_t *cek,
			 const uint8_t *oca);
/* at least the floor? */
bool sevlm__trust_reaches(const struct sevlm_trust *trust, uint32_t api_major,
			  uint32_t api_minor);

/* the certificates, signers first */
enum sevlm__place {
	SEVLM__ARK,
	SEVLM__ASK,
	SEVLM__CEK,
	SEVLM__OCA,
	SEVLM__PEK,
	SEVLM__PDH,
	SEVLM__PLACES
};

struct sevlm__chain {
	const struct sevlm_trust *trust;
	const uint8_t *bytes[SEVLM__PLACES];
	size_t room[SEVLM__PLACES];
	struct sevlm__cert *certs;	/* decoded, by place */
	struct sevlm_chain_result *result;
};

/* a caller's, every part of it there: -EINVAL */
int sevlm__peer_copy(struct sevlm_peer *known, const struct sevlm_peer *peer);
/* the sentence for what is refused there */
void sevlm__chain_words(struct sevlm_chain_result *result);
/* sevlm_chain_verify(), and why not as a sentence */
int sevlm__chain_check(struct sevlm__error *error, const char *whose,
		       const struct sevlm_peer *peer,
		       const struct sevlm_trust *trust,
		       struct sevlm_chain_result *ret_result);
/* One certificate, with every signature on it, by keys that were verified
 * before: 0, or -EBADMSG or -EKEYREJECTED with why in the result. */
int sevlm__chain_verify_one(struct sevlm__chain *chain,
			    enum sevlm__place place);

/* ---- layer 3: policy.c ------------------------------------------------- */

/* bits of a policy that have no meaning yet (SEV API, "Guest Policy") */
#define SEVLM__POLICY_UNKNOWN 0xffc0u

/* Each 0 or -EPERM. May a guest with this policy be moved at all? */
int sevlm__policy_check(struct sevlm__error *error, uint32_t policy);

/* what a policy's demands are held against */
struct sevlm__platform {
	bool rooted;		/* its chain was verified to a root */
	bool same_owner;	/* as the platform it comes from */
	uint32_t api_major, api_minor;
};

/* May it go to that platform? */
int sevlm__policy_fits(struct sevlm__error *error, uint32_t policy,
		       const struct sevlm__platform *target);
/* Is it what the operator said it would be, where the mask is set? */
int sevlm__policy_expected(struct sevlm__error *error, uint32_t policy,
			   uint32_t expected, uint32_t mask);

/* ---- layer 3: findings.c ------------------------------------------------ */

enum sevlm__finding {
	SEVLM__KVM_MISSING,
	SEVLM__KVM_NO_ACCESS,
	SEVLM__KVM_UNUSABLE,
	SEVLM__SEV_DEVICE_MISSING,
	SEVLM__SEV_DEVICE_NO_ACCESS,
	SEVLM__SEV_DEVICE_UNUSABLE,
	SEVLM__SEV_OFF,
	SEVLM__COMMANDS_UNKNOWN,
	SEVLM__SEND_MISSING,
	SEVLM__RECEIVE_MISSING,
	SEVLM__SEND_CANCEL_MISSING,
	SEVLM__HYPERCALL_EXIT_MISSING,
	SEVLM__USER_MSR_MISSING,
	SEVLM__MSR_FILTER_MISSING,
	SEVLM__IGNORE_MSRS,
	SEVLM__MANUAL_PROTECT,
	SEVLM__DIRTY_RING,
	SEVLM__SHARED_LIST,
	SEVLM__FIRMWARE_SILENT,
	SEVLM__FIRMWARE_OLD,
	SEVLM__ES_CONFIGURED,
	SEVLM__OWNED,
	SEVLM__ASIDS_USED_UP,
	SEVLM__ASIDS_SHORT,
	SEVLM__MEMLOCK_LOW,
	/* up to here of a host, and of a target with "target-" before */
	SEVLM__OF_A_GUEST,
	SEVLM__GUEST_SILENT = SEVLM__OF_A_GUEST,
	SEVLM__GUEST_STATE,
	SEVLM__NOT_OFFERED,
	SEVLM__HUNG_UP,
	SEVLM__INCOMPLETE,
	SEVLM__STATES_SILENT,
	SEVLM__NEVER_READY,
	SEVLM__READY_WITHDRAWN,
	SEVLM__POLICY_RESERVED,
	SEVLM__POLICY_NOSEND,
	SEVLM__POLICY_ES,
	SEVLM__POLICY_DOMAIN,
	SEVLM__POLICY_SEV,
	SEVLM__TARGET_FIRMWARE_FLOOR,
	SEVLM__FINDINGS,
};

struct sevlm__finding_text {
	const char *code;
	uint32_t severity;	/* SEVLM_SEVERITY_* */
	uint32_t at_target;	/* the same where it is the target's */
	const char *message;	/* without its full stop */
	const char *remedy;
};

extern const struct sevlm__finding_text sevlm__finding_texts[SEVLM__FINDINGS];

#define SEVLM__TARGET_PREFIX "target-"

/* Adds one, of this host or guest, or of the target; the detail, which may
 * be empty, goes into the message in brackets. One that is there already with
 * the same words is not added again. 0 or -ENOMEM */
int sevlm__find(struct sevlm_findings *findings, enum sevlm__finding finding,
		bool at_target, const char *format, ...) SEVLM_PRINTF(4, 5);

/* ---- layer 4: feature.c ------------------------------------------------ */

/* what a vCPU's CPUID is on the wire: function, index, flags, eax to edx */
#define SEVLM__CPUID_ENTRY 28u
#define SEVLM__CPUID_MAX   256u

struct sevlm__cpuid {
	uint32_t count;
	uint8_t entries[SEVLM__CPUID_MAX * SEVLM__CPUID_ENTRY];
};

/* -EINVAL: more entries than a vCPU can have */
int sevlm__cpuid_encode(const struct kvm_cpuid2 *cpuid,
			struct sevlm__cpuid *ret);
/* 0, or -EPROTO with the leaf that differs */
int sevlm__cpuid_compare(struct sevlm__error *error, const uint8_t *theirs,
			 uint32_t count, const struct sevlm__cpuid *ours);

/* ---- layer 4: vm.c, control.c, list.c, send.c, receive.c --------------- */

struct sevlm_vm {
	struct sevlm__kernel kernel;
	struct sevlm__error error;
	struct sevlm__pages *pages;
	/* SEVLM_CONTROL_* and SEVLM__CONTROL_*; any thread */
	_Atomic uint32_t control;
	uint32_t states;	/* SEVLM_STATES_*; 0: from exits */
	bool engaged;		/* an engine runs */
	bool regions_open;	/* ...and asked for a region to be changed */
};

/* beside the public bits: the guest has called, offering comes too late; it
 * took READY back */
#define SEVLM__CONTROL_SPOKE	 (1u << 31)
#define SEVLM__CONTROL_WITHDRAWN (1u << 30)

/* consent and completeness, before a guest is sent: 0 or -EPERM */
int sevlm__control_check(struct sevlm__error *error, uint32_t control);
/* the guest's consent travels with it; a hang-up on this side holds */
void sevlm__control_import(struct sevlm_vm *vm, uint32_t bits);
/* what the kernel that keeps the list says of READY */
void sevlm__control_ready(struct sevlm_vm *vm, bool ready);
/* a state change was lost */
void sevlm__control_lost(struct sevlm_vm *vm);

/* list.c: nothing where states come from exits. The VM was reset: the
 * kernel's list is emptied. */
int sevlm__list_reset(struct sevlm_vm *vm);

struct sevlm_send {
	struct sevlm_vm *vm;
	uint32_t policy;
	bool open;
	uint8_t pdh[SEVLM_PDH_SIZE];
	uint8_t session[SEVLM_SESSION_SIZE];
};

/* sevlm_send_packet() without the questions, for the engine's batches; of a
 * page or a block, as sevlm__kernel_send_update() */
int sevlm__send_update(struct sevlm_send *send, const void *hva,
		       uint32_t pages, void *header, void *payload);

struct sevlm_receive {
	struct sevlm_vm *vm;
	bool open;
};

/* May a guest with this policy be received on this host? */
int sevlm__receive_check(struct sevlm_vm *vm, uint32_t policy);
/* sevlm_receive_start() behind its questions, for the engine, which asks them
 * earlier */
int sevlm__receive_start(struct sevlm_vm *vm, uint32_t policy, const void *pdh,
			 const void *session,
			 struct sevlm_receive **ret_receive);
int sevlm__receive_update(struct sevlm_receive *receive, void *hva,
			  uint32_t pages, const void *header,
			  const void *payload);

#endif /* SEVLM_INTERNAL_H */
