"""The judge: every answer by pure Python loops, slow and obvious.

Measures are computed from their definitions as sums over probabilities, not as differences of
entropies as the package does it, so that one mistake cannot stand in both. Samples are sequences of
hashable values; a sample is missing where it is None or NaN.
"""

import itertools
import math
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction


def is_missing(value):
    """None and NaN."""
    return value is None or value != value


# --- binning ------------------------------------------------------------------------------------


def encode_edges(values, edges):
    """The first bin [edge, next edge) that holds the value, the last one closed; B for none."""
    n_bins = len(edges) - 1
    codes = []
    for value in values:
        code = n_bins
        for i in range(n_bins):
            below = value <= edges[i + 1] if i == n_bins - 1 else value < edges[i + 1]
            if edges[i] <= value and below:
                code = i
                break
        codes.append(code)
    return codes


def quantile_edges(values, n_bins):
    """Bins of equal frequency, by lists of samples: the rule of `fastinfo.backends.quantiles`."""
    ordered = sorted(value for value in values if not is_missing(value))
    return [*(part[0] for part in _equal_parts(ordered, n_bins)), ordered[-1]]


def _equal_parts(ordered, n_bins):
    """Sorted samples in parts, none of which shares a value with another."""
    runs = [list(run) for _, run in itertools.groupby(ordered)]
    if len(runs) <= n_bins:
        return runs
    alone = _too_large(runs, n_bins)
    if not alone:
        return _cut(runs, n_bins)
    stretches = _between(runs, alone)
    sizes = [sum(map(len, stretch)) for stretch in stretches]
    room = n_bins - len(alone)
    shares = [
        min(max(room * size // sum(sizes), 1), len(stretch))
        for size, stretch in zip(sizes, stretches, strict=True)
    ]
    fullness = [Fraction(size, share) for size, share in zip(sizes, shares, strict=True)]
    while sum(shares) > room:
        _, _, i = min((f, sizes[i], i) for i, f in enumerate(fullness) if shares[i] > 1)
        shares[i] -= 1
        fullness[i] = Fraction(sizes[i], shares[i])
    while sum(shares) < room and any(s < len(r) for s, r in zip(shares, stretches, strict=True)):
        i = max(
            (i for i in range(len(shares)) if shares[i] < len(stretches[i])),
            key=lambda i: (fullness[i], sizes[i], -i),
        )
        shares[i] += 1
        fullness[i] = Fraction(sizes[i], shares[i])
    parts = [runs[i] for i in alone]
    for stretch, share in zip(stretches, shares, strict=True):
        parts += _equal_parts(list(itertools.chain(*stretch)), share)
    return sorted(parts)


def _too_large(runs, n_bins):
    """Positions of the values that get a part of their own."""
    alone = set()
    while True:
        rest = sum(len(run) for i, run in enumerate(runs) if i not in alone)
        room = n_bins - len(alone)
        new = {i for i, run in enumerate(runs) if i not in alone and len(run) * room > rest}
        if not new:
            break
        alone |= new
    while len(_between(runs, alone)) > n_bins - len(alone):
        alone.remove(min(alone, key=lambda i: (len(runs[i]), i)))
    return sorted(alone)


def _between(runs, alone):
    """The runs of equal values that are not alone, in stretches of neighbours."""
    keyed = itertools.groupby(range(len(runs)), key=lambda i: i in alone)
    return [[runs[i] for i in group] for is_alone, group in keyed if not is_alone]


def _cut(runs, n_bins):
    """At the values of ranks ⌈i·(n−1)/B⌉, each of which begins one part."""
    positions = [i for i, run in enumerate(runs) for _ in run]
    firsts = []
    for i in range(n_bins):
        wanted = positions[math.ceil(i * (len(positions) - 1) / n_bins)]
        firsts.append(max(wanted, firsts[-1] + 1) if firsts else wanted)
    firsts = [min(first, len(runs) - n_bins + i) for i, first in enumerate(firsts)]
    return [
        list(itertools.chain(*runs[start:stop]))
        for start, stop in itertools.pairwise([*firsts, len(runs)])
    ]


def default_n_bins(n_samples, n_variables=2):
    """The smallest B whose power d + 1 is at least n, for d variables in a table; at least 3."""
    n_bins = 1
    while n_bins ** (max(n_variables, 2) + 1) < n_samples:
        n_bins += 1
    return n_bins


# --- counting -----------------------------------------------------------------------------------


def count(columns, weights=None):
    """{cell: count} of the complete rows of some columns of samples."""
    counts = Counter()
    parts = {}
    for position, row in enumerate(zip(*columns, strict=True)):
        if any(is_missing(value) for value in row):
            continue
        if weights is None:
            counts[row] += 1
        else:
            parts.setdefault(row, []).append(float(weights[position]))
    for row, addends in parts.items():
        counts[row] = math.fsum(addends)
    return counts


def count_codes(codes, n_bins, weights=None):
    """{cell: count} of codes, in which code B says that the sample is missing."""
    columns = [
        [None if code == bins else int(code) for code in column]
        for column, bins in zip(codes, n_bins, strict=True)
    ]
    return count(columns, weights)


# --- sums ---------------------------------------------------------------------------------------


def sum_xlogx(counts):
    """Σ c·log c."""
    return math.fsum(c * math.log(c) for c in map(float, counts) if c > 0)


def sum_xlogy(p, q):
    """Σ p·log q; −inf where q = 0 < p."""
    pairs = [(float(a), float(b)) for a, b in zip(p, q, strict=True) if a > 0]
    if any(b == 0 for _, b in pairs):
        return -math.inf
    return math.fsum(a * math.log(b) for a, b in pairs)


# --- probabilities ------------------------------------------------------------------------------


def probabilities(counts):
    """{cell: share}, the empty cells left out."""
    total = math.fsum(counts.values())
    return {cell: c / total for cell, c in counts.items() if c > 0}


def marginal(p, *variables):
    """The distribution of some variables of a joint one."""
    parts = {}
    for cell, share in p.items():
        parts.setdefault(tuple(cell[v] for v in variables), []).append(share)
    return {cell: math.fsum(shares) for cell, shares in parts.items()}


def entropy_of(p):
    """−Σ p log p."""
    return -math.fsum(share * math.log(share) for share in p.values())


# --- corrected entropies of counts --------------------------------------------------------------


def grassberger(counts):
    """H = log N − (Σ c·G(c))/N, G by its recurrence; 0 of one occupied cell."""
    occupied = [c for c in counts if c]
    if len(occupied) == 1:
        return 0.0
    total = sum(occupied)
    g = [0.0, -EULER - math.log(2), 2 - EULER - math.log(2)]
    while len(g) <= max(occupied):
        g.append(g[-1] if len(g) % 2 else g[-2] + 2 / (len(g) - 1))
    return math.log(total) - math.fsum(c * g[c] for c in occupied) / total


def jackknife(counts):
    """N·H − (N − 1) times the mean entropy without one of the samples."""
    n, counts = sum(counts), dict(enumerate(counts))
    if n == 1:
        return 0.0
    without = [
        entropy_of(probabilities(counts | {cell: c - 1}))
        for cell, c in counts.items()
        for _ in range(min(c, 1))
    ]
    repeats = [c for c in counts.values() if c]
    mean = math.fsum(c * h for c, h in zip(repeats, without, strict=True)) / n
    return n * entropy_of(probabilities(counts)) - (n - 1) * mean


def chao_shen(counts):
    """−Σ p·log p/(1 − (1 − p)ᴺ), with p the share in the coverage 1 − f₁/N."""
    occupied, total = [c for c in counts if c], sum(counts)
    singles = occupied.count(1)
    coverage = Fraction(total - min(singles, total - 1), total)
    terms = []
    for c in occupied:
        p = coverage * Fraction(c, total)
        terms.append(float(p) * math.log(p) / float(1 - (1 - p) ** total))
    return -math.fsum(terms)


def shrinkage_intensity(counts, n_cells):
    """λ = Σ Var p/Σ(1/K − p)², by exact fractions; 1 where that is more or has no value."""
    total = sum(counts)
    shares = [Fraction(c, total) for c in counts if c]
    shares += [Fraction(0)] * (n_cells - len(shares))
    distance = sum((p - Fraction(1, n_cells)) ** 2 for p in shares)
    if total == 1 or distance == 0:
        return 1.0
    return min(1.0, float(sum(p * (1 - p) for p in shares) / (total - 1) / distance))


def shrinkage(counts, n_cells):
    """The entropy of (1 − λ)·c/N + λ/K over all K cells."""
    share, total = shrinkage_intensity(counts, n_cells), sum(counts)
    every = [c for c in counts if c] + [0] * (n_cells - sum(map(bool, counts)))
    smoothed = [(1 - share) * c / total + share / n_cells for c in every]
    return entropy_of({i: p for i, p in enumerate(smoothed) if p > 0})


def dirichlet(counts, n_cells, a):
    """The entropy of (c + a)/(N + a·K) over all K cells."""
    every = [c for c in counts if c] + [0] * (n_cells - sum(map(bool, counts)))
    total = sum(counts) + a * n_cells
    return entropy_of({i: (c + a) / total for i, c in enumerate(every)})


def relevant_cells(counts, n_cells):
    """As many cells as are expected to have samples where as many have them; one more at a time."""
    occupied = [c for c in counts if c]
    total, n_occupied = sum(occupied), len(occupied)
    if not n_occupied or n_occupied >= n_cells:
        return n_occupied
    other = 1 - (total / (total + n_occupied)) ** (1 / total)

    def gap(more):
        if not more:
            return math.fsum((1 - c / total) ** total for c in occupied)
        p = [(1 - more * other) * (c + 1) / (total + n_occupied) for c in occupied]
        p += [other] * more
        return abs(n_occupied - math.fsum(1 - (1 - share) ** total for share in p))

    more = 0
    while n_occupied + more < n_cells and gap(more + 1) < gap(more):
        more += 1
    return n_occupied + more


def panzeri_treves(counts, n_cells):
    """H + (R − 1)/(2N) for R relevant cells."""
    relevant = relevant_cells(counts, n_cells)
    return entropy_of(probabilities(dict(enumerate(counts)))) + (relevant - 1) / (2 * sum(counts))


def panzeri_treves_information(x, y, x_cells):
    """I(X;Y) − (Σ Rₛ − R − S + 1)/(2N), with relevant cells of x: R, and Rₛ where y is s."""
    rows = {}
    for a, b in zip(x, y, strict=True):
        rows.setdefault(b, Counter())[a] += 1
    of_rows = sum(relevant_cells(list(row.values()), x_cells) for row in rows.values())
    relevant = relevant_cells(list(Counter(x).values()), x_cells)
    bias = (of_rows - relevant - len(rows) + 1) / (2 * len(x))
    return mutual_information(x, y) - bias


EULER = 0.57721566490153286
"""Euler's constant."""


def digamma(x):
    """ψ(x) by ψ(x) = ψ(x + 1) − 1/x and a series for large x."""
    terms = []
    while x < 30:
        terms.append(-1 / x)
        x += 1
    terms += [math.log(x), -1 / (2 * x), -1 / (12 * x**2), 1 / (120 * x**4), -1 / (252 * x**6)]
    return math.fsum(terms)


def trigamma(x):
    """ψ'(x), in the same way."""
    terms = []
    while x < 30:
        terms.append(1 / x**2)
        x += 1
    terms += [1 / x, 1 / (2 * x**2), 1 / (6 * x**3), -1 / (30 * x**5), 1 / (42 * x**7)]
    return math.fsum(terms)


def moments_of_entropy(a):
    """E[H] and E[H²] under a Dirichlet distribution, by sums over cells and pairs of cells."""
    total = math.fsum(a)
    mean = math.fsum(x / total * (digamma(total + 1) - digamma(x + 1)) for x in a)
    far, far_slope = digamma(total + 2), trigamma(total + 2)
    once, twice = [digamma(x + 1) - far for x in a], [digamma(x + 2) - far for x in a]
    terms = []
    for i, x in enumerate(a):
        terms.append(x * (x + 1) * (twice[i] ** 2 + trigamma(x + 2) - far_slope))
        for j, y in enumerate(a):
            if i != j:
                terms.append(x * y * (once[i] * once[j] - far_slope))
    return mean, math.fsum(terms) / (total * (total + 1))


def nsb(counts, n_cells, step=0.2, low=-25.0, high=25.0):
    """Mean and standard deviation of the entropy over all β, by a sum over equal steps of log β."""
    every = [c for c in counts if c] + [0] * (n_cells - sum(map(bool, counts)))
    n = sum(every)
    nodes = []
    for i in range(round((high - low) / step) + 1):
        beta = math.exp(low + i * step)
        slope = n_cells * trigamma(n_cells * beta + 1) - trigamma(beta + 1)
        if slope <= 0:  # nothing is left of it but rounding
            continue
        density = math.log(slope) + math.log(beta)
        density += math.lgamma(n_cells * beta) - math.lgamma(n + n_cells * beta)
        density += math.fsum(math.lgamma(c + beta) - math.lgamma(beta) for c in every if c)
        nodes.append((density, [c + beta for c in every]))
    most = max(density for density, _ in nodes)
    likely = [(math.exp(d - most), a) for d, a in nodes if d > most - 32]
    found = [(weight, *moments_of_entropy(a)) for weight, a in likely]
    total = math.fsum(weight for weight, _, _ in found)
    mean = math.fsum(weight * first for weight, first, _ in found) / total
    second = math.fsum(weight * second for weight, _, second in found) / total
    return mean, math.sqrt(max(second - mean**2, 0.0))


# --- measures of columns of samples -------------------------------------------------------------


def entropy(*columns, weights=None):
    """H of the joint distribution of the columns."""
    return entropy_of(probabilities(count(columns, weights)))


def miller_madow(*columns):
    """Plug-in entropy + (K − 1)/(2n)."""
    counts = count(columns)
    return entropy_of(probabilities(counts)) + (len(counts) - 1) / (2 * sum(counts.values()))


def conditional_entropy(x, given, weights=None):
    """−Σ p(x,y) log p(x|y)."""
    p = probabilities(count((x, given), weights))
    py = marginal(p, 1)
    return -math.fsum(share * math.log(share / py[y,]) for (_, y), share in p.items())


def mutual_information(x, y, weights=None):
    """Σ p(x,y) log p(x,y)/(p(x)·p(y))."""
    p = probabilities(count((x, y), weights))
    px, py = marginal(p, 0), marginal(p, 1)
    return math.fsum(s * math.log(s / (px[a,] * py[b,])) for (a, b), s in p.items())


def conditional_mutual_information(x, y, z, weights=None):
    """Σ p(x,y,z) log p(z)·p(x,y,z)/(p(x,z)·p(y,z))."""
    p = probabilities(count((x, y, z), weights))
    pz, pxz, pyz = marginal(p, 2), marginal(p, 0, 2), marginal(p, 1, 2)
    return math.fsum(
        s * math.log(pz[c,] * s / (pxz[a, c] * pyz[b, c])) for (a, b, c), s in p.items()
    )


def interaction_information(x, y, z, weights=None):
    """Σ p(x,y,z) log p(x,y,z)·p(x)·p(y)·p(z)/(p(x,y)·p(x,z)·p(y,z))."""
    p = probabilities(count((x, y, z), weights))
    px, py, pz = (marginal(p, axis) for axis in range(3))
    pxy, pxz, pyz = marginal(p, 0, 1), marginal(p, 0, 2), marginal(p, 1, 2)
    return math.fsum(
        s * math.log(s * px[a,] * py[b,] * pz[c,] / (pxy[a, b] * pxz[a, c] * pyz[b, c]))
        for (a, b, c), s in p.items()
    )


def total_correlation(*columns, weights=None):
    """Σ p(x) log p(x)/Πp(x_i)."""
    p = probabilities(count(columns, weights))
    singles = [marginal(p, i) for i in range(len(columns))]
    return math.fsum(
        s * (math.log(s) - math.fsum(math.log(m[v,]) for m, v in zip(singles, cell, strict=True)))
        for cell, s in p.items()
    )


def dual_total_correlation(*columns, weights=None):
    """Σ p(x) (Σ log p(x_i|others) − log p(x))."""
    p = probabilities(count(columns, weights))
    variables = range(len(columns))
    others = [marginal(p, *(j for j in variables if j != i)) for i in variables]
    terms = []
    for cell, s in p.items():
        own = [math.log(s / others[i][cell[:i] + cell[i + 1 :]]) for i in variables]
        terms.append(s * (math.fsum(own) - math.log(s)))
    return math.fsum(terms)


def o_information(*columns, weights=None):
    """The total correlation less its dual."""
    total = total_correlation(*columns, weights=weights)
    return total - dual_total_correlation(*columns, weights=weights)


def variation_of_information(x, y, weights=None):
    """−Σ p(x,y) (log p(x,y)/p(x) + log p(x,y)/p(y))."""
    p = probabilities(count((x, y), weights))
    px, py = marginal(p, 0), marginal(p, 1)
    return -math.fsum(s * (math.log(s / px[a,]) + math.log(s / py[b,])) for (a, b), s in p.items())


def normalized_mutual_information(x, y, average):
    """I(X;Y) over an average of the entropies; 1 for two constants, 0 where the average is 0."""
    hx, hy = entropy(x), entropy(y)
    if hx == hy == 0:
        return 1.0
    scale = {
        "arithmetic": (hx + hy) / 2,
        "geometric": math.sqrt(hx * hy),
        "min": min(hx, hy),
        "max": max(hx, hy),
    }[average]
    return mutual_information(x, y) / scale if scale else 0.0


def expected_information(left, right):
    """The mean of the information over all tables with these margins, by exact fractions."""
    n = sum(left)
    terms = []
    for a in left:
        for b in right:
            for k in range(max(1, a + b - n), min(a, b) + 1):
                ways = math.comb(a, k) * math.comb(n - a, b - k)
                share = float(Fraction(ways * k, math.comb(n, b) * n))
                terms.append(share * math.log1p(Fraction(k * n - a * b, a * b)))
    return math.fsum(terms)


def tables_with_margins(left, right):
    """Every table of counts with these margins, as a tuple of rows."""
    if len(left) == 1:
        yield (tuple(right),)
        return
    for row in itertools.product(*(range(min(left[0], b) + 1) for b in right)):
        if sum(row) == left[0]:
            rest = [b - c for b, c in zip(right, row, strict=True)]
            for others in tables_with_margins(left[1:], rest):
                yield (row, *others)


def share_of_pairings(table):
    """The share of all ways to pair the samples that give this table, a fraction."""
    left, right = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    ways = math.prod(math.factorial(c) for c in (*left, *right))
    cells = math.prod(math.factorial(c) for row in table for c in row)
    return Fraction(ways, math.factorial(sum(left)) * cells)


def information_of_table(table):
    """Σ c/n log(c·n/(a·b))."""
    left, right = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    n = sum(left)
    return math.fsum(
        c / n * math.log1p(Fraction(c * n - left[i] * right[j], left[i] * right[j]))
        for i, row in enumerate(table)
        for j, c in enumerate(row)
        if c
    )


def information_under_independence(left, right):
    """[(information, probability)] of every table with these margins."""
    return [
        (information_of_table(table), float(share_of_pairings(table)))
        for table in tables_with_margins(left, right)
    ]


def adjusted_mutual_information(x, y, average):
    """Information less that of chance, over the average of the entropies less the same."""
    hx, hy = entropy(x), entropy(y)
    scale = {
        "arithmetic": (hx + hy) / 2,
        "geometric": math.sqrt(hx * hy),
        "min": min(hx, hy),
        "max": max(hx, hy),
    }[average]
    chance = expected_information(list(Counter(x).values()), list(Counter(y).values()))
    return (mutual_information(x, y) - chance) / (scale - chance)


def cross_entropy(x, y):
    """−Σ p log q; inf where q = 0 < p."""
    p, q = probabilities(count((x,))), probabilities(count((y,)))
    if set(p) - set(q):
        return math.inf
    return -math.fsum(share * math.log(q[cell]) for cell, share in p.items())


def kl_divergence(x, y):
    """Σ p log p/q; inf where q = 0 < p."""
    p, q = probabilities(count((x,))), probabilities(count((y,)))
    if set(p) - set(q):
        return math.inf
    return math.fsum(share * math.log(share / q[cell]) for cell, share in p.items())


def jensen_shannon_divergence(x, y):
    """Mean of the divergences of both distributions from their middle."""
    p, q = probabilities(count((x,))), probabilities(count((y,)))
    total = []
    for cell in set(p) | set(q):
        a, b = p.get(cell, 0.0), q.get(cell, 0.0)
        middle = (a + b) / 2
        total += [s * math.log(s / middle) / 2 for s in (a, b) if s > 0]
    return math.fsum(total)


def jensen_shannon_of_many(columns, weights=None):
    """H(Σ w·P) − Σ w·H(P), in 60 digits, in which the difference keeps enough of them."""
    shares = [Fraction(w) for w in (weights or [1] * len(columns))]
    shares = [w / sum(shares) for w in shares]
    ps = [
        {cell: Fraction(c, len(column)) for cell, c in count((column,)).items()}
        for column in columns
    ]
    middle = {}
    for w, p in zip(shares, ps, strict=True):
        for cell, share in p.items():
            middle[cell] = middle.get(cell, 0) + w * share
    with localcontext(prec=60):
        total = exact_entropy(middle)
        for w, p in zip(shares, ps, strict=True):
            total -= exact(w) * exact_entropy(p)
        return float(total)


# --- of an order --------------------------------------------------------------------------------


def exact(number):
    """A float or a fraction as a decimal number, to the precision of the context."""
    fraction = Fraction(number)
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def exact_entropy(p):
    """−Σ p log p as a decimal number."""
    return -sum(exact(s) * exact(s).ln() for s in p.values() if s)


def mean_power(p, q, order):
    """Σ p^α·q^(1−α) over cells with p > 0, as a decimal; None for inf. q = None stands for ones."""
    total = Decimal(0)
    for cell, share in p.items():
        other = 1 if q is None else q.get(cell, 0)
        if share > 0 and other > 0:
            a, b = exact(share), exact(other)
            total += (exact(order) * a.ln() + (1 - exact(order)) * b.ln()).exp()
        elif share > 0 and order > 1:
            return None
    return total


def order_divergence(kind, p, q, order):
    """Rényi's or Tsallis' divergence of {cell: share}; of q = None minus the entropy of p."""
    other = (lambda cell: 1) if q is None else (lambda cell: q.get(cell, 0))
    occupied = [cell for cell, share in p.items() if share > 0]
    with localcontext(prec=60, Emin=-(10**9), Emax=10**9):
        if order == math.inf:
            ratios = [exact(p[c]) / exact(other(c)) if other(c) else None for c in occupied]
            most = None if None in ratios else max(ratios)
            if kind == "renyi":
                return math.inf if most is None else float(most.ln())
            return (math.inf if most is None or most > 1 else 0.0) if q else 0.0
        if order == 1:
            if not all(map(other, occupied)):
                return math.inf
            return float(sum(exact(p[c]) * (exact(p[c]) / exact(other(c))).ln() for c in occupied))
        total = mean_power(p, q, order)
        if total is None:
            return math.inf
        if kind == "tsallis":
            return float((total - 1) / (exact(order) - 1))
        return float(total.ln() / (exact(order) - 1)) if total else math.inf


def frequencies(x):
    """{cell: share as a fraction} of samples."""
    counts = count((x,))
    return {cell: Fraction(c, sum(counts.values())) for cell, c in counts.items()}


# --- pointwise, and in time ---------------------------------------------------------------------


def pointwise_mutual_information(x, y):
    """The logarithm of p(x,y)/(p(x)·p(y)) of each sample; NaN where one is missing."""
    return pointwise_conditional_mutual_information(x, y, [0] * len(x))


def pointwise_conditional_mutual_information(x, y, z):
    """The logarithm of p(z)·p(x,y,z)/(p(x,z)·p(y,z)) of each sample; NaN where one is missing."""
    c = count((x, y, z))
    cz, cxz, cyz = marginal(c, 2), marginal(c, 0, 2), marginal(c, 1, 2)
    return [
        math.nan
        if any(map(is_missing, cell))
        else math.log(cz[cell[2],] * c[cell] / (cxz[cell[0], cell[2]] * cyz[cell[1], cell[2]]))
        for cell in zip(x, y, z, strict=True)
    ]


def windows(source, target, past, given=None, trials=None):
    """{t: (source past, y_t, past that is given)} of each t with a whole past in its trial.

    ``past`` is (target history, source history, lag, given history). A window with a missing sample
    is None.
    """
    k, l_, lag, m = past
    found = {}
    for t in range(len(target)):
        x = [t - lag - j for j in range(l_)]
        y = [t - 1 - j for j in range(k)]
        z = [] if given is None else [t - 1 - j for j in range(m)]
        times = [t, *x, *y, *z]
        if min(times) < 0 or (trials and any(trials[s] != trials[t] for s in range(min(times), t))):
            continue
        values = [source[s] for s in x], [target[s] for s in y], [given[s] for s in z]
        is_whole = not any(is_missing(v) for part in (*values, [target[t]]) for v in part)
        found[t] = (tuple(values[0]), target[t], tuple(values[1] + values[2])) if is_whole else None
    return found


def transfer_entropy(source, target, past, given=None, trials=None):
    """I(source past; y_t | past that is given) over the windows."""
    whole = [w for w in windows(source, target, past, given, trials).values() if w]
    return conditional_mutual_information(*zip(*whole, strict=True))


def ordinal_patterns(x, order, delay):
    """The place of the ranks of each window among all permutations; None for a missing sample."""
    found = []
    places = {ranks: i for i, ranks in enumerate(itertools.permutations(range(order)))}
    for start in range(len(x) - (order - 1) * delay):
        window = [x[start + i * delay] for i in range(order)]
        if any(map(is_missing, window)):
            found.append(None)
            continue
        in_order = sorted(range(order), key=lambda i: (window[i], i))
        found.append(places[tuple(in_order.index(i) for i in range(order))])
    return found


# --- soft counts --------------------------------------------------------------------------------


def bspline(t, order):
    """The central B-spline of a degree up to 3, by its pieces."""
    t = abs(t)
    if order == 0:
        return float(t < 0.5)
    if order == 1:
        return max(1 - t, 0.0)
    if order == 2:
        return 0.75 - t**2 if t < 0.5 else max(1.5 - t, 0.0) ** 2 / 2
    return 2 / 3 - t**2 + t**3 / 2 if t < 1 else max(2 - t, 0.0) ** 3 / 6


def bspline_slope(t, order):
    """Its derivative: of the two splines of one degree less, half a step to either side."""
    return 0.0 if order == 0 else bspline(t + 0.5, order - 1) - bspline(t - 0.5, order - 1)


def soft_shares(value, low, high, n_bins, kernel, order=3, sigma=0.5):
    """What each bin gets of a sample, and the derivatives of that by the sample."""
    inside = min(max(value, low), high)
    if kernel == "bspline" and order == 0:
        edges = [low + i * ((high - low) / n_bins) for i in range(n_bins)] + [high]
        (code,) = encode_edges([inside], edges)
        return [float(j == code) for j in range(n_bins)], [0.0] * n_bins
    if kernel == "bspline":
        scale = (n_bins - order) / (high - low)
        centers = [j - (order - 1) / 2 for j in range(n_bins)]
        distances = [(inside - low) * scale - center for center in centers]
        shares = [bspline(t, order) for t in distances]
        slopes = [bspline_slope(t, order) * scale for t in distances]
    else:
        scale = (n_bins - 1) / (high - low)
        distances = [(inside - low) * scale - j for j in range(n_bins)]
        heights = [math.exp(-(t**2) / (2 * sigma**2)) for t in distances]
        falls = [-t / sigma**2 * height for t, height in zip(distances, heights, strict=True)]
        total, change = math.fsum(heights), math.fsum(falls)
        shares = [height / total for height in heights]
        slopes = [
            (fall - share * change) / total * scale
            for fall, share in zip(falls, shares, strict=True)
        ]
    return shares, slopes if inside == value else [0.0] * n_bins


def soft_count(x, y, x_shares, y_shares, weights):
    """Soft joint counts {cell: sum} of samples, given a function of shares for each variable."""
    parts = {}
    for a, b, weight in zip(x, y, weights, strict=True):
        if weight == 0:
            continue
        for i, left in enumerate(x_shares(a)[0]):
            for j, right in enumerate(y_shares(b)[0]):
                parts.setdefault((i, j), []).append(weight * left * right)
    return {cell: math.fsum(addends) for cell, addends in parts.items()}


def soft_count_gradient(x, y, x_shares, y_shares, weights, by_counts):
    """Derivatives by x of what has the derivatives ``by_counts`` by the soft counts."""
    found = []
    for a, b, weight in zip(x, y, weights, strict=True):
        terms = [0.0]
        if weight != 0:
            right = y_shares(b)[0]
            for i, slope in enumerate(x_shares(a)[1]):
                terms += [weight * slope * by_counts[i][j] * share for j, share in enumerate(right)]
        found.append(math.fsum(terms))
    return found
