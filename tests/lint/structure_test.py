#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the structure lint over small made-up trees: each rule must find what breaks it."""
import os
import tempfile
import unittest

import structure

LICENCE = "/* SPDX-License-Identifier: MIT */\n"
GOOD = {
    "parser/document/dict.h": '#include <stddef.h>\n#include "parser/text/buf.h"\n',
    "parser/text/buf.h": '#include <stdint.h>\n/* not printf */\nchar *s = "stdout";\n',
    "fs/base/log.h": '#include "parser/document/dict.h"\n#include <pthread.h>\n',
    "fs/sftp/protocol/wire.c": '#include "wire.h"\n#include "base/log.h"\n',
    "fs/sftp/protocol/wire.h": "",
    "fs/vfs/ops.c": '#include "sftp/protocol/wire.h"\n',
    "fs/main.c": '#include "vfs/view.h"\n',
    "fs/vfs/view.h": "",
    "tests/unit/sftp/wire.c": '#include "sftp/protocol/wire.h"\n#include "support/peer.h"\n',
    "tests/support/peer.h": '#include "vfs/view.h"\n',
}


def findings(changes):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **changes}.items():
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(LICENCE + text)
        return structure.check_tree(root)


def function(lines):
    return "static int f(int a,\n             int b)\n{\n" + "    a++;\n" * (lines - 4) + "}\n"


class Structure(unittest.TestCase):
    def expect(self, changes, expected):
        self.assertEqual(findings(changes), expected)

    def test_a_good_tree_has_no_findings(self):
        self.expect({}, [])

    def test_an_upward_include_is_found(self):
        self.expect({"fs/sftp/protocol/wire.h": '#include "vfs/view.h"\n'},
                    ['fs/sftp/protocol/wire.h:2: upward include: sftp includes "vfs/view.h"'])
        self.expect({"parser/a.c": '#include "fs/base/log.h"\n'},
                    ['parser/a.c:2: upward include: parser includes "fs/base/log.h"'])
        self.expect({"fs/vfs/a.c": '#  include "../main.h"\n', "fs/main.h": ""},
                    ['fs/vfs/a.c:2: upward include: vfs includes "../main.h"'])

    def test_a_source_may_not_include_a_test(self):
        self.expect({"fs/vfs/a.c": '#include "tests/t.h"\n', "tests/t.h": ""},
                    ['fs/vfs/a.c:2: upward include: vfs includes "tests/t.h"'])

    def test_an_include_that_is_no_file_is_found(self):
        self.expect({"fs/vfs/a.c": '#include "gone.h"\n'},
                    ['fs/vfs/a.c:2: "gone.h" is no file of the project'])
        self.expect({"fs/vfs/a.c": '#include "support/peer.h"\n'},
                    ['fs/vfs/a.c:2: "support/peer.h" is no file of the project'])

    def test_a_folder_that_is_no_layer_is_found(self):
        self.expect({"fs/util/a.c": ""}, ["fs/util/a.c:1: the folder fs/util is no layer"])

    def test_input_and_output_in_the_parser_are_found(self):
        self.expect({"parser/a.c": "#include <unistd.h>\n"},
                    ["parser/a.c:2: the parser may not include <unistd.h>"])
        self.expect({"parser/a.c": 'int f(void) { return puts("x"); }\n'},
                    ["parser/a.c:2: the parser does no input or output: puts"])

    def test_a_missing_licence_is_found(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "fs"))
            with open(os.path.join(root, "fs/a.c"), "w", encoding="utf-8") as f:
                f.write("int x;\n")
            self.assertEqual(structure.check_tree(root),
                             ["fs/a.c:1: the first line is not the licence"])

    def test_a_long_function_is_found(self):
        self.expect({"fs/vfs/a.c": function(80)}, [])
        self.expect({"fs/vfs/a.c": function(81)},
                    ["fs/vfs/a.c:2: function of 81 lines, 80 at most"])

    def test_a_long_file_is_found(self):
        self.expect({"tests/a.c": "\n" * 599}, [])
        self.expect({"tests/a.c": "\n" * 600}, ["tests/a.c:601: file of 601 lines, 600 at most"])

    def test_a_long_line_is_found_in_comments_too(self):
        self.expect({"fs/vfs/a.c": "/* " + "x" * 94 + " */\n", "tests/a.c": "/* " + "x" * 99}, [])
        self.expect({"fs/vfs/a.c": "/* " + "x" * 95 + " */\n"},
                    ["fs/vfs/a.c:2: line of 101 columns, 100 at most"])

    def test_a_long_header_is_found(self):
        self.expect({"fs/vfs/a.h": "\n" * 119, "tests/a.h": "\n" * 120}, [])
        self.expect({"fs/vfs/a.h": "\n" * 120},
                    ["fs/vfs/a.h:121: header of 121 lines, 120 at most"])
        self.expect({"parser/a.h": "\n" * 120},
                    ["parser/a.h:121: header of 121 lines, 120 at most"])

    def test_a_folder_of_many_files_is_found(self):
        many = {f"fs/vfs/tree/{n}.c": "" for n in range(16)}
        self.expect(many, ["fs/vfs/tree/: folder of 16 .c files, 15 at most"])
        del many["fs/vfs/tree/0.c"]
        self.expect({**many, "fs/vfs/tree/a.h": "", "fs/vfs/b.c": ""}, [])
        self.expect({f"tests/unit/{n}.c": "" for n in range(16)}, [])

    def test_a_page_that_names_a_file_which_is_not_there_is_found(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "docs"))
            os.makedirs(os.path.join(root, "fs/vfs"))
            open(os.path.join(root, "fs/vfs/a.py"), "w", encoding="utf-8").close()
            with open(os.path.join(root, "docs/page.md"), "w", encoding="utf-8") as f:
                f.write("`fs/vfs/a.py` and build/fs/vfs/b.py\n(`fs/vfs/b.py`)\n")
            self.assertEqual(structure.check_tree(root),
                             ["docs/page.md:2: there is no fs/vfs/b.py"])


