#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what the compiler does not: that includes go downward only, that no files use each other in
a circle, that the parser does no input or output, and that folders, files and functions stay small.

usage: structure.py ROOT        one line a finding on standard output, status 1 if there is any
"""
import collections
import glob
import os
import re
import sys

import circles

# A layer may include itself and what stands before it. "main" is fs/*.c itself.
LAYERS = ["parser", "base", "history", "transport", "sftp", "remote", "host", "vfs", "main"]
OF_MAIN = {"doctor", "fleet"}  # folders of the program itself
PARSER_MAY_INCLUDE = {
    "assert.h", "ctype.h", "errno.h", "iconv.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h",
    "uthash.h", "utlist.h", "utarray.h", "utstring.h", "sys/types.h",
}
# stdio.h is there for snprintf.
PARSER_MAY_NOT_USE = re.compile(
    r"\b(?:(?:FILE|stdin|stdout|stderr)\b|(?:fopen|v?f?printf|f?puts|putchar|perror|getenv|setenv|"
    r"exit|abort|system)(?=\())")
MAX_FOLDER_FILES = 15  # .c files, in a folder of code
MAX_FILE_LINES = 600
MAX_COLUMNS = 100
MAX_HEADER_LINES = 120  # of code; those of tests may be long
MAX_FUNCTION_LINES = 80

NAMED_FILE = re.compile(r"(?<![\w/.-])((?:fs|parser|tests)/[\w/-]+\.(?:c|h|py|sh|bats))\b")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]')
COMMENT_OR_LITERAL = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                                re.DOTALL)


def layer_of(path):
    """The layer of a file, by its path below the root; None for what has none (tests)."""
    parts = path.split("/")
    if parts[0] == "parser":
        return "parser"
    if parts[0] != "fs":
        return None
    if len(parts) == 2 or parts[1] in OF_MAIN:
        return "main"
    return parts[1]


def without_literals(text):
    """The code alone: comments and literals are blanked, and lines keep their numbers."""
    return COMMENT_OR_LITERAL.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def resolve(root, path, name):
    """The file below the root that an include in quotes means, or None."""
    shared = ("tests",) if layer_of(path) is None else ()
    for folder in (os.path.dirname(path), "", "fs") + shared:
        candidate = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def check_include(root, path, mark, name):
    layer = layer_of(path)
    if mark == "<":
        if layer == "parser" and name not in PARSER_MAY_INCLUDE:
            return f"the parser may not include <{name}>"
        return None
    target = resolve(root, path, name)
    if target is None:
        return f'"{name}" is no file of the project'
    if layer is None:
        return None
    below = layer_of(target)
    if below is None or LAYERS.index(below) > LAYERS.index(layer):
        return f'upward include: {layer} includes "{name}"'
    return None


def check_functions(lines):
    """A function begins at a line that starts with a letter and ends at a closing brace alone."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"[A-Za-z_].*\(", line) and not line.rstrip().endswith(";"):
            start = number
        elif line.startswith("}"):
            if start and number - start + 1 > MAX_FUNCTION_LINES:
                yield start, f"function of {number - start + 1} lines, {MAX_FUNCTION_LINES} at most"
            start = None


def check_file(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        text = f.read()
    lines = text.splitlines()
    code = without_literals(text).splitlines()
    if not lines or lines[0] != "/* SPDX-License-Identifier: MIT */":
        yield 1, "the first line is not the licence"
    if len(lines) > MAX_FILE_LINES:
        yield len(lines), f"file of {len(lines)} lines, {MAX_FILE_LINES} at most"
    elif layer_of(path) and path.endswith(".h") and len(lines) > MAX_HEADER_LINES:
        yield len(lines), f"header of {len(lines)} lines, {MAX_HEADER_LINES} at most"
    if layer_of(path) not in LAYERS + [None]:
        yield 1, f"the folder fs/{layer_of(path)} is no layer"
        return
    for number, line in enumerate(lines, 1):
        if layer_of(path) and len(line) > MAX_COLUMNS:  # clang-format leaves comments as they are
            yield number, f"line of {len(line)} columns, {MAX_COLUMNS} at most"
        found = INCLUDE.match(line)
        problem = found and check_include(root, path, *found.groups())
        if problem:
            yield number, problem
    if layer_of(path) == "parser":
        for number, line in enumerate(code, 1):
            used = PARSER_MAY_NOT_USE.search(line)
            if used:
                yield number, f"the parser does no input or output: {used.group()}"
    yield from check_functions(code)


def sources(root):
    for top in ("parser", "fs", "tests"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def check_folders(paths):
    folders = collections.Counter(os.path.dirname(path) for path in paths if path.endswith(".c"))
    for folder, files in sorted(folders.items()):
        if files > MAX_FOLDER_FILES:
            yield folder, f"folder of {files} .c files, {MAX_FOLDER_FILES} at most"


def check_circles(root, paths):
    code = {}
    for path in paths:
        with open(os.path.join(root, path), encoding="utf-8") as f:
            code[path] = without_literals(f.read())
    yield from circles.find(code)


def check_pages(root):
    """Files of the project that the pages name."""
    for page in sorted(glob.glob("docs/*.md", root_dir=root)) + ["README.md"]:
        path = os.path.join(root, page)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                for name in NAMED_FILE.findall(line):
                    if not os.path.exists(os.path.join(root, name)):
                        yield f"{page}:{number}: there is no {name}"


def check_tree(root):
    paths = list(sources(root))
    product = [path for path in paths if layer_of(path)]
    return ([f"{path}:{number}: {problem}"
             for path in paths for number, problem in check_file(root, path)] +
            [f"{folder}/: {problem}" for folder, problem in check_folders(product)] +
            [f"{path}:1: {problem}" for path, problem in check_circles(root, product)] +
            list(check_pages(root)))


def main():
    findings = check_tree(sys.argv[1] if len(sys.argv) > 1 else ".")
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
