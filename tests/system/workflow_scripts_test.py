#!/usr/bin/env python3
"""The workflow scripts of examples/: what they make, and what they refuse. No cluster involved."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONVERT = ROOT / "examples" / "wfformat2graph.py"
MAKE = ROOT / "examples" / "make_workflow.py"


def run(*command):
    return subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, timeout=60)


class WorkflowScripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "workflow.json"

    def write(self, specified, executed=()):
        workflow = {"specification": {"tasks": list(specified)}, "execution": {"tasks": list(executed)}}
        self.file.write_text(json.dumps({"name": "w", "workflow": workflow}))

    def test_dependencies_may_be_said_by_either_side(self):
        self.write([{"id": "a", "children": ["b"]}, {"id": "b"}, {"id": "c", "parents": ["b"]}],
                   [{"id": "a", "runtimeInSeconds": 100}, {"id": "b", "runtimeInSeconds": 0.5}])
        lines = run(CONVERT, "--scale", "0.01", self.file).stdout.splitlines()
        self.assertEqual(lines[1:], [
            'name: "w"',
            "tasks:",
            '  - {id: "a", exec: [sleep, "1.000000"]}',
            '  - {id: "b", exec: [sleep, "0.005000"], after: ["a"]}',
            '  - {id: "c", exec: [sleep, "0.000000"], after: ["b"]}',
        ])

    def test_tasks_can_be_calls(self):
        self.write([{"id": "a"}], [{"id": "a", "runtimeInSeconds": 2}])
        lines = run(CONVERT, "--call", "nap", self.file).stdout.splitlines()
        self.assertEqual(lines[-1], '  - {id: "a", call: "nap", args: [2.000000]}')

    def test_an_unknown_parent_is_named(self):
        self.write([{"id": "a", "parents": ["ghost"]}])
        outcome = run(CONVERT, self.file)
        self.assertEqual(outcome.returncode, 1)
        self.assertIn('"ghost"', outcome.stderr)

    def test_a_file_of_another_kind_is_refused_in_words(self):
        self.file.write_text('{"workflow": {"tasks": []}}')
        outcome = run(CONVERT, self.file)
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("not WfFormat", outcome.stderr)

    def test_generated_workflows_convert_and_repeat(self):
        first = run(MAKE, "--images", 5, "--seed", 7)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stdout, run(MAKE, "--images", 5, "--seed", 7).stdout)
        self.file.write_text(first.stdout)
        outcome = run(CONVERT, self.file)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertEqual(outcome.stdout.count("- {id: "), 5 + 7 + 2 + 5 + 3)


if __name__ == "__main__":
    harness.main()
