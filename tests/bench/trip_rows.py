# SPDX-License-Identifier: MIT
"""The benchmarks that count round trips. Each is a function of a Bench that gives rows."""
import platform
import re
import time

from datastore import name_of
from rows import CAT, COUNT_RTT_MS, COUNT_SLACK, changed, pipelined, timed, times
from table import Row

CACHE_TIMEOUT_S = 5


def trips(got, slow=COUNT_RTT_MS):
    """What more time a longer way takes, divided by how much longer it is. got: round trip in ms ->
    time."""
    fast = min(got)
    return max(0.0, (got[slow].value - got[fast].value) * 1000 / (slow - fast))


def flights(bench):
    path = bench.lab.store(bench.vms)
    engine = trips(bench.in_turn({rtt: pipelined(bench, rtt, path) for rtt in (bench.rtt_ms, COUNT_RTT_MS)}))
    for what, script in (("cat of", CAT), ("ls -l of", "ls -l */")):
        count = trips(bench.in_turn({rtt: timed(bench, "vmxfs", rtt, path, script)
                                     for rtt in (bench.rtt_ms, COUNT_RTT_MS)}))
        row = Row(f"round trips one after the other in a cold {what} {bench.vms} VMs", f"{count:.1f}")
        if script == CAT:
            row.peer, row.ratio = f"bare engine {engine:.1f}", f"{engine / count:.1f}x"
            row.target, row.met = "8", count <= 8 + COUNT_SLACK
        yield row


def revalidation(bench):
    """The same command again in the same mount: within the cache_timeout, after it, and after it once
    more. The first time after it a text is read again, because it may have changed within the second
    of its time; from then on the attributes will do."""
    path = bench.lab.store(bench.vms)
    rtts = (bench.rtt_ms, COUNT_RTT_MS)

    def once_more(mount, pause_s):
        def measure():
            time.sleep(pause_s)
            return mount.run(CAT, bench.vms)
        return measure

    def second(rtt):
        def measure():
            with bench.lab.mount("vmxfs", rtt, path) as mount:
                mount.run(CAT, bench.vms)
                return once_more(mount, CACHE_TIMEOUT_S + 1)()
        return measure

    def warm(rtt):
        def measure():
            with bench.lab.mount("vmxfs", rtt, path, "cache_timeout=60") as mount:
                mount.run(CAT, bench.vms)
                return mount.run(CAT, bench.vms)
        return measure

    later = {}
    for rtt in rtts:
        with bench.lab.mount("vmxfs", rtt, path) as mount:
            for _ in range(2):
                once_more(mount, CACHE_TIMEOUT_S + 1)()
            later.update(bench.in_turn({rtt: once_more(mount, CACHE_TIMEOUT_S + 1)}))
    for what, got, target in (("within cache_timeout", bench.in_turn({r: warm(r) for r in rtts}), 0),
                              ("first after cache_timeout", bench.in_turn({r: second(r) for r in rtts}), 3),
                              ("later after cache_timeout", later, 3)):
        count = trips(got)
        yield Row(f"cat of {bench.vms} memSize again, {what}",
                  f"{count:.1f} RTT (x{got[COUNT_RTT_MS].times}), {got[bench.rtt_ms]} at {bench.rtt_ms:g} ms",
                  target=f"{target} RTT", met=count <= target + COUNT_SLACK)


def count(value):
    return value.value * 1000 / COUNT_RTT_MS


def count_row(work, got, peer, target):
    ours = count(got["vmxfs"])
    row = Row(work, f"{ours:.2f} RTT (x{got['vmxfs'].times})", target=f"{target} RTT",
              met=ours <= target + COUNT_SLACK)
    if "sshfs" in got:
        row.peer = f"sshfs, {peer} {count(got['sshfs']):.2f} RTT (x{got['sshfs'].times})"
        row.ratio = times(got["sshfs"], got["vmxfs"])
    return row


