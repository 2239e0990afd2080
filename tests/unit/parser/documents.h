/* SPDX-License-Identifier: MIT */
/* What plans are tried on: documents of every form, and lines that change them. */
#pragma once

#include "profiles.h"

/* Documents of every form that a restored file has to come out of unchanged. */
static const struct span documents[] = {
    BYTES("memSize = \"8192\"\n"),
    BYTES("memSize = \"8192\""),
    BYTES("memSize = 8192\r\nvvtd.enable = FALSE\r\n"),
    BYTES("memSize = \"8192\"\r\nvvtd.enable = \"FALSE\""),
    BYTES("memSize = \"8192\"\rvhv.enable=FALSE # why\rdisplayName = \"x\"\r"),
    BYTES("memSize = \"8192\"\rdisplayName = \"x\""),
    BYTES("\xef\xbb\xbf#!/usr/bin/vmware\n.encoding = \"UTF-8\"\nMEMSIZE = \"8192\"\n"
          "VVTD.Enable = \"true\"  # odd\n\n  vhv.enable\t=\tfalse#x\n"),
    BYTES("# only\n\nmemsize = \"8192\"\n\n"),
    BYTES("memSize = \"8192\"\n\n"),
    BYTES("memSize = \"8192\"\n   "),
    BYTES("memSize = \"8192\"\nnot a line\n= x\na = \"b"),
    BYTES("sched.mem.min = \"8192\"\nmemSize = \"8192\"\nsched.mem.pin = \"TRUE\"\n"),
    BYTES("sched.mem.min =\nmemSize = \"8192\"\nsched.mem.pin =# none\nvvtd.enable = \n"),
    BYTES("memSize = \"8192\"\nvhv.enable = \"a|0Ab|22 100% |zz\"\nvvtd.enable = \"|41|7c\"\n"),
    BYTES("memSize = \"8192\"\nvhv.enable = \"\xff\xfe %\"\nvvtd.enable = \xc3\xa4\n"),
    BYTES(".encoding = \"Shift_JIS\"\nmemSize = \"8192\"\nvvtd.enable = \"\x83|7C\"\n"),
    BYTES(".encoding = \"nonsense\"\nmemSize = \"8192\"\nvvtd.enable = \"\xe4\"\n"),
    BYTES(
        "memSize = \"8192\"\nvmxfs.note = \"mine\"\nvmxfs.savedby = \"me\"\nvmxfs.profiles = x\n"),
    BYTES("vvtd.enable = \"FALSE\"\r\nmemSize = \"8192\"\nvhv.enable = \"FALSE\"\rx = y"),
    BYTES("vhv.enable = FALSE\nvvtd.enable = FALSE\nmemSize = \"8192\"\nsched.mem.pin = FALSE"),
    BYTES(
        "pciPassthru0.id = \"00000:066:00.0\"\npciPassthru0.present = \"TRUE\"\nmemSize = 8192\n"),
    BYTES("pciPassthru0.id = \"0:3:0.0\"\nmemSize = \"8192\"\npciPassthru0.present = \"FALSE\"\n"),
    BYTES("hostCPUID.0 = \"0000000d68747541444d416369746e65\"\nmemSize = \"8192\"\n"),
};

static const char *const lines[] = {
    "nested-esxi", "nested-esxi mmio=32 cpu=amd",      "nested-esxi " NEW_DEVICE,
    "inner-guest", "inner-guest mmio=128 " NEW_DEVICE,
};

enum { DOCUMENTS = sizeof(documents) / sizeof(documents[0]) };
enum { LINES = sizeof(lines) / sizeof(lines[0]) };
