/* SPDX-License-Identifier: MIT */
/*
 * Whose edit goes into which text of a setting, and who comes too late (key_state.h, key_draft.h).
 * Each test is a sequence of steps of up to three handles on a key whose value is 4096. buf_add and
 * buf_reserve are wrapped: a step can be without memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "tree.h"
#include "vfs/key/key_draft.h"

enum { HANDLES = 3, MAX = 16 };

enum act {
    END,
    OPEN,
    OPEN_TRUNC,
    WRITE,
    APPEND,
    RESIZE,
    NO_MEMORY, /* a write without memory */
    TAKE,      /* to be committed: others go on meanwhile */
    DONE,      /* what was taken is on the server */
    REFUSED,   /* it is not */
    REMOVED,   /* the key, by somebody of ours */
    CHANGED,   /* the key, by somebody else: a new handle has seen it */
    ABSENT,    /* the server has no such key */
};

struct step {
    enum act act;
    char who; /* a, b, c */
    off_t at;
    const char *bytes;
    int result;
    enum text_draft_state state; /* after it, with the ... */
    const char *text;            /* ... text; NULL: not looked at */
    const char *due, *lost;      /* whose */
};

struct sequence {
    const char *name;
    struct step steps[12];
};

#define SETUP(act, who) {act, who, 0, NULL, 0, DRAFT_CLEAN, NULL, NULL, NULL}
#define CLEAN(act, who, lost) {act, who, 0, NULL, 0, DRAFT_CLEAN, "", "", lost}

