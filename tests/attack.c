/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * attack --kind KIND [--runs N] [--seed S] [--every] [--from N] [--verbose]
 *
 * Migrations with somebody in between, each a function of its seed. KIND is
 * tls (the channel's bytes), records (no key, but no protection either) or peer
 * (the keys of one end) or resolve (so, when both meet again).
 * --every takes each attack at each record of one migration instead of chance;
 * --from begins with a later one. A run that ends as it must not is printed
 * with the command that replays it. Where SEVLM_SEED is set, as many runs
 * follow from there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"

#define OUTCOMES (SEVLM_OUTCOME_LOST + 1)
#define MOST_WAYS 512
/* as many share two hosts and one guest */
#define RUNS_PER_SCENE 32u
/* fewer runs prove nothing by their number */
#define ENOUGH 500u
/* an attack that fits not every migration fits one of so many */
#define TRIES 3u

struct options {
	const struct kind *kind;
	uint64_t runs, seed, from;
	bool every, verbose, runs_given;
};

struct tally {
	uint64_t drawn[MOST_WAYS], struck[MOST_WAYS];
	uint64_t ended[MOST_WAYS][OUTCOMES][OUTCOMES];
	uint64_t due[DUES];
	uint64_t again, altered, failed;
};

static struct attack attack;

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	return *text && !*end && !errno;
}

static const struct kind *find_kind(const char *name)
{
	static const struct kind *const kinds[] = {&kind_records, &kind_peer,
						   &kind_tls, &kind_resolve};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

static bool parse_value(struct options *options, const char *name,
			const char *value)
{
	if (!strcmp(name, "--kind"))
		return (options->kind = find_kind(value)) != NULL;
	if (!strcmp(name, "--runs"))
		return options->runs_given =
			       parse_number(value, &options->runs);
	if (!strcmp(name, "--seed"))
		return parse_number(value, &options->seed);
	if (!strcmp(name, "--from"))
		return parse_number(value, &options->from);
	return false;
}

static bool parse(int argc, char **argv, struct options *ret)
{
	*ret = (struct options){.runs = 1000, .seed = 1};
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--verbose"))
			ret->verbose = true;
		else if (!strcmp(argv[i], "--every"))
			ret->every = true;
		else if (i + 1 == argc ||
			 !parse_value(ret, argv[i], argv[i + 1]))
			return false;
		else
			i++;
	}
	if (ret->every && !ret->runs_given)
		ret->runs = UINT64_MAX;
	return ret->kind && !ret->kind->what(MOST_WAYS);
}

static void count(struct tally *tally)
{
	uint32_t what = attack.what;

	tally->drawn[what]++;
	tally->struck[what] += attack.struck;
	tally->ended[what][attack.outcome[0]][attack.outcome[1]]++;
	if (attack.struck)
		tally->due[attack.due]++;
	tally->again += attack.again;
	tally->altered += attack.altered;
}

static void complain(const struct options *options, uint64_t number)
{
	const char *name = options->kind->name;

	printf("FAILED: %s\nmust be %s; source %s (%s), target %s (%s)\n",
	       attack.wrong, due_name(attack.due),
	       rig_outcome_name(attack.outcome[0]), attack.ends[0],
	       rig_outcome_name(attack.outcome[1]), attack.ends[1]);
	attack.kind->describe(&attack, stdout);
	if (options->every)
		printf("replay: attack --kind %s --every --seed %llu --from "
		       "%llu --runs 1 --verbose\n",
		       name, (unsigned long long)options->seed,
		       (unsigned long long)number);
	else
		printf("replay: attack --kind %s --runs 1 --seed %llu "
		       "--verbose\n",
		       name, (unsigned long long)number);
}

static void clear(const struct options *options, uint64_t seed)
{
	memset(&attack, 0, sizeof(attack));
	attack.kind = options->kind;
	attack.seed = seed;
	attack.random.state = seed;
	/* neighbours must not walk the same way one step apart */
	attack.random.state = rig_random(&attack.random);
}

static void one(const struct options *options, struct scene *scene,
		uint64_t number, struct tally *tally)
{
	FILE *trace = options->verbose ? stdout : NULL;
	bool good = attack_run(&attack, scene, trace);

	if (trace)
		attack.kind->describe(&attack, trace);
	count(tally);
	if (good)
		return;
	tally->failed++;
	complain(options, number);
}

static bool series(const struct options *options, uint64_t seed,
		   struct tally *tally)
{
	struct scene scene = {0};
	uint64_t number = 0, at;

