// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only process of an emulated host with the software PSP: tries what
 * /dev/sev and KVM have to offer, prints TAP, switches the machine off.
 *
 * By design on bare ioctls: it judges the kernel's side alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

enum { LUPDATE = 1, LSECRET, RUNNING, SUPDATE, RUPDATE, SENT };

static int kvm_fd, sev_fd, tests, failures;

static void __attribute__((format(printf, 2, 3)))
ok(int good, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	printf("%sok %d - ", good ? "" : "not ", ++tests);
	vprintf(format, list);
	putchar('\n');
	va_end(list);
	failures += !good;
}

static void __attribute__((noreturn)) end(int status)
{
	printf("1..%d\n# %s\n", tests, status ? "failed" : "done");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	_exit(status);
}

static void need(int good, const char *what)
{
	if (good)
		return;
	ok(0, "%s: %s", what, strerror(errno));
	end(1);
}

static void is(unsigned int got, unsigned int want, const char *what)
{
	ok(got == want, "%s", what);
	if (got != want)
		printf("# got %#x, not %#x\n", got, want);
}

/* At most bytes, and a NUL behind them */
static size_t read_text(const char *name, char *buf, size_t bytes)
{
	int fd = open(name, O_RDONLY);
	ssize_t got;

	need(fd >= 0, name);
	got = read(fd, buf, bytes);
	need(got >= 0, name);
	close(fd);
	buf[got] = '\0';
	return got;
}

static void read_file(const char *name, void *buf, size_t bytes)
{
	char *text = malloc(bytes + 1);

	need(text && read_text(name, text, bytes) == bytes, name);
	memcpy(buf, text, bytes);
	free(text);
}

/* 0, or an errno when it was refused */
static int write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY), ret;

	need(fd >= 0, name);
	ret = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return ret;
}

/* /dev/sev: the firmware's status */

static unsigned int platform(unsigned int cmd, void *data)
{
	struct sev_issue_cmd issue = {
		.cmd = cmd, .data = (uintptr_t)data, .error = NO_CALL,
	};

	if (ioctl(sev_fd, SEV_ISSUE_CMD, &issue) == 0)
		return OK;
	return issue.error;
}

struct peer {
	uint8_t pdh[CERT], chain[CHAIN], amd[AMD];
};

/* This machine's certificates, the chip's key as AMD would sign it */
static unsigned int export(struct peer *peer)
{
	struct sev_user_data_pdh_cert_export data = {
		.pdh_cert_address = (uintptr_t)peer->pdh,
		.pdh_cert_len = CERT,
		.cert_chain_address = (uintptr_t)peer->chain,
		.cert_chain_len = CHAIN,
	};
	unsigned int status = platform(SEV_PDH_CERT_EXPORT, &data);

	read_file("/certs/a/cek.cert", peer->chain + 2 * CERT, CERT);
	read_file("/certs/ask_ark.cert", peer->amd, AMD);
	return status;
}

/* Another machine's, from files */
static void load(struct peer *peer, const char *chip)
{
	static const char *const names[] = { "pek", "oca", "cek" };
	char path[64];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/certs/%s/%s.cert", chip,
			 names[i]);
		read_file(path, peer->chain + i * CERT, CERT);
	}
	snprintf(path, sizeof(path), "/certs/%s/pdh.cert", chip);
	read_file(path, peer->pdh, CERT);
	read_file("/certs/ask_ark.cert", peer->amd, AMD);
}

/* A guest: what it has private, and what is shared */

struct vm {
	int fd, vcpu;
	struct kvm_run *run;
	int run_bytes;
	uint8_t *private, *shared;
};

static unsigned int sev(struct vm *vm, unsigned int id, void *data)
{
	struct kvm_sev_cmd cmd = {
		.id = id, .data = (uintptr_t)data, .error = NO_CALL,
		.sev_fd = sev_fd,
	};

	if (ioctl(vm->fd, KVM_MEMORY_ENCRYPT_OP, &cmd) == 0)
		return OK;
	return cmd.error;
}

static void *room(void)
{
	void *at = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(at != MAP_FAILED, "memory");
	return at;
}

static void slot(struct vm *vm, int number, uint64_t gpa, void *memory)
{
	struct kvm_userspace_memory_region region = {
		.slot = number, .guest_phys_addr = gpa,
		.memory_size = MEMORY, .userspace_addr = (uintptr_t)memory,
	};

	need(!ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region), "memslot");
}