static struct sequence sequences[] = {
    {"a_writer_that_truncates_nothing_goes_on_in_the_value",
     {SETUP(OPEN, 'a'),
      {WRITE, 'a', 0, "8", 0, DRAFT_DIRTY, "8096\n", "a", ""},
      {RESIZE, 'a', 2, "", 0, DRAFT_DIRTY, "80", "a", ""},
      SETUP(TAKE, 'a'),
      CLEAN(DONE, 'a', "")}},
    {"a_writer_of_a_key_that_is_not_there_begins_with_nothing",
     {SETUP(ABSENT, 0), SETUP(OPEN, 'a'), {WRITE, 'a', 0, "8", 0, DRAFT_DIRTY, "8", "a", ""}}},
    {"a_writer_that_appends_goes_on_behind_the_value",
     {SETUP(OPEN, 'a'), {APPEND, 'a', 0, "8\n", 0, DRAFT_DIRTY, "4096\n8\n", "a", ""}}},
    {"a_writer_that_truncates_begins_with_nothing",
     {SETUP(OPEN, 'a'),
      {RESIZE, 'a', 0, "", 0, DRAFT_TRUNCATED, "", "", ""},
      {WRITE, 'a', 0, "8\n", 0, DRAFT_DIRTY, "8\n", "a", ""},
      {WRITE, 'a', 2, "9\n", 0, DRAFT_DIRTY, "8\n9\n", "a", ""}}},
    {"two_writers_share_the_text",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'a', 0, "8", 0, DRAFT_DIRTY, "8096\n", "a", ""},
      {WRITE, 'b', 1, "1", 0, DRAFT_DIRTY, "8196\n", "ab", ""},
      SETUP(TAKE, 'a'),
      CLEAN(DONE, 'a', "")}},
    {"a_writer_that_was_opened_before_another_truncated_comes_too_late",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'a', 0, "1", 0, DRAFT_DIRTY, "1096\n", "a", ""},
      {RESIZE, 'b', 0, "", 0, DRAFT_TRUNCATED, "", "", "a"},
      {WRITE, 'b', 0, "22\n", 0, DRAFT_DIRTY, "22\n", "b", "a"},
      {WRITE, 'a', 1, "x", -ECANCELED, DRAFT_DIRTY, "22\n", "b", ""},
      {WRITE, 'a', 1, "x", -ECANCELED, DRAFT_DIRTY, "22\n", "b", ""}}},
    {"a_writer_that_appends_is_never_too_late_for_who_truncated",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'a', 0, "1", 0, DRAFT_DIRTY, "1096\n", "a", ""},
      {RESIZE, 'b', 0, "", 0, DRAFT_TRUNCATED, "", "", "a"},
      {WRITE, 'b', 0, "2\n", 0, DRAFT_DIRTY, "2\n", "b", "a"},
      {APPEND, 'a', 0, "x", 0, DRAFT_DIRTY, "2\nx", "ab", ""}}},
    {"a_writer_that_truncates_after_another_takes_the_text_from_him",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'a', 0, "1", 0, DRAFT_DIRTY, "1096\n", "a", ""},
      {RESIZE, 'b', 0, "", 0, DRAFT_TRUNCATED, "", "", "a"},
      {WRITE, 'b', 0, "2\n", 0, DRAFT_DIRTY, "2\n", "b", "a"},
      {RESIZE, 'a', 0, "", 0, DRAFT_TRUNCATED, "", "", "b"},
      {WRITE, 'a', 0, "3\n", 0, DRAFT_DIRTY, "3\n", "a", "b"}}},
    {"two_that_truncated_at_once_do_not_mix",
     {SETUP(OPEN_TRUNC, 'a'),
      SETUP(OPEN_TRUNC, 'b'),
      {WRITE, 'a', 0, "333\n", 0, DRAFT_DIRTY, "333\n", "a", ""},
      {WRITE, 'b', 0, "22", 0, DRAFT_DIRTY, "22", "b", "a"},
      {WRITE, 'a', 4, "1", -ECANCELED, DRAFT_DIRTY, "22", "b", ""}}},
    {"who_truncated_and_appends_goes_on_behind_the_other",
     {SETUP(OPEN_TRUNC, 'a'),
      SETUP(OPEN_TRUNC, 'b'),
      {WRITE, 'a', 0, "1\n", 0, DRAFT_DIRTY, "1\n", "a", ""},
      {APPEND, 'b', 0, "x", 0, DRAFT_DIRTY, "1\nx", "ab", ""}}},
    {"who_truncates_what_he_wrote_shares_what_comes_after_it",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'a', 0, "8", 0, DRAFT_DIRTY, "8096\n", "a", ""},
      {RESIZE, 'a', 0, "", 0, DRAFT_TRUNCATED, "", "", ""},
      {APPEND, 'b', 0, "22\n", 0, DRAFT_DIRTY, "22\n", "ab", ""},
      {WRITE, 'a', 0, "1", 0, DRAFT_DIRTY, "12\n", "ab", ""}}},
    {"the_last_of_three_that_truncate_has_the_text",
     {SETUP(OPEN_TRUNC, 'a'),
      SETUP(OPEN_TRUNC, 'b'),
      SETUP(OPEN_TRUNC, 'c'),
      {WRITE, 'a', 0, "1\n", 0, DRAFT_DIRTY, "1\n", "a", ""},
      {WRITE, 'b', 0, "2\n", 0, DRAFT_DIRTY, "2\n", "b", "a"},
      {WRITE, 'c', 0, "3\n", 0, DRAFT_DIRTY, "3\n", "c", "ab"},
      SETUP(TAKE, 'c'),
      CLEAN(DONE, 'c', "")}},
    {"a_refusal_of_the_last_of_three_is_the_loss_of_all",
     {SETUP(OPEN_TRUNC, 'a'),
      SETUP(OPEN_TRUNC, 'b'),
      SETUP(OPEN_TRUNC, 'c'),
      {WRITE, 'a', 0, "1\n", 0, DRAFT_DIRTY, "1\n", "a", ""},
      {WRITE, 'b', 0, "2\n", 0, DRAFT_DIRTY, "2\n", "b", "a"},
      {WRITE, 'c', 0, "3\n", 0, DRAFT_DIRTY, "3\n", "c", "ab"},
      SETUP(TAKE, 'c'),
      CLEAN(REFUSED, 'c', "ab")}},
    {"a_writer_that_was_refused_begins_anew_where_he_had_truncated",
     {SETUP(OPEN_TRUNC, 'a'),
      {WRITE, 'a', 0, "999\n", 0, DRAFT_DIRTY, "999\n", "a", ""},
      SETUP(TAKE, 'a'),
      CLEAN(REFUSED, 'a', ""),
      {WRITE, 'a', 0, "1\n", 0, DRAFT_DIRTY, "1\n", "a", ""}}},
    {"a_writer_that_was_refused_goes_on_in_the_value_where_he_had_not",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'a', 0, "8", 0, DRAFT_DIRTY, "8096\n", "a", ""},
      {WRITE, 'b', 1, "1", 0, DRAFT_DIRTY, "8196\n", "ab", ""},
      SETUP(TAKE, 'a'),
      CLEAN(REFUSED, 'a', "b"),
      {WRITE, 'a', 0, "5", 0, DRAFT_DIRTY, "5096\n", "a", "b"},
      {WRITE, 'b', 0, "6", -ECANCELED, DRAFT_DIRTY, "5096\n", "a", "b"}}},
    {"what_is_written_while_a_text_is_committed_is_due_after_it",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'a', 0, "8", 0, DRAFT_DIRTY, "8096\n", "a", ""},
      SETUP(TAKE, 'a'),
      {WRITE, 'b', 1, "1", 0, DRAFT_DIRTY, "8196\n", "ab", ""},
      {DONE, 'a', 0, "", 0, DRAFT_DIRTY, "8196\n", "b", ""},
      SETUP(TAKE, 'b'),
      CLEAN(DONE, 'b', "")}},
    {"what_was_taken_is_not_lost_with_what_came_after_it",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      SETUP(OPEN, 'c'),
      {WRITE, 'a', 0, "8", 0, DRAFT_DIRTY, "8096\n", "a", ""},
      SETUP(TAKE, 'a'),
      {WRITE, 'c', 1, "1", 0, DRAFT_DIRTY, "8196\n", "ac", ""},
      {WRITE, 'b', 15, "xx", -EFBIG, DRAFT_CLEAN, "", "", "c"},
      CLEAN(DONE, 'a', "c")}},
    {"a_key_that_somebody_else_changed_ends_who_has_not_seen_it",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'a', 0, "1", 0, DRAFT_DIRTY, "1096\n", "a", ""},
      {WRITE, 'b', 1, "2", 0, DRAFT_DIRTY, "1296\n", "ab", ""},
      {CHANGED, 0, 0, "", 0, DRAFT_DIRTY, "1296\n", "ab", ""},
      {WRITE, 'a', 0, "3", -ECANCELED, DRAFT_CLEAN, "", "", "b"},
      {RESIZE, 'b', 0, "", -ECANCELED, DRAFT_CLEAN, "", "", "b"},
      SETUP(OPEN, 'c'),
      {WRITE, 'c', 0, "7", 0, DRAFT_DIRTY, "7096\n", "c", "b"}}},
    {"a_removal_ends_who_goes_on_and_not_who_begins",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN_TRUNC, 'b'),
      CLEAN(REMOVED, 0, ""),
      {WRITE, 'a', 0, "1", -ECANCELED, DRAFT_CLEAN, "", "", ""},
      {WRITE, 'b', 0, "8\n", 0, DRAFT_DIRTY, "8\n", "b", ""},
      {WRITE, 'b', 2, "9\n", 0, DRAFT_DIRTY, "8\n9\n", "b", ""},
      CLEAN(REMOVED, 0, ""),
      {WRITE, 'b', 4, "x", -ECANCELED, DRAFT_CLEAN, "", "", ""}}},
    {"a_writer_of_too_much_gets_the_same_until_he_truncates",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'b', 0, "8", 0, DRAFT_DIRTY, "8096\n", "b", ""},
      {WRITE, 'a', 15, "xx", -EFBIG, DRAFT_CLEAN, "", "", "b"},
      {WRITE, 'a', 0, "1", -EFBIG, DRAFT_CLEAN, "", "", "b"},
      {WRITE, 'b', 0, "2", -ECANCELED, DRAFT_CLEAN, "", "", "b"},
      {RESIZE, 'a', 0, "", 0, DRAFT_TRUNCATED, "", "", "b"},
      {WRITE, 'a', 0, "1\n", 0, DRAFT_DIRTY, "1\n", "a", "b"},
      {RESIZE, 'b', 0, "", 0, DRAFT_TRUNCATED, "", "", "a"}}},
    {"a_size_that_is_too_much_is_refused",
     {SETUP(OPEN, 'a'),
      {RESIZE, 'a', MAX + 1, "", -EFBIG, DRAFT_CLEAN, "", "", ""},
      {RESIZE, 'a', 0, "", 0, DRAFT_TRUNCATED, "", "", ""},
      {RESIZE, 'a', 0, "", 0, DRAFT_TRUNCATED, "", "", ""}}},
    {"a_writer_without_memory_gets_the_same_until_he_truncates",
     {SETUP(OPEN, 'a'),
      {NO_MEMORY, 'a', 0, "8", -ENOMEM, DRAFT_CLEAN, "", "", ""},
      {WRITE, 'a', 0, "8", -ENOMEM, DRAFT_CLEAN, "", "", ""},
      {RESIZE, 'a', 0, "", 0, DRAFT_TRUNCATED, "", "", ""},
      {WRITE, 'a', 0, "8\n", 0, DRAFT_DIRTY, "8\n", "a", ""}}},
    {"a_writer_whose_text_was_lost_throws_nobody_elses_away",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'b', 0, "8", 0, DRAFT_DIRTY, "8096\n", "b", ""},
      {WRITE, 'a', 15, "xx", -EFBIG, DRAFT_CLEAN, "", "", "b"},
      CLEAN(CHANGED, 0, "b"),
      SETUP(OPEN, 'c'),
      {WRITE, 'c', 0, "7", 0, DRAFT_DIRTY, "7096\n", "c", "b"},
      {RESIZE, 'b', 0, "", -ECANCELED, DRAFT_DIRTY, "7096\n", "c", "b"}}},
    {"who_is_without_memory_throws_away_what_others_wrote",
     {SETUP(OPEN, 'a'),
      SETUP(OPEN, 'b'),
      {WRITE, 'b', 0, "8", 0, DRAFT_DIRTY, "8096\n", "b", ""},
      {NO_MEMORY, 'a', 5, "12345678", -ENOMEM, DRAFT_CLEAN, "", "", "b"}}},
};

