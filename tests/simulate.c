/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * simulate [--runs N] [--seed S] [--verbose]
 *
 * Migrations with faults, each a function of its seed. A run that ends in
 * what no migration may end in is printed with the command that replays it.
 * Where SEVLM_SEED is set, as many runs follow from there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

#define ASIDS 2u
/* as many share two hosts, which are dear to make */
#define RUNS_PER_HOST 64u
/* one seed in so many is run twice and compared */
#define TWICE_EVERY 64u

struct options {
	uint64_t runs, seed;
	bool verbose;
};

struct tally {
	uint64_t drawn[FAULTS], struck[FAULTS];
	uint64_t outcome[FAULTS][SEVLM_OUTCOME_LOST + 1];
	uint64_t again, turned, twice, refused, failed;
	uint64_t doubts, attempts, fenced;
	uint64_t resolved[SEVLM_OUTCOME_LOST + 1];
	uint64_t bustled[5];
};

static struct run first, second;

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	return *text && !*end && !errno;
}

static bool parse(int argc, char **argv, struct options *ret)
{
	*ret = (struct options){.runs = 1000, .seed = 1};
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--verbose"))
			ret->verbose = true;
		else if (!strcmp(argv[i], "--runs") && i + 1 < argc &&
			 parse_number(argv[i + 1], &ret->runs))
			i++;
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc &&
			 parse_number(argv[i + 1], &ret->seed))
			i++;
		else
			return false;
	}
	return true;
}

static void count(struct tally *tally, const struct run *run)
{
	enum fault fault = run->dose.fault;

	tally->drawn[fault]++;
	tally->struck[fault] += run->dose.struck;
	tally->outcome[fault][run->outcome[0]]++;
	tally->again += run->again;
	tally->turned += run->turned;
	tally->refused += run->refused;
	tally->doubts += run->resolving;
	tally->attempts += run->attempts;
	tally->fenced += run->fenced;
	tally->resolved[run->resolved[run->fenced]] += run->resolving;
	for (int i = 0; i < 5; i++)
		tally->bustled[i] += run->bustled[i];
}

static void complain(struct tally *tally, const struct run *run)
{
	tally->failed++;
	printf("FAILED: %s\n", run->wrong);
	run_describe(run, stdout);
	printf("replay: simulate --runs 1 --seed %llu --verbose\n",
	       (unsigned long long)run->seed);
}

static bool same(struct run *a, struct run *b)
{
	for (int i = 0; i < 2; i++)
		if (a->hash[i] != b->hash[i] || a->bytes[i] != b->bytes[i] ||
		    a->outcome[i] != b->outcome[i] ||
		    a->resolved[i] != b->resolved[i])
			return false;
	return true;
}

static bool on(struct run *run, struct rig_hosts *hosts, FILE *trace)
{
	bool ret = run_do(run, hosts, trace);

	hosts->left[1] += run->left;
	if (rig_hosts_boot(hosts) || !rig_hosts_clean(hosts)) {
		run->wrong = "a guest context or an ASID is left";
		ret = false;
	}
	return ret;
}

/* on hosts of its own, so that keys and packets are the seed's too */
static bool alone(struct run *run, uint64_t seed, FILE *trace)
{
	struct rig_hosts hosts;
	bool ret;

	run_draw(run, seed);
	if (rig_hosts_new(&hosts, seed, ASIDS)) {
		run->wrong = "no software hosts";
		return false;
	}
	ret = on(run, &hosts, trace);
	rig_hosts_free(&hosts);
	return ret;
}

static bool twice(uint64_t seed, FILE *trace, struct tally *tally)
{
	tally->twice++;
	if (!alone(&first, seed, trace))
		return false;
	if (alone(&second, seed, NULL) && same(&first, &second))
		return true;
	first.wrong = second.wrong ? second.wrong : "the second run is another";
	return false;
}

static bool once(uint64_t seed, struct rig_hosts *hosts, FILE *trace)
{
	run_draw(&first, seed);
	return on(&first, hosts, trace);
}

