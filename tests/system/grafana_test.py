#!/usr/bin/env python3
"""Every panel of the Grafana boards asks for something that a Prometheus which scrapes a head has."""
import json
import pathlib
import re
import shutil
import tempfile
import time
import unittest

import harness
from harness import Cluster, local_pool, poll, yaml
from prometheus import RealPrometheus, needs_prometheus

BOARDS = sorted((harness.ROOT / "deploy/grafana/dashboards").glob("*.json"))
# Nothing of the kind has happened in the test's cluster.
MAY_BE_EMPTY = {"troupe_autoscaler_signal_failures_total"}


def panels(board):
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries(board):
    """(panel's title, PromQL) of all panels."""
    return [(panel["title"], target["expr"]) for panel in panels(board)
            for target in panel.get("targets", [])]


def filled_in(expression, job):
    values = {"$job": job, "$pool": ".*", "$__rate_interval": "10s"}
    for name, value in values.items():
        expression = expression.replace(name, value)
    return expression


class Boards(unittest.TestCase):
    def test_boards_are_whole(self):
        self.assertTrue(BOARDS)
        known = set(re.findall(r"^\| `(troupe_\w+)`",
                               (harness.ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
        for file in BOARDS:
            board = json.loads(file.read_text())
            everything = list(panels(board))
            self.assertEqual(len({p["id"] for p in everything}), len(everything))
            self.assertTrue(board["uid"] and board["title"])
            taken = set()
            for panel in everything:
                with self.subTest(panel["title"]):
                    at = panel["gridPos"]
                    cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                             for y in range(at["y"], at["y"] + at["h"])}
                    self.assertLessEqual(at["x"] + at["w"], 24)
                    self.assertFalse(cells & taken, "it covers another")
                    taken |= cells
                    if panel["type"] != "row":
                        self.assertTrue(panel["description"])
                        self.assertEqual(panel["datasource"]["uid"], "${datasource}")
            for title, expression in queries(board):
                with self.subTest(title):
                    used = {re.sub("_(bucket|sum|count)$", "", name)
                            for name in re.findall(r"troupe_\w+", expression)}
                    self.assertLessEqual(used, known)

    @needs_prometheus
    def test_every_panel_gets_data(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-test-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        options = ("{interval: 200ms, target_duration: 1s, scale_down: {idle_timeout: 1s}, signals: "
                   "[{name: depth, source: queue_depth, target: 5}]}")
        pools = (local_pool("cheap", max=1, more="    cost_per_hour: 0.1\n") +
                 local_pool("dear", max=2, more="    cost_per_hour: 1\n"))
        cluster = Cluster(yaml(pools, options))
        server = RealPrometheus(folder, {"a-cluster": cluster.http_port})
        server.start()
        self.addCleanup(server.stop)
        with cluster:
            # Work comes and goes, so that counters move while they are scraped.
            empty = [(title, expression) for file in BOARDS
                     for title, expression in queries(json.loads(file.read_text()))]
            deadline = time.monotonic() + 60
            while empty and time.monotonic() < deadline:
                cluster.ok("submit", "--wait", "--array", "1-30", "--", "sleep", "0.1")
                empty = [(title, expression) for title, expression in empty
                         if not server.query(filled_in(expression, "a-cluster"))
                         and not any(name in expression for name in MAY_BE_EMPTY)]
            self.assertEqual(empty, [])
            poll(lambda: server.query('troupe_tasks{job="a-cluster",state="finished"}'), 5, "a count")


if __name__ == "__main__":
    harness.main()
