/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Certificates of platforms: shown, verified, exported, pinned. */
#ifndef SEVLM_CERTS_H
#define SEVLM_CERTS_H

#include "file.h"
#include "options.h"

#define DIGEST_TEXT (2 * SEVLM_KEY_DIGEST_SIZE + 1)
/* ASK and ARK of 4096 bits */
#define AMD_MOST 3200u

/* the OCA and the CEK in PEK, OCA, CEK */
#define CHAIN_OCA SEVLM_CERT_SIZE
#define CHAIN_CEK (2 * SEVLM_CERT_SIZE)

/* certs.c: a file of exactly so many bytes; 0, or a negative errno with a
 * sentence */
int certs_read(struct file *file, const char *path, size_t bytes,
	       struct sentence *why);
/* puts the CEK of that file, where there is a path, into PEK, OCA, CEK */
int certs_put_cek(uint8_t *chain, const char *path, struct sentence *why);

int command_certs_show(const struct options *options);
int command_certs_verify(const struct options *options);
int command_certs_export(const struct options *options);
int command_certs_pin(const struct options *options);

#endif /* SEVLM_CERTS_H */
