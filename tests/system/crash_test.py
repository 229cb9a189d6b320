#!/usr/bin/env python3
"""Processes die by SIGKILL: workers, the head, clients. Work survives, nothing is left behind."""
import json
import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

import harness
from harness import Cluster, alive, local_pool, marked_processes, measured, poll, yaml
from scaling_test import results_in, write_lines

EAGER = "    launch: {backoff_initial: 100ms, backoff_max: 500ms, replacements_per_minute: 1000}\n"

# An exec that shows which attempt runs: a line every 20 ms, from a grandchild in a session of its own.
HEARTBEATS = ("setsid sh -c 'while :; do echo $TROUPE_ATTEMPT >> {file}; sleep 0.02; done' & "
              "sleep 1000 & sleep {seconds}; kill $!")


def kill(pid):
    os.kill(pid, signal.SIGKILL)


class WorkersDie(unittest.TestCase):
    def test_every_task_finishes_once_while_workers_are_killed(self):
        pool = local_pool(min=4, max=4, more=EAGER)
        with Cluster(yaml(pool, crash_limit=1000)) as cluster:
            cluster.wait_workers(4)
            arguments = cluster.folder / "arguments.jsonl"
            trace = cluster.folder / "trace"
            write_lines(arguments, [[str(trace), i, 0.02] for i in range(2000)])
            mapping = cluster.start_troupe("map", "test.traced", "--args", arguments, "--wait",
                                           "-o", "json", stdout_file=cluster.folder / "results")
            kills, recoveries = 0, []
            while mapping.poll() is None:
                time.sleep(1)
                victims = [w for w in cluster.workers() if w["state"] == "ready"]
                if not victims or mapping.poll() is not None:
                    continue
                victim = random.choice(victims)
                kill(victim["pid"])
                kills += 1
                killed = time.monotonic()
                poll(lambda: self.ready_without(cluster, victim["id"]) == 4, 15,
                     "the pool is at its target again")
                recoveries.append(time.monotonic() - killed)
            with mapping.stderr:
                self.assertEqual(mapping.returncode, 0, mapping.stderr.read())
            results = results_in((cluster.folder / "results").read_text())
            self.assertEqual(results, list(range(2000)))
            self.assertGreaterEqual(kills, 3)
            again = sum(harness.executions(trace).values()) - 2000
            measured(f"{kills} workers killed, {again} tasks run again, pool whole again after "
                     f"{max(recoveries):.2f} s at most")
            rows = harness.traces(trace)
            interrupted = sum(what == "started" for what, _, _ in rows) - sum(
                what == "finished" for what, _, _ in rows)
            self.assertLessEqual(interrupted, kills, "more than the running task of a killed slot")
            # Beside it, one may have finished whose report was still on its way.
            self.assertLessEqual(again - interrupted, kills, "tasks that were over were run again")
            self.assertEqual(cluster.status()["tasks"]["finished"], 2000)

    def test_a_worker_past_its_memory_starts_afresh_and_says_why(self):
        pool = local_pool(min=1, max=1, more=EAGER).replace("2GiB", "200MiB")
        with Cluster(yaml(pool, crash_limit=1)) as cluster:
            cluster.wait_workers(1)
            first = cluster.workers()[0]["pid"]
            greedy = cluster.troupe("submit", "--wait", "-o", "json", "--", "python3", "-c",
                                    "import time; kept = bytearray(400 << 20); time.sleep(60)")
            self.assertEqual(greedy.code, 1, greedy)
            self.assertRegex(greedy.out + greedy.err, "of its 200 ?MiB")
            poll(lambda: [w["pid"] for w in cluster.workers() if w["state"] == "ready"] not in ([], [first]),
                 10, "another worker is there")
            self.assertEqual(cluster.troupe("submit", "--wait", "--", "true").code, 0)

    @staticmethod
    def ready_without(cluster, lost):
        return sum(w["state"] == "ready" and w["id"] != lost for w in cluster.workers())

    def test_a_task_that_kills_its_worker_fails_alone_after_three(self):
        pool = local_pool(min=2, max=2, slots=2, more=EAGER)
        with Cluster(yaml(pool)) as cluster:
            cluster.wait_workers(2)
            arguments = cluster.folder / "arguments.jsonl"
            trace = cluster.folder / "trace"
            write_lines(arguments, [[str(trace), i, 0.3] for i in range(40)])
            neighbours = cluster.start_troupe("map", "test.traced", "--args", arguments, "--wait",
                                              "-o", "json")
            poll(lambda: cluster.status()["tasks"]["running"] >= 3, 10, "neighbours run")
            crashing = cluster.troupe("call", "test.crash", "--wait", "-o", "json", within=60)
            self.assertEqual(crashing.code, 1, crashing)
            self.assertIn("crash_limit", crashing.out + crashing.err)
            out, err = neighbours.communicate(timeout=60)
            self.assertEqual(neighbours.returncode, 0, err)
            self.assertEqual(results_in(out), list(range(40)))

    def test_a_dead_worker_leaves_no_process_and_no_twin(self):
        pool = local_pool(min=1, max=1, more=EAGER)
        with Cluster(yaml(pool)) as cluster:
            [worker] = cluster.wait_workers(1)
            beats = cluster.folder / "beats"
            script = HEARTBEATS.format(file=beats, seconds=4)
            running = cluster.start_troupe("submit", "--env", "TREE=first", "--wait", "--",
                                           "sh", "-c", script)
            poll(lambda: beats.exists() and len(beats.read_text()) > 4, 10, "the tree runs")
            tree = set(marked_processes("TREE=first"))
            self.assertGreaterEqual(len(tree), 3)
            killed = time.monotonic()
            kill(worker["pid"])
            poll(lambda: not any(alive(pid) for pid in tree), 2, "the dead worker's tree is gone")
            measured(f"{len(tree)} processes gone {time.monotonic() - killed:.2f} s after their worker")
            _, err = running.communicate(timeout=60)
            self.assertEqual(running.returncode, 0, err)
            order = [int(line) for line in beats.read_text().split()]
            self.assertEqual(set(order), {1, 2})
            self.assertEqual(order, sorted(order), "attempt 1 was still running beside attempt 2")


