"""Troupe: `troupe bench`, which starts a head and two workers with one slot each and is the client; TLS
with certificates on both sides (its default, and it has no other).
"""

import json
import subprocess

import driver

# What `--scale 1` stands for in `troupe bench`.
WHOLE = {"noop": 1_000_000, "roundtrip": 10_000, "exec": 3_000}


class Troupe(driver.Driver):
    def warm_up(self):
        pass  # troupe bench does, for each scenario

    def version(self):
        words = subprocess.run(
            [self.plan["troupe"], "--version"], capture_output=True, text=True, check=True
        )
        return words.stdout.split("\n")[0].strip().replace("/", " ")

    def measure(self, item):
        kind = item["kind"]
        if kind in WHOLE:
            command = [kind, "--scale", item["count"] / WHOLE[kind]]
        else:
            command = ["graph", "--graph", item["graph"], "--scale", item["share"]]
            command += ["--commands"] if kind == "graph_commands" else []
        command = [
            self.plan["troupe"],
            "bench",
            *command,
            "--rounds",
            1,
            "--workers",
            self.slots,
            "--slots",
            1,
            "-o",
            "json",
        ]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip().split("\n")[-1])
        # noop.tasks_per_s, graph.tree-15.tasks_per_s
        return {
            name.rpartition(".")[2]: m["median"]
            for name, m in json.loads(done.stdout)["metrics"].items()
            if not name.startswith("reference.")
        }


if __name__ == "__main__":
    driver.main(Troupe())
