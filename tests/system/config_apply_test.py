#!/usr/bin/env python3
"""Settings change while the cluster runs: all of a good file that can, nothing of a bad one."""
import signal
import unittest

import harness
from harness import Cluster, local_pool, poll, yaml


class ConfigApply(unittest.TestCase):
    def test_a_changed_file_is_applied_without_a_restart(self):
        with Cluster(yaml(local_pool(min=0, max=1))) as cluster:
            other = cluster.folder / "other.yaml"
            other.write_text(cluster.file.read_text().replace("min: 0", "min: 2")
                             .replace("max: 1", "max: 3").replace("slots: 1", "slots: 2"))
            would = cluster.ok("config", "apply", other, "--dry-run", "-o", "json").json()
            self.assertFalse(would["applied"])
            self.assertEqual({c["path"]: (c["from"], c["to"], c["live"]) for c in would["changes"]},
                             {"pools[here].min": (0, 2, True), "pools[here].max": (1, 3, True),
                              "pools[here].worker.slots": (1, 2, False)})
            self.assertEqual(cluster.pool()["max"], 1)

            done = cluster.ok("config", "apply", other)
            self.assertIn("now", done.out)
            self.assertIn("can't be made while the cluster runs", done.err)
            cluster.wait_workers(2)
            self.assertEqual((cluster.pool()["min"], cluster.pool()["max"]), (2, 3))
            shown = cluster.ok("config", "show", "--cluster").out
            self.assertRegex(shown, rf"max: 3 +# {other}:")
            self.assertRegex(shown, rf"slots: 1 +# {cluster.file}:")
            self.assertEqual({w["slots"] for w in cluster.workers()}, {1})

    def test_a_bad_file_changes_nothing(self):
        with Cluster(yaml(local_pool(min=0, max=1))) as cluster:
            other = cluster.folder / "other.yaml"
            other.write_text(cluster.file.read_text().replace("max: 1", "max: 3\n    mni: 1"))
            refused = cluster.troupe("config", "apply", other)
            self.assertEqual(refused.code, 2, refused)
            self.assertIn(f"{other}:8:5: pools[0].mni", refused.err)
            self.assertEqual(cluster.pool()["max"], 1)

    def test_a_hangup_signal_reads_the_file_again(self):
        with Cluster(yaml(local_pool(min=0, max=1))) as cluster:
            good = cluster.file.read_text()
            cluster.file.write_text(good.replace("min: 0", "min: two"))
            cluster.head.send_signal(signal.SIGHUP)
            poll(lambda: "configuration: stays as it is" in cluster.log_text(), 10, "the refusal")
            self.assertIn("pools[0].min", cluster.log_text())
            cluster.file.write_text(good.replace("min: 0", "min: 1"))
            cluster.head.send_signal(signal.SIGHUP)
            cluster.wait_workers(1)
            self.assertIn("pools[here].min is 1, was 0", cluster.log_text())

    def test_what_was_scaled_by_hand_stays(self):
        with Cluster(yaml(local_pool(min=0, max=4))) as cluster:
            cluster.ok("scale", "here", "2")
            cluster.wait_workers(2)
            cluster.file.write_text(cluster.file.read_text().replace("min: 0", "min: 1"))
            cluster.ok("config", "apply")
            poll(lambda: cluster.pool()["min"] == 1, 10, "the new minimum")
            self.assertEqual(cluster.pool()["target"], 2)
            cluster.ok("autoscaler", "resume")
            cluster.wait_workers(1)


if __name__ == "__main__":
    harness.main()
