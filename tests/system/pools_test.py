#!/usr/bin/env python3
"""Several pools of real processes: work goes where it fits and costs least, and around what fails."""
import time
import unittest

import harness
from harness import Cluster, local_pool, measured, poll, yaml

FAST = "{interval: 100ms, target_duration: 1s, scale_down: {idle_timeout: 1s}}"


def priced(name, cost, max=2, worker="", more=""):
    return local_pool(name, max=max, worker=worker, more=f"    cost_per_hour: {cost}\n{more}")


def targets_of(cluster, pool):
    """Every target the pool has had, from its decisions."""
    log = cluster.ok("autoscaler", "log", "--pool", pool, "--limit", "1000", "-o", "json").json()
    return {d["to"] for d in log}


class Pools(unittest.TestCase):
    def test_work_wakes_only_the_pool_of_its_shape(self):
        pools = priced("plain", 1) + priced("accelerated", 0.1, worker="resources: {GPU: 1}")
        with Cluster(yaml(pools, FAST)) as cluster:
            cluster.ok("submit", "--wait", "--array", "1-6", "--", "sleep", "0.5")
            self.assertGreaterEqual(max(targets_of(cluster, "plain")), 1)
            # Cheaper as it is: accelerators are not for plain work.
            self.assertLessEqual(targets_of(cluster, "accelerated"), {0})
            cluster.wait_workers(0, pool="plain")
            last = cluster.ok("autoscaler", "log", "-o", "json").json()[-1]["number"]
            cluster.ok("submit", "--wait", "--array", "1-6", "--resources", "GPU=1", "--", "sleep", "0.5")
            self.assertGreaterEqual(max(targets_of(cluster, "accelerated")), 1)
            since = [d for d in cluster.ok("autoscaler", "log", "--pool", "plain", "--limit", "1000",
                                           "-o", "json").json() if d["number"] > last]
            self.assertLessEqual({d["to"] for d in since}, {0})

    def test_the_cheap_pool_fills_first(self):
        with Cluster(yaml(priced("dear", 10) + priced("cheap", 1), FAST)) as cluster:
            cluster.ok("submit", "--wait", "--array", "1-2", "--", "sleep", "1")
            self.assertEqual(max(targets_of(cluster, "cheap")), 2)
            self.assertLessEqual(targets_of(cluster, "dear"), {0})
            cluster.wait_workers(0, pool="cheap")
            # More than it can take: the other gets what is left, in the same decision.
            job = cluster.job_of(cluster.ok("submit", "--array", "1-4", "-o", "quiet", "--", "sleep", "20"))
            cluster.wait_workers(2, pool="cheap")
            cluster.wait_workers(2, pool="dear")
            log = cluster.ok("autoscaler", "log", "--limit", "1000", "-o", "json").json()
            first = {pool: next(d["number"] for d in log if d["pool"] == pool and d["to"] == 2)
                     for pool in ("dear",)}
            cheap = [d for d in log if d["pool"] == "cheap" and d["number"] == first["dear"]]
            self.assertEqual([d["to"] for d in cheap], [2])
            cluster.ok("cancel", job)

    def test_a_pool_that_always_fails_backs_off_and_another_serves(self):
        failing = priced("broken", 0.1, worker="program: /bin/false")
        with Cluster(yaml(failing + priced("sound", 1), FAST)) as cluster:
            started = time.monotonic()
            cluster.ok("submit", "--wait", "--array", "1-4", "--", "sleep", "0.2")
            measured(f"done {time.monotonic() - started:.2f} s after the submission, beside a broken pool")
            cluster.ok("submit", "--array", "1-40", "--", "sleep", "0.5")
            poll(lambda: cluster.pool("broken")["backoff"], 10, "it backs off")
            explain = ("autoscaler", "explain", "broken", "-o", "json")
            poll(lambda: "backing off" in " ".join(cluster.ok(*explain).json()["why"]), 10, "it says so")
            self.assertIn("exited with status 1", cluster.pool("broken")["backoff"]["reason"])
            first = cluster.pool("broken")["backoff"]["failures"]
            # It is asked again, and waits longer each time: no hot loop.
            poll(lambda: (cluster.pool("broken")["backoff"] or {}).get("failures", 0) > first, 30,
                 "it is probed again")
            launches = metric_sum(cluster, "troupe_launches_total", 'pool="broken"')
            measured(f"{launches:.0f} launches of the broken pool in {time.monotonic() - started:.0f} s")
            self.assertLess(launches, 2 + 2 * (time.monotonic() - started))


def metric_sum(cluster, name, label):
    import urllib.request
    url = f"http://127.0.0.1:{cluster.http_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return sum(float(row.rpartition(" ")[2]) for row in answer.read().decode().splitlines()
                   if row.startswith(name + "{") and label in row)


if __name__ == "__main__":
    harness.main()