	printf("seeds %llu to %llu\n", (unsigned long long)seed,
	       (unsigned long long)(seed + options->runs - 1));
	for (uint64_t i = 0; i < options->runs; i++) {
		at = (seed + i) / RUNS_PER_SCENE;
		if (!scene.open || at != number) {
			scene_close(&scene);
			if (!scene_open(&scene, options->kind, number = at))
				return false;
		}
		clear(options, seed + i);
		attack.tapes = scene.tapes;
		options->kind->draw(&attack);
		one(options, &scene, seed + i, tally);
	}
	scene_close(&scene);
	return true;
}

static bool every(const struct options *options, struct tally *tally)
{
	struct scene scene;
	bool ret = scene_open(&scene, options->kind, options->seed);

	for (uint64_t i = 0; ret && i < options->runs; i++) {
		clear(options, options->seed ^ (options->from + i) << 20);
		attack.tapes = scene.tapes;
		if (!options->kind->number(&attack, options->from + i))
			break;
		one(options, &scene, options->from + i, tally);
	}
	scene_close(&scene);
	return ret;
}

static void sum_up_way(const struct tally *tally, const struct kind *kind,
		       uint32_t what)
{
	printf("%-26s %6llu %6llu ", kind->what(what),
	       (unsigned long long)tally->drawn[what],
	       (unsigned long long)tally->struck[what]);
	for (uint32_t s = 0; s < OUTCOMES; s++)
		for (uint32_t t = 0; t < OUTCOMES; t++)
			if (tally->ended[what][s][t])
				printf(" %s/%s %llu", rig_outcome_name(s),
				       rig_outcome_name(t),
				       (unsigned long long)
					       tally->ended[what][s][t]);
	printf("\n");
}

/* A test whose attacks do not happen, or do no harm, tests nothing. */
static const char *toothless(const struct tally *tally, const struct kind *kind)
{
	uint64_t drawn = 0, struck = 0, refused = 0;

	for (uint32_t i = 0; kind->what(i); i++) {
		drawn += tally->drawn[i];
		struck += tally->struck[i];
		if (tally->drawn[i] >= TRIES && !tally->struck[i])
			return kind->what(i);
	}
	if (tally->due[DUE_SPARED] && !tally->altered)
		return "no shared page differed";
	if (drawn < ENOUGH)
		return NULL;
	for (uint32_t i = 0; kind->what(i); i++)
		if (!tally->drawn[i])
			return kind->what(i);
	refused = tally->due[DUE_REFUSED] + tally->due[DUE_VMM] +
		  tally->due[DUE_UNLOADED] + tally->due[DUE_HELLO] +
		  tally->due[DUE_LATE];
	if (struck * 100 < drawn * kind->least_struck)
		return "too few attacks happened";
	return refused * 100 < drawn * kind->least_refused
		       ? "too few attacks were refused"
		       : NULL;
}

static bool sum_up(const struct tally *tally, const struct kind *kind)
{
	const char *weak = toothless(tally, kind);
	uint64_t drawn = 0;

	printf("%-26s %6s %6s  source/target\n", kind->name, "drawn", "struck");
	for (uint32_t i = 0; kind->what(i); i++) {
		sum_up_way(tally, kind, i);
		drawn += tally->drawn[i];
	}
	for (uint32_t i = 0; i < DUES; i++)
		printf("%s %llu, ", due_name((enum due)i),
		       (unsigned long long)tally->due[i]);
	printf("%llu bytes of shared pages\n",
	       (unsigned long long)tally->altered);
	if (weak)
		printf("FAILED: not enough attacks: %s\n", weak);
	printf("%llu migrations, %llu moved again: %llu failed\n",
	       (unsigned long long)drawn, (unsigned long long)tally->again,
	       (unsigned long long)tally->failed);
	return !weak && !tally->failed;
}

int main(int argc, char **argv)
{
	const char *extra = getenv("SEVLM_SEED");
	static struct tally tally;
	struct options options;
	uint64_t seed;
	bool ran;

	if (!parse(argc, argv, &options)) {
		fprintf(stderr, "usage: attack --kind tls|records|peer|resolve "
				"[--runs N] "
				"[--seed S] [--every] [--from N] "
				"[--verbose]\n");
		return 2;
	}
	ran = options.every ? every(&options, &tally)
			    : series(&options, options.seed, &tally);
	if (ran && !options.every && extra && parse_number(extra, &seed))
		ran = series(&options, seed, &tally);
	if (!ran) {
		fprintf(stderr, "attack: no migration to attack\n");
		return 1;
	}
	return sum_up(&tally, options.kind) ? 0 : 1;
}
