"""One measured system, as a process of its own. bench/peers starts `MODULE PLAN.json` and reads a line
of JSON for each item of the plan, in its order; what is not measured says why. A driver starts the
system, warms it up, measures each item once and ends what it started; should it hang or die, bench/peers
ends the whole tree of its processes.
"""

import json
import os
import socket
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
WARM_UP = 200  # calls before anything is measured


class Unsupported(Exception):
    """The system can't do this; the text says why."""


class Driver:
    """What a system has to offer. Everything takes effect when the method returns: all results are here."""

    slots = 2
    folder = "/tmp"  # for its files; removed by bench/peers

    def start(self):
        """Two worker processes with one slot each, ready."""

    def stop(self):
        """Ends what start() began."""

    def version(self):
        raise NotImplementedError

    def calls(self, n):
        """Runs n calls of a function that does nothing, all submitted at once."""
        raise Unsupported("runs commands, not functions")

    def commands(self, n):
        """Runs /bin/true n times as tasks."""
        raise Unsupported("runs functions, not commands")

    def prepare_graph(self, graph, commands):
        """What run_graph wants, before the clock runs. `graph` is what --show-graph printed."""
        raise Unsupported("has no dependencies between tasks")

    def run_graph(self, prepared):
        pass

    # ---- what is measured

    def measure(self, item):
        """{metric: value} of one item of the plan."""
        kind, count = item["kind"], item.get("count", 0)
        if kind == "noop":
            return {"tasks_per_s": count / seconds(lambda: self.calls(count))}
        if kind == "roundtrip":
            times = sorted(seconds(lambda: self.calls(1)) * 1e6 for _ in range(count))
            return {"p50_us": times[len(times) // 2], "p99_us": times[int(len(times) * 0.99)]}
        if kind == "exec":
            return {"tasks_per_s": count / seconds(lambda: self.commands(count))}
        with open(item["file"], encoding="utf-8") as f:
            graph = json.load(f)
        commands = kind == "graph_commands"
        if graph["task_us"] == 0 and not commands:  # one that is not measured, as `troupe bench graph` has it
            self.run_graph(self.prepare_graph(graph, commands))
        prepared = self.prepare_graph(graph, commands)
        return {"tasks_per_s": graph["tasks"] / seconds(lambda: self.run_graph(prepared))}

    def warm_up(self):
        try:
            self.calls(WARM_UP)
        except Unsupported:
            self.commands(WARM_UP // 10)


def seconds(action):
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def run_true(*_):
    """The body of a task that runs a command, in systems whose tasks are Python functions."""
    subprocess.run(["/bin/true"], check=True)
    return 0


def noop(*_):
    return 0


def graph_task(us, *inputs):
    """A task of a graph: takes results, sleeps for its mean duration."""
    if us > 0:
        time.sleep(us / 1e6)
    return len(inputs)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, within=20):
    """Until something listens there; fails when `process` ends first."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with code {process.returncode}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} did not listen within {within} s")


class Processes:
    """Child processes, ended in the opposite order."""

    def __init__(self):
        self.all = []

    def start(self, *command, **options):
        p = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, **options)
        self.all.append(p)
        return p

    def end(self):
        for p in reversed(self.all):
            p.terminate()
        deadline = time.monotonic() + 5
        for p in reversed(self.all):
            try:
                p.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.all = []


def main(driver):
    """Runs the plan named by the first argument. What libraries print goes to stderr."""
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(**line):
        report.write(json.dumps(line) + "\n")

    with open(sys.argv[1], encoding="utf-8") as f:
        plan = json.load(f)
    driver.slots, driver.folder, driver.plan = plan["slots"], plan["folder"], plan
    os.environ["PYTHONPATH"] = HERE  # workers load this module too
    try:
        driver.start()
        driver.warm_up()
        say(ready=True, version=driver.version())
    except Exception as e:
        traceback.print_exc()
        say(failed=words_of(e))
    else:
        for item in plan["items"]:
            say(name=item["name"], **outcome(driver, item))
    driver.stop()


def outcome(driver, item):
    try:
        return {"values": driver.measure(item)}
    except Unsupported as e:
        return {"unsupported": str(e)}
    except Exception as e:  # of whatever library; the other items go on
        traceback.print_exc()
        return {"error": words_of(e)}


def words_of(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