static unsigned int vm_open(struct vm *vm)
{
	struct kvm_enc_region region = { .size = MEMORY };
	unsigned int status;

	memset(vm, 0, sizeof(*vm));
	vm->vcpu = -1;
	vm->fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	need(vm->fd >= 0, "KVM_CREATE_VM");
	vm->private = room();
	vm->shared = room();
	slot(vm, 0, 0, vm->shared);
	slot(vm, 1, C_BIT, vm->private);

	status = sev(vm, KVM_SEV_INIT, NULL);
	region.addr = (uintptr_t)vm->private;
	if (!status)
		need(!ioctl(vm->fd, KVM_MEMORY_ENCRYPT_REG_REGION, &region),
		     "KVM_MEMORY_ENCRYPT_REG_REGION");
	return status;
}

/* Whole, with the mapping of its vCPU: else the VM and its ASID stay */
static void vm_close(struct vm *vm)
{
	if (vm->vcpu >= 0) {
		munmap(vm->run, vm->run_bytes);
		close(vm->vcpu);
	}
	close(vm->fd);
	munmap(vm->private, MEMORY);
	munmap(vm->shared, MEMORY);
}

static unsigned int guest_status(struct vm *vm)
{
	struct kvm_sev_guest_status status = {};

	return sev(vm, KVM_SEV_GUEST_STATUS, &status);
}

static unsigned int guest_state(struct vm *vm)
{
	struct kvm_sev_guest_status status = {};

	return sev(vm, KVM_SEV_GUEST_STATUS, &status) ? 0 : status.state;
}

static unsigned int launch_start(struct vm *vm, uint32_t policy)
{
	struct kvm_sev_launch_start start = { .policy = policy };

	return sev(vm, KVM_SEV_LAUNCH_START, &start);
}

static unsigned int launch_update(struct vm *vm, void *at, uint32_t bytes)
{
	struct kvm_sev_launch_update_data update = {
		.uaddr = (uintptr_t)at, .len = bytes,
	};

	return sev(vm, KVM_SEV_LAUNCH_UPDATE_DATA, &update);
}

static unsigned int launch_measure(struct vm *vm, void *at, uint32_t *bytes)
{
	struct kvm_sev_launch_measure data = {
		.uaddr = (uintptr_t)at, .len = *bytes,
	};
	unsigned int status = sev(vm, KVM_SEV_LAUNCH_MEASURE, &data);

	*bytes = data.len;
	return status;
}

/* From nothing to RUNNING, in one piece */
static void launch(struct vm *vm, uint32_t policy)
{
	uint8_t measure[48];
	uint32_t bytes = sizeof(measure);

	need(!vm_open(vm) && !launch_start(vm, policy) &&
	     !launch_update(vm, vm->private, MEMORY) &&
	     !launch_measure(vm, measure, &bytes) &&
	     !sev(vm, KVM_SEV_LAUNCH_FINISH, NULL), "launch");
}

struct packet {
	uint8_t header[HEADER], data[PAGE];
};

static unsigned int send_start(struct vm *vm, const struct peer *peer,
			       uint8_t *session)
{
	struct kvm_sev_send_start start = {
		.pdh_cert_uaddr = (uintptr_t)peer->pdh, .pdh_cert_len = CERT,
		.plat_certs_uaddr = (uintptr_t)peer->chain,
		.plat_certs_len = CHAIN,
		.amd_certs_uaddr = (uintptr_t)peer->amd, .amd_certs_len = AMD,
		.session_uaddr = (uintptr_t)session, .session_len = SESSION,
	};

	return sev(vm, KVM_SEV_SEND_START, &start);
}

static unsigned int send_part(struct vm *vm, void *at, uint32_t bytes,
			      struct packet *packet, uint32_t trans_bytes)
{
	struct kvm_sev_send_update_data update = {
		.hdr_uaddr = (uintptr_t)packet->header, .hdr_len = HEADER,
		.guest_uaddr = (uintptr_t)at, .guest_len = bytes,
		.trans_uaddr = (uintptr_t)packet->data,
		.trans_len = trans_bytes,
	};

	return sev(vm, KVM_SEV_SEND_UPDATE_DATA, &update);
}

static unsigned int send_page(struct vm *vm, void *at, struct packet *packet)
{
	return send_part(vm, at, PAGE, packet, PAGE);
}

static unsigned int receive_start(struct vm *vm, const uint8_t *pdh,
				  const uint8_t *session, uint32_t policy)
{
	struct kvm_sev_receive_start start = {
		.policy = policy, .pdh_uaddr = (uintptr_t)pdh, .pdh_len = CERT,
		.session_uaddr = (uintptr_t)session, .session_len = SESSION,
	};

	return sev(vm, KVM_SEV_RECEIVE_START, &start);
}

