"""Runs a command and prints its duration, CPU time and peak memory as JSON.

A process of its own, because the peak memory of a new process includes that of the process which
starts it: this one is small.
"""

import json
import os
import sys
import time

if __name__ == "__main__":
    start = time.perf_counter()
    pid = os.posix_spawn(
        sys.argv[1],
        sys.argv[1:],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
    sys.exit(os.waitstatus_to_exitcode(status))
