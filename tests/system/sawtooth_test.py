#!/usr/bin/env python3
"""A load that rises and falls, for ten minutes in the long mode: what the manager believes is what
runs, looked at every second, and the head's memory stays where it is."""
import time
import unittest

import harness
from harness import LONG, Cluster, local_pool, marked_processes, measured, rss_kib, yaml

OPTIONS = "{interval: 200ms, target_duration: 1s, scale_down: {idle_timeout: 1s}}"
LENGTH = 600 if LONG else 20
PERIOD = 20 if LONG else 8


def worker_pids(cluster):
    """Worker processes of the cluster that exist, without their guardians."""
    registered = {w["pid"] for w in cluster.workers()}
    return registered, {pid for pid in marked_processes(cluster.mark) if pid in registered}


class Sawtooth(unittest.TestCase):
    def test_a_sawtooth_load_leaves_no_drift(self):
        with Cluster(yaml(local_pool(max=4), OPTIONS)) as cluster:
            began, looks, wrong_since, worst, resident = time.monotonic(), 0, None, 0.0, []
            peak = 0
            while time.monotonic() - began < LENGTH:
                phase = (time.monotonic() - began) % PERIOD / PERIOD
                if phase < 0.6:  # rises: more each second
                    cluster.ok("submit", "-o", "quiet", "--array", f"1-{1 + int(phase * 20)}", "--",
                               "sleep", "0.2")
                pool = cluster.pool()
                registered, running = worker_pids(cluster)
                peak = max(peak, pool["registered"])
                looks += 1
                # A look is not one moment: only what stays wrong is drift.
                believed = pool["registered"] + pool["draining"]
                if registered != running or abs(believed - len(running)) > pool["launching"] + pool["terminating"]:
                    wrong_since = wrong_since or time.monotonic()
                    worst = max(worst, time.monotonic() - wrong_since)
                    self.assertLess(worst, 5, f"{pool} and {sorted(running)} of {sorted(registered)}")
                else:
                    wrong_since = None
                resident.append(rss_kib(cluster.head.pid))
                time.sleep(max(0.0, began + looks - time.monotonic()))
            self.assertGreaterEqual(peak, 2)
            cluster.wait_workers(0, within=30)
            harness.poll(lambda: marked_processes(cluster.mark) == [cluster.head.pid], 15,
                         "only the head is left")
            warm = max(resident[:len(resident) // 3])
            measured(f"{looks} looks, at most {worst:.1f} s of difference, {peak} workers at the peak, "
                     f"head {warm // 1024} MiB in the first third, {resident[-1] // 1024} MiB at the end")
            self.assertLess(resident[-1], warm * 1.2 + 2048)


if __name__ == "__main__":
    harness.main()