enum { SEQUENCES = sizeof(sequences) / sizeof(sequences[0]) };

static bool no_memory;

int __real_buf_add(struct buf *b, struct span bytes); /* NOLINT */
int __wrap_buf_add(struct buf *b, struct span bytes); /* NOLINT */
int __real_buf_reserve(struct buf *b, size_t extra);  /* NOLINT */
int __wrap_buf_reserve(struct buf *b, size_t extra);  /* NOLINT */

int __wrap_buf_add(struct buf *b, struct span bytes) /* NOLINT */
{
    return no_memory ? -ENOMEM : __real_buf_add(b, bytes);
}

int __wrap_buf_reserve(struct buf *b, size_t extra) /* NOLINT */
{
    return no_memory ? -ENOMEM : __real_buf_reserve(b, extra);
}

/* The key, and those who write it. */
struct key {
    struct vfs vfs; /* its list of handles */
    struct key_state *ks;
    struct handle handles[HANDLES];
    struct taken taken;
};

static void open_key(struct key *k, struct handle *h, bool truncates) REQUIRES(k->vfs.lock)
{
    struct key_state *ks = k->ks;
    if (truncates) {
        assert_int_equal(text_draft_resize(&ks->draft, 0, MAX), 0);
        ks->begun = ks->draft.version;
    }
    *h = (struct handle){.key = ks,
                         .key_generation = ks->generation,
                         .removals = ks->removals,
                         .truncated = truncates};
    DL_APPEND(k->vfs.handles, h);
}

