#!/usr/bin/env python3
"""What users of Dask's adaptive clusters report, by name, with real processes; the same stories for
the policy alone are in tests/autoscaler/reported_failures_test.cpp."""
import os
import signal
import stat
import time
import unittest

import harness
from harness import Cluster, local_pool, measured, poll, yaml
from scaling_test import results_in, write_lines

QUICK = "{interval: 100ms, target_duration: 1s, scale_down: {idle_timeout: %s}}"


def map_traced(cluster, count, seconds):
    """Starts a map of traced tasks; its process and the trace's file."""
    trace, arguments = cluster.folder / "trace", cluster.folder / "arguments.jsonl"
    write_lines(arguments, [[str(trace), i, seconds] for i in range(count)])
    return cluster.start_troupe("map", "test.traced", "--args", arguments, "--wait", "-o", "json"), trace


def sizes(cluster, pool="here"):
    log = cluster.ok("autoscaler", "log", "--pool", pool, "--limit", "1000", "-o", "json").json()
    return [d["to"] for d in log]


def worker_program(folder, lines):
    """A worker program that does something first."""
    script = folder / "worker.sh"
    script.write_text(f"#!/bin/sh\n{lines}\nexec {harness.PROGRAM} \"$@\"\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


class ReportedFailures(unittest.TestCase):
    def finish(self, process, count):
        out, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(results_in(out), list(range(count)))

    def test_reported_busy_workers_are_killed_on_scale_down(self):
        with Cluster(yaml(local_pool(max=4), QUICK % "500ms")) as cluster:
            # Long tasks end one after another: each time the pool shrinks beside those that run.
            trace, arguments = cluster.folder / "trace", cluster.folder / "arguments.jsonl"
            write_lines(arguments, [[str(trace), i, 1.0 + i] for i in range(4)])
            load = cluster.start_troupe("map", "test.traced", "--args", arguments, "--wait", "-o", "json")
            self.finish(load, 4)
            cluster.wait_workers(0)
            self.assertEqual(harness.executions(trace), {i: 1 for i in range(4)})

    def test_reported_finished_results_are_recomputed(self):
        with Cluster(yaml(local_pool(max=2), QUICK % "500ms")) as cluster:
            holder = harness.HoldingClient(cluster, cluster.folder / "trace", tasks=50, seconds=0.01)
            self.addCleanup(holder.kill)
            self.assertEqual(holder.ask("wait"), "done 50")
            cluster.wait_workers(0)
            self.assertEqual(holder.ask("check"), "right 50")
            cluster.wait_workers(0)
            self.assertEqual(harness.executions(cluster.folder / "trace"), {i: 1 for i in range(50)})

    def test_reported_more_workers_than_tasks(self):
        with Cluster(yaml(local_pool(max=8), QUICK % "500ms")) as cluster:
            cluster.ok("submit", "--wait", "--expected", "1h", "--array", "1-3", "--", "sleep", "1")
            self.assertEqual(max(sizes(cluster)), 3)

    def test_reported_the_size_oscillates_while_workers_boot(self):
        booting = Cluster(yaml(local_pool(max=3, worker="program: @PROGRAM@"), QUICK % "5s"))
        script = worker_program(booting.folder, "sleep 2")
        booting.file.write_text(booting.file.read_text().replace("@PROGRAM@", str(script)))
        with booting as cluster:
            load, _ = map_traced(cluster, 30, 0.3)
            self.finish(load, 30)
            grown = [b - a for a, b in zip([0] + sizes(cluster), sizes(cluster)) if a != b]
            self.assertTrue(all(step > 0 for step in grown), f"it shrank meanwhile: {sizes(cluster)}")
            launches = cluster.ok("autoscaler", "log", "--limit", "1000", "-o", "json").json()
            self.assertEqual(sum(d["actions"]["launch"] for d in launches), 3)

    def test_reported_adaptivity_stops_after_an_error_or_a_lost_worker(self):
        settings = QUICK % "500ms"
        eager = "    launch: {backoff_initial: 200ms, backoff_max: 500ms}\n"
        troubled = Cluster(yaml(local_pool(max=2, worker="program: @PROGRAM@", more=eager), settings))
        flag = troubled.folder / "failed-once"
        script = worker_program(troubled.folder, f"if ! [ -e {flag} ]; then touch {flag}; exit 3; fi")
        troubled.file.write_text(troubled.file.read_text().replace("@PROGRAM@", str(script)))
        with troubled as cluster:
            cluster.ok("submit", "--wait", "--array", "1-4", "--", "sleep", "0.2")
            cluster.wait_workers(0)
            running = cluster.start_troupe("submit", "--wait", "--array", "1-2", "--", "sleep", "2")
            [victim, *_] = poll(lambda: cluster.workers(), 10, "a worker")
            os.kill(victim["pid"], signal.SIGKILL)
            with running.stderr, running.stdout:
                self.assertEqual(running.wait(60), 0)
            cluster.wait_workers(0)
            cluster.ok("submit", "--wait", "--array", "1-4", "--", "sleep", "0.2")
            cluster.wait_workers(0)

    def test_reported_scale_and_adaptivity_fight_each_other(self):
        with Cluster(yaml(local_pool(max=4), QUICK % "500ms")) as cluster:
            cluster.ok("scale", "here", "2")
            cluster.wait_workers(2)
            load, _ = map_traced(cluster, 40, 0.1)  # as adaptivity would have it: four
            self.finish(load, 40)
            time.sleep(1.5)  # and now: none
            self.assertEqual(cluster.pool()["registered"], 2)
            self.assertEqual(set(sizes(cluster)) - {0}, {2})
            cluster.ok("autoscaler", "resume")
            cluster.wait_workers(0)

    def test_reported_long_tasks_are_taken_for_half_a_second(self):
        with Cluster(yaml(local_pool(max=4), QUICK % "500ms")) as cluster:
            started = time.monotonic()
            job = cluster.job_of(cluster.ok("submit", "--array", "1-4", "-o", "quiet", "--", "sleep", "60"))
            poll(lambda: cluster.status()["tasks"]["running"] == 4, 15, "all of them run at a time")
            measured(f"four tasks of unknown length run {time.monotonic() - started:.2f} s after submission")
            cluster.ok("cancel", job)

    def test_reported_the_cluster_scales_down_between_the_phases_of_a_graph(self):
        with Cluster(yaml(local_pool(max=4), QUICK % "3s")) as cluster:
            graph = cluster.folder / "phases.yaml"
            wide = lambda name, after: "".join(
                f"  - {{id: {name}{i}, exec: [sleep, '0.6'], after: [{after}]}}\n" for i in range(8))
            graph.write_text("name: phases\ntasks:\n  - {id: begin, exec: [sleep, '0.1']}\n" +
                             wide("a", "begin") +
                             f"  - {{id: middle, exec: [sleep, '1.5'], after: [{', '.join(f'a{i}' for i in range(8))}]}}\n" +
                             wide("b", "middle"))
            cluster.ok("run", graph, "--wait", within=90)
            log = cluster.ok("autoscaler", "log", "--limit", "1000", "-o", "json").json()
            self.assertEqual(sum(d["actions"]["launch"] for d in log), max(sizes(cluster)))
            cluster.wait_workers(0)


if __name__ == "__main__":
    harness.main()
