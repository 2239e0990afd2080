/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <errno.h>

#include "parser/document/names.h"
#include "parser/text/safe_text.h"
#include "parser/text/shell_word.h"
#include "parser/text/text.h"

static bool is_plain(struct span word)
{
    for (size_t i = 0; i < word.n; i++) {
        if (!text_name_char(word.p[i]) && !memchr("/:=,+@%", word.p[i], 7))
            return false;
    }
    return word.n > 0;
}

/* -EINVAL for what cannot be shown as it is. */
static int add_word(struct span word, struct buf *ret)
{
    if (is_plain(word))
        return buf_add(ret, word);
    return safe_text_is(word) ? buf_add_quoted(ret, word) : -EINVAL;
}

/* Some shells' echo reads "-n" and backslashes in its own way. */
static int add_echo(struct span text, struct buf *ret)
{
    bool plain = text_find(text, '\\') == text.n && (text.n == 0 || text.p[0] != '-');
    return buf_add_str(ret, plain ? "echo " : "printf '%s\\n' ") ?: add_word(text, ret);
}

/* -EINVAL where nothing can be written. */
static int add_target(const char *dir, struct span name, struct buf *ret)
{
    BUF_AUTO path = {0};
    if (!dir)
        return -EINVAL;
    int r = buf_addf(&path, "%s/", dir) ?: buf_add(&path, name) ?: buf_add_str(ret, " > ");
    if (r != 0)
        return r;
    return is_plain(buf_span(&path)) ? buf_add(ret, buf_span(&path))
                                     : shell_word_add(ret, buf_span(&path));
}

/* A command that cannot be written leaves nothing. */
static int finish(int r, struct buf *ret)
{
    if (r != 0)
        buf_clear(ret);
    return r == -ENOMEM ? r : 0;
}

int command_echo(const char *dir, struct span name, struct span text, struct buf *ret)
{
    return finish(add_echo(text, ret) ?: add_target(dir, name, ret), ret);
}

int command_set(const struct vmx_dict *dict, const char *dir, struct span key, struct span value,
                struct buf *ret)
{
    BUF_AUTO name = {0};
    int r = vmx_name_from_key(vmx_dict_charset(dict), key, &name);
    return r == 0 ? command_echo(dir, buf_span(&name), value, ret) : finish(r, ret);
}

int command_profile(const char *dir, const char *line, struct buf *ret)
{
    /* Unquoted: names and parameters are words to the shell as they are to us. */
    int r =
        buf_addf(ret, "echo %s", line) ?: add_target(dir, SPAN_LITERAL("passthrough-profile"), ret);
    return finish(r, ret);
}

int command_merge(const char *dir, const struct buf *lines, struct buf *ret)
{
    struct span rest = buf_span(lines);
    int r = buf_add_str(ret, "printf '%s\\n'");
    struct span line;
    while (r == 0 && text_line(&rest, &line))
        r = buf_add_char(ret, ' ') ?: add_word(line, ret);
    return finish(r ?: add_target(dir, SPAN_LITERAL(".vmxfs/merge"), ret), ret);
}

int command_add_bridge(int n, struct buf *lines)
{
    int r = buf_addf(lines, "pciBridge%d.present = \"TRUE\"\n", n);
    if (r != 0 || n == 0)
        return r;
    return buf_addf(lines, "pciBridge%d.virtualDev = \"pcieRootPort\"\n", n)
               ?: buf_addf(lines, "pciBridge%d.functions = \"8\"\n", n);
}
