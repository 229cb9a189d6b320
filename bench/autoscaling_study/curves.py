"""Cost against waiting, one panel a load, as SVG. Both axes logarithmic: what matters are ratios."""

import math

import report

LOOKS = {"ours": "#d55e00", "dask": "#0072b2", "hpa": "#009e73", "fixed": "#777777"}
WIDTH, HEIGHT, COLUMNS = 420, 300, 2
LEFT, RIGHT, TOP, BOTTOM = 78, 16, 40, 44
LEAST_WAIT = 0.05  # seconds: where 0 is drawn


def ticks(low, high, most):
    """Round numbers between the two: as many as there can be, up to `most`."""
    powers = [10.0**n for n in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    for factors in ((1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        out = [f * p for p in powers for f in factors if low <= f * p <= high]
        if len(out) <= most:
            break
    return out


def words(x):
    return f"{x:,.0f}" if x >= 1000 else f"{x:g}"


def panel(name, by_policy, x0, y0):
    fronts = {p: report.front(points) for p, points in by_policy.items()}
    points = [q for f in fronts.values() for q in f]
    if not points:
        return ""
    wait = lambda q: max(q["wait"], LEAST_WAIT)
    xs, ys = [q["cost"] for q in points], [wait(q) for q in points]
    x_low, x_high, y_low, y_high = min(xs) / 1.1, max(xs) * 1.1, min(ys) / 1.3, max(ys) * 1.3
    w, h = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    x_of = lambda x: x0 + LEFT + w * math.log(x / x_low) / math.log(x_high / x_low)
    y_of = lambda y: y0 + TOP + h - h * math.log(y / y_low) / math.log(y_high / y_low)
    out = [f'<text x="{x0 + LEFT}" y="{y0 + TOP - 12}" font-weight="bold">{name}</text>']
    for t in ticks(x_low, x_high, 7):
        out.append(f'<line x1="{x_of(t):.1f}" y1="{y0 + TOP}" x2="{x_of(t):.1f}" y2="{y0 + TOP + h}" stroke="#ddd"/>')
        out.append(f'<text x="{x_of(t):.1f}" y="{y0 + TOP + h + 15}" text-anchor="middle">{words(t)}</text>')
    rows = ticks(max(y_low, 3 * LEAST_WAIT), y_high, 11)
    for t in ([LEAST_WAIT] if min(ys) <= LEAST_WAIT else []) + rows:
        label = "0" if t == LEAST_WAIT else words(t)
        out.append(f'<line x1="{x0 + LEFT}" y1="{y_of(t):.1f}" x2="{x0 + LEFT + w}" y2="{y_of(t):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{x0 + LEFT - 6}" y="{y_of(t) + 4:.1f}" text-anchor="end">{label}</text>')
    out.append(f'<rect x="{x0 + LEFT}" y="{y0 + TOP}" width="{w}" height="{h}" fill="none" stroke="#444"/>')
    out.append(f'<text x="{x0 + LEFT + w / 2}" y="{y0 + HEIGHT - 12}" text-anchor="middle">cost (worker-hours)</text>')
    middle = y0 + TOP + h / 2
    out.append(f'<text transform="translate({x0 + 14},{middle}) rotate(-90)" text-anchor="middle">wait p95 (s)</text>')
    for policy, f in fronts.items():
        line = " ".join(f"{x_of(q['cost']):.1f},{y_of(wait(q)):.1f}" for q in f)
        out.append(f'<polyline points="{line}" fill="none" stroke="{LOOKS[policy]}" stroke-width="2"/>')
        out += [f'<circle cx="{x_of(q["cost"]):.1f}" cy="{y_of(wait(q)):.1f}" r="3" fill="{LOOKS[policy]}"/>' for q in f]
    return "\n".join(out)


def draw(results):
    rows = -(-len(results) // COLUMNS)
    width, height = WIDTH * COLUMNS, HEIGHT * rows + 34
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    out.append('<rect width="100%" height="100%" fill="white"/>')
    x = LEFT
    for policy, colour in LOOKS.items():
        out.append(f'<circle cx="{x}" cy="20" r="5" fill="{colour}"/><text x="{x + 10}" y="24">{policy}</text>')
        x += 90
    for i, (name, by_policy) in enumerate(results.items()):
        out.append(panel(name, by_policy, WIDTH * (i % COLUMNS), 30 + HEIGHT * (i // COLUMNS)))
    return "\n".join(out) + "\n</svg>\n"
