// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "guest.h"

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* what a page should be */
struct page {
	uint64_t base;		/* step of its contents; 0: the first ones */
	uint64_t slot;		/* step that wrote its slot since; 0: none */
	bool shared;
	bool lost;		/* converted, new contents still to come */
};

struct model {
	const struct sim_workload *workload;
	const uint8_t *image;
	size_t bytes;
	struct page *pages;
	char *error;
	size_t room;
};

static void apply(struct page *pages, const struct sim_action *action)
{
	struct page now = {.base = action->step, .shared = action->shared};

	if (action->kind == SIM_DO_WRITE || action->kind == SIM_DO_IN)
		pages[action->page].slot = action->step;
	if (action->kind != SIM_DO_CONVERT)
		return;
	for (uint64_t i = 0; i < action->count; i++)
		pages[action->page + i] = now;
}

static void lose(struct page *pages, const struct sim_action *action)
{
	if (action->kind != SIM_DO_CONVERT)
		return;
	apply(pages, action);
	for (uint64_t i = 0; i < action->count; i++)
		pages[action->page + i].lost = true;
}

static void replay(struct sim_guest *guest, struct page *pages)
{
	const struct sim_workload *workload = &guest->workload;
	uint64_t steps = sim_guest_steps(guest);
	struct sim_action action;

	for (uint32_t i = 0; i < guest->phase; i++) {
		sim_workload_boot(workload, i, &action);
		apply(pages, &action);
	}
	if (workload->kind == SEVLM_SIM_IDLE)
		steps = 0;
	for (uint64_t i = 1; i <= steps; i++) {
		sim_workload_step(workload, i, &action);
		apply(pages, &action);
	}
	if (guest->vcpu != SIM_VCPU_RUNNING)
		lose(pages, &guest->action);
}

static void expect_table(const struct model *model, uint64_t page,
			 uint8_t *contents)
{
	uint64_t entry;

	memset(contents, 0, SIM_PAGE);
	for (size_t i = 0; i < SIM_PAGE && page < model->workload->pages;
	     i += sizeof(entry), page++) {
		entry = sim_workload_entry(page, model->pages[page].shared);
		memcpy(contents + i, &entry, sizeof(entry));
	}
}

static void expect(const struct model *model, uint64_t page, uint8_t *contents)
{
	const struct page *now = &model->pages[page];
	uint64_t tables = sim_workload_tables(model->workload);
	uint64_t table = model->workload->pages - tables;
	uint64_t start = page * SIM_PAGE;

	if (page >= table)
		expect_table(model, (page - table) * (SIM_PAGE / 8), contents);
	else if (now->base)
		sim_workload_again(model->workload, page, now->base,
				   now->shared, contents);
	else if (start < model->bytes)
		memcpy(contents, model->image + start, SIM_PAGE);
	else
		sim_workload_first(model->workload, page, contents);
	if (now->slot)
		sim_workload_slot(model->workload, page, now->slot,
				  contents + sim_workload_offset(
						model->workload, page));
}

static PRINTF(2, 3) int wrong(const struct model *model, const char *format,
			      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(model->error, model->room, format, args);
	va_end(args);
	return -EBADMSG;
}

static uint64_t last_step(const struct page *page)
{
	if (page->slot)
		return page->slot;
	return page->base == SIM_BOOT_STEP ? 0 : page->base;
}

static int compare(const struct model *model, uint64_t page,
		   const uint8_t *found, const uint8_t *expected)
{
	const struct page *now = &model->pages[page];
	size_t i = 0;

	if (!memcmp(found, expected, SIM_PAGE))
		return 0;
	while (found[i] == expected[i])
		i++;
	return wrong(model,
		     "gpa 0x%llx, last written in step %llu, offset %zu: "
		     "expected 0x%02x, found 0x%02x; the page should be %s",
		     (unsigned long long)(page * SIM_PAGE),
		     (unsigned long long)last_step(now), i, expected[i],
		     found[i], now->shared ? "shared" : "private");
}

static int check_page(const struct model *model, struct sim_guest *guest,
		      uint64_t page)
{
	const struct page *now = &model->pages[page];
	unsigned long long gpa = page * SIM_PAGE;
	uint8_t expected[SIM_PAGE];
	uint8_t found[SIM_PAGE];

	if (sim_guest_shared(guest, page) != now->shared)
		return wrong(model,
			     "gpa 0x%llx, last written in step %llu: the "
			     "guest's page table has it %s, it should be %s",
			     gpa, (unsigned long long)last_step(now),
			     now->shared ? "private" : "shared",
			     now->shared ? "shared" : "private");
	if (sim_guest_read(guest, gpa, found, SIM_PAGE))
		return wrong(model, "gpa 0x%llx cannot be read", gpa);
	if (now->lost)
		return 0;
	expect(model, page, expected);
	return compare(model, page, found, expected);
}

int sim_guest_check(struct sim_guest *guest, const uint8_t *image,
		    size_t bytes, char *error, size_t room)
{
	struct model model = {&guest->workload, image, bytes, NULL, error,
			      room};
	uint64_t pages = guest->workload.pages;
	int result = 0;

	model.pages = calloc(pages, sizeof(*model.pages));
	if (!model.pages)
		return -ENOMEM;
	replay(guest, model.pages);
	for (uint64_t i = 0; i < pages && !result; i++)
		result = check_page(&model, guest, i);
	free(model.pages);
	return result;
}

static bool digest_pages(struct sim_guest *guest, EVP_MD_CTX *ctx)
{
	uint8_t buf[1 + SIM_PAGE];

	for (uint64_t i = 0; i < guest->workload.pages; i++) {
		buf[0] = sim_guest_shared(guest, i);
		if (sim_guest_read(guest, i * SIM_PAGE, buf + 1, SIM_PAGE) ||
		    EVP_DigestUpdate(ctx, buf, sizeof(buf)) != 1)
			return false;
	}
	return true;
}

int sim_guest_digest(struct sim_guest *guest, uint8_t *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int error = -EIO;

	if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    digest_pages(guest, ctx) &&
	    EVP_DigestFinal_ex(ctx, digest, NULL) == 1)
		error = 0;
	EVP_MD_CTX_free(ctx);
	return error;
}
