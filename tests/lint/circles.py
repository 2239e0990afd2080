# SPDX-License-Identifier: MIT
"""Finds circles of files: a.c uses what b.c defines, and b.c, directly or by others, what a.c does.

The text alone is read. A .c file defines each function and object that stands at file scope and is
not static, and uses each name of another file that stands in its code. It also uses what a macro or
an inline function of a header names, if it names the macro or the function. Who calls a function
through a pointer does not name it: only the file that takes its address does.
"""
import re

DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
MACRO = re.compile(r"[ \t]*#[ \t]*define[ \t]+(\w+)(.*)", re.DOTALL)
ATTRIBUTE = re.compile(r"__attribute__\(\((?:[^()]|\([^()]*\))*\)\)")
BRACE = re.compile(r"[{}]")
# At file scope, where a block is its number in braces: a function, or all up to a semicolon.
ITEM = re.compile(r"\s*(?:([^;{}=]*\([^;{}=]*)\{(\d+)\}|([^;]*);)")
# Some libraries declare by a macro, MACRO(name), what they call.
FUNCTION_NAME = re.compile(r"\b[A-Z0-9_]+\(([a-z]\w*)\)|([A-Za-z_]\w*)\s*\(")
OBJECT_NAME = re.compile(r"([A-Za-z_]\w*)\s*(?:\[[^]]*\]\s*)*$")
NO_OBJECT = re.compile(r"(?:typedef|extern)\b|(?:struct|union|enum) +\w+$|.*\(", re.DOTALL)
TAG = re.compile(r"\b(struct|union|enum)\s+\w+")
MEMBER = re.compile(r"(?:\.|->)\s*[A-Za-z_]\w*")
NAME = re.compile(r"\b[A-Za-z_]\w*")
CALLED = re.compile(r"\b([A-Za-z_]\w*)\(")
# A variable or parameter, which may be named like another file's function.
LOCAL = re.compile(r"\b(?!(?:return|case|goto|sizeof)\b)\w+ +\**([A-Za-z_]\w*)\s*[=;,)\[]")


def names_in(code):
    """All names that code uses, but those of tags, of members and of its own variables."""
    code = MEMBER.sub("", TAG.sub(r"\1", code))
    return set(NAME.findall(code)) - set(LOCAL.findall(code)) | set(CALLED.findall(code))


def fold(code):
    """The code at file scope, each block replaced by its number in braces; and the blocks."""
    flat, blocks, depth, start = [], [], 0, 0
    for brace in BRACE.finditer(code):
        depth += 1 if brace.group() == "{" else -1
        if (brace.group(), depth) == ("{", 1):
            flat.append(code[start:brace.start()])
            start = brace.end()
        elif (brace.group(), depth) == ("}", 0):
            flat.append("{%d}" % len(blocks))
            blocks.append(code[start:brace.start()])
            start = brace.end()
    return "".join(flat) + code[start:], blocks


def definitions(code):
    """(name, is static, text) of each function and object that code defines at file scope."""
    flat, blocks = fold(ATTRIBUTE.sub("", DIRECTIVE.sub("", code)))
    for function, block, other in ITEM.findall(flat):
        declared = function or other.split("=")[0].strip()
        if function:
            name = FUNCTION_NAME.search(declared)
        else:
            name = None if NO_OBJECT.match(declared) else OBJECT_NAME.search(declared)
        if name:
            text = declared + blocks[int(block)] if function else ""
            yield name.group(1) or name.group(2), declared.startswith("static"), text


def meanings(headers):
    """What each macro and inline function of the headers' code names: {name: names}."""
    named = {}
    for code in headers:
        macros = [macro.groups() for macro in map(MACRO.match, DIRECTIVE.findall(code)) if macro]
        inline = [(name, text) for name, _, text in definitions(code)]
        for name, text in macros + inline:
            named.setdefault(name, set()).update(names_in(text))
    return named


def with_meanings(names, meaning):
    found, waiting = set(), set(names)
    while waiting:
        found |= waiting
        waiting = set().union(*(meaning.get(name, ()) for name in waiting)) - found
    return found


def uses(sources):
    """{file: {file that it uses: names}} of the .c files among sources, {path: code}."""
    meaning = meanings(code for path, code in sources.items() if path.endswith(".h"))
    home, own = {}, {}
    for path, code in sources.items():
        if path.endswith(".c"):
            found = list(definitions(code))
            own[path] = {name for name, _, _ in found}
            home.update((name, path) for name, static, _ in found if not static)
    used = {}
    for path in own:
        used[path] = {}
        for name in with_meanings(names_in(sources[path]) - own[path], meaning) - own[path]:
            if name in home:
                used[path].setdefault(home[name], set()).add(name)
    return used


def reached(used, path):
    """All files that path uses, directly or by others."""
    found, waiting = set(), set(used[path])
    while waiting:
        found |= waiting
        waiting = set().union(*(used[other] for other in waiting)) - found
    return found


def find(sources):
    """Each circle as a path and a text of several lines, with the names that make it."""
    used = uses(sources)
    reach = {path: reached(used, path) for path in used}
    seen = set()
    for path in sorted(used):
        circle = sorted(other for other in reach[path] if path in reach[other])
        if not circle or path in seen:
            continue
        seen.update(circle)
        lines = [f"circle of {len(circle)} files, which use names of each other:"]
        for user in circle:
            for other in sorted(used[user].keys() & set(circle)):
                lines.append(f"    {user} -> {other}: {' '.join(sorted(used[user][other]))}")
        yield path, "\n".join(lines)
