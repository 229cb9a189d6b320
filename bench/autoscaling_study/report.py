"""Our curve against each rival's, at equal cost; as numbers and as a page of Markdown."""

RIVALS = ("dask", "hpa", "fixed")
SAME_COST = 1.02  # we may cost this much of a rival's cost
CLEARLY = 0.9  # of a rival's wait, or less, is clearly better
NO_WORSE = 1.02
COVERED = 0.9  # of a rival's efficient points must have a setting of ours to compare, for a verdict in our favour
MOMENT = 0.5  # seconds of waiting that nobody minds: what is below is equal


def front(points):
    """The points that no other beats in both cost and wait, by cost."""
    out = []
    for p in sorted(points, key=lambda p: (p["cost"], p["wait"])):
        if not out or p["wait"] < out[-1]["wait"]:
            out.append(p)
    return out


def at_cost(points, cost):
    """The shortest wait of those that cost no more."""
    waits = [p["wait"] for p in points if p["cost"] <= cost * SAME_COST]
    return min(waits) if waits else None


def ratio(ours, theirs):
    return max(ours, MOMENT) / max(theirs, MOMENT)


def median(values):
    values = sorted(values)
    n = len(values)
    return (values[(n - 1) // 2] + values[n // 2]) / 2


def compare(by_policy):
    """By rival: the ratios of our wait to theirs at each point of their front, and what they amount to."""
    out = {}
    for rival in RIVALS:
        rows, cheaper = [], 0
        for p in front(by_policy[rival]):
            ours = at_cost(by_policy["ours"], p["cost"])
            if ours is None:
                cheaper += 1  # than anything of ours
                continue
            rows.append({"cost": p["cost"], "theirs": p["wait"], "ours": ours, "ratio": ratio(ours, p["wait"])})
        ratios = [r["ratio"] for r in rows]
        out[rival] = {
            "points": rows,
            "cheaper_than_ours": cheaper,
            "median": median(ratios) if ratios else None,
            "worst": max(ratios) if ratios else None,
        }
    return out


def covered(c):
    """Whether nearly all of the rival's curve is compared: the points cheaper than anything of ours are not."""
    return len(c["points"]) >= COVERED * (len(c["points"]) + c["cheaper_than_ours"])


def verdict(c):
    if c["median"] is None:
        return "no common cost"
    if not covered(c):
        good = "mixed" if c["worst"] > NO_WORSE else "only where ours costs as little"
        return good if c["median"] <= NO_WORSE else "worse"
    if c["worst"] <= NO_WORSE:
        return "clearly better" if c["median"] <= CLEARLY else "no worse"
    return "clearly better mostly" if c["median"] <= CLEARLY else "mixed" if c["median"] <= NO_WORSE else "worse"


def table(compared):
    lines = [
        "| load | rival | our wait / theirs: median | worst | points | cheaper than ours | |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for load, by_rival in compared.items():
        for rival, c in by_rival.items():
            numbers = f"{c['median']:.2f} | {c['worst']:.2f}" if c["median"] is not None else " | "
            lines.append(f"| {load} | {rival} | {numbers} | {len(c['points'])} | {c['cheaper_than_ours']} | {verdict(c)} |")
    return "\n".join(lines) + "\n"


def page(cases, results, compared):
    text = "# Autoscaling policies at equal cost\n\n"
    text += "Written by `bench/autoscaling`; docs/simulator.md says what is simulated and what the policies are.\n\n"
    for case in cases:
        text += f"- **{case.name}**: {case.what}\n"
    text += "\nFor every efficient point of a rival's curve (no other of its points is both cheaper and faster): our\n"
    text += f"shortest 95th percentile of waiting among settings that cost at most {100 * (SAME_COST - 1):.0f} % more, divided by\n"
    text += f"the rival's. Waits under {MOMENT:g} s count as {MOMENT:g} s. Points of a rival that are cheaper than anything of\n"
    text += f"ours can't be compared and have a column; no verdict is in our favour unless {100 * COVERED:.0f} % of its points are.\n\n"
    text += table(compared)
    text += "\n![The curves](autoscaling.svg)\n\n## The efficient points\n\n"
    for case in cases:
        text += f"### {case.name}\n\n| policy | knob | cost | wait p95 (s) | makespan (s) | utilised | starts |\n"
        text += "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        for policy, points in results[case.name].items():
            for p in front(points):
                text += f"| {policy} | {p['knob']:g} | {p['cost']:.3g} | {p['wait']:.2f} | {p['makespan']:.0f} | "
                text += f"{100 * p['utilisation']:.0f} % | {p['launches']:.0f} |\n"
        text += "\n"
    return text
