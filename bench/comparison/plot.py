"""Draws a result of bench/peers: `plot.py DATE.json` writes DATE.svg beside it. Runs in the virtual
environment, for matplotlib.
"""

import json
import math
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

import report

LOOKS = {  # by peer: colour (readable without red and green), marker
    "troupe": ("#d55e00", "D"),
    "dask": ("#0072b2", "o"),
    "ray": ("#009e73", "s"),
    "hyperqueue": ("#7a4fa3", "^"),
    "celery": ("#a88300", "v"),
    "gearman": ("#555555", "P"),
}
NAMES = {"noop": "calls that do nothing", "exec": "/bin/true as tasks"}


def short(x, _=None):
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if x >= unit:
            return f"{x / unit:.3g}{name}"
    return f"{x:.3g}"


def name_of(item):
    kind, _, graph = item.partition(".")
    return NAMES.get(item) or graph + (" (commands)" if kind == "graph_commands" else "")


def version(found, peer):
    """Its number: of "distributed 2026.8.0, dask 2026.8.0" the first."""
    return found["versions"].get(peer, "").split(",")[0].replace("/", " ").rpartition(" ")[2]


def groups(found):
    """The rows of each panel, from the top; only what somebody did."""

    def done(kinds):
        return [
            i
            for i in report.items(found)
            if kinds(i) and any(report.values(found, i, p, "tasks_per_s") for p in report.peers(found))
        ]

    instant = done(lambda i: i == "noop" or i.startswith("graph.") and not report.bound(found, i))
    lasting = done(lambda i: i.startswith("graph.") and report.bound(found, i))
    commands = done(lambda i: i == "exec" or i.startswith("graph_commands."))
    return instant, lasting, commands


def label(axes, points, y):
    """The figures of one row, above or below their dots; none where it would stand on another."""
    low, high = (math.log(x) for x in axes.get_xlim())
    taken = {-13: -1, 7: -1}  # offset: where the last one stands, as a share of the width
    for x, colour in sorted(points):
        place = (math.log(x) - low) / (high - low)
        for offset, last in taken.items():
            if last < 0 or place - last > 0.055:
                axes.annotate(
                    short(x),
                    (x, y),
                    xytext=(0, offset),
                    textcoords="offset points",
                    ha="center",
                    fontsize=7.5,
                    color=colour,
                )
                taken[offset] = place
                break


def plain(axes, names):
    """What all panels have in common: rows with names from the top, a log scale, little ink."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", which="major", color="#e2e2e2", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(FuncFormatter(short))
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def dots(axes, found, rows):
    """A row of dots an item: the median with its figure, a line from the least to the most."""
    axes.set_xscale("log")
    points = {}
    for y, item in enumerate(rows):
        for peer in report.peers(found):
            all_ = report.values(found, item, peer, "tasks_per_s")
            if not all_:
                continue
            colour, marker = LOOKS[peer]
            x = report.median(found, item, peer, "tasks_per_s")
            points.setdefault(y, []).append((x, colour))
            axes.plot([min(all_), max(all_)], [y, y], color=colour, linewidth=1.5, alpha=0.6)
            axes.plot(
                x,
                y,
                marker,
                color=colour,
                markersize=8,
                markeredgecolor="white",
                markeredgewidth=0.8,
                zorder=3,
                alpha=0.95,
            )
        most = report.bound(found, item)
        if most:
            axes.plot([most, most], [y - 0.38, y + 0.38], color="#777777", linewidth=1.2, linestyle=":")
    plain(axes, [name_of(i) for i in rows])
    for y, row in points.items():
        label(axes, row, y)


def roundtrips(axes, found):
    peers = [p for p in report.peers(found) if report.values(found, "roundtrip", p, "p50_us")]
    axes.set_xscale("log")
    for y, peer in enumerate(peers):
        colour, marker = LOOKS[peer]
        p50, p99 = (report.median(found, "roundtrip", peer, m) for m in ("p50_us", "p99_us"))
        axes.plot([p50, p99], [y, y], color=colour, linewidth=2)
        axes.plot(
            p50,
            y,
            marker,
            color=colour,
            markersize=8,
            markeredgecolor="white",
            markeredgewidth=0.8,
            zorder=3,
        )
        axes.plot(p99, y, "|", color=colour, markersize=11, markeredgewidth=2)
        for x, where in ((p50, "right"), (p99, "left")):
            axes.annotate(
                short(x),
                (x, y),
                xytext=(-8 if where == "right" else 8, 0),
                textcoords="offset points",
                ha=where,
                va="center",
                fontsize=7.5,
                color=colour,
            )
    axes.margins(x=0.15)
    plain(axes, peers)


def panels(found):
    """(rows, how to draw, title, unit) of what was measured."""
    instant, lasting, commands = groups(found)
    peers = [p for p in report.peers(found) if report.values(found, "roundtrip", p, "p50_us")]
    all_ = [
        (
            instant,
            lambda a: dots(a, found, instant),
            "Calls that do nothing, alone and in graphs",
            "tasks/s, more is better",
        ),
        (
            peers,
            lambda a: roundtrips(a, found),
            "One call at a time, submit to result: p50 and p99",
            "µs, less is better",
        ),
        (
            lasting,
            lambda a: dots(a, found, lasting),
            "Graphs of calls that sleep; dotted: all the slots allow",
            "tasks/s, more is better",
        ),
        (
            commands,
            lambda a: dots(a, found, commands),
            "Commands, the same for all",
            "tasks/s, more is better",
        ),
    ]
    return [p for p in all_ if p[0]]


def draw(found, file):
    plt.rcParams.update({"font.size": 9, "font.family": "DejaVu Sans", "svg.fonttype": "none"})
    shown = panels(found)
    if not shown:
        sys.exit("nothing was measured that could be drawn")
    heights = [len(rows) + 1.3 for rows, *_ in shown]
    figure, all_axes = plt.subplots(
        len(shown),
        1,
        figsize=(9, 0.52 * sum(heights) + 1.6),
        layout="constrained",
        gridspec_kw={"height_ratios": heights},
        squeeze=False,
    )
    for axes, (_, how, title, unit) in zip(all_axes[:, 0], shown):
        how(axes)
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel(f"{unit} (log scale)")
    figure.get_layout_engine().set(h_pad=0.1)
    handles = [
        plt.Line2D(
            [],
            [],
            linestyle="",
            marker=LOOKS[p][1],
            color=LOOKS[p][0],
            markersize=7,
            label=f"{p} {version(found, p)}",
        )
        for p in report.peers(found)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False)
    m = found["machine"]
    figure.text(
        0.01,
        -0.005,
        f"{found['date']}, {m['cpu']}, {m['cores']} cores; one machine, loopback, "
        f"{found['slots']} slots each; median of {report.count(found['rounds'], 'round')}, line: least to "
        "most; counts in the table.\nTroupe: C++ calls over mutual TLS. HyperQueue: commands only, encrypted. "
        "Others: Python calls, in the clear.",
        fontsize=7.5,
        color="#444444",
        va="top",
    )
    figure.savefig(file, bbox_inches="tight", pad_inches=0.15)


if __name__ == "__main__":
    source = pathlib.Path(sys.argv[1])
    draw(json.loads(source.read_text()), source.with_suffix(".svg"))
