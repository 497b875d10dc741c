/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <openssl/rand.h>

#include "chance.h"
#include "fuzz.h"

/* the replacement for it needs a provider of one's own */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static uint64_t state;

static int draw(unsigned char *buf, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		buf[i] = (unsigned char)(state >> 33);
	}
	return 1;
}

static int ready(void)
{
	return 1;
}

static const RAND_METHOD method = {
	.bytes = draw,
	.pseudorand = draw,
	.status = ready,
};

void chance_reset(void)
{
	state = 1;
	MUST(RAND_set_rand_method(&method));
}
