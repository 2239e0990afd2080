#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks a program that was built with the default options: position independent, nothing writable
# that is code or could be read-only, stacks and copies guarded.
#
# usage: hardened.sh PROGRAM FORTIFIED(yes|no) COMPILE_COMMANDS COMPILER...
#        one line a finding, status 1 if there is any
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

program=$1 fortified=$2 commands=$3
shift 3
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
[ "$fortified" = no ] ||
    must_hold "does not guard copies" says "$symbols" '__(memcpy|snprintf|vsnprintf|read)_chk'

# What no symbol shows: how each source was compiled. Of the flags of a kind the last one counts.
# shellcheck disable=SC2317
all_compiled() { # FLAG PATTERN-OF-THE-KIND
    awk -v flag="$1" -v kind="$2" '
        /^ *"command": .* -c .*\/(fs|parser)\// {
            last = ""
            for (i = 1; i <= NF; i++)
                if ($i ~ kind)
                    last = $i
            sources++
            right += last == flag
        }
        END { exit sources == 0 || right != sources }' "$commands"
}

# Level 3 also guards copies into what has a size that only the running program knows. A compiler
# that has a lower level built in must neither keep it nor warn.
# shellcheck disable=SC2086,SC2317 # a list of words
guards() { # COMPILER...
    printf '%s\n' '#include <features.h>' '_Static_assert(__USE_FORTIFY_LEVEL == 3, "the level");' |
        "$@" -O2 -D_FORTIFY_SOURCE=2 $flags -Werror -c -x c - -o /dev/null
}

must_hold "has sources whose stacks may grow past their guard pages" \
    all_compiled -fstack-clash-protection 'stack-clash-protection$'
if [ "$fortified" = yes ]; then
    must_hold "has sources without _FORTIFY_SOURCE=3" all_compiled -D_FORTIFY_SOURCE=3 '_FORTIFY_SOURCE'
    flags=$(grep -m 1 '^ *"command": .*/fs/main[.]c' "$commands" | grep -oE -e '-[UD]_FORTIFY_SOURCE[^ ]*')
    must_hold "is not compiled at level 3 by a compiler that has another one built in" guards "$@"
fi
exit $found