static unsigned int receive_part(struct vm *vm, void *at, uint32_t bytes,
				 const struct packet *packet,
				 uint32_t trans_bytes)
{
	struct kvm_sev_receive_update_data update = {
		.hdr_uaddr = (uintptr_t)packet->header, .hdr_len = HEADER,
		.guest_uaddr = (uintptr_t)at, .guest_len = bytes,
		.trans_uaddr = (uintptr_t)packet->data,
		.trans_len = trans_bytes,
	};

	return sev(vm, KVM_SEV_RECEIVE_UPDATE_DATA, &update);
}

static unsigned int receive_page(struct vm *vm, void *at,
				 const struct packet *packet)
{
	return receive_part(vm, at, PAGE, packet, PAGE);
}

/*
 * The guest's program: reads one address with the C-bit and without it, counts
 * its rounds, says so by OUT, and once more.
 */

#define CODE		0x4000
#define DATA		0x8000
#define COUNT		0x9000
#define NO_C_BIT	0x200000	/* there it sees what is shared */

static const uint8_t code[] = {
	0x48, 0x8b, 0x04, 0x25, 0x00, 0x80, 0x00, 0x00,	/* mov DATA, %rax */
	0x48, 0x8b, 0x1c, 0x25, 0x00, 0x80, 0x20, 0x00,	/* shared: %rbx */
	0x48, 0xff, 0x04, 0x25, 0x00, 0x90, 0x00, 0x00,	/* incq COUNT */
	0xe6, 0x10,					/* out %al, $0x10 */
	0xeb, 0xe4,					/* jmp code */
};

static uint64_t *word(uint8_t *memory, unsigned int at)
{
	return (uint64_t *)(memory + at);
}

static void fill(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < MEMORY; i++) {
		vm->private[i] = i * 31 + i / PAGE;
		vm->shared[i] = i * 17 + 5;
	}
	memset(vm->private + 0x1000, 0, 0x3000);
	*word(vm->private, 0x1000) = C_BIT | 0x2000 | 3;
	*word(vm->private, 0x2000) = C_BIT | 0x3000 | 3;
	*word(vm->private, 0x3000) = C_BIT | 0x83;
	*word(vm->private, 0x3008) = 0x83;
	memcpy(vm->private + CODE, code, sizeof(code));
	*word(vm->private, DATA) = 0x1122334455667788;
	*word(vm->shared, DATA) = 0x99aabbccddeeff00;
	*word(vm->private, COUNT) = 0;
}

static void cpuid(struct vm *vm)
{
	struct kvm_cpuid2 *list;

	list = calloc(1, sizeof(*list) + 100 * sizeof(list->entries[0]));
	need(list != NULL, "memory");
	list->nent = 100;
	need(!ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, list) &&
	     !ioctl(vm->vcpu, KVM_SET_CPUID2, list), "CPUID");
	free(list);
}

static void vcpu_open(struct vm *vm)
{
	vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	need(vm->vcpu >= 0, "KVM_CREATE_VCPU");
	vm->run_bytes = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->run = mmap(NULL, vm->run_bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED, vm->vcpu, 0);
	need(vm->run != MAP_FAILED, "kvm_run");
	cpuid(vm);
}

