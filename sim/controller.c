// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "controller.h"

#define BLOCK 16u

void sim_controller_init(struct sim_controller *controller)
{
	memset(controller, 0, sizeof(*controller));
	controller->location = SIM_FIRST_LOCATION;
}

static void drop_key(struct sim_controller *controller)
{
	EVP_CIPHER_CTX_free(controller->encrypt);
	EVP_CIPHER_CTX_free(controller->decrypt);
	controller->encrypt = NULL;
	controller->decrypt = NULL;
}

void sim_controller_clear(struct sim_controller *controller)
{
	struct sim_region *region = controller->regions;
	struct sim_region *next;

	for (; region; region = next) {
		next = region->next;
		free(region);
	}
	drop_key(controller);
	OPENSSL_cleanse(controller, sizeof(*controller));
}

static bool overlaps(const struct sim_region *a, const struct sim_region *b)
{
	return a->page < b->page + b->pages && b->page < a->page + a->pages;
}

static bool fill_region(struct sim_region *ret,
			const struct kvm_enc_region *region)
{
	uint64_t last = region->addr + region->size - 1;

	if (!region->size || last < region->addr)
		return false;
	ret->addr = region->addr;
	ret->size = region->size;
	ret->page = region->addr / SIM_PAGE;
	ret->pages = last / SIM_PAGE - ret->page + 1;
	return true;
}

int sim_controller_pin(struct sim_controller *controller,
		       const struct kvm_enc_region *region)
{
	struct sim_region new = {0};
	struct sim_region *old;

	if (!fill_region(&new, region))
		return -EINVAL;
	for (old = controller->regions; old; old = old->next) {
		if (overlaps(old, &new))
			return -EEXIST;
	}
	new.location = controller->location;
	new.next = controller->regions;
	old = malloc(sizeof(*old));
	if (!old)
		return -ENOMEM;
	*old = new;
	controller->regions = old;
	controller->location += new.pages;
	return 0;
}

int sim_controller_unpin(struct sim_controller *controller,
			 const struct kvm_enc_region *region)
{
	struct sim_region **link = &controller->regions;
	struct sim_region *found;

	while (*link && ((*link)->addr != region->addr ||
			 (*link)->size != region->size))
		link = &(*link)->next;
	found = *link;
	if (!found)
		return -EINVAL;
	*link = found->next;
	controller->last = NULL;
	free(found);
	return 0;
}

static EVP_CIPHER_CTX *new_cipher(const uint8_t *key, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (!ctx)
		return NULL;
	if (EVP_CipherInit_ex2(ctx, EVP_aes_128_xts(), key, NULL, encrypt,
			       NULL) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

int sim_controller_set_key(struct sim_controller *controller,
			   const uint8_t *key)
{
	drop_key(controller);
	if (!key)
		return 0;
	controller->encrypt = new_cipher(key, 1);
	controller->decrypt = new_cipher(key, 0);
	if (controller->encrypt && controller->decrypt)
		return 0;
	drop_key(controller);
	return -EIO;
}

static bool holds(const struct sim_region *region, uint64_t page)
{
	return page >= region->page && page - region->page < region->pages;
}

bool sim_controller_holds(struct sim_controller *controller, uint64_t page)
{
	struct sim_region *region = controller->last;

	if (!region || !holds(region, page)) {
		region = controller->regions;
		while (region && !holds(region, page))
			region = region->next;
	}
	if (region)
		controller->last = region;
	return region;
}

static int locate(struct sim_controller *controller, const uint8_t *hva,
		  uint64_t *ret)
{
	uint64_t page = (uint64_t)(uintptr_t)hva / SIM_PAGE;

	if (!sim_controller_holds(controller, page))
		return -EFAULT;
	*ret = controller->last->location + (page - controller->last->page);
	return controller->encrypt ? 0 : -EIO;
}

/* The first @bytes of a page. An XTS block depends on the tweak and on how
 * far it is from the start, not on its neighbours: a prefix will do. */
static int transform(EVP_CIPHER_CTX *ctx, uint64_t location, const void *in,
		     size_t bytes, void *out)
{
	uint8_t tweak[BLOCK] = {0};
	int done = 0;

	for (size_t i = 0; i < sizeof(location); i++)
		tweak[i] = (uint8_t)(location >> (8 * i));
	if (EVP_CipherInit_ex2(ctx, NULL, NULL, tweak, -1, NULL) != 1 ||
	    EVP_CipherUpdate(ctx, out, &done, in, (int)bytes) != 1)
		return -EIO;
	return (size_t)done == bytes ? 0 : -EIO;
}

int sim_controller_read(struct sim_controller *controller, const uint8_t *hva,
			size_t bytes, void *plain)
{
	size_t offset = (uintptr_t)hva % SIM_PAGE;
	size_t end = (offset + bytes + BLOCK - 1) / BLOCK * BLOCK;
	uint64_t location;
	int error;

	error = locate(controller, hva, &location);
	if (error || !bytes)
		return error;
	if (!offset && end == bytes)
		return transform(controller->decrypt, location, hva, bytes,
				 plain);
	error = transform(controller->decrypt, location, hva - offset, end,
			  controller->plain);
	if (!error)
		memcpy(plain, controller->plain + offset, bytes);
	return error;
}

int sim_controller_write(struct sim_controller *controller, uint8_t *hva,
			 size_t bytes, const void *plain)
{
	size_t offset = (uintptr_t)hva % SIM_PAGE;
	size_t end = (offset + bytes + BLOCK - 1) / BLOCK * BLOCK;
	size_t start = offset / BLOCK * BLOCK;
	uint64_t location;
	int error;

	error = locate(controller, hva, &location);
	if (error || !bytes)
		return error;
	if (!offset && end == bytes)
		return transform(controller->encrypt, location, plain, bytes,
				 hva);
	if (start != offset || end != offset + bytes)
		error = transform(controller->decrypt, location, hva - offset,
				  end, controller->plain);
	if (error)
		return error;
	memcpy(controller->plain + offset, plain, bytes);
	error = transform(controller->encrypt, location, controller->plain,
			  end, controller->cipher);
	if (!error)
		memcpy(hva - offset + start, controller->cipher + start,
		       end - start);
	return error;
}
