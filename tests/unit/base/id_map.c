/* SPDX-License-Identifier: MIT */
#include "base/id_map.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A machine with four users, and a directory of users that can fail. */
static int find(const char *name, uint32_t *ret)
{
    static const struct {
        const char *name;
        uint32_t id;
    } users[] = {{"root", 0}, {"ada", 1000}, {"bob", 1001}, {"eve", 4294967294U}};
    if (strcmp(name, "broken") == 0)
        return -EIO;
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        *ret = users[i].id;
        if (strcmp(name, users[i].name) == 0)
            return 0;
    }
    return -ENOENT;
}

static struct id_map parsed(const char *text)
{
    struct id_map map;
    struct diag why = {0};
    assert_int_equal(id_map_parse(span_of(text), find, &map, &why), 0);
    return map;
}

/* ids: pairs of a number and what it must become. */
static void turns(const char *text, bool (*turn)(const struct id_map *map, uint32_t *id), size_t n,
                  const uint32_t ids[][2])
{
    struct id_map map = parsed(text);
    for (size_t i = 0; i < n; i++) {
        uint32_t id = ids[i][0];
        assert_int_equal(turn(&map, &id), ids[i][0] != ids[i][1]);
        assert_int_equal(id, ids[i][1]);
    }
    id_map_done(&map);
}

static void numbers_are_turned_both_ways(void **state)
{
    (void)state;
    static const char text[] = "bob:7\n\nada:2000\nnobody-here:5\nroot:4294967294\neve:0";
    turns(
        text, id_map_to_here, 5,
        (const uint32_t[][2]){{2000, 1000}, {7, 1001}, {4294967294U, 0}, {5, 5}, {0, 4294967294U}});
    turns(text, id_map_to_server, 4,
          (const uint32_t[][2]){{1000, 2000}, {1001, 7}, {0, 4294967294U}, {2000, 2000}});
    turns("", id_map_to_here, 1, (const uint32_t[][2]){{0, 0}});
}

static void lines_as_in_passwd_and_group_are_taken(void **state)
{
    (void)state;
    static const char text[] =
        "ada:x:2000:100:Ada,,,:/home/ada:/bin/sh\nbob::7\nroot:*:9:ada,bob\n";
    turns(text, id_map_to_here, 3, (const uint32_t[][2]){{2000, 1000}, {7, 1001}, {9, 0}});
}

static void of_lines_that_say_two_things_the_last_counts(void **state)
{
    (void)state;
    static const char text[] = "ada:5\nbob:5\nada:6\n";
    turns(text, id_map_to_here, 2, (const uint32_t[][2]){{5, 1001}, {6, 1000}});
    turns(text, id_map_to_server, 2, (const uint32_t[][2]){{1000, 6}, {1001, 5}});
}

static void refused(struct span text, size_t line)
{
    struct id_map map;
    struct diag why = {0};
    assert_int_equal(id_map_parse(text, find, &map, &why), -EINVAL);
    assert_int_equal(why.line, line);
    assert_non_null(strstr(why.text, "NAME:NUMBER"));
    assert_null(map.to_here);
}

static void what_is_no_such_line_is_refused_with_its_number(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "ada",
        ":5",
        "ada:",
        "ada:x",
        "ada:-1",
        "ada: 5",
        "ada:5 ",
        "ada:0x10",
        "ada:x:",
        "ada::",
        "ada:5\r",
        "# a comment",
        " ",
        "ada:x:y:5",
        "ada:+5",
        "nobody:x",
        ":x:5:6",
        ":",
        "ada:5:",
        "ada;5",
        "ada:4294967295",
        "ada:99999999999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[100];
        snprintf(text, sizeof(text), "root:0\n\n%s\nada:7\n", bad[i]);
        refused(span_of(text), 3);
    }
    refused((struct span){"ada\0:5", 6}, 1);
    refused((struct span){"ada:5\0", 6}, 1);
}

static void a_directory_of_users_that_fails_is_told(void **state)
{
    (void)state;
    struct id_map map;
    struct diag why = {0};
    assert_int_equal(id_map_parse(span_of("ada:1\nbroken:2\n"), find, &map, &why), -EIO);
    assert_null(map.to_here);
}

static void many_lines_are_kept_apart(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_addf(&text, "%s:%d\n", i % 2 ? "ada" : "bob", 5000 - i), 0);
    struct id_map map;
    assert_int_equal(id_map_parse(buf_span(&text), find, &map, NULL), 0);
    for (uint32_t i = 1; i <= 5000; i++) {
        uint32_t id = i;
        assert_true(id_map_to_here(&map, &id));
        assert_int_equal(id, (5000 - i) % 2 ? 1000 : 1001);
    }
    uint32_t ada = 1000;
    assert_true(id_map_to_server(&map, &ada));
    assert_int_equal(ada, 1);
    id_map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_turned_both_ways),
        cmocka_unit_test(lines_as_in_passwd_and_group_are_taken),
        cmocka_unit_test(of_lines_that_say_two_things_the_last_counts),
        cmocka_unit_test(what_is_no_such_line_is_refused_with_its_number),
        cmocka_unit_test(a_directory_of_users_that_fails_is_told),
        cmocka_unit_test(many_lines_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