static void boot(struct vm *vm)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;

	vcpu_open(vm);
	need(!ioctl(vm->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cr3 = C_BIT | 0x1000;
	sregs.cr4 = 0x20;
	sregs.cr0 = 0x80000011;
	sregs.efer = 0x500;
	sregs.cs = (struct kvm_segment) {
		.limit = ~0u, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	need(!ioctl(vm->vcpu, KVM_SET_SREGS, &sregs) &&
	     !ioctl(vm->vcpu, KVM_SET_REGS, &regs), "registers");
}

/* One round of the guest's program */
static int round_of(struct vm *vm, uint64_t count)
{
	struct kvm_regs regs;

	if (ioctl(vm->vcpu, KVM_RUN, 0) ||
	    vm->run->exit_reason != KVM_EXIT_IO || vm->run->io.port != 0x10 ||
	    ioctl(vm->vcpu, KVM_GET_REGS, &regs)) {
		printf("# exit %u\n", vm->run->exit_reason);
		return 0;
	}
	return regs.rax == *word(vm->private, DATA) &&
	       regs.rbx == *word(vm->shared, DATA) && regs.rax != regs.rbx &&
	       *word(vm->private, COUNT) == count;
}

static void move_vcpu(struct vm *source, struct vm *target)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	/* The OUT is not over before KVM has come back once */
	source->run->immediate_exit = 1;
	ioctl(source->vcpu, KVM_RUN, 0);
	vcpu_open(target);
	need(!ioctl(source->vcpu, KVM_GET_SREGS, &sregs) &&
	     !ioctl(source->vcpu, KVM_GET_REGS, &regs) &&
	     !ioctl(target->vcpu, KVM_SET_SREGS, &sregs) &&
	     !ioctl(target->vcpu, KVM_SET_REGS, &regs), "registers");
}

/* The tests */

static void test_platform(void)
{
	struct sev_user_data_pdh_cert_export query = {};
	struct sev_user_data_get_id2 get_id = {};
	struct sev_user_data_status status;
	struct peer mine, file;
	char id[65] = {}, hex[130] = {}, want[130] = {};
	char taint[32];
	int i;

	memset(&status, 0xff, sizeof(status));
	is(platform(SEV_PLATFORM_STATUS, &status), OK, "PLATFORM_STATUS");
	ok(status.state == 1 && status.api_major == 1 &&
	   status.api_minor == 51 && status.build == 3 &&
	   status.guest_count == 0, "it is INIT, and of its version");
	read_text("/proc/sys/kernel/tainted", taint, sizeof(taint) - 1);
	ok(strtoul(taint, NULL, 10) >> 18 & 1, "the kernel is tainted");

	is(platform(SEV_GET_ID2, &get_id), BAD_LEN, "GET_ID2, asked for length");
	is(get_id.length, 64, "of 64 bytes");
	get_id.address = (uintptr_t)id;
	is(platform(SEV_GET_ID2, &get_id), OK, "GET_ID2");
	for (i = 0; i < 64; i++)
		sprintf(hex + 2 * i, "%02x", (uint8_t)id[i]);
	read_file("/certs/a/id", want, 128);
	ok(!strcmp(hex, want), "the chip has its own number");

	is(platform(SEV_PDH_CERT_EXPORT, &query), BAD_LEN,
	   "PDH_CERT_EXPORT, asked for lengths");
	ok(query.pdh_cert_len == CERT && query.cert_chain_len == CHAIN,
	   "of one and three certificates");
	is(export(&mine), OK, "PDH_CERT_EXPORT");
	load(&file, "a");
	ok(!memcmp(&mine, &file, sizeof(mine)), "they are the machine's");
	is(platform(SEV_PEK_GEN, NULL), UNSUPPORTED, "PEK_GEN is not there");
	is(platform(SEV_FACTORY_RESET, NULL), UNSUPPORTED,
	   "FACTORY_RESET is not there");
}

static void test_launch(struct vm *vm)
{
	struct kvm_sev_launch_secret secret = {};
	struct sev_user_data_status status;
	uint8_t measure[48];
	uint32_t bytes = 0;

	need(!vm_open(vm), "KVM_SEV_INIT");
	fill(vm);
	is(launch_start(vm, 0), OK, "LAUNCH_START");
	is(guest_state(vm), LUPDATE, "and it is LUPDATE");
	is(platform(SEV_PLATFORM_STATUS, &status), OK, "PLATFORM_STATUS");
	ok(status.state == 2 && status.guest_count == 1, "WORKING, one guest");
	is(launch_start(vm, 0), ASID_OWNED, "no second LAUNCH_START");
	is(launch_update(vm, vm->private, MEMORY), OK, "LAUNCH_UPDATE_DATA");
	is(launch_update(vm, vm->private + 8, 16), BAD_ADDRESS,
	   "no LAUNCH_UPDATE_DATA that is not aligned");
	is(launch_update(vm, vm->private, 24), BAD_LEN,
	   "no LAUNCH_UPDATE_DATA of half a block");
	is(launch_measure(vm, NULL, &bytes), BAD_LEN,
	   "LAUNCH_MEASURE, asked for length");
	is(bytes, sizeof(measure), "of 48 bytes");
	is(launch_measure(vm, measure, &bytes), OK, "LAUNCH_MEASURE");
	is(guest_state(vm), LSECRET, "and it is LSECRET");
	secret.hdr_uaddr = secret.trans_uaddr = (uintptr_t)measure;
	secret.hdr_len = secret.trans_len = 16;
	secret.guest_uaddr = (uintptr_t)vm->private;
	secret.guest_len = 16;
	is(sev(vm, KVM_SEV_LAUNCH_SECRET, &secret), UNSUPPORTED,
	   "LAUNCH_SECRET is not there");
	is(sev(vm, KVM_SEV_SEND_FINISH, NULL), BAD_GUEST_STATE,
	   "no SEND_FINISH out of LSECRET");
	is(sev(vm, KVM_SEV_LAUNCH_FINISH, NULL), OK, "LAUNCH_FINISH");
	is(guest_state(vm), RUNNING, "and it is RUNNING");
}

static void test_run(struct vm *vm)
{
	boot(vm);
	ok(round_of(vm, 1), "the guest runs, with two views of its memory");
	ok(round_of(vm, 2), "and once more");
}

/* One bit of each byte, all eight of them in turn */
static void test_flips(const char *what, uint8_t *at, unsigned int bytes,
		       unsigned int (*try)(void *context), void *context,
		       unsigned int want)
{
	unsigned int i, wrong = 0, status;

	for (i = 0; i < bytes; i++) {
		at[i] ^= 1 << i % 8;
		status = try(context);
		at[i] ^= 1 << i % 8;
		if (status != want && !wrong++)
			printf("# byte %u: %#x\n", i, status);
	}
	ok(!wrong, "any flipped bit of %s is refused", what);
}

struct transfer {
	struct vm *source, *target;
	struct peer peer;
	uint8_t session[SESSION];
	uint32_t policy;
	struct packet packet;
	uint8_t was[PAGE];
};

static unsigned int try_start(void *context)
{
	struct transfer *transfer = context;

	return receive_start(transfer->target, transfer->peer.pdh,
			     transfer->session, transfer->policy);
}

static unsigned int try_packet(void *context)
{
	struct transfer *transfer = context;

	return receive_page(transfer->target, transfer->target->private,
			    &transfer->packet);
}

static void test_query(struct transfer *transfer)
{
	struct kvm_sev_send_update_data update = {};
	struct kvm_sev_send_start start = {};

	is(sev(transfer->source, KVM_SEV_SEND_START, &start), BAD_LEN,
	   "SEND_START, asked for length");
	is(start.session_len, SESSION, "of 128 bytes");
	is(send_page(transfer->source, transfer->source->private,
		     &transfer->packet), BAD_GUEST_STATE,
	   "no SEND_UPDATE_DATA out of RUNNING");
	is(send_start(transfer->source, &transfer->peer, transfer->session),
	   OK, "SEND_START");
	is(guest_state(transfer->source), SUPDATE, "and it is SUPDATE");
	is(sev(transfer->source, KVM_SEV_SEND_UPDATE_DATA, &update), BAD_LEN,
	   "SEND_UPDATE_DATA, asked for lengths");
	is(update.hdr_len, HEADER, "of 52 bytes");
}

static void test_lengths(struct transfer *transfer)
{
	struct vm *vm = transfer->source;
	struct { struct packet packet; uint8_t more[PAGE]; } big;
	struct packet packet;

	is(send_part(vm, vm->private, 64, &packet, 48), BAD_LEN,
	   "no SEND_UPDATE_DATA into less");
	is(send_part(vm, vm->private, 64, &big.packet, 2 * PAGE), OK,
	   "SEND_UPDATE_DATA into more");
	is(send_part(vm, vm->private + 8, 64, &packet, 64), BAD_ADDRESS,
	   "no SEND_UPDATE_DATA that is not aligned");
	is(send_part(vm, vm->private, 24, &packet, 24), BAD_LEN,
	   "no SEND_UPDATE_DATA of half a block");
	vm = transfer->target;
	is(receive_part(vm, vm->private, 64, &big.packet, 80), BAD_LEN,
	   "no RECEIVE_UPDATE_DATA out of more");
	is(receive_part(vm, vm->private, 48, &big.packet, 64), BAD_LEN,
	   "no RECEIVE_UPDATE_DATA into less");
	is(receive_part(vm, vm->private + 8, 64, &big.packet, 64),
	   BAD_ADDRESS, "no RECEIVE_UPDATE_DATA that is not aligned");
	is(receive_part(vm, vm->private + 16, 64, &big.packet, 64), OK,
	   "RECEIVE_UPDATE_DATA of a part of a page");
	ok(!memcmp(vm->private + 16, transfer->source->private, 64),
	   "that is what was sent");
}

static void test_pages(struct transfer *transfer)
{
	struct vm *source = transfer->source, *target = transfer->target;
	unsigned int i, wrong = 0, clear = 0;

	for (i = 0; i < PAGES; i++) {
		wrong += send_page(source, source->private + i * PAGE,
				   &transfer->packet) ||
			 receive_page(target, target->private + i * PAGE,
				      &transfer->packet);
		clear += !memcmp(transfer->packet.data,
				 source->private + i * PAGE, 16);
	}
	ok(!wrong, "64 pages are sent and received");
	ok(!clear, "none of them was to be read in between");
	ok(!memcmp(source->private, target->private, MEMORY),
	   "they have arrived as they were");
	memcpy(target->shared, source->shared, MEMORY);
}

static void test_move(struct vm *source)
{
	static struct transfer transfer;
	struct vm target;

	transfer.source = source;
	transfer.target = &target;
	export(&transfer.peer);
	need(!vm_open(&target), "KVM_SEV_INIT");
	test_query(&transfer);

	test_flips("the session", transfer.session, SESSION, try_start,
		   &transfer, BAD_MEASUREMENT);
	test_flips("the policy", (uint8_t *)&transfer.policy, 4, try_start,
		   &transfer, BAD_MEASUREMENT);
	test_flips("the PDH's point", transfer.peer.pdh + 0x14, 144,
		   try_start, &transfer, BAD_CERT);
	is(try_start(&transfer), OK, "RECEIVE_START");
	is(guest_state(&target), RUPDATE, "and it is RUPDATE");

	test_lengths(&transfer);
	is(send_page(source, source->private, &transfer.packet), OK,
	   "SEND_UPDATE_DATA");
	memset(target.private, 0x5a, PAGE);
	memcpy(transfer.was, target.private, PAGE);
	test_flips("the header", transfer.packet.header, HEADER, try_packet,
		   &transfer, BAD_MEASUREMENT);
	test_flips("the payload", transfer.packet.data, PAGE, try_packet,
		   &transfer, BAD_MEASUREMENT);
	ok(!memcmp(target.private, transfer.was, PAGE),
	   "and nothing of it got into the guest");
	test_pages(&transfer);

	is(sev(source, KVM_SEV_SEND_FINISH, NULL), OK, "SEND_FINISH");
	is(guest_state(source), SENT, "and it is SENT");
	is(sev(source, KVM_SEV_SEND_CANCEL, NULL), BAD_GUEST_STATE,
	   "no SEND_CANCEL out of SENT");
	is(send_start(source, &transfer.peer, transfer.session),
	   BAD_GUEST_STATE, "no SEND_START out of SENT");
	is(sev(&target, KVM_SEV_RECEIVE_FINISH, NULL), OK, "RECEIVE_FINISH");
	is(guest_state(&target), RUNNING, "and it is RUNNING");
	is(try_packet(&transfer), BAD_GUEST_STATE,
	   "no RECEIVE_UPDATE_DATA out of RUNNING");

	move_vcpu(source, &target);
	ok(round_of(&target, 3), "the guest goes on where it was");
	vm_close(&target);
}

static unsigned int start_policy(uint32_t policy)
{
	unsigned int status;
	struct vm vm;

	need(!vm_open(&vm), "KVM_SEV_INIT");
	status = launch_start(&vm, policy);
	vm_close(&vm);
	return status;
}

static unsigned int send_policy(uint32_t policy, const struct peer *peer)
{
	uint8_t session[SESSION];
	unsigned int status;
	struct vm vm;

	launch(&vm, policy);
	status = send_start(&vm, peer, session);
	vm_close(&vm);
	return status;
}

static void test_policy(void)
{
	static struct peer peer, other;

	is(start_policy(1 << 2), UNSUPPORTED, "no guest with ES");
	is(start_policy(1 << 6), BAD_PARAM, "no policy with reserved bits");
	is(start_policy(52 << 24 | 1 << 16), BAD_POLICY, "none of a newer API");
	is(start_policy(2 << 16), BAD_POLICY, "none of a newer major");
	is(start_policy(51 << 24 | 1 << 16), OK, "but of this API");

	export(&peer);
	load(&other, "b");
	is(send_policy(1 << 3, &peer), BAD_POLICY, "NOSEND is not sent");
	is(send_policy(1 << 5, &peer), OK, "SEV is sent to a genuine chip");
	is(send_policy(1 << 5, &other), OK, "and to another one");
	is(send_policy(1 << 4, &other), OK, "DOMAIN is sent to the owner's");
	is(send_policy(3 << 4, &other), OK, "SEV and DOMAIN to both");
	load(&other, "c");
	is(send_policy(1 << 4, &other), BAD_POLICY, "DOMAIN not to another's");
	is(send_policy(1 << 5, &other), OK, "SEV is");
}

/* What is wrong with the certificates, and what a policy of 0 and SEV say */
static void test_certs(void)
{
	static const struct {
		const char *what;
		int offset;
		uint8_t flip;
		unsigned int any, genuine;
	} cases[] = {
		{ "a PDH of version 0", 0, 1, BAD_CERT, BAD_CERT },
		{ "a PDH's use", 8, 1, BAD_CERT, BAD_CERT },
		{ "a PDH's curve", 0x10, 1, BAD_CERT, BAD_CERT },
		{ "a PDH's signature", 0x41c, 1, OK, BAD_SIGNATURE },
		{ "a PDH's minor version", 5, 1, OK, BAD_SIGNATURE },
		{ "a PEK's key", CERT + 0x14, 1, OK, BAD_SIGNATURE },
		{ "a PEK's signature by the CEK", CERT + 0x624, 1,
		  OK, BAD_SIGNATURE },
		{ "a CEK's signature by the ASK", 3 * CERT + 0x41c, 1,
		  OK, BAD_SIGNATURE },
		{ "a CEK's signed key", 3 * CERT + 0x20, 1, OK, BAD_SIGNATURE },
		{ "an ASK's modulus", 4 * CERT + 600, 1, OK, BAD_SIGNATURE },
		{ "an ASK's signature", 4 * CERT + 1100, 1, OK, BAD_SIGNATURE },
		{ "another ARK", 4 * CERT + 1600 + 600, 1, OK, BAD_CERT },
		{ "an ARK's use", 4 * CERT + 1600 + 36, 1, BAD_CERT, BAD_CERT },
	};
	static struct peer good, peer;
	unsigned int i;

	export(&good);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		peer = good;
		((uint8_t *)&peer)[cases[i].offset] ^= cases[i].flip;
		is(send_policy(0, &peer), cases[i].any, cases[i].what);
		is(send_policy(1 << 5, &peer), cases[i].genuine,
		   cases[i].what);
	}
	memset(&peer, 0xa5, sizeof(peer));
	is(send_policy(0, &peer), BAD_CERT, "junk for certificates");
}