class HeadDies(unittest.TestCase):
    def test_nothing_is_left_after_the_death_timeout(self):
        with Cluster(yaml(local_pool(min=2, max=2, worker="death_timeout: 3s"))) as cluster:
            cluster.wait_workers(2)
            for _ in range(2):
                cluster.ok("submit", "--env", "TREE=head", "--", "sh", "-c",
                           "trap '' TERM; sleep 1000 & setsid sleep 1000 & wait; sleep 1000")
            poll(lambda: len(marked_processes("TREE=head")) >= 6, 10, "both trees run")
            everything = set(marked_processes(cluster.mark)) - {cluster.head.pid}
            killed = time.monotonic()
            kill(cluster.head.pid)
            cluster.head.wait(5)
            # Its timeout, the grace of a command that ignores SIGTERM, and the guardian's 2 s.
            poll(lambda: not any(alive(pid) for pid in everything), 3 + 5 + 2 + 2,
                 "every process of the cluster is gone")
            measured(f"{len(everything)} processes gone {time.monotonic() - killed:.2f} s after the head")
            self.assertEqual(marked_processes(cluster.mark), [])


class ClientsDie(unittest.TestCase):
    def test_only_the_dead_clients_own_jobs_end(self):
        with Cluster(yaml(local_pool(min=2, max=2, slots=4), client_grace="2s")) as cluster:
            cluster.wait_workers(2)
            victim = harness.HoldingClient(cluster, cluster.folder / "victim", tasks=40, seconds=0.5)
            self.addCleanup(victim.kill)
            other = harness.HoldingClient(cluster, cluster.folder / "other", tasks=40, seconds=0.5)
            self.addCleanup(other.kill)
            detached = cluster.job_of(cluster.ok("submit", "-o", "quiet", "--", "sleep", "5"))
            poll(lambda: harness.traces(cluster.folder / "victim"), 10, "the victim's job runs")
            victim.kill()
            killed = time.monotonic()
            poll(lambda: self.unfinished(cluster, victim.job) == 0, 10, "its job ends")
            took = time.monotonic() - killed
            measured(f"the dead client's job ended after {took:.2f} s (grace 2 s)")
            self.assertGreaterEqual(took, 1.5)
            states = {task["state"] for task in cluster.tasks(victim.job)}
            self.assertIn("cancelled", states)
            self.assertEqual(other.ask("wait"), "done 40")
            self.assertEqual(other.ask("check"), "right 40")
            cluster.ok("wait", detached)
            other.end()

    @staticmethod
    def unfinished(cluster, job):
        return sum(task["state"] not in ("finished", "failed", "cancelled")
                   for task in cluster.tasks(job))


if __name__ == "__main__":
    harness.main()
