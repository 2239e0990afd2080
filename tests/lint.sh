#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the sources.
#
# usage: sh tests/lint.sh [CHECK [BUILD]]    one check, or all; BUILD: a configured build directory,
#        sh tests/lint.sh --list             default build (clang-tidy reads its compile commands)
#        sh tests/lint.sh --quick            as --list, with clang-tidy-changed instead of clang-tidy
#        sh tests/lint.sh --llvm             the version of clang-format and clang-tidy that judges

set -u

cd "$(dirname "$0")/.." || exit 1
checks="structure structure-test manual manual-test completion completion-test checks checks-test named-tests named-tests-test shellcheck clang-format cppcheck clang-tidy"
build=${2:-build}
llvm=19 # each version formats and warns differently; this one is in Debian 12 and 13
jobs=$(nproc)

sources() {
    find parser fs tests -name '*.[ch]' | sort
}

# The .c files that differ from the upstream branch, from origin's where there is none, or from the
# last commit: the newest, no more than can be read in half a minute.
changed() {
    for upstream in '@{upstream}' origin/HEAD HEAD; do
        base=$(git merge-base HEAD "$upstream" 2>/dev/null) && break
    done
    {
        git diff --name-only --diff-filter=d "$base"
        git ls-files --others --exclude-standard
    } | grep -E '^(parser|fs)/.*\.c$' | sort -u | xargs -r ls -t | head -n 10
}

# The static analyzer takes so many steps into a function at the most, not its usual 225,000: that is
# a quarter of the time.
tidy() {
    xargs -r -P "$jobs" -n "$1" "clang-tidy-$llvm" --quiet -p "$build" --warnings-as-errors='*' \
        --extra-arg=-Xclang --extra-arg=-analyzer-config \
        --extra-arg=-Xclang --extra-arg=max-nodes=20000
}

check() {
    case $1 in
    structure) python3 -B tests/lint/structure.py . ;;
    structure-test) python3 -B tests/lint/structure_test.py ;;
    manual) python3 -B tests/lint/manual.py . ;;
    manual-test) python3 -B tests/lint/manual_test.py ;;
    completion) python3 -B tests/lint/completion.py . ;;
    completion-test) python3 -B tests/lint/completion_test.py ;;
    checks) python3 -B tests/lint/checks.py . ;;
    checks-test) python3 -B tests/lint/checks_test.py ;;
    named-tests) python3 -B tests/lint/named_tests.py . ;;
    named-tests-test) python3 -B tests/lint/named_tests_test.py ;;
    # A bats file must look at whether a command fails that is to fail.
    shellcheck)
        find tests docs -name '*.sh' -o -name 'vmxfs.bash' | sort | xargs shellcheck --severity=warning &&
            find tests -name '*.bats' | sort | xargs shellcheck --include=SC2314,SC2315
        ;;
    clang-format) sources | xargs "clang-format-$llvm" --dry-run --Werror ;;
    clang-tidy) find parser fs -name '*.c' | sort | tidy 4 ;;
    clang-tidy-changed) changed | tidy 1 ;;
    cppcheck)
        cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -j "$jobs" \
            --enable=warning,performance,portability -D__linux__ -D_GNU_SOURCE -I. -Ifs \
            --include=/usr/include/uthash.h --include=/usr/include/utlist.h --library=posix \
            --suppressions-list=tests/lint/cppcheck.supp parser fs tests
        ;;
    *)
        echo "lint.sh: no such check: $1" >&2
        return 2
        ;;
    esac
}

case ${1:-} in
--list) echo "$checks" ;;
--quick) echo "$checks-changed" ;;
--llvm) echo "$llvm" ;;
'')
    status=0
    for name in $checks; do
        check "$name" || status=1
    done
    exit "$status"
    ;;
*) check "$1" ;;
esac
