"""What was measured, as text: medians and spreads in a table, ratios to Dask, and what to make of them."""

import statistics

SLOTS = 2  # of every system, in as many worker processes where it has processes

# What Troupe sets itself: against dask.distributed in the same run.
LEAST_SPEEDUP = 500
MOST_ROUNDTRIP = 1 / 30

ROWS = {  # item: what the row says
    "noop": "calls that do nothing",
    "roundtrip": "one call at a time",
    "exec": "/bin/true",
}

COMPARABLE = """\
- **Languages.** A task of Troupe is a call of a C++ function, one of Dask, Ray, Celery and Gearman a call of
  a Python function. Rows of calls compare systems as their users meet them, not schedulers alone: some of the
  difference is Python's. A program in Python gains nothing from it.
- **Commands.** In `exec` every system starts the same /bin/true, two at a time, and the machine's own cost of
  starting processes is most of it. Systems whose tasks are Python functions start it with `subprocess.run`
  from a worker; Troupe and HyperQueue start it themselves. Here all are equal.
- **Security.** Troupe's connections have TLS with certificates on both sides, HyperQueue's are encrypted with
  a shared key, Ray asks for a token but sends in the clear; the others run as they do by default: in the
  clear, and whoever reaches the port may run code.
- **Graphs.** Everyone runs the same lists of tasks and dependencies, or, where the count is smaller, a share
  of the same shape. A task takes the results of those before it, small integers. Dask and Ray leave results
  with the workers and bring the last to the client; Troupe brings all to the head and to the client. In graphs
  of commands dependencies give only the order. Tasks that last sleep, so the rate is bounded by the slots: the
  table gives the bound.
- **Warm systems.** Each has run some calls or commands before anything is measured, and each graph of calls
  that do nothing once.
- **Counts.** Each system gets as much as it does in some seconds, so counts differ; the table has them.
- **What is kept.** Celery's results pass through Redis, and Gearman has no store of results nor retries; both
  are asked only for what they have.
- **HyperQueue** has no row of calls, for its tasks are commands. Its client looks for the end of a job once a
  second, so its times are up to a second too long.
"""


def samples(found, item, peer):
    return [s for s in found["samples"] if s["name"] == item and s["peer"] == peer]


def values(found, item, peer, metric):
    return [s["values"][metric] for s in samples(found, item, peer) if metric in s.get("values", {})]


def median(found, item, peer, metric):
    all_ = values(found, item, peer, metric)
    return statistics.median(all_) if all_ else None


def items(found):
    """In the order of the plan."""
    return list(dict.fromkeys(s["name"] for s in found["samples"]))


def peers(found):
    return [p for p in found["setups"] if p not in found["left_out"]]


def bound(found, item):
    """The most tasks a second that the slots allow, of a graph whose tasks last; None for others."""
    graph = found.get("graphs", {}).get(item.partition(".")[2])
    if not graph or graph["mean_ms"] < 0.05:
        return None
    return found["slots"] * 1000 / graph["mean_ms"]


def figure(x):
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def count(n, what):
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def sample_words(sample):
    """One line of a driver, for whoever watches."""
    words = sample.get("unsupported") or sample.get("error")
    if words is None:
        words = ", ".join(f"{figure(v)} {k}" for k, v in sample["values"].items())
    return f"{sample['name']}: {words}"


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


class Notes:
    """Reasons below a table, each once, named by a number."""

    def __init__(self):
        self.all = []

    def mark(self, text):
        if text not in self.all:
            self.all.append(text)
        return f"[{self.all.index(text) + 1}]"

    def text(self):
        return "".join(f"\n[{i + 1}] {t}  " for i, t in enumerate(self.all)) + "\n" if self.all else ""


def cell(found, item, peer, metric, notes):
    all_ = values(found, item, peer, metric)
    problems = [s for s in samples(found, item, peer) if "values" not in s]
    if not all_:
        if not problems:
            return ""
        why = problems[0].get("unsupported")
        return (
            f"– {notes.mark(f'{peer}: {why}')}"
            if why
            else f"failed {notes.mark(peer + ': ' + problems[0]['error'])}"
        )
    text = f"**{figure(statistics.median(all_))}**"
    if len(all_) > 1:
        text += f"<br>{figure(min(all_))} to {figure(max(all_))}"
    text += f"<br>n = {tasks_of(found, item, peer)}"
    if problems:
        why = problems[0].get("error", "")
        rounds = count(len(all_) + len(problems), "round")
        text += " " + notes.mark(f"{peer}: {len(problems)} of {rounds} failed: {why}")
    return text


