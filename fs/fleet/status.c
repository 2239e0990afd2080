/* SPDX-License-Identifier: MIT */
#include "fleet.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ask.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "mounts.h"
#include "parser/text/text.h"
#include "rows.h"
#include "table.h"

enum { AGAIN_S = 2 };

/* ---- what the control files say of one mount */

enum file { STATUS, VMS, CHECK, GPUS, FILES };

static const char *const files[FILES] = {".vmxfs/status", ".vmxfs/vms", ".vmxfs/check",
                                         ".vmxfs/gpus"};

struct summary {
    size_t vms, on, drifted;
    size_t fail, warn;
    size_t cards_free, cards_used;
};

/* vms: power, id, registered, profile, path. A profile that does not hold any more ends in "!". */
static void count_vms(struct span text, struct summary *s)
{
    struct span row;
    while (row_next(&text, &row)) {
        s->vms++;
        s->on += span_eq(row_field(row, 0), SPAN_LITERAL("on"));
        s->drifted += span_ends_with(row_field(row, 3), SPAN_LITERAL("!"));
    }
}

static void count_findings(struct span text, struct summary *s)
{
    struct span row;
    while (row_next(&text, &row)) {
        s->fail += span_eq(row_field(row, 0), SPAN_LITERAL("FAIL"));
        s->warn += span_eq(row_field(row, 0), SPAN_LITERAL("WARN"));
    }
}

/* gpus: address, card, memory-gb, passthrough, vms, power, worst-finding. One that no VM names and
 * of which nothing can be found cannot be passed. */
static void count_cards(struct span text, struct summary *s)
{
    struct span row;
    while (row_next(&text, &row)) {
        const bool named = !span_eq(row_field(row, 4), SPAN_LITERAL("-"));
        s->cards_used += named;
        s->cards_free += !named && !span_eq(row_field(row, 6), SPAN_LITERAL("-"));
    }
}

/* ---- the table */

static const struct table_column columns[] = {
    {"HOST", false, true}, {"LINK", false, false},      {"MS", true, false},
    {"VMS", true, false},  {"ON", true, false},         {"DRIFT", true, false},
    {"FAIL", true, false}, {"WARN", true, false},       {"FREE", true, false},
    {"USED", true, false}, {"MOUNTPOINT", false, true},
};

/* A number; "-": there is no such file (no host), or it was not asked for; "?": it could not be
 * read. */
static int add_number(struct table *table, const struct asked *of, size_t number,
                      enum table_colour colour_if_any)
{
    char text[24];
    if (of->error < 0)
        return table_add(table, TABLE_PLAIN,
                         of->error == -ENOENT ? SPAN_LITERAL("-") : SPAN_LITERAL("?"));
    snprintf(text, sizeof(text), "%zu", number);
    return table_add(table, number > 0 ? colour_if_any : TABLE_PLAIN, span_of(text));
}

/* A mount whose host does not answer still says how its link is. */
static int add_link(struct table *table, const struct asked *status, const struct asked *vms)
{
    const struct asked *bad = status->error < 0 ? status : vms->error == -ETIMEDOUT ? vms : NULL;
    const struct span link = text_value_of(buf_span(&status->text), "link");
    const struct span trip = text_value_of(buf_span(&status->text), "round-trip-ms");
    if (bad)
        return table_add(table, TABLE_BAD, span_of(asked_word(bad)))
                   ?: table_add(table, TABLE_PLAIN, SPAN_LITERAL("-"));
    const bool up = span_eq(link, SPAN_LITERAL("up"));
    const bool unused = span_eq(link, SPAN_LITERAL("unused"));
    return table_add(table,
                     up       ? TABLE_GOOD
                     : unused ? TABLE_PLAIN
                              : TABLE_BAD,
                     link)
               ?: table_add(table, TABLE_PLAIN, trip.n > 0 ? trip : SPAN_LITERAL("-"));
}

static int add_row(struct table *table, const struct fleet_mount *mount,
                   const struct asked *const *of)
{
    struct summary s = {0};
    count_vms(buf_span(&of[VMS]->text), &s);
    count_findings(buf_span(&of[CHECK]->text), &s);
    count_cards(buf_span(&of[GPUS]->text), &s);
    return table_add(table, TABLE_PLAIN, span_of(mount->host))
        ?: add_link(table, of[STATUS], of[VMS])
        ?: add_number(table, of[VMS], s.vms, TABLE_PLAIN)
        ?: add_number(table, of[VMS], s.on, TABLE_PLAIN)
        ?: add_number(table, of[VMS], s.drifted, TABLE_WARNING)
        ?: add_number(table, of[CHECK], s.fail, TABLE_BAD)
        ?: add_number(table, of[CHECK], s.warn, TABLE_WARNING)
        ?: add_number(table, of[GPUS], s.cards_free, TABLE_PLAIN)
        ?: add_number(table, of[GPUS], s.cards_used, TABLE_PLAIN)
        ?: table_add(table, TABLE_PLAIN, span_of(mount->path));
}

