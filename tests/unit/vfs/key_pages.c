/* SPDX-License-Identifier: MIT */
/* The states of what the kernel keeps of a key (key_pages.h): each test is a sequence of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tree.h"
#include "vfs/node/handle.h"
#include "vfs/recent.h"

#define OLD "4096\n"
#define SAME_SIZE "8192\n"
#define LONGER "16384\n"

enum { ANOTHER = 1, SETTLED_MS = 5000, HANDLES = 3, LOOKUPS = 4 };

enum event {
    END,
    LOOKUP,         /* result: 0 or ANOTHER node, which is the current one from now on */
    LOOKUP_WRITTEN, /* the same, by who is about to write */
    OPEN,           /* by the handle, to read the text */
    WRITE,          /* opened by the handle, to write */
    TRUNCATE,       /* written by a path */
    COUNT,          /* the handle was opened with a lookup */
    READ,           /* by the handle, which gets the text */
    CLOSE,
    TELL,      /* result: the size that is told, of a key that shows the text */
    ASK,       /* result: the size that is told before the key is looked at, 0 or -ESTALE */
    ASK_OPEN,  /* the same, of the handle */
    NEIGHBOUR, /* another key of the directory is written */
    STRANGER,  /* one of another directory is */
    WAIT,      /* until the directory has settled */
};

struct step {
    enum event event;
    char who; /* the handle: a, b, c; 0: none */
    const char *text;
    int result;
    const char *then; /* the state of the node, and how the handle reads; NULL: not looked at */
};

struct sequence {
    const char *name;
    struct step steps[10];
};

