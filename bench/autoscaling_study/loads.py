"""The loads of the comparison, the clusters they run on, and the range of every policy's knob."""

import dataclasses
import pathlib

# What all policies have: the machines. What ours has besides: one setting for all loads.
CLUSTER = """\
cluster: {{name: comparison}}
pools:
  - name: machines
    provider: {{type: fake}}
    min: 0
    max: {max}
    boot_deadline: 30m
    cost_per_hour: 1
    worker: {{slots: {slots}{resources}}}
    launch: {{max_pending: 1000}}
autoscaler:
  scale_down: {{idle_timeout: {idle}}}
"""

SECONDS = [0.2, 0.5, 1, 2, 3, 4, 5, 6.5, 8, 10, 12.5, 15, 20, 25, 30, 40, 50, 65, 90, 120, 180, 300]
TASKS_A_WORKER = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 3, 4, 6, 10, 20]
SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 25, 30, 40, 60, 80]


@dataclasses.dataclass
class Case:
    name: str
    what: str  # in words
    cluster: str
    arguments: list
    knobs: dict
    seeds: int = 0  # runs of each point; 0: as many as asked for
    more: dict = dataclasses.field(default_factory=dict)  # arguments for one policy alone


def machines(most, slots=1, resources="", idle="3s"):
    return CLUSTER.format(max=most, slots=slots, resources=f", resources: {{{resources}}}" if resources else "", idle=idle)


def knobs(seconds=SECONDS, sizes=SIZES):
    return {"ours": seconds, "dask": seconds, "hpa": TASKS_A_WORKER, "fixed": sizes}


def cases(data: pathlib.Path):
    generated = ["--rate", "1", "--run-time", "10s~40s", "--boot", "30s~1m"]
    hours = ["--length", "4h"]
    words = {
        "step": ("4 hours: nothing, then 12 workers' worth", hours),
        "ramp": ("4 hours: up to 12 workers' worth and down again", hours),
        "burst": ("4 hours: a worker's worth, and 120 tasks at once every 20 minutes", [*hours, "--period", "20m"]),
        "diurnal": ("a day's wave of up to 12 workers' worth", []),
    }
    out = [Case(n, w, machines(300), ["--load", n, *more, *generated], knobs()) for n, (w, more) in words.items()]
    trace = data / "traces/openb_pod_list_default.csv"
    if trace.exists():
        # Five months at a minute an hour: boots of 3 to 6 minutes are seconds, and so are HPA's interval and
        # window. Ours and Dask's stay, so that both look at the cluster once a minute of the trace.
        # The machines are as large as the largest of the trace, because some pods ask for 120 cpus.
        # A run takes minutes, with Dask's rule above all: half of the settings, once each.
        minutes = [s * 2 for s in SECONDS[1::2]]
        out.append(
            Case(
                "openb",
                "Alibaba's openb trace, an hour as a minute: GPU and plain pods on machines of 128 cpus and 8 GPUs",
                machines(2000, 128, "GPU: 8"),
                ["--load", str(trace), "--speed", "60", "--boot", "3s-6s"],
                knobs(minutes, [4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 40, 60, 80]),
                seeds=1,
                more={"hpa": ["--hpa-sync", "250ms", "--hpa-window", "5s"]},
            )
        )
    for name, file in (("montage", "montage-chameleon-2mass-005d-001"), ("1000genome", "1000genome-chameleon-2ch-100k-001")):
        workflow = data / f"workflows/{file}.json"
        if workflow.exists():
            arguments = ["--load", str(workflow), "--boot", "30s~1m"]
            out.append(Case(name, f"the {name} workflow, submitted once", machines(100), arguments, knobs()))
    return out
