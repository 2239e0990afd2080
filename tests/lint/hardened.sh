#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks a program that was built with the default options: position independent, nothing writable
# that is code or could be read-only, stacks and copies guarded.
#
# usage: hardened.sh PROGRAM FORTIFIED(yes|no)      one line a finding, status 1 if there is any
export LC_ALL=C
found=0

must_hold() { # WHAT COMMAND...
    what=$1
    shift
    "$@" >/dev/null || {
        echo "$program: $what"
        found=1
    }
}

program=$1
headers=$(readelf -hlW "$program") && dynamic=$(readelf -dW "$program") &&
    symbols=$(readelf --dyn-syms -W "$program") || exit 1

# shellcheck disable=SC2317 # must_hold calls them
says() { # TEXT PATTERN
    printf '%s\n' "$1" | grep -E "$2"
}

# shellcheck disable=SC2317
says_not() { # TEXT PATTERN
    ! says "$@"
}

must_hold "is not position independent" says "$headers" 'Type: +DYN'
must_hold "is not position independent" says "$dynamic" 'FLAGS_1.* PIE'
must_hold "has no read-only relocations" says "$headers" 'GNU_RELRO'
must_hold "binds lazily, so that the GOT stays writable" says "$dynamic" 'BIND_NOW|FLAGS.* NOW'
must_hold "says nothing of its stack" says "$headers" 'GNU_STACK'
must_hold "has an executable stack" says_not "$headers" 'GNU_STACK.* RWE '
must_hold "has a segment to write and execute" says_not "$headers" 'LOAD.* RWE '
must_hold "does not guard its stacks" says "$symbols" '__stack_chk_fail'
[ "$2" = no ] || must_hold "does not guard copies" says "$symbols" '__(memcpy|snprintf|vsnprintf|read)_chk'
exit $found
