#!/usr/bin/env python3
"""A pool follows its work: from nothing to its maximum and back, and loses nothing on the way."""
import json
import subprocess
import time
import unittest

import harness
from harness import Cluster, local_pool, measured, poll, yaml


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


class Scaling(unittest.TestCase):
    def test_from_zero_to_the_maximum_and_back(self):
        with Cluster(yaml(local_pool(min=0, max=4))) as cluster:
            status = cluster.status()
            self.assertEqual(cluster.workers(), [])
            pool = cluster.pool()
            for name in ("name", "min", "max", "target", "registered", "launching", "draining", "backoff"):
                self.assertIn(name, pool)
            self.assertEqual((pool["min"], pool["max"], pool["registered"]), (0, 4, 0))
            self.assertIn("ready", status["tasks"])

            arguments = cluster.folder / "arguments.jsonl"
            trace = cluster.folder / "trace"
            write_lines(arguments, [[str(trace), i, 0.05] for i in range(400)])
            started = time.monotonic()
            mapping = cluster.start_troupe("map", "test.traced", "--args", arguments, "--wait", "-o", "json")
            poll(lambda: cluster.pool()["registered"] >= 1, 10, "the first worker")
            measured(f"first worker after {time.monotonic() - started:.2f} s")
            poll(lambda: cluster.pool()["registered"] == 4, 10, "four workers")
            measured(f"four workers after {time.monotonic() - started:.2f} s")
            out, err = mapping.communicate(timeout=60)
            measured(f"400 tasks of 50 ms after {time.monotonic() - started:.2f} s")
            self.assertEqual(mapping.returncode, 0, err)
            self.assertEqual(results_in(out), list(range(400)))

            ended = time.monotonic()
            cluster.wait_workers(0, within=20)
            measured(f"no worker {time.monotonic() - ended:.2f} s after the last result")
            self.assertEqual(cluster.status()["tasks"]["finished"], 400)
            self.assertEqual(harness.executions(trace), {i: 1 for i in range(400)})

    def test_a_pool_of_fixed_size_keeps_it(self):
        with Cluster(yaml(local_pool(min=2, max=2))) as cluster:
            cluster.wait_workers(2)
            cluster.ok("call", "test.nap", "0.01", "--wait")
            settled = time.monotonic() + 4  # twice the idle timeout
            while time.monotonic() < settled:
                self.assertEqual(cluster.pool()["target"], 2)
                time.sleep(0.2)
            cluster.wait_workers(2)

    def test_scale_down_under_load_loses_nothing(self):
        settings = "{interval: 200ms, target_duration: 1s, scale_down: {idle_timeout: 60s}}"
        with Cluster(yaml(local_pool(min=4, max=4), settings)) as cluster:
            cluster.wait_workers(4)
            trace = cluster.folder / "trace"
            holder = harness.HoldingClient(cluster, trace, tasks=200, seconds=0.01)
            self.addCleanup(holder.kill)
            self.assertEqual(holder.ask("wait"), "done 200")

            load_trace = cluster.folder / "load"
            arguments = cluster.folder / "arguments.jsonl"
            write_lines(arguments, [[str(load_trace), i, 0.05] for i in range(400)])
            load = cluster.start_troupe("map", "test.traced", "--args", arguments, "--wait", "-o", "json")
            poll(lambda: cluster.status()["tasks"]["running"] == 4, 10, "four running tasks")
            started = time.monotonic()
            cluster.ok("scale", "here", "1")
            cluster.wait_workers(1, within=15)
            measured(f"from four workers to one under load in {time.monotonic() - started:.2f} s")
            out, err = load.communicate(timeout=90)
            self.assertEqual(load.returncode, 0, err)
            self.assertEqual(results_in(out), list(range(400)))
            self.assertEqual(harness.executions(load_trace), {i: 1 for i in range(400)})
            self.assertEqual(harness.executions(trace), {i: 1 for i in range(200)})
            self.assertEqual(holder.ask("check"), "right 200")
            holder.end()


def results_in(out):
    """The results that `map -o json` printed, in its order."""
    try:
        rows = json.loads(out)
    except ValueError:
        rows = [json.loads(line) for line in out.splitlines() if line.strip()]
    if isinstance(rows, dict):
        rows = rows["results"]
    return [row["result"] if isinstance(row, dict) else row for row in rows]


if __name__ == "__main__":
    harness.main()
