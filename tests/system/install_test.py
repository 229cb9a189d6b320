#!/usr/bin/env python3
"""An installed Troupe is enough: find_package(troupe) builds the embedded example outside the tree."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import harness
from harness import PROGRAM, ROOT, measured

BUILD = pathlib.Path(PROGRAM).resolve().parents[1]


def run(*command, within=600, **options):
    outcome = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=within, **options)
    if outcome.returncode != 0:
        raise AssertionError(f"{command} ended with {outcome.returncode}\n"
                             f"{outcome.stdout[-4000:]}\n{outcome.stderr[-4000:]}")
    return outcome.stdout


class Install(unittest.TestCase):
    def test_the_embedded_example_builds_against_an_installed_package(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-install-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        prefix, source, build = folder / "prefix", folder / "embedded", folder / "build"
        run("cmake", "--install", BUILD, "--prefix", prefix)
        shutil.copytree(ROOT / "examples" / "embedded", source)

        started = time.monotonic()
        run("cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", build)
        measured(f"configured and built in {time.monotonic() - started:.0f} s")
        environment = dict(os.environ, XDG_STATE_HOME=str(folder / "state"))
        self.assertIn("All of it is gone", run(build / "embedded", env=environment, within=60))
        version = run(prefix / "bin" / "troupe", "version", env=environment)
        self.assertIn("troupe", version)


if __name__ == "__main__":
    harness.main()