static void test_cancel(void)
{
	static struct peer peer;
	uint8_t session[SESSION], again[SESSION];
	struct vm vm, target;

	export(&peer);
	launch(&vm, 0);
	is(send_start(&vm, &peer, session), OK, "SEND_START");
	is(sev(&vm, KVM_SEV_SEND_CANCEL, NULL), OK, "SEND_CANCEL");
	is(guest_state(&vm), RUNNING, "and it is RUNNING");
	is(send_start(&vm, &peer, again), OK, "SEND_START once more");
	ok(memcmp(session, again, SESSION), "with another session");

	need(!vm_open(&target), "KVM_SEV_INIT");
	is(receive_start(&target, session, again, 0), BAD_CERT,
	   "a session for a PDH");
	is(platform(SEV_PDH_GEN, NULL), OK, "PDH_GEN");
	is(receive_start(&target, peer.pdh, again, 0), BAD_MEASUREMENT,
	   "no RECEIVE_START with the PDH gone");
	is(sev(&vm, KVM_SEV_SEND_CANCEL, NULL), OK, "SEND_CANCEL");
	export(&peer);
	is(send_start(&vm, &peer, again), OK, "SEND_START with the new one");
	is(receive_start(&target, peer.pdh, again, 0), OK, "RECEIVE_START");
	vm_close(&target);
	vm_close(&vm);
}

