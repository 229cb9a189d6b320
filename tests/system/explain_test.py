#!/usr/bin/env python3
"""`troupe explain` names what a task waits for."""
import unittest

import harness
from harness import Cluster, local_pool, poll, yaml

# A worker program that says what it knows and then can't start: its pool is always backing off.
BROKEN_PROGRAM = """#!/bin/sh
if [ "$TROUPE_WORKER" = describe ]; then exec {program} "$@"; fi
echo "no device /dev/gpu0" >&2
exit 1
"""
BROKEN_POOL = ("  - name: broken\n    provider: {{type: local}}\n    min: 0\n    max: 2\n"
               "    launch: {{backoff_initial: 20s}}\n"
               "    worker: {{slots: 1, resources: {{GPU: 1}}, program: {program}}}\n")


def broken_cluster():
    cluster = Cluster({"rest": ""})
    program = cluster.folder / "broken-worker"
    program.write_text(BROKEN_PROGRAM.format(program=harness.PROGRAM))
    program.chmod(0o755)
    pools = local_pool(max=1) + BROKEN_POOL.format(program=program)
    cluster.file.write_text(cluster.file.read_text() + yaml(pools)["rest"])
    return cluster


class Explain(unittest.TestCase):
    def test_each_reason_names_the_thing(self):
        with broken_cluster() as cluster:
            graph = cluster.folder / "graph.yaml"
            graph.write_text("name: pair\ntasks:\n"
                             "  - {id: prepare, exec: [sleep, '60']}\n"
                             "  - {id: use, exec: [sleep, '0'], after: [prepare]}\n")
            job = cluster.job_of(cluster.ok("run", graph, "-o", "quiet"))
            poll(lambda: self.state(cluster, f"{job}.0") == "running", 10, "the first task runs")

            with self.subTest("a dependency"):
                why = self.explain(cluster, f"{job}.1")
                self.assertTrue(f"{job}.0" in why or "prepare" in why, why)

            with self.subTest("a free slot, with the pool at its maximum"):
                waiting = cluster.job_of(cluster.ok("submit", "-o", "quiet", "--", "sleep", "0"))
                why = self.explain(cluster, f"{waiting}.0")
                self.assertIn("here", why)
                self.assertIn("maximum", why)

            with self.subTest("a resource that only a backing-off pool has"):
                starved = cluster.job_of(
                    cluster.ok("submit", "-o", "quiet", "--resources", "GPU=1", "--", "sleep", "0"))
                poll(lambda: cluster.pool("broken")["backoff"], 10, "the broken pool backs off")
                why = poll(lambda: "back" in (text := self.explain(cluster, f"{starved}.0")) and text,
                           5, "the explanation speaks of backing off")
                self.assertIn("broken", why)
                self.assertIn("backing off", why)
                self.assertIn("no device /dev/gpu0", str(cluster.pool("broken")["backoff"]))

            with self.subTest("a resource that no pool can have is refused at submission"):
                refused = cluster.troupe("submit", "--resources", "TPU=1", "--", "sleep", "0")
                self.assertNotEqual(refused.code, 0)
                self.assertIn("TPU", refused.err)

    def test_a_pool_that_can_not_start_says_why_and_when_it_is_tried_again(self):
        with broken_cluster() as cluster:
            cluster.ok("submit", "--resources", "GPU=1", "--", "sleep", "0")
            poll(lambda: cluster.pool("broken")["backoff"], 10, "the broken pool backs off")
            text = poll(lambda: "Starts fail" in (t := cluster.ok("autoscaler", "explain", "broken").out)
                        and t, 5, "it is explained")
            self.assertIn("no device /dev/gpu0", text)
            self.assertIn("tried again in", text)

    @staticmethod
    def explain(cluster, task):
        return cluster.ok("explain", task).out

    @staticmethod
    def state(cluster, task):
        job = task.partition(".")[0]
        return next(row["state"] for row in cluster.tasks(job) if row["id"] == task)


if __name__ == "__main__":
    harness.main()
