# SPDX-License-Identifier: MIT
"""Numbered cases, done by several processes. A case is a function of seed and number, so that a run
can be resumed and one case repeated."""

import argparse
import multiprocessing
import random
import time
import traceback


def parse(usage, workers, choices=None):
    """choices: by the name of an option that can be given several times, what it can be."""
    parser = argparse.ArgumentParser(description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vmxfs", required=True)
    parser.add_argument("--relay", required=True)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--workers", type=int, default=workers)
    parser.add_argument("--timeout", type=int, default=2)
    parser.add_argument("--record")
    for name, values in (choices or {}).items():
        parser.add_argument(f"--{name}", action="append", choices=values)
    return parser.parse_args()


class Cases:
    """Gives each number once, to whichever process asks, until count or time is over."""

    def __init__(self, options):
        self.following = multiprocessing.Value("q", options.first)
        self.last = options.first + options.count
        self.end = time.monotonic() + options.minutes * 60 if options.minutes else None

    def take(self):
        with self.following.get_lock():
            number = self.following.value
            if time.monotonic() > self.end if self.end else number >= self.last:
                return None
            self.following.value += 1
            return number

    def numbers(self):
        return iter(self.take, None)

    def next(self):
        return self.following.value


def results(workers, cases, work):
    """Calls work(name, cases, put) in so many processes; yields what they put. A worker that fails
    puts its traceback, a string."""
    queue = multiprocessing.SimpleQueue()
    processes = [multiprocessing.Process(target=guarded, args=(f"w{i}", cases, work, queue))
                 for i in range(workers)]
    for process in processes:
        process.start()
    while workers:
        result = queue.get()
        if result is None:
            workers -= 1
        else:
            yield result
    for process in processes:
        process.join()


def guarded(name, cases, work, queue):
    try:
        work(name, cases, queue.put)
    except Exception:  # whatever it is: the others go on, and the run fails
        queue.put(traceback.format_exc())
    finally:
        queue.put(None)
