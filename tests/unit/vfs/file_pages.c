/* SPDX-License-Identifier: MIT */
/* Which open of a plain file keeps the kernel's pages (file_pages.h): each test is a sequence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "remote/cache/document.h"
#include "tree.h"
#include "vfs/file/file_pages.h"

enum { HANDLES = 3, UNKNOWN = 0, FIRST = 1, SECOND = 2, LARGER = 3 };

enum event {
    END,
    READER, /* opens it to read, or to ... */
    WRITER, /* ... write, or for ... */
    BOTH,   /* ... both */
    READ,
    CLOSE,
    WAIT, /* until the version is not racy any more */
    RACY, /* a millisecond less */
};

struct step {
    enum event event;
    char who; /* a, b, c */
    int version;
    const char *pages; /* of an open: kept, dropped, direct */
};

struct sequence {
    const char *name;
    struct step steps[14];
};

#define OPENS_AND_READS(who, pages)                                                                \
    {READER, who, FIRST, pages},                                                                   \
    {                                                                                              \
        READ, who, 0, NULL                                                                         \
    }

/* The first version is known for good, and pages were read of it since. */
#define PAGES_OF_THE_FIRST                                                                         \
    {READER, 'a', FIRST, "dropped"}, {CLOSE, 'a', 0, NULL}, {WAIT, 0, 0, NULL},                    \
        OPENS_AND_READS('a', "dropped"),                                                           \
    {                                                                                              \
        CLOSE, 'a', 0, NULL                                                                        \
    }

static struct sequence sequences[] = {
    {"pages_are_kept_when_the_version_is_the_one_that_was_read",
     {PAGES_OF_THE_FIRST, {READER, 'b', FIRST, "kept"}, {READER, 'c', FIRST, "kept"}}},
    {"pages_are_dropped_when_the_time_is_another",
     {PAGES_OF_THE_FIRST, {READER, 'b', SECOND, "dropped"}}},
    {"pages_are_dropped_when_the_size_is_another",
     {PAGES_OF_THE_FIRST, {READER, 'b', LARGER, "dropped"}}},
    {"pages_are_dropped_when_the_version_is_not_known",
     {PAGES_OF_THE_FIRST,
      {READER, 'b', UNKNOWN, "dropped"},
      {READ, 'b', 0, NULL},
      {CLOSE, 'b', 0, NULL},
      {READER, 'c', UNKNOWN, "dropped"}}},
    {"pages_are_dropped_when_nothing_was_read_since_they_were_dropped",
     {{READER, 'a', FIRST, "dropped"},
      {CLOSE, 'a', 0, NULL},
      {WAIT, 0, 0, NULL},
      {READER, 'a', FIRST, "dropped"},
      {CLOSE, 'a', 0, NULL},
      {READER, 'b', FIRST, "dropped"}}},
    {"pages_are_dropped_when_they_were_read_soon_after_the_first_sight",
     {OPENS_AND_READS('a', "dropped"),
      {CLOSE, 'a', 0, NULL},
      {WAIT, 0, 0, NULL},
      OPENS_AND_READS('b', "dropped"),
      {CLOSE, 'b', 0, NULL},
      {READER, 'c', FIRST, "kept"}}},
    {"a_version_is_racy_until_the_last_millisecond",
     {OPENS_AND_READS('a', "dropped"),
      {CLOSE, 'a', 0, NULL},
      {RACY, 0, 0, NULL},
      OPENS_AND_READS('b', "dropped"),
      {CLOSE, 'b', 0, NULL},
      {READER, 'c', FIRST, "dropped"}}},
    {"pages_are_dropped_when_a_handle_of_before_could_bring_in_old_ones",
     {{READER, 'a', FIRST, "dropped"},
      {WAIT, 0, 0, NULL},
      OPENS_AND_READS('b', "dropped"),
      {READER, 'c', FIRST, "dropped"}}},
    {"a_read_of_a_handle_of_before_says_nothing_of_the_pages",
     {{READER, 'a', FIRST, "dropped"},
      {WAIT, 0, 0, NULL},
      {READER, 'b', FIRST, "dropped"},
      {CLOSE, 'b', 0, NULL},
      {READ, 'a', 0, NULL},
      {CLOSE, 'a', 0, NULL},
      OPENS_AND_READS('b', "dropped"),
      {READER, 'c', FIRST, "kept"}}},
    {"a_writer_keeps_no_pages", {PAGES_OF_THE_FIRST, {BOTH, 'b', FIRST, "dropped"}}},
    {"nobody_keeps_pages_while_a_writer_has_it_open",
     {PAGES_OF_THE_FIRST,
      {BOTH, 'b', FIRST, "dropped"},
      {READ, 'b', 0, NULL},
      {READER, 'c', FIRST, "dropped"}}},
    {"pages_are_dropped_after_a_writer_has_closed",
     {PAGES_OF_THE_FIRST,
      {BOTH, 'b', FIRST, "dropped"},
      {CLOSE, 'b', 0, NULL},
      OPENS_AND_READS('c', "dropped"),
      {CLOSE, 'c', 0, NULL},
      {READER, 'a', FIRST, "dropped"}}},
    {"who_only_writes_goes_past_the_pages_and_so_does_who_comes_meanwhile",
     {{WRITER, 'a', FIRST, "direct"},
      {READER, 'b', FIRST, "direct"},
      {CLOSE, 'a', 0, NULL},
      {READER, 'c', FIRST, "direct"},
      {CLOSE, 'b', 0, NULL},
      {CLOSE, 'c', 0, NULL},
      {READER, 'a', FIRST, "dropped"}}},
    {"who_only_writes_goes_through_the_pages_of_others",
     {{READER, 'a', FIRST, "dropped"}, {WRITER, 'b', FIRST, "dropped"}}},
};

