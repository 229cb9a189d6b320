"""Drivers as child processes, whose whole trees end with them. This process adopts what drivers leave
behind (Linux: PR_SET_CHILD_SUBREAPER), so everything below it is something it started, and is ended by
pid.
"""

import ctypes
import json
import os
import pathlib
import queue
import signal
import subprocess
import threading
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants():
    """Pids of all processes below this one, zombies left out."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] not in "ZX":
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, open_ = [], [os.getpid()]
    while open_:
        below = children.get(open_.pop(), [])
        found += below
        open_ += below
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass


def end_all(patience=5):
    """Ends everything below this process: asks, waits, then kills. How many had to be ended."""
    asked = descendants()
    for how, time_left in ((signal.SIGTERM, patience), (signal.SIGKILL, patience)):
        for pid in descendants():
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + time_left
        while time.monotonic() < deadline:
            reap()
            if not descendants():
                return len(asked)
            time.sleep(0.05)
    return len(asked)


class Run:
    """A driver at work on a plan. Its lines come one at a time, each within a limit."""

    def __init__(self, python, script, plan, folder, log):
        file = pathlib.Path(folder) / "plan.json"
        file.write_text(json.dumps(plan))
        self.log = log
        self.process = subprocess.Popen(
            [str(python), str(script), str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def next(self, limit):
        """The next line; None when there will be none. Throws queue.Empty when the limit has passed."""
        return self.lines.get(timeout=limit)

    def end(self, patience=30):
        """Lets it stop what it started, unless it hangs; then nothing of it is left."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        return end_all()
