/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

SEVLM_API int sevlm_vm_new(const struct sevlm_vm_config *config,
			   struct sevlm_vm **ret_vm)
{
	const size_t least = sizeof(struct sevlm_vm_config);
	struct sevlm_vm_config known;
	struct sevlm_vm *vm;
	int ret;

	if (!ret_vm || sevlm__copy_in(&known, sizeof(known), config, least) ||
	    known.reserved)
		return -EINVAL;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	sevlm__error_clear(&vm->error);
	ret = sevlm__kernel_init(&vm->kernel, &known);
	if (!ret)
		ret = sevlm__pages_new(&vm->pages);
	if (ret) {
		sevlm_vm_free(vm);
		return ret;
	}
	*ret_vm = vm;
	return 0;
}

SEVLM_API void sevlm_vm_free(struct sevlm_vm *vm)
{
	if (!vm)
		return;
	sevlm__pages_free(vm->pages);
	free(vm);
}

SEVLM_API const char *sevlm_vm_error(const struct sevlm_vm *vm)
{
	return vm ? vm->error.text : sevlm_strerror(-EINVAL);
}

SEVLM_API uint32_t sevlm_vm_firmware_status(const struct sevlm_vm *vm)
{
	return vm ? vm->error.status : SEVLM_FIRMWARE_NOT_ASKED;
}

SEVLM_API int sevlm_vm_guest_status(struct sevlm_vm *vm,
				    struct sevlm_guest_status *ret_status)
{
	struct sevlm_guest_status status = { .size = sizeof(status) };
	int ret;

	if (!vm || !ret_status)
		return -EINVAL;
	ret = sevlm__kernel_guest_status(&vm->kernel, &vm->error, &status);
	return ret ? ret : sevlm__copy_out(ret_status, &status, sizeof(status));
}

SEVLM_API int sevlm_vm_export_certs(struct sevlm_vm *vm, void *pdh,
				    void *chain)
{
	if (!vm || !pdh || !chain)
		return -EINVAL;
	return sevlm__kernel_pdh_export(&vm->kernel, &vm->error, pdh, chain);
}

static bool regions_fixed(const struct sevlm_vm *vm)
{
	return vm->engaged && !vm->regions_open;
}

SEVLM_API int sevlm_vm_add_region(struct sevlm_vm *vm, uint64_t gpa,
				  uint64_t bytes, void *hva, uint32_t type)
{
	int ret;

	if (!vm)
		return -EINVAL;
	if (regions_fixed(vm))
		return sevlm__fail(&vm->error, -EBADFD,
				   "an engine runs: regions change through it");
	ret = sevlm__pages_add_region(vm->pages, gpa, bytes, hva, type);
	if (ret)
		return sevlm__fail(&vm->error, ret,
				   "cannot add region 0x%llx+0x%llx: %s",
				   (unsigned long long)gpa,
				   (unsigned long long)bytes,
				   sevlm_strerror(ret));
	return 0;
}

SEVLM_API int sevlm_vm_remove_region(struct sevlm_vm *vm, uint64_t gpa)
{
	int ret;

	if (!vm)
		return -EINVAL;
	if (regions_fixed(vm))
		return sevlm__fail(&vm->error, -EBADFD,
				   "an engine runs: regions change through it");
	ret = sevlm__pages_remove_region(vm->pages, gpa);
	if (ret)
		return sevlm__fail(&vm->error, ret,
				   "no region starts at 0x%llx",
				   (unsigned long long)gpa);
	return 0;
}

SEVLM_API int sevlm_vm_page_state(struct sevlm_vm *vm, uint64_t gpa,
				  uint32_t *ret_state, uint64_t *ret_bytes)
{
	if (!vm || !ret_state || !ret_bytes || gpa % PAGE_SIZE)
		return -EINVAL;
	sevlm__pages_state(vm->pages, gpa, ret_state, ret_bytes);
	return 0;
}

SEVLM_API int sevlm_vm_mark_dirty(struct sevlm_vm *vm, uint64_t gpa,
				  uint64_t bytes)
{
	uint64_t first, last;

	if (!vm || (bytes && gpa + bytes - 1 < gpa))
		return -EINVAL;
	if (!bytes)
		return 0;
	first = gpa >> PAGE_SHIFT;
	last = (gpa + bytes - 1) >> PAGE_SHIFT;
	sevlm__pages_dirty(vm->pages, first << PAGE_SHIFT, last - first + 1);
	return 0;
}

SEVLM_API int sevlm_vm_skip(struct sevlm_vm *vm, uint64_t gpa, uint64_t bytes)
{
	if (!vm || gpa % PAGE_SIZE || bytes % PAGE_SIZE || gpa + bytes < gpa)
		return -EINVAL;
	sevlm__pages_skip(vm->pages, gpa, bytes >> PAGE_SHIFT);
	return 0;
}