def row_words(found, item):
    kind, _, graph = item.partition(".")
    if kind in ROWS:
        return ROWS[kind]
    words = graph + (" of commands" if kind == "graph_commands" else "")
    most = bound(found, item)
    return words + (f"<br>at most {figure(most)}" if most else "")


def main_table(found):
    notes, all_peers = Notes(), peers(found)
    rows = []
    for item in items(found):
        metrics = (
            [("tasks_per_s", "tasks/s")]
            if item != "roundtrip"
            else [("p50_us", "p50 µs"), ("p99_us", "p99 µs")]
        )
        for metric, unit in metrics:
            rows.append(
                [f"{row_words(found, item)}, {unit}" if item in ROWS else row_words(found, item)]
                + [cell(found, item, p, metric, notes) for p in all_peers]
            )
    return table(["", *all_peers], rows) + notes.text()


def ratios(found):
    """(what, Troupe's, Dask's, Troupe's over Dask's, bound in words, does it hold)."""
    out = []
    for item in items(found):
        if item.startswith("graph_commands") or item == "exec" or bound(found, item):
            continue
        metric = "p50_us" if item == "roundtrip" else "tasks_per_s"
        ours, theirs = median(found, item, "troupe", metric), median(found, item, "dask", metric)
        if not ours or not theirs:
            continue
        ratio = ours / theirs
        if item == "roundtrip":
            out.append((f"{item} p50", ours, theirs, ratio, "≤ 1/30", ratio <= MOST_ROUNDTRIP))
        else:
            out.append(
                (f"{item} tasks/s", ours, theirs, ratio, f"≥ {LEAST_SPEEDUP}", ratio >= LEAST_SPEEDUP)
            )
    return out


def ratio_words(ratio):
    return figure(ratio) if ratio >= 1 else f"1/{figure(1 / ratio)}"


def tasks_of(found, item, peer):
    """How many tasks a sample had, in words."""
    counts = {s["count"] for s in samples(found, item, peer) if "values" in s}
    return f"{max(counts):,}"


def ratio_table(found):
    rows = []
    for what, ours, theirs, ratio, wanted, holds in ratios(found):
        item = what.partition(" ")[0]
        tasks = [tasks_of(found, item, peer) for peer in ("troupe", "dask")]
        rows.append(
            [what, figure(ours), figure(theirs), " / ".join(tasks), ratio_words(ratio), wanted]
            + ["yes" if holds else "**no**"]
        )
    head = ["", "Troupe", "Dask", "tasks", "ratio", "wanted", "holds"]
    return table(head, rows) if rows else "Not both were measured.\n"


def verdict(found):
    """For the terminal."""
    lines = [
        f"{what}: {figure(ours)} against Dask's {figure(theirs)}: {ratio_words(r)}, wanted {wanted}: "
        f"{'holds' if holds else 'MISSED'}"
        for what, ours, theirs, r, wanted, holds in ratios(found)
    ]
    return "\n".join(lines) or "no ratio to Dask: not both were measured"


def markdown(found):
    m = found["machine"]
    text = [
        f"# Troupe beside other task systems, {found['date']}\n",
        f"Troupe {found['commit']}; {m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB, Linux {m['kernel']}, "
        f"Python {m['python']}; load {m['load_at_start']:.2f} when the run began. Everything on one machine, over "
        f"loopback, {found['slots']} slots each, {count(found['rounds'], 'round')} in turn, counts × {found['scale']:g}. "
        "Made by `bench/peers`.\n",
        f"Samples: {found['date']}.json. The same as a picture: [{found['date']}.svg]({found['date']}.svg).\n",
        "## Medians\n",
        "In tasks a second where nothing else is said; below the median the least and the most of the rounds, "
        "and how many tasks. For graphs whose tasks last, what the slots allow.\n",
        main_table(found),
        "## Against Dask\n",
        ratio_table(found),
        "## What was measured\n",
        "".join(
            (
                f"- **{p}** ({found['versions'].get(p, 'no version')}): {says}\n"
                if p not in found["left_out"]
                else f"- **{p}** was left out: {found['left_out'][p]}\n"
            )
            for p, says in found["setups"].items()
        ),
        "## What can be compared, and what can't\n",
        COMPARABLE,
    ]
    return "\n".join(text)
