#!/usr/bin/env python3
"""The examples do what they promise: right counts, a told story, nothing left behind."""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import harness
from harness import MODULES, PROGRAM, ROOT, Cluster, free_port, local_pool, marked_processes, yaml

BIN = pathlib.Path(PROGRAM).parent
LICENCES = pathlib.Path("/usr/share/common-licenses")
WORD = re.compile(rb"[a-z\x80-\xff]+(?:'[a-z\x80-\xff]+)*")


def count_words(files):
    """As examples/wordcount/words.hpp defines a word; (counts, text files, bytes)."""
    counts, texts, size = collections.Counter(), 0, 0
    for file in files:
        data = file.read_bytes()
        if b"\0" in data[:8192]:
            continue
        texts, size = texts + 1, size + len(data)
        counts.update(w for w in WORD.findall(data.lower()) if len(w) <= 40)
    return counts, texts, size


class Examples(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-examples-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith("TROUPE_")}
        self.environment.update(XDG_STATE_HOME=str(self.folder / "state"),
                                SYSTEM_TEST_MARK=self.folder.name)

    def run_example(self, *command, within=110, **environment):
        outcome = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=within,
                                 env={**self.environment, **environment}, cwd=ROOT)
        self.assertEqual(outcome.returncode, 0, f"{command}: {outcome.stdout}\n{outcome.stderr}")
        self.assertEqual(marked_processes(f"SYSTEM_TEST_MARK={self.folder.name}"), [])
        return outcome.stdout

    def make_texts(self):
        texts = self.folder / "texts"
        (texts / "deep" / "er").mkdir(parents=True)
        (texts / "one").write_text("The cat saw the cat's hat. Don't! 'tis' it''s x1y\n" * 50)
        (texts / "deep" / "umlaut").write_text("Öl und Öl, " + "a" * 40 + " " + "b" * 41 + "\n")
        (texts / "deep" / "er" / "binary").write_bytes(b"word\0word")
        (texts / "empty").write_bytes(b"")
        (texts / "link").symlink_to(texts / "one")
        for i in range(40):
            (texts / f"part{i}").write_text(f"part number {i} of many " * (i * 300))
        return texts

    def check_counts(self, printed, counts, texts, size):
        total = re.search(r"Totals: (\d+) words, (\d+) different, in (\d+) text files of (\d+) bytes", printed)
        self.assertIsNotNone(total, printed)
        self.assertEqual([int(n) for n in total.groups()],
                         [sum(counts.values()), len(counts), texts, size])
        top = re.findall(r"^ +(\d+)  (\S+)$", printed, re.M)
        order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        self.assertEqual([(int(n), word.encode()) for n, word in top],
                         [(n, word) for word, n in order[:len(top)]])

    def test_wordcount_counts_right_on_a_local_cluster(self):
        texts = self.make_texts()
        printed = self.run_example(BIN / "wordcount", "--max-workers", 2, "--batch-bytes", 20000, texts)
        files = [f for f in texts.rglob("*") if f.is_file() and not f.is_symlink()]
        self.check_counts(printed, *count_words(files))
        for part in ("came", "left after", "queued", "worker-seconds", "Workers left: 0"):
            self.assertIn(part, printed)

    def test_wordcount_runs_on_the_cluster_of_the_quickstart(self):
        printed = self.run_example(
            BIN / "wordcount", "--cluster", "config/examples/local.yaml", LICENCES,
            TROUPE_SCHEDULER_LISTEN=f"127.0.0.1:{free_port()}",
            TROUPE_SCHEDULER_HTTP=f"127.0.0.1:{free_port()}")
        files = [f for f in LICENCES.iterdir() if f.is_file() and not f.is_symlink()]
        self.check_counts(printed, *count_words(files))
        self.assertIn("Workers left: 0", printed)

    def test_wordcount_is_a_module_for_any_cluster(self):
        pool = local_pool(max=2).replace("test_functions.so", "wordcount.so")
        with Cluster(yaml(pool)) as cluster:
            file = LICENCES / "GPL-3"
            called = cluster.ok("call", "wordcount.count", json.dumps(str(file)), "--wait", "-o", "json")
            counts, _, size = count_words([file])
            text = called.out
            self.assertIn(str(size), text)
            self.assertIn(str(sum(counts.values())), text)
            missing = cluster.troupe("call", "wordcount.count", '"/no/such/file"', "--wait")
            self.assertEqual(missing.code, 1)
            self.assertIn("/no/such/file", missing.err)
            cluster.ok("run", ROOT / "examples/graphs/wordcount.yaml", "--wait")
            cluster.ok("run", ROOT / "examples/graphs/thumbnails.yaml", "--wait")

    def test_embedded_service_answers(self):
        self.assertIn("All of it is gone", self.run_example(BIN / "embedded"))


if __name__ == "__main__":
    harness.main()
