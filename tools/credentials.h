/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What proves this host to its peer, and whom the peer must prove to be. */
#ifndef SEVLM_CREDENTIALS_H
#define SEVLM_CREDENTIALS_H

#include "file.h"
#include "options.h"
#include "psk.h"

/* Nothing set: the channel is not protected. */
struct credentials {
	bool source; /* this host's role */
	bool shared; /* @psk is set */
	uint8_t psk[PSK_BYTES];
	struct file cert, key, ca, crl; /* PEM; crl may be empty */
	const char *peer; /* that its certificate names */
};

/* of --psk-file or --tls-dir; 0, or a negative errno with a sentence */
int credentials_load(struct credentials *credentials,
		     const struct options *options, bool source,
		     struct sentence *why);
/* a key that is in no file */
void credentials_share(struct credentials *credentials, const uint8_t *psk);
bool credentials_given(const struct credentials *credentials);
void credentials_free(struct credentials *credentials);

#endif /* SEVLM_CREDENTIALS_H */
