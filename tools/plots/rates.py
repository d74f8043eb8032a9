#!/usr/bin/env python3
"""Rate–quality plots as one SVG, from the CSV of `promptus eval --against … --csv FILE`.

    python3 tools/plots/rates.py FILE.csv "Rate and quality: sky" > static/readme/rates-sky.svg

A panel a metric: our rungs as a line, each codec's convex hull over its settings, all settings as
faint points. Needs nothing but Python; equal files give equal pictures; follows the reader's dark mode.
"""
import csv
import html
import sys

METRICS = [("lpips_squeeze", "LPIPS-squeeze", -1), ("ssimulacra2", "SSIMULACRA 2", 1), ("psnr", "PSNR, dB", 1), ("ssim", "SSIM", 1)]
COLOURS = [("#d6336c", "#ff6b9d"), ("#1971c2", "#58a6ff"), ("#e8890c", "#f0a840"), ("#2f9e44", "#56d364"), ("#868e96", "#8b949e")]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM, LEGEND = 400, 300, 46, 30, 12, 40, 30


def hull(points, sign):
    """Corners of the convex hull: rising in rate, each better than the one before (`quality::hull`)."""
    corners = []
    for point in sorted(points, key=lambda p: (p[0], -sign * p[1])):
        if corners and sign * point[1] <= sign * corners[-1][1]:
            continue
        slope = lambda a, b: -sign * (b[1] - a[1]) / (b[0] - a[0])
        while len(corners) > 1 and slope(corners[-2], corners[-1]) >= slope(corners[-2], point):
            corners.pop()
        corners.append(point)
    return corners


def ticks(low, high):
    """Four to eight round numbers between the ends."""
    step = 10.0 ** -6
    for factor in (2, 2.5, 2) * 20:
        if (high - low) / step <= 8:
            break
        step *= factor
    first = int(low / step) + (low > 0)
    return [round(n * step, 6) for n in range(first, int(high / step) + 1) if low <= n * step <= high]


def panel(name, label, sign, curves):
    """One metric; `curves` are names with their points."""
    every = [point for _, points in curves for point in points]
    (x0, x1), (y0, y1) = [(min(axis), max(axis)) for axis in zip(*every)]
    x = lambda value: LEFT + (value - x0) / (x1 - x0 or 1) * (WIDTH - LEFT - RIGHT)
    y = lambda value: HEIGHT - BOTTOM - (value - y0) / (y1 - y0 or 1) * (HEIGHT - TOP - BOTTOM)
    out = [f'<text class="t" x="{LEFT}" y="18">{label} ({"higher" if sign > 0 else "lower"} is better)</text>']
    for tick in ticks(y0, y1):
        out.append(f'<path class="g" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>'
                   f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in ticks(x0, x1):
        out.append(f'<text x="{x(tick):.1f}" y="{HEIGHT - 22}" text-anchor="middle">{tick:g}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">kbit/s</text>')
    for index, (_, points) in enumerate(curves):
        corners = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in hull(points, sign))
        out += [f'<circle class="c{index} p" cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.5"/>' for a, b in points]
        out.append(f'<polyline class="c{index} h" points="{corners}"/>')
    return "\n".join(out)


def main():
    file, heading = sys.argv[1:]
    with open(file, newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["what"] != "segment"]
    name = lambda row: "Promptus" if row["what"] == "ours" else row["name"]
    names = list(dict.fromkeys(map(name, rows)))
    points = lambda who, key: [(float(r["kbps"]), float(r[key])) for r in rows if name(r) == who and r[key]]
    shown = [metric for metric in METRICS if points("Promptus", metric[0])]
    width, height = WIDTH * min(2, len(shown)), LEGEND + HEIGHT * -(-len(shown) // 2)
    colours = lambda which: "".join(f".c{n}{{stroke:{c[which]};fill:{c[which]}}}" for n, c in enumerate(COLOURS))
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">')
    print(f"<title>{html.escape(heading)}</title>")
    print("<style>svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#333}.t{font-weight:600}.g{stroke:#ddd}"
          f".h{{stroke-width:2}}.p{{opacity:.28}}{colours(0)}text{{stroke:none}}polyline{{fill:none!important}}"
          "@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#d0d7de}.g{stroke:#30363d}" + colours(1) + "}</style>")
    for index, who in enumerate(names):
        print(f'<path class="c{index} h" d="M{20 + 110 * index} 16h24"/><text x="{50 + 110 * index}" y="20">{html.escape(who)}</text>')
    for index, (key, label, sign) in enumerate(shown):
        curves = [(who, points(who, key)) for who in names]
        print(f'<g transform="translate({index % 2 * WIDTH},{LEGEND + index // 2 * HEIGHT})">')
        print(panel(key, label, sign, curves), "</g>", sep="\n")
    print("</svg>")


if __name__ == "__main__":
    main()
