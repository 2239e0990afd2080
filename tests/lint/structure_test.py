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


if __name__ == "__main__":
    unittest.main()
