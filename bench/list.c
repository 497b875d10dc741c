/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "list.h"

struct node {
	struct node *next;
	uint64_t start;
	uint64_t end;
};

struct list {
	struct node *head;
};

struct list *list_new(void)
{
	return calloc(1, sizeof(struct list));
}

void list_free(struct list *list)
{
	struct node *node = list->head, *next;

	for (; node; node = next) {
		next = node->next;
		free(node);
	}
	free(list);
}

bool list_insert(struct list *list, uint64_t start, uint64_t end)
{
	struct node *node = malloc(sizeof(*node));
	struct node **at = &list->head;

	if (!node)
		return false;
	while (*at && (*at)->start < start)
		at = &(*at)->next;
	*node = (struct node){.next = *at, .start = start, .end = end};
	*at = node;
	return true;
}

void list_remove(struct list *list, uint64_t start, uint64_t end)
{
	struct node **at = &list->head, *node;

	while ((node = *at)) {
		if (node->start >= start && node->end <= end) {
			*at = node->next;
			free(node);
			return;
		}
		at = &node->next;
	}
}

bool list_lookup(const struct list *list, uint64_t frame)
{
	const struct node *node;

	for (node = list->head; node; node = node->next)
		if (frame >= node->start && frame < node->end)
			return true;
	return false;
}
