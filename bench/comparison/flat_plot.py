"""Draws what `troupe bench flat -o json` found: how the cost of a task depends on how many there are, on how
many jobs they are in, and on how many workers run them.

    flat_plot.py RESULT.json PLOT.svg       in the virtual environment of bench/peers, for matplotlib
"""

import json
import re
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

from plot import short

TROUPE, REFERENCE = "#d55e00", "#555555"
AXES = [("tasks", "tasks in one job"), ("jobs", "jobs of 1,000,000 tasks together"), ("workers", "worker processes")]


def series(metrics, pattern):
    """{number in the name: what was measured}, for names that match."""
    found = {}
    for name, metric in metrics.items():
        match = re.fullmatch(pattern, name)
        if match:
            found[int(match[1])] = metric
    return dict(sorted(found.items()))


def line(axes, found, colour, marker, label):
    axes.plot(list(found), [m["median"] for m in found.values()], marker + "-", color=colour, label=label,
              markersize=6)
    for x, m in found.items():
        axes.plot([x, x], [m["least"], m["most"]], color=colour, linewidth=3, alpha=0.3)
        axes.annotate(short(m["median"]), (x, m["median"]), xytext=(0, 8), textcoords="offset points",
                      ha="center", fontsize=8, color=colour)


def dress(axes, found, label):
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.set_xticks(list(found), [short(x) for x in found])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: short(y) if y else "0"))
    axes.grid(axis="y", color="#e2e2e2", linewidth=0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def main():
    source, target = sys.argv[1:]
    with open(source) as f:
        metrics = json.load(f)["metrics"]
    plt.rcParams.update({"font.size": 9, "font.family": "DejaVu Sans", "svg.fonttype": "none"})
    figure, (cost, *rates) = plt.subplots(1, 1 + len(AXES), figsize=(12, 3.4), layout="constrained")
    found = series(metrics, r"flat\.tasks_(\d+)\.cpu_ns_per_task")
    line(cost, found, TROUPE, "o", "")
    dress(cost, found, AXES[0][1])
    cost.set_ylim(0, cost.get_ylim()[1] * 1.05)
    cost.set_ylabel("processor time of a task, ns")
    for axes, (kind, label) in zip(rates, AXES):
        found = series(metrics, rf"flat\.{kind}_(\d+)\.tasks_per_s")
        line(axes, found, TROUPE, "o", "no-op calls, end to end")
        if kind == "workers":
            line(axes, series(metrics, r"reference\.relay_(\d+)_items_per_s"), REFERENCE, "s",
                 "the same messages, passed on")
        dress(axes, found, label)
    top = max(axes.get_ylim()[1] for axes in rates)
    for axes in rates:
        axes.set_ylim(0, top)
    rates[0].set_ylabel("tasks a second")
    rates[-1].legend(frameon=False, fontsize=8)
    figure.savefig(target)


if __name__ == "__main__":
    main()
