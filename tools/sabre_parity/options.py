"""Command lines for Sabre, drawn at random: every option, usual values and odd ones, every spelling."""

LONG = {
    "-a": "--abr", "-ab": "--abr-basic", "-ao": "--abr-osc", "-noibr": "--no-insufficient-buffer-rule",
    "-ma": "--moving-average", "-ws": "--window-size", "-hl": "--half-life", "-b": "--max-buffer", "-gp": "--gamma-p",
    "-noa": "--no-abandon", "-r": "--replace", "-s": "--seek", "-nm": "--network-multiplier", "-ml": "--movie-length",
    "-rmp": "--rampup-threshold", "-v": "--verbose",
}
RULES = ["throughput", "bola", "bolae", "dynamic", "dynamicdash"]


def line(rng):
    """The words of one command line; rarely one that Sabre cannot take."""
    chosen = [("-a", [rng.choice(RULES)])] if rng.random() < 0.95 else []
    for flag, share in [("-ab", 0.25), ("-ao", 0.4), ("-noibr", 0.3), ("-noa", 0.3), ("-v", 0.03)]:
        if rng.random() < share:
            chosen.append((flag, []))
    for option, share, values in valued(rng):
        if rng.random() < share:
            chosen.append((option, [str(value) for value in values()]))
    if rng.random() < 0.06:
        chosen.append(rng.choice(ODD))
    rng.shuffle(chosen)
    return [word for option, values in chosen for word in spelt(rng, option, values)]


def valued(rng):
    """Options with values: how often, and what."""
    several = lambda draw: [draw() for _ in range(rng.choice([1, 1, 2, 2, 3, 4]))]
    when = lambda: rng.choice([rng.randrange(0, 620), round(rng.uniform(0, 600), 2), 0, 3, 596])
    return [
        ("-ma", 0.5, lambda: [rng.choice(["ewma", "sliding", "sliding"])]),
        ("-ws", 0.4, lambda: several(lambda: rng.choice([*range(1, 11), 1, 2, 3, 20, 25, 0]))),
        ("-hl", 0.4, lambda: several(lambda: rng.choice([3, 8, 1, 5, 0.5, 0.1, 2.5, 20, 60, 300, 0.01]))),
        ("-b", 0.6, lambda: [rng.choice([5, 10, 60, 120, 25, 15, 12, 30, 7.5, 3, 240, 6, 9.999, 2, 33.3, 18])]),
        ("-gp", 0.5, lambda: [rng.choice([1, 5, 10, 2.5, 0.1, 20, 0, 0.5, 100, 7])]),
        ("-r", 0.5, lambda: [rng.choice(["left", "right", "left", "right", "none", "3", "-1", "both"])]),
        ("-s", 0.3, lambda: [when(), when()]),
        ("-nm", 0.6, lambda: [rng.choice([0.1, 0.25, 0.5, 0.75, 1.5, 2, 3, round(rng.uniform(0.05, 3), 3)])]),
        ("-ml", 0.15, lambda: [rng.choice([3, 30, 60, 61.5, 300, 600, 900, 2])]),
        ("-rmp", 0.3, lambda: [rng.choice([0, 1, 2, 3, 5, 9, 20, -1])]),
    ]


# What ends in an error or never, or is taken in a way that nobody expects.
ODD = [
    ("-a", ["bba"]), ("-a", ["bola-e"]), ("-b", ["0"]), ("-b", ["-5"]), ("-b", ["ten"]), ("-gp", ["-1"]), ("-gp", ["-4"]),
    ("-nm", ["0"]), ("-nm", ["-1"]), ("-nm", ["1e6"]), ("-nm", ["0.001"]), ("-hl", ["0"]), ("-hl", ["-3"]), ("-hl", ["1e18"]),
    ("-ws", ["-1"]), ("-ws", ["2.5"]), ("-ws", ["3.0"]), ("-ml", ["0"]), ("-ml", ["-3"]), ("-s", ["30", "-60"]),
    ("-s", ["30", "-9"]), ("-s", ["-5", "60"]), ("-s", ["10", "597"]), ("-s", ["60"]), ("-rmp", ["1.5"]), ("-ma", ["mean"]),
    ("--no-such", []), ("-b", []), ("--abr", ["bola", "stray"]), ("--m", ["x"]), ("-nob", []), ("--no-a", []),
]


def spelt(rng, option, values):
    """An option as argparse lets one write it."""
    long = LONG.get(option, option)
    way = rng.random()
    if way < 0.7:
        return [option, *values]
    if way < 0.85 or long == option:
        return [long, *values]
    if len(values) == 1:
        return rng.choice([[f"{long}={values[0]}"], [f"{option}={values[0]}"], [f"{long}={values[0]}"]])
    return [long, *values]