enum { SEQUENCES = sizeof(sequences) / sizeof(sequences[0]) };

static const struct sftp_attrs *version(int number)
{
    static const struct sftp_attrs attrs[] = {
        [FIRST] = {.size = 100, .mtime = 1},
        [SECOND] = {.size = 100, .mtime = 2},
        [LARGER] = {.size = 101, .mtime = 1},
    };
    return number == UNKNOWN ? NULL : &attrs[number];
}

static void open_file(struct tree *t, struct node *n, const struct step *step, struct handle *h)
{
    *h =
        (struct handle){.node = n, .reads = step->event != WRITER, .writes = step->event != READER};
    file_pages_open(&t->vfs, n, version(step->version), h);
    assert_string_equal(h->direct ? "direct" : h->keep ? "kept" : "dropped", step->pages);
}

static void carry_out(struct tree *t, struct node *n, const struct step *step, struct handle *h)
{
    switch (step->event) {
    case READER:
    case WRITER:
    case BOTH:
        open_file(t, n, step, h);
        break;
    case READ:
        file_pages_read(&t->vfs, n, h);
        break;
    case CLOSE:
        file_pages_close(&t->vfs, n, h);
        break;
    case WAIT:
    case RACY:
        tree_now += step->event == WAIT ? RACY_MS : RACY_MS - 1;
        break;
    case END:
        break;
    }
}

static void run(void **state)
{
    const struct sequence *sequence = *state;
    struct tree *t = tree_new();
    struct node *n = tree_take(t, &t->root, "disk.vmdk", &(struct found){.ops = &file_ops});
    struct handle handles[HANDLES] = {0};
    for (const struct step *step = sequence->steps; step->event != END; step++) {
        print_message("step %d\n", (int)(step - sequence->steps) + 1);
        carry_out(t, n, step, step->who ? &handles[step->who - 'a'] : NULL);
    }
    node_unref(&t->vfs, n);
    tree_free(t);
}

int main(void)
{
    struct CMUnitTest tests[SEQUENCES];
    for (size_t i = 0; i < SEQUENCES; i++)
        tests[i] = (struct CMUnitTest){
            .name = sequences[i].name, .test_func = run, .initial_state = &sequences[i]};
    return cmocka_run_group_tests_name("file_pages", tests, NULL, NULL);
}