static int edit(struct key *k, struct handle *h, const struct step *step) REQUIRES(k->vfs.lock)
{
    const struct text_draft_edit e = {.resize = step->act == RESIZE,
                                      .at = step->at,
                                      .append = h->append,
                                      .data = span_of(step->bytes)};
    no_memory = step->act == NO_MEMORY;
    int r = key_draft_edit(&k->vfs, h, &e, MAX);
    no_memory = false;
    h->wrote = h->wrote || (r == 0 && !h->truncated);
    return r;
}

static void take(struct key *k)
{
    const struct text_draft *draft = &k->ks->draft;
    taken_done(&k->taken);
    k->taken = (struct taken){0};
    assert_int_equal(key_draft_take(k->ks, &k->taken), 0);
    assert_true(span_eq(buf_span(&k->taken.bytes), buf_span(&draft->bytes)));
    assert_int_equal(k->taken.version, draft->version);
    assert_int_equal(k->taken.anew, draft->anew);
    assert_int_equal(k->ks->sent, draft->version);
}

/* What key_write.c and key_change.c note of a commit. */
static void committed(struct key *k, struct handle *h, bool refused) REQUIRES(k->vfs.lock)
{
    struct key_state *ks = k->ks;
    if (refused) {
        h->edit = 0;
        key_draft_drop(&k->vfs, ks, ks->committed);
    } else {
        ks->committed = k->taken.version;
        if (ks->draft.version == k->taken.version)
            text_draft_clean(&ks->draft);
    }
    h->truncated = refused && k->taken.anew;
    h->wrote = h->wrote && !refused;
}