static void test_asids(void)
{
	struct vm vms[ASIDS + 1];
	int i, good = 0;

	for (i = 0; i < 50; i++) {
		launch(&vms[0], 0);
		good += guest_state(&vms[0]) == RUNNING;
		vm_close(&vms[0]);
	}
	is(good, 50, "50 guests come and go");

	for (i = 0; i < ASIDS; i++)
		launch(&vms[i], 0);
	is(vm_open(&vms[i]), NO_CALL, "one more than there are ASIDs does not");
	vm_close(&vms[i]);
	for (i = 0; i < ASIDS; i++)
		vm_close(&vms[i]);
	launch(&vms[0], 0);
	is(guest_state(&vms[0]), RUNNING, "and then again");
	vm_close(&vms[0]);
}

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

#define FAULTS		"/sys/kernel/debug/soft-psp/faults"
#define DELAYS		"/sys/kernel/debug/soft-psp/delays"
#define COUNTERS	"/sys/kernel/debug/soft-psp/counters"

static int shows(const char *name, const char *line)
{
	char text[4096];

	read_text(name, text, sizeof(text) - 1);
	return strstr(text, line) != NULL;
}

static void test_fault_lines(void)
{
	static const char *const bad[] = {
		"", "NOTHING 1 0 1", "SEND_START", "SEND_START x 0 1",
		"SEND_START 1 0", "SEND_START 1 0 1 later",
		"SEND_START 1 0 1 late more", "SEND_START 0x10000 0 1",
	};
	unsigned int i, taken = 0;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		taken += !write_text(FAULTS, bad[i]);
	ok(!taken && shows(FAULTS, "") && !shows(FAULTS, "SEND_START"),
	   "no fault out of a line that is wrong");
	is(write_text(FAULTS, "SEND_START 0x12 3 4 late\n"), 0, "a fault");
	ok(shows(FAULTS, "SEND_START 0x12 3 4 late\n"), "is shown");
	is(write_text(FAULTS, "SEND_START 0 0 0"), 0, "and taken back");
	ok(!shows(FAULTS, "SEND_START"), "and shown no more");
}

