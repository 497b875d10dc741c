/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* export-chain DIR SEED: the certificates of a software host as files, for
 * openssl-chain.sh. */
#include <stdio.h>
#include <stdlib.h>

#include "certs.h"

static int write_file(const char *dir, const char *name, const uint8_t *bytes,
		      size_t count)
{
	char path[4096];
	FILE *file;
	int bad;

	snprintf(path, sizeof(path), "%s/%s.cert", dir, name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		return 1;
	}
	bad = fwrite(bytes, 1, count, file) != count;
	return fclose(file) || bad;
}

int main(int argc, char **argv)
{
	struct certs certs;
	const char *dir;
	int bad;

	if (argc != 3)
		return 2;
	dir = argv[1];
	certs_of_seed(&certs, strtoull(argv[2], NULL, 0));
	bad = write_file(dir, "pdh", certs.pdh, CERT);
	bad |= write_file(dir, "pek", certs.chain + AT_PEK, CERT);
	bad |= write_file(dir, "oca", certs.chain + AT_OCA, CERT);
	bad |= write_file(dir, "cek", certs.chain + AT_CEK, CERT);
	bad |= write_file(dir, "ask", certs.amd, 1600);
	bad |= write_file(dir, "ark", certs.amd + 1600, 1600);
	return bad;
}
