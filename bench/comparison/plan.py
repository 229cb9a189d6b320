"""What is measured, and how much of it: counts are chosen so that one item takes some ten seconds at
most on two cores, by rates that are known roughly. Everything chosen is written down with the result.
"""

import dataclasses
import json
import subprocess

SECONDS = 10  # that a graph whose tasks sleep may take at least
INSTANT = ["merge-10K", "merge-100K", "tree-15"]
LASTING = ["merge_slow-5K-0.1", "xarray-5", "bag-25K-200", "groupby-90-1S-1H"]
AS_COMMANDS = ["merge-10K", "tree-15", "groupby-90-1S-1H"]


@dataclasses.dataclass
class Peer:
    name: str  # as the user says it and the results call it
    module: str  # of its driver
    python: list  # packages from PyPI
    debian: list  # packages from Debian
    import_name: str  # proves that it is installed; "" where there is nothing to import
    noop: int  # counts at --scale 1
    roundtrip: int
    graph_limit: int  # tasks of a graph of calls; 0: it has none
    says: str  # for the notes below the table


PEERS = [
    Peer(
        "troupe",
        "troupe_driver",
        [],
        [],
        "",
        1_000_000,
        10_000,
        10**9,
        "C++ functions in worker processes; head, workers and client are processes; mutual TLS",
    ),
    Peer(
        "dask",
        "dask_driver",
        ["distributed"],
        [],
        "distributed",
        5_000,
        500,
        35_000,
        "Python functions in two worker processes of one thread; scheduler and client are processes; "
        "TCP without TLS",
    ),
    Peer(
        "ray",
        "ray_driver",
        ["ray"],
        [],
        "ray",
        10_000,
        1_000,
        35_000,
        "Python functions in two worker processes; a token says who may submit, gRPC without TLS",
    ),
    Peer(
        "hyperqueue",
        "hyperqueue_driver",
        ["hyperqueue"],
        [],
        "hyperqueue",
        0,
        0,
        0,
        "commands only; server, worker of two cores and client are threads of one process; encrypted "
        "with a shared key",
    ),
    Peer(
        "celery",
        "celery_driver",
        ["celery", "redis"],
        ["redis-server"],
        "celery",
        3_000,
        500,
        0,
        "Python functions in two worker processes; Redis in between, without TLS",
    ),
    Peer(
        "gearman",
        "gearman_driver",
        [],
        ["gearman-job-server"],
        "",
        10_000,
        1_000,
        0,
        "Python functions in two worker processes with a client of our own, for none is current; "
        "without TLS",
    ),
]
EXEC_COUNT = 2_000
COMMANDS_LIMIT = 2_000  # tasks of a graph of commands

SCENARIOS = {
    "noop": "calls that do nothing, submitted together, until all results are back: tasks/s",
    "roundtrip": "one call at a time, submit to result: p50 and p99 in µs",
    "exec": "/bin/true as tasks: tasks/s",
    "graph": "the graphs of `troupe bench --list-graphs`, tasks are calls: tasks/s",
    "graph_commands": "some of them, tasks are commands: tasks/s",
}


def troupe_json(troupe, *arguments):
    done = subprocess.run(
        [troupe, "bench", *arguments, "-o", "json"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


class Graphs:
    """Graphs as `troupe bench --show-graph` writes them, each share once, in files that drivers read."""

    def __init__(self, troupe, folder):
        self.troupe, self.folder, self.known = troupe, folder, {}
        self.published = {g["name"]: g for g in troupe_json(troupe, "--list-graphs")}

    def item(self, name, kind, limit, scale, slots):
        """The item of a plan: the whole graph, or the share that its bounds allow."""
        published = self.published[name]
        bounds = [1, limit * min(scale, 1) / published["tasks"], min(scale, 1)]
        if name in LASTING:
            bounds.append(SECONDS * scale * slots * 1000 / (published["mean_ms"] * published["tasks"]))
        share = float(f"{max(min(bounds), 0.0001):.4g}")
        if (name, share) not in self.known:
            graph = troupe_json(self.troupe, "--show-graph", name, "--scale", str(share))
            file = self.folder / f"{name}-{share}.json"
            file.write_text(json.dumps(graph))
            self.known[name, share] = {
                "file": str(file),
                "count": graph["tasks"],
                "dependencies": graph["dependencies"],
                "task_us": graph["task_us"],
            }
        return {
            "name": f"{kind}.{name}",
            "kind": kind,
            "graph": name,
            "share": share,
            **self.known[name, share],
        }


def items(peer, scenarios, scale, graphs, slots):
    """The plan of one peer: what it can't do at all is in it too, for the driver to say so."""
    out = []
    for scenario, whole in (("noop", peer.noop), ("roundtrip", peer.roundtrip), ("exec", EXEC_COUNT)):
        if scenario in scenarios:
            out.append({"name": scenario, "kind": scenario, "count": max(int(whole * scale), 10)})
    if "graph" in scenarios:
        out += [graphs.item(g, "graph", peer.graph_limit or 100, scale, slots) for g in INSTANT + LASTING]
    if "graph_commands" in scenarios:
        out += [graphs.item(g, "graph_commands", COMMANDS_LIMIT, scale, slots) for g in AS_COMMANDS]
    return out