static void asked_done(struct asked *asked, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_done(&asked[i].text);
    free(asked);
}

/* Who waits for a link that is lost waits for long, and one that is unused would be made. */
static void ask(const struct fleet_mounts *mounts, struct left_behind *left, struct asked *asked)
{
    const size_t n = mounts->n;
    for (size_t i = 0; i < n; i++)
        asked[STATUS * n + i].mount = mounts->list[i].path;
    ask_all(asked, n, left);
    for (size_t i = n; i < n * FILES; i++) {
        if (asked[i % n].error == 0 && status_is_up(buf_span(&asked[i % n].text)))
            asked[i].mount = mounts->list[i % n].path;
        else
            asked[i].error = asked[i % n].error < 0 ? asked[i % n].error : -ENOENT;
    }
    ask_all(asked + n, n * FILES - n, left);
}

static int make_table(const struct fleet_mounts *mounts, struct left_behind *left,
                      struct table *ret)
{
    const size_t n = mounts->n;
    struct asked *asked = calloc(n * FILES, sizeof(*asked));
    if (!asked)
        return -ENOMEM;
    for (size_t i = 0; i < n * FILES; i++)
        asked[i].file = files[i / n];
    ask(mounts, left, asked);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct asked *of[FILES] = {&asked[STATUS * n + i], &asked[VMS * n + i],
                                         &asked[CHECK * n + i], &asked[GPUS * n + i]};
        r = add_row(ret, &mounts->list[i], of);
    }
    asked_done(asked, n * FILES);
    return r;
}

/* ---- the screen */

struct screen {
    size_t width;  /* 0: it is no terminal */
    size_t height; /* the same; of one that is repainted, and would scroll */
    bool coloured;
    bool repaints;
};

static struct screen look_at_screen(bool watches)
{
    struct winsize size;
    const bool terminal = isatty(STDOUT_FILENO);
    const char *no_colour = getenv("NO_COLOR");
    struct screen ret = {.coloured = terminal && !(no_colour && no_colour[0]),
                         .repaints = terminal && watches};
    const bool known = terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    if (terminal)
        ret.width = known && size.ws_col ? size.ws_col : 80;
    if (ret.repaints && known)
        ret.height = size.ws_row;
    return ret;
}

static int show(char *const *at, size_t n, bool watches, struct left_behind *left)
{
    struct fleet_mounts mounts;
    struct diag why = {0};
    int r = fleet_mounts_read(at, n, &mounts, &why);
    if (r < 0) {
        log_say(why.text[0] ? why.text : strerror(-r));
        return r;
    }
    const struct screen screen = look_at_screen(watches);
    const struct table_look look = {.width = screen.width,
                                    .height = screen.height,
                                    .coloured = screen.coloured,
                                    .end = screen.repaints ? "\033[K\n" : "\n"};
    struct table table = {.columns = columns, .n_columns = sizeof(columns) / sizeof(columns[0])};
    BUF_AUTO text = {0};
    r = mounts.n > 0 ? make_table(&mounts, left, &table) : 0;
    r = r ?: (screen.repaints ? buf_add_str(&text, "\033[H") : 0)
          ?: table_print(&table, &look, &text)
          ?: (screen.repaints ? buf_add_str(&text, "\033[J") : 0);
    table_done(&table);
    fleet_mounts_done(&mounts);
    if (r == 0 && (fwrite(text.data, 1, text.len, stdout) < text.len || fflush(stdout) != 0))
        r = -errno;
    if (r < 0)
        log_say(strerror(-r));
    return r;
}

int fleet_status(int argc, char **argv)
{
    struct left_behind left = {0};
    bool watches = false;
    int option;
    while ((option = getopt(argc, argv, "w")) != -1) {
        if (option != 'w') {
            log_say("usage: vmxfs status [-w] [MOUNTPOINT]...");
            return 1;
        }
        watches = true;
    }
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* where there is none all are one column wide */
    int r;
    do {
        r = show(argv + optind, (size_t)(argc - optind), watches, &left);
    } while (r == 0 && watches && sleep(AGAIN_S) == 0);
    left_behind_done(&left);
    return r < 0;
}