static void test_faults(struct vm *vm)
{
	static struct peer peer;
	uint8_t session[SESSION];
	double begin;

	export(&peer);
	is(write_text(FAULTS, "GUEST_STATUS 0x13 0 1"), 0, "a fault, at once");
	is(guest_status(vm), PLATFORM, "fails");
	is(guest_status(vm), OK, "but once");

	is(write_text(COUNTERS, "0"), 0, "counters back to 0");
	is(write_text(FAULTS, "GUEST_STATUS 11 2 2"), 0, "one after 2, 2 times");
	is(guest_status(vm), OK, "the first call");
	is(guest_status(vm), OK, "the second");
	is(guest_status(vm), BAD_MEASUREMENT, "the third fails");
	is(guest_status(vm), BAD_MEASUREMENT, "and the fourth");
	is(guest_status(vm), OK, "not the fifth");
	ok(shows(COUNTERS, "GUEST_STATUS 5 2 2\n"), "all have been counted");
	ok(shows(COUNTERS, "\nSEND_START 0 0 0\n"), "each command by itself");

	is(write_text(FAULTS, "SEND_START 9 0 1 late"), 0, "a late one");
	is(send_start(vm, &peer, session), BAD_ADDRESS, "fails");
	is(guest_state(vm), SUPDATE, "when it has been done");
	is(write_text(FAULTS, "SEND_CANCEL 9 0 1"), 0, "one that is not");
	is(sev(vm, KVM_SEV_SEND_CANCEL, NULL), BAD_ADDRESS, "fails");
	is(guest_state(vm), SUPDATE, "and is not done");
	is(sev(vm, KVM_SEV_SEND_CANCEL, NULL), OK, "until it is");

	is(write_text(DELAYS, "GUEST_STATUS 50000"), 0, "a delay");
	ok(shows(DELAYS, "GUEST_STATUS 50000\n"), "is shown");
	begin = now();
	is(guest_status(vm), OK, "takes its time");
	ok(now() - begin >= 0.05, "all of it");
	is(write_text(DELAYS, "GUEST_STATUS 0"), 0, "and ends");
	ok(!shows(DELAYS, "GUEST_STATUS"), "and is shown no more");
	is(write_text(DELAYS, "GUEST_STATUS 60000001"), ERANGE,
	   "no delay beyond a minute");
}

