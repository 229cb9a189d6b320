"""What the system tests share: a cluster of their own with its own state folder and free ports, the
`troupe` command, polling with a deadline, and looks into /proc. Ends only processes it started or
that carry its cluster's mark, and says what it measured.

Environment: TROUPE_PROGRAM (the binary), TROUPE_MODULES (folder of the test and example modules).
"""
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("TROUPE_PROGRAM", str(ROOT / "build/release/bin/troupe"))
MODULES = pathlib.Path(os.environ.get("TROUPE_MODULES", str(ROOT / "build/release/lib/troupe")))
LONG = os.environ.get("TROUPE_LONG_TESTS") == "1"
DATA = ROOT.parent / "shared" / "data"


def measured(text):
    """Prints a number that the test took, for whoever reads the log."""
    print(f"measured: {text}", flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def poll(condition, within, what, every=0.05):
    """The first true value of condition(); an AssertionError with its last value after the deadline."""
    deadline = time.monotonic() + within
    while True:
        last = condition()
        if last:
            return last
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what} (last: {last!r})")
        time.sleep(every)


def process_state(pid):
    """The letter in /proc/PID/stat; None when there is no such process. A zombie counts as gone:
    orphans are reaped by whoever is there, in their own time."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state = stat.rpartition(")")[2].split()[0]
    return None if state in "ZX" else state


def alive(pid):
    return process_state(pid) is not None


def handles(pid, signal):
    """Whether the process has a handler for the signal, or takes it when it asks for it."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        masks = dict(line.split(":\t") for line in status if line.startswith("Sig"))
    return any(int(masks[mask], 16) >> (signal - 1) & 1 for mask in ("SigCgt", "SigBlk"))


def marked_processes(mark):
    """Pids of processes that have `mark` (NAME=VALUE) in their environment; zombies left out."""
    wanted = mark.encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environment = pathlib.Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in environment and alive(int(entry)):
            found.append(int(entry))
    return found


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "gone"


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Outcome:
    def __init__(self, command, completed):
        self.command, self.code = command, completed.returncode
        self.out, self.err = completed.stdout, completed.stderr

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise AssertionError(f"no JSON from {self}") from None

    def __str__(self):
        return f"{' '.join(self.command)}\n  exit {self.code}\n  stdout: {self.out[-4000:]}\n  stderr: {self.err[-4000:]}"