def next_key(bench):
    """The name of the .vmx is guessed where that of the VM before was its folder's. Slowly: what is
    asked for in haste is read ahead."""
    names = iter([name_of(n) for n in range(bench.repetitions + 1)])
    with bench.lab.mount("vmxfs", COUNT_RTT_MS, bench.lab.store(bench.vms)) as mount:
        def read():
            return mount.run("cat {0}/{0}.vmx/memSize".format(next(names)))

        def later():
            time.sleep(1.2)
            return read()
        read()
        got = bench.in_turn({"vmxfs": later})
    yield count_row("one cold key, the next one beside it", got, "", 2)


def cold_key(bench):
    path, name = bench.lab.store(bench.vms), name_of(0)
    for source, prefix, work, target in (
            (path, "", "one cold key two levels deep", 3),
            (path.rpartition("/")[0], path.rpartition("/")[2] + "/", "one level deeper", 4)):
        file = f"{prefix}{name}/{name}.vmx"
        sides = {"vmxfs": timed(bench, "vmxfs", COUNT_RTT_MS, source, f"cat {file}/memSize", 1)}
        if bench.has("sshfs"):
            sides["sshfs"] = timed(bench, "sshfs", COUNT_RTT_MS, source, f"cat {file}", bench.lab.keys)
        yield count_row(work, bench.in_turn(sides), "cat of the .vmx", target)
    yield from next_key(bench)


def keeps_names():
    """Whether the kernel forgets all names at once (6.16), so that it may keep those of a .vmx."""
    return tuple(map(int, re.findall(r"\d+", platform.release())[:2])) >= (6, 16)


def known_path(bench):
    """What the kernel asks for, counted by the answers: nothing is sent to the server meanwhile. Each
    close is told of by RELEASE, for which nobody waits."""
    calls, name = 100, name_of(0)
    with bench.lab.mount("vmxfs", 0, bench.lab.store(bench.vms), "cache_timeout=60") as mount:
        for command, target in ("stat", 0 if keeps_names() else 1), ("cat", 2 if keeps_names() else 3):
            script = (f"for i in $(seq {calls}); do {command} {name}/{name}.vmx/memSize || exit; done "
                      ">/dev/null")
            mount.run(script)
            before = mount.answers()
            mount.run(script)
            asked = (mount.answers() - before) / calls
            yield Row(f"requests of the kernel, {command} of a known path", f"{asked:.1f} (x{calls})",
                      target=str(target), met=asked < target + 0.1)


SETTERS = {
    "vmxfs": ("cat {0}/{0}.vmx/memSize", "echo 8192 >{0}/{0}.vmx/memSize"),
    "sshfs": ("cat {0}/{0}.vmx", "sed -i 's/^memSize = .*/memSize = \"8192\"/' {0}/{0}.vmx"),
}


def setter(kind, mount, names):
    """Reads, then sets: another VM each time."""
    look, change = SETTERS[kind]
    rest = iter(names)

    def measure():
        name = next(rest)
        mount.run(look.format(name))
        return mount.run(change.format(name))
    return measure


def set_key(bench):
    """Right after the document was read first; and after readings that are further apart than the
    cache_timeout."""
    names = [name_of(n) for n in range(2 * bench.repetitions)]
    fresh, known = names[::2], names[1::2]
    stores = {kind: bench.lab.renew(len(names), f"set-{kind}") for kind in SETTERS}
    with bench.mounts({kind: (COUNT_RTT_MS, path) for kind, path in stores.items()}) as mounts:
        for name in known:
            for kind, mount in mounts.items():
                mount.run(SETTERS[kind][0].format(name))
        got = bench.in_turn({kind: setter(kind, mount, fresh) for kind, mount in mounts.items()})
        time.sleep(CACHE_TIMEOUT_S + 1)
        again = bench.in_turn({kind: setter(kind, mount, known) for kind, mount in mounts.items()})
    for kind in got:
        changed(stores[kind], '^memSize = "8192"', got[kind].times + again[kind].times)
    yield count_row("set one key, document just read first", got, "sed -i", 3)
    yield count_row("set one key, document read twice", again, "sed -i", 3)