static int carry_out(struct key *k, struct handle *h, const struct step *step) REQUIRES(k->vfs.lock)
{
    switch (step->act) {
    case OPEN:
    case OPEN_TRUNC:
        open_key(k, h, step->act == OPEN_TRUNC);
        break;
    case WRITE:
    case APPEND:
    case RESIZE:
    case NO_MEMORY:
        h->append = step->act == APPEND;
        return edit(k, h, step);
    case TAKE:
        take(k);
        break;
    case DONE:
    case REFUSED:
        committed(k, h, step->act == REFUSED);
        break;
    case REMOVED:
        k->ks->removals++;
        text_draft_clean(&k->ks->draft);
        break;
    case CHANGED:
        k->ks->generation++;
        break;
    case ABSENT:
        k->ks->base.there = false;
        break;
    case END:
        break;
    }
    return 0;
}

static void check(const struct key *k, const struct step *step)
{
    const struct text_draft *draft = &k->ks->draft;
    char due[HANDLES + 1] = "";
    char lost[HANDLES + 1] = "";
    for (int i = 0; i < HANDLES; i++) {
        const char who[] = {(char)('a' + i), '\0'};
        if (key_draft_is_due(k->ks, &k->handles[i]))
            strcat(due, who);
        if (key_draft_is_lost(k->ks, &k->handles[i]))
            strcat(lost, who);
    }
    assert_int_equal(draft->state, step->state);
    assert_string_equal(draft->bytes.data ? draft->bytes.data : "", step->text);
    assert_string_equal(due, step->due);
    assert_string_equal(lost, step->lost);
    assert_true(k->ks->committed <= k->ks->sent && k->ks->sent <= draft->version &&
                k->ks->begun <= draft->version);
}

static void run(void **state)
{
    const struct sequence *sequence = *state;
    struct key k = {.ks = calloc(1, sizeof(*k.ks) + 1)};
    assert_non_null(k.ks);
    lock_init(&k.vfs.lock);
    assert_int_equal(seen_set(&k.ks->base, true, SPAN_LITERAL("4096")), 0);
    lock_take(&k.vfs.lock);
    for (const struct step *step = sequence->steps; step->act != END; step++) {
        struct handle *h = step->who ? &k.handles[step->who - 'a'] : NULL;
        print_message("step %d\n", (int)(step - sequence->steps) + 1);
        assert_int_equal(carry_out(&k, h, step), step->result);
        if (step->text)
            check(&k, step);
    }
    lock_drop(&k.vfs.lock);
    taken_done(&k.taken);
    text_draft_done(&k.ks->draft);
    seen_done(&k.ks->base);
    free(k.ks);
    lock_done(&k.vfs.lock);
}

static void a_text_that_cannot_be_copied_is_not_taken(void **state)
{
    struct key_state *ks = calloc(1, sizeof(*ks) + 1);
    TAKEN_AUTO taken = {0};
    (void)state;
    assert_non_null(ks);
    assert_int_equal(text_draft_write(&ks->draft, 0, false, SPAN_LITERAL("8\n"), MAX), 0);
    no_memory = true;
    int r = key_draft_take(ks, &taken);
    no_memory = false;
    assert_int_equal(r, -ENOMEM);
    text_draft_done(&ks->draft);
    free(ks);
}

int main(void)
{
    struct CMUnitTest tests[SEQUENCES + 1] = {
        [SEQUENCES] = cmocka_unit_test(a_text_that_cannot_be_copied_is_not_taken)};
    for (size_t i = 0; i < SEQUENCES; i++)
        tests[i] = (struct CMUnitTest){
            .name = sequences[i].name, .test_func = run, .initial_state = &sequences[i]};
    return cmocka_run_group_tests_name("key_draft", tests, NULL, NULL);
}