static struct sequence sequences[] = {
    {"a_text_of_the_size_that_was_told_is_held",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {READ, 'a', OLD, 0, NULL},
      {CLOSE, 'a', NULL, 0, "HELD"},
      {LOOKUP, 0, OLD, 0, "HELD"}}},
    {"pages_are_kept_when_a_read_has_come_since_the_text_is_held",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {OPEN, 'b', OLD, 0, "HELD paged"},
      {READ, 'b', OLD, 0, NULL},
      {OPEN, 'c', OLD, 0, "HELD kept"}}},
    {"a_text_of_another_size_than_was_told_goes_past_the_pages",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"}, {OPEN, 'a', LONGER, 0, "DIRECT direct"}}},
    {"a_node_that_is_open_past_the_pages_is_not_held",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {NEIGHBOUR, 0, NULL, 0, NULL},
      {OPEN, 'a', OLD, 0, "UNREAD direct"},
      {WAIT, 0, NULL, 0, NULL},
      {OPEN, 'b', OLD, 0, "UNREAD direct"},
      {CLOSE, 'a', NULL, 0, "UNREAD"},
      {CLOSE, 'b', NULL, 0, "UNREAD"},
      {OPEN, 'c', OLD, 0, "HELD paged"}}},
    {"a_write_elsewhere_lets_a_text_be_held",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {STRANGER, 0, NULL, 0, NULL},
      {OPEN, 'a', OLD, 0, "HELD paged"}}},
    {"another_text_while_it_is_open_retires_the_node_and_is_stale_once",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {OPEN, 'b', SAME_SIZE, -ESTALE, "retired"},
      {LOOKUP, 0, SAME_SIZE, ANOTHER, "UNREAD"},
      {OPEN, 'b', SAME_SIZE, 0, "UNREAD direct"},
      {OPEN, 'c', LONGER, 0, "DIRECT direct"},
      {READ, 'a', OLD, 0, NULL}}},
    {"a_retired_node_is_opened_for_its_own_text",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {OPEN, 'b', LONGER, -ESTALE, "retired"},
      {OPEN, 'b', OLD, 0, "retired paged"}}},
    {"another_text_while_nobody_has_it_open_goes_past_the_pages",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {CLOSE, 'a', NULL, 0, "HELD"},
      {OPEN, 'b', SAME_SIZE, 0, "DIRECT direct"},
      {OPEN, 'c', OLD, 0, "DIRECT direct"}}},
    {"a_writer_goes_past_the_pages_and_so_do_all_after_it",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {WRITE, 'a', NULL, 0, "DIRECT direct"},
      {OPEN, 'b', OLD, 0, "DIRECT direct"}}},
    {"a_writer_of_a_held_text_that_nobody_has_open_goes_past_the_pages",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {CLOSE, 'a', NULL, 0, "HELD"},
      {TRUNCATE, 0, NULL, 0, "DIRECT"}}},
    {"a_writer_of_a_text_that_somebody_reads_is_stale",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {WRITE, 'b', NULL, -ESTALE, "retired"},
      {LOOKUP_WRITTEN, 0, OLD, ANOTHER, "DIRECT"},
      {WRITE, 'b', NULL, 0, "DIRECT direct"}}},
    {"a_lookup_to_write_retires_what_somebody_reads",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {LOOKUP_WRITTEN, 0, OLD, ANOTHER, "DIRECT"},
      {COUNT, 'b', NULL, 0, "DIRECT direct"},
      {READ, 'a', OLD, 0, NULL}}},
    {"a_node_that_was_written_is_retired_when_the_directory_has_settled",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {WRITE, 'a', NULL, 0, "DIRECT direct"},
      {CLOSE, 'a', NULL, 0, "DIRECT"},
      {LOOKUP, 0, OLD, 0, "DIRECT"},
      {WAIT, 0, NULL, 0, NULL},
      {LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'b', OLD, 0, "HELD paged"}}},
    {"a_node_that_was_found_to_be_written_is_not_retired_at_once",
     {{LOOKUP_WRITTEN, 0, OLD, ANOTHER, "DIRECT"},
      {COUNT, 'a', NULL, 0, "DIRECT direct"},
      {CLOSE, 'a', NULL, 0, "DIRECT"},
      {LOOKUP, 0, OLD, 0, "DIRECT"}}},
    {"a_node_that_was_written_stays_while_it_is_open",
     {{LOOKUP_WRITTEN, 0, OLD, ANOTHER, "DIRECT"},
      {COUNT, 'a', NULL, 0, "DIRECT direct"},
      {WAIT, 0, NULL, 0, NULL},
      {LOOKUP, 0, OLD, 0, "DIRECT"}}},
    {"a_lookup_of_another_size_goes_past_the_pages",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"}, {LOOKUP, 0, LONGER, 0, "DIRECT"}}},
    {"a_lookup_of_another_size_retires_what_is_open",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {LOOKUP, 0, LONGER, ANOTHER, "UNREAD"},
      {OPEN, 'b', LONGER, 0, "HELD paged"},
      {READ, 'a', OLD, 0, NULL}}},
    {"a_lookup_of_another_size_keeps_an_idle_node_until_the_directory_has_settled",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {CLOSE, 'a', NULL, 0, "HELD"},
      {NEIGHBOUR, 0, NULL, 0, NULL},
      {LOOKUP, 0, LONGER, 0, "DIRECT"},
      {WAIT, 0, NULL, 0, NULL},
      {LOOKUP, 0, LONGER, ANOTHER, "UNREAD"}}},
    {"one_size_is_told_until_another_makes_it_direct",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {TELL, 0, OLD, 5, "UNREAD"},
      {TELL, 0, LONGER, 6, "DIRECT"},
      {TELL, 0, OLD, 5, "DIRECT"}}},
    {"the_size_that_is_held_is_told_while_it_is_open",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {TELL, 0, LONGER, 5, "HELD"},
      {CLOSE, 'a', NULL, 0, "HELD"},
      {TELL, 0, LONGER, 6, "DIRECT"}}},
    {"who_reads_held_pages_is_told_their_size",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {ASK, 0, NULL, 0, "HELD"},
      {ASK_OPEN, 'a', NULL, 5, "HELD paged"}}},
    {"who_reads_past_the_pages_is_told_what_the_key_shows",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', LONGER, 0, "DIRECT direct"},
      {ASK_OPEN, 'a', NULL, 0, "DIRECT direct"}}},
    {"a_retired_node_is_told_of_while_it_is_open_and_stale_after_that",
     {{LOOKUP, 0, OLD, ANOTHER, "UNREAD"},
      {OPEN, 'a', OLD, 0, "HELD paged"},
      {OPEN, 'b', LONGER, -ESTALE, "retired"},
      {WAIT, 0, NULL, 0, NULL},
      {ASK, 0, NULL, 5, "retired"},
      {CLOSE, 'a', NULL, 0, "retired"},
      {ASK, 0, NULL, -ESTALE, "retired"},
      {LOOKUP, 0, LONGER, ANOTHER, "UNREAD"},
      {OPEN, 'b', LONGER, 0, "UNREAD direct"}}},
};

enum { SEQUENCES = sizeof(sequences) / sizeof(sequences[0]) };

/* A key of a.vmx, and who has it open. */
struct key {
    struct tree *t;
    struct node *taken[LOOKUPS];
    unsigned lookups;
    struct handle handles[HANDLES];
};

static struct node *current(const struct key *k)
{
    return k->taken[k->lookups - 1];
}

static int look_up(struct key *k, const struct step *step)
{
    const struct node *before = k->lookups > 0 ? current(k) : NULL;
    const struct found found = {
        .ops = &key_ops,
        .st.st_size = (off_t)strlen(step->text),
        .written = step->event == LOOKUP_WRITTEN,
    };
    assert_true(k->lookups < LOOKUPS);
    k->taken[k->lookups++] = tree_take(k->t, k->t->a, "memSize", &found);
    return current(k) == before ? 0 : ANOTHER;
}

static int tell(struct key *k, const char *text)
{
    struct stat st = {.st_size = (off_t)strlen(text)};
    bool trusted = key_pages_tell(&k->t->vfs, current(k), &st);
    assert_int_equal(trusted, st.st_size == (off_t)strlen(text));
    return (int)st.st_size;
}