/* The driver gives up on a PSP that does not answer: the machine's last test */
static void test_dead(void)
{
	struct vm vm;

	launch(&vm, 0);
	is(write_text(FAULTS, "GUEST_STATUS timeout 0 1"), 0, "no answer");
	guest_status(&vm);
	is(errno, ETIMEDOUT, "is waited for no longer");
	guest_status(&vm);
	is(errno, EBUSY, "nor is anything else");
	vm_close(&vm);
}

static void test_speed(void)
{
	static struct transfer transfer;
	struct vm source, target;
	double begin;
	int i;

	launch(&source, 0);
	transfer.source = &source;
	transfer.target = &target;
	export(&transfer.peer);
	need(!vm_open(&target) &&
	     !send_start(&source, &transfer.peer, transfer.session) &&
	     !try_start(&transfer), "start");
	begin = now();
	for (i = 0; i < 1000; i++)
		send_page(&source, source.private, &transfer.packet);
	printf("# SEND_UPDATE_DATA %.0f pages/s\n", i / (now() - begin));
	begin = now();
	for (i = 0; i < 1000; i++)
		try_packet(&transfer);
	printf("# RECEIVE_UPDATE_DATA %.0f pages/s\n", i / (now() - begin));
	vm_close(&target);
	vm_close(&source);
}

static void test_on(void)
{
	struct vm vm;

	test_platform();
	test_launch(&vm);
	test_run(&vm);
	test_move(&vm);
	vm_close(&vm);
	test_policy();
	test_certs();
	test_cancel();
	test_asids();
	test_fault_lines();
	launch(&vm, 0);
	test_faults(&vm);
	vm_close(&vm);
	test_speed();
}

/* Not asked for, or without an identity */
static void test_off(void)
{
	struct vm vm;

	ok(sev_fd < 0, "there is no /dev/sev");
	is(vm_open(&vm), NO_CALL, "there is no SEV in KVM");
	vm_close(&vm);
}

/* What the kernel has said of itself */
static void test_log(int on)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "Call Trace",
	};
	static char log[1 << 20];
	unsigned int i, found = 0;
	int got = klogctl(3, log, sizeof(log) - 1);

	need(got > 0, "the kernel's log");
	log[got] = '\0';
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		found += strstr(log, bad[i]) != NULL;
	ok(!found, "the kernel complains of nothing");
	ok(!strstr(log, "FOR TESTS ONLY") == !on, "and says what it is");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "on";

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("\n# BEGIN\n");

	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	need(kvm_fd >= 0, "/dev/kvm");
	sev_fd = open("/dev/sev", O_RDWR | O_CLOEXEC);
	if (!strcmp(mode, "off")) {
		test_off();
	} else {
		need(sev_fd >= 0, "/dev/sev");
		!strcmp(mode, "dead") ? test_dead() : test_on();
	}
	test_log(strcmp(mode, "off"));
	end(failures);
}