static void one(const struct options *options, uint64_t seed,
		struct rig_hosts *hosts, struct tally *tally)
{
	FILE *trace = options->verbose ? stdout : NULL;
	bool good = seed % TWICE_EVERY ? once(seed, hosts, trace)
				       : twice(seed, trace, tally);

	if (trace)
		run_describe(&first, trace);
	count(tally, &first);
	if (!good)
		complain(tally, &first);
}

static void progress(uint64_t done, uint64_t all)
{
	uint64_t tenth = all / 10 + !(all / 10);

	if (done % tenth)
		return;
	printf("%llu of %llu runs\n", (unsigned long long)done,
	       (unsigned long long)all);
	fflush(stdout);
}

static bool series(const struct options *options, uint64_t seed,
		   struct tally *tally)
{
	struct rig_hosts hosts = {0};

	printf("seeds %llu to %llu\n", (unsigned long long)seed,
	       (unsigned long long)(seed + options->runs - 1));
	for (uint64_t i = 0; i < options->runs; i++) {
		if (i % RUNS_PER_HOST == 0) {
			rig_hosts_free(&hosts);
			if (rig_hosts_new(&hosts, seed + i, ASIDS))
				return false;
		}
		one(options, seed + i, &hosts, tally);
		progress(i + 1, options->runs);
	}
	rig_hosts_free(&hosts);
	return true;
}

static void sum_up(const struct tally *tally)
{
	uint64_t sum = 0;

	printf("%-16s %6s %6s", "fault", "drawn", "struck");
	for (uint32_t o = 0; o <= SEVLM_OUTCOME_LOST; o++)
		printf(" %9s", rig_outcome_name(o));
	printf("\n");
	for (int f = 0; f < FAULTS; f++) {
		printf("%-16s %6llu %6llu", fault_name((enum fault)f),
		       (unsigned long long)tally->drawn[f],
		       (unsigned long long)tally->struck[f]);
		for (uint32_t o = 0; o <= SEVLM_OUTCOME_LOST; o++)
			printf(" %9llu",
			       (unsigned long long)tally->outcome[f][o]);
		printf("\n");
		sum += tally->drawn[f];
	}
	printf("%llu skip hints, %llu writes of the VMM, %llu regions plugged, "
	       "%llu unplugged, %llu taken\n",
	       (unsigned long long)tally->bustled[0],
	       (unsigned long long)tally->bustled[1],
	       (unsigned long long)tally->bustled[2],
	       (unsigned long long)tally->bustled[3],
	       (unsigned long long)tally->bustled[4]);
	printf("%llu doubts, %llu sources fenced, %llu meetings;",
	       (unsigned long long)tally->doubts,
	       (unsigned long long)tally->fenced,
	       (unsigned long long)tally->attempts);
	for (uint32_t o = 0; o <= SEVLM_OUTCOME_LOST; o++)
		printf(" %llu %s%s", (unsigned long long)tally->resolved[o],
		       rig_outcome_name(o), o < SEVLM_OUTCOME_LOST ? "," : "\n");
	printf("%llu migrations, %llu moved again, %llu moved back, %llu run "
	       "twice, %llu refused by policy: %llu failed\n",
	       (unsigned long long)sum, (unsigned long long)tally->again,
	       (unsigned long long)tally->turned,
	       (unsigned long long)tally->twice,
	       (unsigned long long)tally->refused,
	       (unsigned long long)tally->failed);
}

int main(int argc, char **argv)
{
	const char *extra = getenv("SEVLM_SEED");
	struct tally tally = {0};
	struct options options;
	bool ran;
	uint64_t seed;

	if (!parse(argc, argv, &options)) {
		fprintf(stderr,
			"usage: simulate [--runs N] [--seed S] [--verbose]\n");
		return 2;
	}
	ran = series(&options, options.seed, &tally);
	if (ran && extra && parse_number(extra, &seed))
		ran = series(&options, seed, &tally);
	if (!ran) {
		fprintf(stderr, "simulate: no software hosts\n");
		return 1;
	}
	sum_up(&tally);
	return tally.failed ? 1 : 0;
}