static int ask(struct key *k, const struct handle *h)
{
    struct stat st = {0};
    int r = key_pages_known(&k->t->vfs, h ? h->node : current(k), h, &st);
    return r == 1 ? (int)st.st_size : r;
}

static void read_text(const struct handle *h, const char *text)
{
    const struct span got = key_pages_text(h->node);
    assert_true(span_eq(got, span_of(text)));
}

static void close_handle(struct key *k, struct handle *h)
{
    lock_take(&k->t->vfs.lock);
    key_pages_close(&k->t->vfs, h);
    lock_drop(&k->t->vfs.lock);
}

static int carry_out(struct key *k, const struct step *step, struct handle *h)
{
    struct vfs *vfs = &k->t->vfs;
    if (h && (step->event == OPEN || step->event == WRITE || step->event == COUNT))
        *h = (struct handle){.node = current(k)};
    switch (step->event) {
    case LOOKUP:
    case LOOKUP_WRITTEN:
        return look_up(k, step);
    case OPEN:
        return key_pages_open(vfs, h->node, span_of(step->text), h);
    case WRITE:
    case TRUNCATE:
        return key_pages_write(vfs, current(k), h);
    case COUNT:
        key_pages_count(vfs, h);
        return 0;
    case READ:
        read_text(h, step->text);
        return 0;
    case CLOSE:
        close_handle(k, h);
        return 0;
    case TELL:
        return tell(k, step->text);
    case ASK:
    case ASK_OPEN:
        return ask(k, h);
    case NEIGHBOUR:
    case STRANGER:
        recent_set(vfs, RECENT_WRITTEN, step->event == NEIGHBOUR ? k->t->a : k->t->b,
                   (struct span){0});
        return 0;
    case WAIT:
        tree_now += SETTLED_MS;
        return 0;
    case END:
        break;
    }
    return -EINVAL;
}

static void check_state(const struct key *k, const struct step *step, const struct handle *h)
{
    static const char *const states[] = {"UNREAD", "HELD", "DIRECT"};
    static const char *const ways[] = {"", " direct", " paged"};
    const struct node *n = h ? h->node : current(k);
    char now[32];
    snprintf(now, sizeof(now), "%s%s",
             n->key_pages.retired ? "retired" : states[n->key_pages.state],
             !h                            ? ""
             : h->keep && h->io != IO_NONE ? " kept"
                                           : ways[h->io]);
    assert_string_equal(now, step->then);
}

static void run(void **state)
{
    const struct sequence *sequence = *state;
    struct key k = {.t = tree_new()};
    for (const struct step *step = sequence->steps; step->event != END; step++) {
        struct handle *h = step->who ? &k.handles[step->who - 'a'] : NULL;
        print_message("step %d\n", (int)(step - sequence->steps) + 1);
        assert_int_equal(carry_out(&k, step, h), step->result);
        if (step->then)
            check_state(&k, step, h);
    }
    for (unsigned i = 0; i < k.lookups; i++)
        node_unref(&k.t->vfs, k.taken[i]);
    tree_free(k.t);
}

static void a_text_of_more_than_one_page_is_not_held(void **state)
{
    static char text[KEY_PAGES_TEXT_MAX + 1];
    for (size_t n = KEY_PAGES_TEXT_MAX; n <= KEY_PAGES_TEXT_MAX + 1; n++) {
        struct tree *t = tree_new();
        struct node *key =
            tree_take(t, t->a, "note", &(struct found){.ops = &key_ops, .st.st_size = (off_t)n});
        struct handle h = {.node = key};
        assert_int_equal(key_pages_open(&t->vfs, key, (struct span){text, n}, &h), 0);
        assert_int_equal(h.io, n == KEY_PAGES_TEXT_MAX ? IO_PAGED : IO_DIRECT);
        node_unref(&t->vfs, key);
        tree_free(t);
    }
    (void)state;
}

static void a_removed_key_has_no_link_and_the_size_that_was_told(void **state)
{
    struct tree *t = tree_new();
    struct node *key =
        tree_take(t, t->a, "memSize", &(struct found){.ops = &key_ops, .st.st_size = 5});
    struct stat st = {0};
    assert_int_equal(key_pages_of_removed(&t->vfs, key, &st), 0);
    assert_int_equal(st.st_size, 5);
    assert_int_equal(st.st_nlink, 0);
    node_unref(&t->vfs, key);
    tree_free(t);
    (void)state;
}

int main(void)
{
    struct CMUnitTest tests[SEQUENCES + 2] = {
        [SEQUENCES] = cmocka_unit_test(a_text_of_more_than_one_page_is_not_held),
        [SEQUENCES + 1] = cmocka_unit_test(a_removed_key_has_no_link_and_the_size_that_was_told),
    };
    for (size_t i = 0; i < SEQUENCES; i++)
        tests[i] = (struct CMUnitTest){
            .name = sequences[i].name, .test_func = run, .initial_state = &sequences[i]};
    return cmocka_run_group_tests_name("key_pages", tests, NULL, NULL);
}