class Circles(unittest.TestCase):
    def expect(self, a, b, edges, **more):
        """edges: (user, used, names), by the letters of the files; () for no circle."""
        files = {"a": a, "b": b, **more}
        found = findings({f"fs/vfs/{name}.c".replace("_h.c", ".h"): text
                          for name, text in files.items()})
        circle = {name for user, used, _ in edges for name in (user, used)}
        expected = [f"fs/vfs/a.c:1: circle of {len(circle)} files, which use names of each other:"]
        for user, used, names in edges:
            expected.append(f"    fs/vfs/{user}.c -> fs/vfs/{used}.c: {names}")
        self.assertEqual("\n".join(found), "\n".join(expected) if edges else "")

    B = "int b_do(void)\n{\n    return a_do();\n}\n"
    CIRCLE = [("a", "b", "b_do"), ("b", "a", "a_do")]

    def test_files_that_use_one_another_in_one_direction_are_no_circle(self):
        self.expect("int a_do(void)\n{\n    return 0;\n}\n", self.B, [])

    def test_two_files_that_call_each_other_are_found(self):
        self.expect("int a_do(void)\n{\n    return b_do();\n}\n", self.B, self.CIRCLE)

    def test_a_longer_circle_is_found_and_who_only_uses_it_is_not_in_it(self):
        self.expect("int a_more;\nint a_do(void)\n{\n    return b_do();\n}\n",
                    "int b_do(void)\n{\n    return c_do();\n}\n",
                    [("a", "b", "b_do"), ("b", "c", "c_do"), ("c", "a", "a_do a_more")],
                    c="int c_do(void)\n{\n    return a_do() + a_more;\n}\n",
                    d="int d_do(void)\n{\n    return a_do();\n}\n")

    def test_two_circles_are_two_findings(self):
        found = findings({
            f"fs/{folder}/{one}.c": f"int {folder}_{one}(void) {{ return {folder}_{other}(); }}\n"
            for folder in ("vfs", "remote") for one, other in (("a", "b"), ("b", "a"))})
        self.assertEqual([finding.split(":")[0] for finding in found],
                         ["fs/remote/a.c", "fs/vfs/a.c"])

    def test_objects_make_circles_too(self):
        self.expect("const int a_do[] = {1, 2};\nint a(void)\n{\n    return b_do();\n}\n",
                    "int b_do(void)\n{\n    return a_do[1];\n}\n", self.CIRCLE)
        self.expect("int a_do = 2;\nint *a = &b_do;\n", "int b_do;\nint *b = &a_do;\n", self.CIRCLE)

    def test_the_file_that_takes_an_address_uses_it_and_who_calls_the_pointer_does_not(self):
        ops = "static const struct ops ops = {\n    .%s = %s,\n};\n"
        self.expect(ops % ("run", "b_do") + "void a_do(void)\n{\n    ops.run();\n}\n",
                    self.B, self.CIRCLE)
        self.expect(ops % ("b_do", "run") + "void a_do(struct ops *o)\n{\n    o->b_do();\n}\n",
                    self.B, [])

    def test_what_a_macro_or_an_inline_function_uses_counts_where_it_is_named(self):
        a = "int a_do(void)\n{\n    %s\n}\n"
        macros = "#define B_AUTO \\\n    __attribute__((cleanup(b_do))) int\n#define B2 B_AUTO\n"
        self.expect(a % "B_AUTO x;", self.B, self.CIRCLE, m_h=macros)
        self.expect(a % "B2 x;", self.B, self.CIRCLE, m_h=macros)
        self.expect(a % "", self.B, [], m_h=macros)
        inline = "static inline int b_inline(void)\n{\n    return b_do();\n}\n"
        self.expect(a % "return b_inline();", self.B, self.CIRCLE, m_h=inline)
        self.expect(a % "", self.B, [], m_h=inline)

    def test_a_function_that_a_macro_declares_is_found(self):
        self.expect("LIBRARY_CALLS_FUNC(a_do)\n{\n    b_do();\n}\n", self.B, self.CIRCLE)

    def test_comments_and_literals_use_nothing(self):
        self.expect('/* b_do() */\nint a_do(void)\n{\n    return log("b_do()"); // b_do\n}\n',
                    self.B, [])

    def test_tags_members_and_variables_use_nothing(self):
        for text in ("struct b_do *b;", "x.b_do = 1;", "x->b_do = 1;", "int b_do = 1;",
                     "struct x *b_do;"):
            self.expect(f"int a_do(struct x *x)\n{{\n    {text}\n}}\n", self.B, [])
        self.expect("int a_do(int b_do, char *b)\n{\n    return b_do + 1;\n}\n", self.B, [])

    def test_a_static_name_is_the_files_own(self):
        self.expect("static int b_do(void)\n{\n}\nint a_do(void)\n{\n    return b_do();\n}\n",
                    self.B, [])
        self.expect("int a_do(void)\n{\n    return b_do();\n}\n",
                    "static " + self.B, [])
        self.expect("__attribute__((format(printf, 1, 2))) static int b_do(void)\n{\n}\n"
                    "int a_do(void)\n{\n    return b_do();\n}\n", self.B, [])

    def test_a_declaration_defines_nothing(self):
        for text in ("int a_do(void);", "extern int a_do;", "struct a_do;", "enum a_do {X};",
                     "typedef int a_do;"):
            self.expect(f"{text}\nint a(void)\n{{\n    return b_do();\n}}\n", self.B, [])


if __name__ == "__main__":
    unittest.main()
