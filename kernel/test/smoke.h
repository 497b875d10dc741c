/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the smoke test have of each other
 */
#ifndef SMOKE_H
#define SMOKE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>
#include <linux/psp-sev.h>

#define PAGE		4096u
#define PAGES		64u
#define MEMORY		(PAGES * PAGE)
#define CERT		2084u
#define SIGNED		0x414u
#define CHAIN		(3 * CERT)
#define AMD		3200u
#define SESSION		128u
#define HEADER		52u
#define C_BIT		(1ull << 39)	/* what the guest sees of it */
#define ASIDS		7

/* Statuses of the firmware; installed headers may have them wrong */
enum {
	OK, BAD_PLATFORM_STATE, BAD_GUEST_STATE, BAD_CONFIG, BAD_LEN,
	ALREADY_OWNED, BAD_CERT, BAD_POLICY, INACTIVE, BAD_ADDRESS,
	BAD_SIGNATURE, BAD_MEASUREMENT, ASID_OWNED, BAD_ASID, NEED_WBINVD,
	NEED_DF_FLUSH, NO_GUEST, BAD_COMMAND, ACTIVE, PLATFORM, UNSAFE,
	UNSUPPORTED, BAD_PARAM, RESOURCE_LIMIT,
	NO_CALL = 0xffff,
};

/* Not in every installed header */
#define CAP_VM_TYPES	235
#define SEV_VM		2
#define SEV_INIT2	22

enum { LUPDATE = 1, LSECRET, RUNNING, SUPDATE, RUPDATE, SENT };

extern int kvm_fd, sev_fd, failures;
extern int vm_type;	/* as KVM_CREATE_VM wants it */

/* smoke-tap.c */
void ok(int good, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void end(int status) __attribute__((noreturn));
void need(int good, const char *what);
void is(unsigned int got, unsigned int want, const char *what);
size_t read_text(const char *name, char *buf, size_t bytes);
void read_file(const char *name, void *buf, size_t bytes);
int write_text(const char *name, const char *text);
double now(void);

struct peer {
	uint8_t pdh[CERT], chain[CHAIN], amd[AMD];
};

/* A guest: what it has private, and what is shared */
struct vm {
	int fd, vcpu;
	struct kvm_run *run;
	int run_bytes;
	uint8_t *private, *shared;
};

struct packet {
	uint8_t header[HEADER], data[PAGE];
};

/* smoke-sev.c; an unsigned int is the firmware's status, or NO_CALL */
unsigned int platform(unsigned int cmd, void *data);
unsigned int export(struct peer *peer);
void load(struct peer *peer, const char *chip);
unsigned int sev(struct vm *vm, unsigned int id, void *data);
unsigned int vm_open(struct vm *vm);
void vm_close(struct vm *vm);
unsigned int guest_status(struct vm *vm);
unsigned int guest_state(struct vm *vm);
unsigned int launch_start(struct vm *vm, uint32_t policy);
unsigned int launch_update(struct vm *vm, void *at, uint32_t bytes);
unsigned int launch_measure(struct vm *vm, void *at, uint32_t *bytes);
void launch(struct vm *vm, uint32_t policy);
unsigned int send_start(struct vm *vm, const struct peer *peer,
			uint8_t *session);
unsigned int send_part(struct vm *vm, void *at, uint32_t bytes,
		       struct packet *packet, uint32_t trans_bytes);
unsigned int send_page(struct vm *vm, void *at, struct packet *packet);
unsigned int receive_start(struct vm *vm, const uint8_t *pdh,
			   const uint8_t *session, uint32_t policy);
unsigned int receive_part(struct vm *vm, void *at, uint32_t bytes,
			  const struct packet *packet,
			  uint32_t trans_bytes);
unsigned int receive_page(struct vm *vm, void *at,
			  const struct packet *packet);

/* smoke-guest.c */
void fill(struct vm *vm);
void boot(struct vm *vm);
int round_of(struct vm *vm, uint64_t count);
void move_vcpu(struct vm *source, struct vm *target);

/* The tests */
void test_move(struct vm *source);
void test_cancel(void);
void test_owner(void);
void test_speed(void);
void test_policy(void);
void test_certs(void);
void test_fault_lines(void);
void test_faults(struct vm *vm);
void test_dead(void);
void test_log(int on);
void test_leaks(void);

#endif /* SMOKE_H */
