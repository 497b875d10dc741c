/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Changes that know operations: they are copied, dropped, moved, taken from a
 * stock; what is in them changes as libFuzzer likes.
 */
#include "stock.h"

#define OPS_MAX 512u
#define BYTES_MAX 65535u
#define CHANGES_MAX 3u

struct list {
	uint8_t mode;
	uint32_t count;
	struct fuzz_op ops[OPS_MAX];
	/* what changed bytes are, one change each */
	uint32_t used;
	uint8_t bytes[CHANGES_MAX][BYTES_MAX];
};

static uint32_t below(uint64_t *state, uint32_t limit)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return limit ? (uint32_t)(*state >> 33) % limit : 0;
}

static void parse(struct list *list, const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data + 1, size ? size - 1 : 0};

	list->used = 0;
	list->mode = size ? data[0] : MODE_EAGER | MODE_OBEYS;
	list->count = 0;
	while (list->count < OPS_MAX &&
	       fuzz_next(&input, &list->ops[list->count]))
		list->count++;
}

/* what does not fit is left out */
static size_t print(const struct list *list, uint8_t *out, size_t room)
{
	size_t size = 1;

	out[0] = list->mode;
	for (uint32_t i = 0; i < list->count; i++) {
		const struct fuzz_op *op = &list->ops[i];

		if (op->count + OP_HEAD > room - size)
			break;
		out[size] = op->kind;
		out[size + 1] = op->arg;
		out[size + 2] = (uint8_t)op->count;
		out[size + 3] = (uint8_t)(op->count >> 8);
		if (op->count)
			memcpy(out + size + OP_HEAD, op->bytes, op->count);
		size += OP_HEAD + op->count;
	}
	return size;
}

static void insert(struct list *list, uint32_t at, struct fuzz_op op)
{
	if (list->count == OPS_MAX)
		return;
	memmove(&list->ops[at + 1], &list->ops[at],
		(list->count - at) * sizeof(op));
	list->ops[at] = op;
	list->count++;
}

static void drop(struct list *list, uint64_t *chance)
{
	uint32_t at = below(chance, list->count);

	if (!list->count)
		return;
	list->count--;
	memmove(&list->ops[at], &list->ops[at + 1],
		(list->count - at) * sizeof(list->ops[0]));
}

static void copy(struct list *list, uint64_t *chance)
{
	uint32_t at = below(chance, list->count);

	if (list->count)
		insert(list, below(chance, list->count + 1), list->ops[at]);
}

static void swap(struct list *list, uint64_t *chance)
{
	uint32_t a = below(chance, list->count);
	uint32_t b = below(chance, list->count);
	struct fuzz_op op;

	if (!list->count)
		return;
	op = list->ops[a];
	list->ops[a] = list->ops[b];
	list->ops[b] = op;
}

static void take_new(struct list *list, uint64_t *chance)
{
	insert(list, below(chance, list->count + 1),
	       stock[below(chance, STOCK)]);
}

static void change_arg(struct list *list, uint64_t *chance)
{
	struct fuzz_op *op = &list->ops[below(chance, list->count)];

	if (!list->count)
		return;
	if (below(chance, 4))
		op->arg ^= (uint8_t)(1u << below(chance, 8));
	else
		op->kind = (uint8_t)below(chance, OPS);
}

static void change_mode(struct list *list, uint64_t *chance)
{
	list->mode ^= (uint8_t)(1u << below(chance, 6));
}

static void change_bytes(struct list *list, uint64_t *chance)
{
	struct fuzz_op *op = &list->ops[below(chance, list->count)];
	uint8_t *bytes = list->bytes[list->used];
	size_t room = op->count + 64;

	if (!list->count)
		return;
	list->used++;
	if (room > BYTES_MAX)
		room = BYTES_MAX;
	if (op->count)
		memcpy(bytes, op->bytes, op->count);
	op->count = LLVMFuzzerMutate(bytes, op->count, room);
	op->bytes = bytes;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned int seed)
{
	static void (*const changes[])(struct list * list,
				       uint64_t * chance) = {
		drop,	      copy,	    swap,	 take_new,
		take_new,     change_arg,   change_mode, change_bytes,
		change_bytes, change_bytes,
	};
	static uint8_t before[1u << 20];
	static struct list list;
	uint64_t chance = seed;
	uint32_t count;

	below(&chance, 1);
	/* bytes as bytes, so that nothing is out of reach */
	if (!room || size > sizeof(before) || !below(&chance, 16))
		return LLVMFuzzerMutate(data, size, room);
	memcpy(before, data, size);
	parse(&list, before, size);
	count = 1 + below(&chance, CHANGES_MAX);
	for (uint32_t i = 0; i < count; i++)
		changes[below(&chance, sizeof(changes) / sizeof(*changes))](
			&list, &chance);
	return print(&list, data, room);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size,
				 const uint8_t *b, size_t b_size, uint8_t *out,
				 size_t room, unsigned int seed)
{
	static struct list one, other;
	uint64_t chance = seed;
	uint32_t from;

	if (!room)
		return 0;
	parse(&one, a, a_size);
	parse(&other, b, b_size);
	one.count = below(&chance, one.count + 1);
	from = below(&chance, other.count + 1);
	for (uint32_t i = from; i < other.count && one.count < OPS_MAX; i++)
		one.ops[one.count++] = other.ops[i];
	return print(&one, out, room);
}
