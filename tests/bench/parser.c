/* SPDX-License-Identifier: MIT */
/*
 * How fast the parser is: the files named, read into memory first, are parsed again and again; then
 * texts with more and more keys, to see that the time for each byte stays the same. Processor time
 * counts, so that other work on the machine does not.
 *
 *   parser [--seconds S] [FILE...]     S for each line of the result, default 1
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parser/text/buf.h"
#include "parser/document/dict.h"

struct corpus {
    struct buf *texts;
    size_t n, bytes;
};

static double used_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int add_text(struct corpus *c, struct buf *text)
{
    struct buf *texts = realloc(c->texts, (c->n + 1) * sizeof(*texts));
    if (!texts)
        return -ENOMEM;
    c->texts = texts;
    c->bytes += text->len;
    texts[c->n++] = *text;
    *text = (struct buf){0};
    return 0;
}

static int read_file(const char *path, struct buf *ret)
{
    char chunk[16384];
    size_t n;
    int r = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    while (r == 0 && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        r = buf_add(ret, (struct span){chunk, n});
    if (r == 0 && ferror(f))
        r = -EIO;
    fclose(f);
    return r;
}

static int add_file(struct corpus *c, const char *path)
{
    BUF_AUTO text = {0};
    int r = read_file(path, &text);
    return r == 0 ? add_text(c, &text) : r;
}

static void corpus_done(struct corpus *c)
{
    for (size_t i = 0; i < c->n; i++)
        buf_done(&c->texts[i]);
    free(c->texts);
    *c = (struct corpus){0};
}

static int parse_all(const struct corpus *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct vmx_dict *dict = NULL;
        int r = vmx_dict_parse(buf_span(&c->texts[i]), &dict);
        if (r != 0)
            return r;
        vmx_dict_free(dict);
    }
    return 0;
}

/* Parses the corpus for some seconds and prints the rate. */
static int measure(const struct corpus *c, const char *what, double seconds)
{
    double start = used_s();
    double end = start;
    size_t rounds = 0;
    int r = 0;
    while (r == 0 && end - start < seconds) {
        r = parse_all(c);
        rounds++;
        end = used_s();
    }
    if (r == 0)
        printf("%s: %.0f MB/s (%zu texts, %zu bytes, %zu rounds)\n", what,
               (double)(c->bytes * rounds) / (end - start) / 1e6, c->n, c->bytes, rounds);
    return r;
}

static int make_text(size_t keys, struct buf *ret)
{
    int r = 0;
    for (size_t i = 0; i < keys && r == 0; i++)
        r = buf_addf(ret, "guestinfo.lab.setting%zu = \"value of number %zu\"\n", i, i);
    return r;
}

static int measure_growth(double seconds)
{
    int r = 0;
    for (size_t keys = 15; keys <= 15000 && r == 0; keys *= 10) {
        char what[64];
        struct corpus one = {0};
        BUF_AUTO text = {0};
        snprintf(what, sizeof(what), "one text of %zu keys", keys);
        r = make_text(keys, &text);
        if (r == 0)
            r = add_text(&one, &text);
        if (r == 0)
            r = measure(&one, what, seconds);
        corpus_done(&one);
    }
    return r;
}

int main(int argc, char **argv)
{
    static const struct option names[] = {{"seconds", required_argument, NULL, 's'},
                                          {NULL, 0, NULL, 0}};
    struct corpus corpus = {0};
    double seconds = 1;
    int r = 0;
    int c;
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (c == '?') {
            fputs("usage: parser [--seconds S] [FILE...]\n", stderr);
            return 2;
        }
        seconds = strtod(optarg, NULL);
    }
    for (; optind < argc && r == 0; optind++)
        r = add_file(&corpus, argv[optind]);
    if (r == 0 && corpus.n > 0)
        r = measure(&corpus, "corpus", seconds);
    if (r == 0)
        r = measure_growth(seconds);
    if (r != 0)
        fprintf(stderr, "parser: %s\n", strerror(-r));
    corpus_done(&corpus);
    return r == 0 ? 0 : 1;
}