class Cluster:
    """One `troupe up` from YAML text, in a folder of its own. Use as a context manager."""

    def __init__(self, yaml, name="system"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-test-"))
        self.port, self.http_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.mark = f"SYSTEM_TEST_MARK={self.folder.name}"
        self.file = self.folder / "cluster.yaml"
        self.file.write_text(
            f"cluster: {{name: {name}}}\n"
            f"scheduler: {{listen: {self.address}, http: 127.0.0.1:{self.http_port}"
            + self._scheduler_options(yaml) + "}\n" + yaml["rest"])
        self.state = self.folder / "state" / "troupe" / name
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith("TROUPE_")}
        self.environment.update(XDG_STATE_HOME=str(self.folder / "state"),
                                SYSTEM_TEST_MARK=self.folder.name)
        self.head = None

    @staticmethod
    def _scheduler_options(yaml):
        return "".join(f", {key}: {value}" for key, value in yaml.get("scheduler", {}).items())

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None)
            raise
        return self

    def start(self):
        self.log = open(self.folder / "up.log", "wb")
        self.head = subprocess.Popen([PROGRAM, "up", "-f", str(self.file)], env=self.environment,
                                     stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                     start_new_session=True)
        poll(self._answers, 20, f"the cluster answers; its log: {self.log_text()}")

    def _answers(self):
        if self.head.poll() is not None:
            raise AssertionError(f"troupe up ended with {self.head.returncode}: {self.log_text()}")
        return self.troupe("status", "-o", "json").code == 0

    def log_text(self):
        return (self.folder / "up.log").read_text(errors="replace")[-4000:]

    def __exit__(self, kind, *_):
        with contextlib.suppress(ProcessLookupError):
            if self.head and self.head.poll() is None:
                self.head.send_signal(signal.SIGTERM)
                try:
                    self.head.wait(20)
                except subprocess.TimeoutExpired:
                    self.head.kill()
                    self.head.wait(10)
        left = marked_processes(self.mark)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.log.close()
        if kind is not None:
            print(f"--- log of the head ({self.folder}):\n{self.log_text()}", file=sys.stderr)
            for log in sorted(self.state.rglob("*.log"))[:10]:
                print(f"--- {log}:\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *arguments):
        return [PROGRAM, *map(str, arguments)]

    def troupe(self, *arguments, within=60, stdin=None, env=None):
        """Runs `troupe ARGUMENTS…` against this cluster and waits for it."""
        command = self.command(*arguments)
        environment = dict(self.environment, TROUPE_ADDRESS=self.address, **(env or {}))
        return Outcome(command, subprocess.run(command, env=environment, input=stdin, text=True,
                                               capture_output=True, timeout=within,
                                               start_new_session=True))

    def ok(self, *arguments, **options):
        outcome = self.troupe(*arguments, **options)
        if outcome.code != 0:
            raise AssertionError(f"failed: {outcome}")
        return outcome

    def start_troupe(self, *arguments, stdout_file=None):
        """Starts `troupe ARGUMENTS…` and does not wait. A long output goes to a file: nobody reads
        the pipe meanwhile."""
        environment = dict(self.environment, TROUPE_ADDRESS=self.address)
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(open(stdout_file, "w")) if stdout_file else subprocess.PIPE
            return subprocess.Popen(self.command(*arguments), env=environment, text=True,
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
                                    start_new_session=True)

    def status(self):
        return self.ok("status", "-o", "json").json()

    def tasks(self, job):
        return self.ok("tasks", job, "-o", "json").json()

    def workers(self):
        return self.ok("workers", "-o", "json").json()

    def pool(self, name="here"):
        return next(p for p in self.status()["pools"] if p["name"] == name)

    def wait_workers(self, count, within=15, pool="here"):
        """Polls until exactly `count` workers of the pool are registered."""
        return poll(lambda: self.pool(pool)["registered"] == count, within,
                    f"{count} workers in pool {pool}: {self.pool(pool)}") and self.workers()

    def job_of(self, outcome):
        """The job's id, from what `-o quiet` or `-o json` printed."""
        text = outcome.out.strip()
        if text.startswith("{"):
            found = json.loads(text)
            return str(found.get("job") or found.get("id"))
        return text.splitlines()[-1].split()[0].partition(".")[0]


def yaml(pools, autoscaler="{interval: 200ms, target_duration: 1s, scale_down: {idle_timeout: 2s}}",
         **scheduler):
    return {"scheduler": scheduler, "rest": f"pools:\n{pools}autoscaler: {autoscaler}\n"}


def local_pool(name="here", min=0, max=4, slots=1, worker="", more=""):
    """One pool of processes on this machine, as YAML."""
    return (f"  - name: {name}\n    provider: {{type: local}}\n    min: {min}\n    max: {max}\n{more}"
            f"    worker: {{slots: {slots}, memory: 2GiB, modules: [{MODULES / 'test_functions.so'}]"
            f"{', ' + worker if worker else ''}}}\n")


def traces(path):
    """Lines of a trace file that test.traced wrote: ("started"|"finished", number, attempt)."""
    if not path.exists():
        return []
    rows = (line.split() for line in path.read_text().splitlines())
    return [(what, int(number), int(attempt)) for what, number, attempt in rows]


def executions(path):
    """How often each number was started."""
    counts = {}
    for what, number, _ in traces(path):
        if what == "started":
            counts[number] = counts.get(number, 0) + 1
    return counts


class HoldingClient:
    """The C++ client of holding_client.cpp."""

    def __init__(self, cluster, trace, tasks, seconds):
        self.process = subprocess.Popen(
            [str(pathlib.Path(PROGRAM).parent / "holding_client"), cluster.address, str(trace),
             str(tasks), str(seconds)],
            env=cluster.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)
        self.job = self._line().removeprefix("job ")

    def _line(self, within=60):
        # A line comes in one write, so it can be waited for without a thread.
        ready, _, _ = select.select([self.process.stdout], [], [], within)
        if not ready:
            raise AssertionError(f"holding_client said nothing within {within} s")
        return self.process.stdout.readline().strip()

    def ask(self, word, within=60):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self._line(within)

    def end(self):
        self.process.stdin.close()
        if self.process.wait(20) != 0:
            raise AssertionError(f"holding_client ended with {self.process.returncode}")

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()


def main():
    """Runs the tests of the calling file. 77 says to ctest that all of them were skipped."""
    outcome = unittest.main(verbosity=2, exit=False).result
    if not outcome.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if outcome.skipped and len(outcome.skipped) == outcome.testsRun else 0)
