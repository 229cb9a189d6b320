#!/usr/bin/env python3
"""Workflow graphs, recorded and generated, run in dependency order on an adaptive cluster."""
import json
import subprocess
import sys
import time
import unittest

import harness
from harness import DATA, ROOT, Cluster, local_pool, measured, yaml

EXAMPLES = ROOT / "examples"


def script(name, *arguments):
    return subprocess.run([sys.executable, str(EXAMPLES / name), *map(str, arguments)], check=True,
                          capture_output=True, text=True, timeout=60).stdout


def parents_by_index(workflow):
    """For each task, in file order, the positions of its parents."""
    tasks = workflow["workflow"]["specification"]["tasks"]
    position = {task["id"]: i for i, task in enumerate(tasks)}
    parents = [{position[p] for p in task.get("parents", [])} for task in tasks]
    for i, task in enumerate(tasks):
        for child in task.get("children", []):
            parents[position[child]].add(i)
    return parents


class Workflows(unittest.TestCase):
    def run_on_cluster(self, text, scale):
        parents = parents_by_index(json.loads(text))
        with self.cluster() as cluster:
            trace = cluster.folder / "trace"
            source, graph = cluster.folder / "workflow.json", cluster.folder / "graph.yaml"
            source.write_text(text)
            script("wfformat2graph.py", "--scale", scale, "--call", "test.stamped", "-o", graph, source)
            started = time.monotonic()
            cluster.ok("run", graph, "--wait", within=120)
            measured(f"{len(parents)} tasks in {time.monotonic() - started:.2f} s")
            self.check_order(harness.traces(trace), parents)
            cluster.wait_workers(0, within=20)

    def cluster(self):
        cluster = Cluster({"rest": ""})
        pool = local_pool(max=4, worker=f"env: {{TRACE_FILE: {cluster.folder / 'trace'}}}")
        cluster.file.write_text(cluster.file.read_text() + yaml(pool)["rest"])
        return cluster

    def check_order(self, traces, parents):
        self.assertEqual(sorted(n for what, n, _ in traces if what == "started"),
                         list(range(len(parents))), "every task ran once")
        ended = set()
        for what, number, _ in traces:
            if what == "finished":
                ended.add(number)
            else:
                self.assertLessEqual(parents[number], ended, f"task {number} started too early")
        self.assertEqual(len(ended), len(parents))

    def recorded(self, name):
        file = DATA / "workflows" / name
        if not file.exists():
            self.skipTest(f"{file} is not there; the generated workflow below stands in for it")
        self.run_on_cluster(file.read_text(), 0.01)

    def test_montage(self):
        self.recorded("montage-chameleon-2mass-005d-001.json")

    def test_1000genome(self):
        self.recorded("1000genome-chameleon-2ch-100k-001.json")

    def test_a_generated_workflow(self):
        self.run_on_cluster(script("make_workflow.py", "--images", 20, "--seed", 3), 0.01)


if __name__ == "__main__":
    harness.main()
