"""How good the clusterings of bench/quality are beside scikit-learn's.

    quality_rival.py SETS

SETS is how many, or their numbers: 4,9,10.  Makes seeded tables of overlapping groups of unequal size, trains on each with the
defaults of kmeans, gaussian_mixture and choose_k in the server that psql reaches, and
with scikit-learn on the same scaled coordinates, and prints a line for each set and a
summary: how often better, equal (within 1e-5) and worse, and how the times compare.

true_k compares how often the number of groups that a set was made of comes out: by the silhouette
of choose_k and of scikit-learn's KMeans, by the gap statistic of choose_k and of clusGap of R's
package cluster.

kprototypes is compared with the better of kmodes' starts by Huang and by Cao, on small sets
of numbers and categories, where the Python package kmodes is installed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

try:
    from kmodes.kprototypes import KPrototypes
except ImportError:
    KPrototypes = None

KMEANS_STARTS = 50
MIXTURE_STARTS = 10
PROTOTYPE_STARTS = 10
MOST_K = 12
SILHOUETTE_STARTS = 10
SILHOUETTE_ROWS = 5000
REFERENCES = 10
EQUAL = 1e-5


def psql(sql, data=None):
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql], input=data, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


def make_set(number):
    """500 to 8,000 rows, 2 to 11 features, 2 to 11 groups; a fifth with outliers, a seventh log-normal."""
    draw = np.random.RandomState(number)
    n, d, k = draw.randint(500, 8001), draw.randint(2, 12), draw.randint(2, 12)
    share = draw.dirichlet(np.full(k, 1.5))
    group = draw.choice(k, n, p=share)
    center = draw.normal(0, 1.3, (k, d))
    width = draw.uniform(0.4, 1.6, (k, d))
    x = center[group] + draw.normal(0, 1, (n, d)) * width[group]
    if number % 5 == 0:
        far = draw.choice(n, n // 100, replace=False)
        x[far] *= draw.uniform(3, 8, (len(far), 1))
    if number % 7 == 0:
        x = np.exp(x / 2)
    return x, k


def make_mixed_set(number):
    """100 to 600 rows, 1 to 3 numbers, 1 to 3 categories of 2 to 6 values, 2 to 8 groups."""
    draw = np.random.RandomState(1000 + number)
    n, d, c, k = draw.randint(100, 601), draw.randint(1, 4), draw.randint(1, 4), draw.randint(2, 9)
    group = draw.choice(k, n, p=draw.dirichlet(np.full(k, 2.0)))
    x = draw.normal(0, 1.5, (k, d))[group] + draw.normal(0, 1, (n, d))
    words = []
    for _ in range(c):
        values = draw.randint(2, 7)
        share = draw.dirichlet(np.full(values, 0.6), k)
        words.append([f"c{draw.choice(values, p=share[g])}" for g in group])
    return x, np.array(words, dtype=object).T, k


def compare_prototypes(number, tally):
    x, words, k = make_mixed_set(number)
    n, d = x.shape
    c = words.shape[1]
    psql("""SET client_min_messages = warning; DROP TABLE IF EXISTS quality_mixed;
        CREATE TABLE quality_mixed (x float8[], w text[])""")
    psql("COPY quality_mixed FROM STDIN", "\n".join(
        "{" + ",".join(repr(float(v)) for v in row) + "}\t{" + ",".join(word) + "}" for row, word in zip(x, words)).encode())
    columns = ", ".join([f"x[{i + 1}] AS x{i}" for i in range(d)] + [f"w[{i + 1}] AS w{i}" for i in range(c)])
    ours, result = timed(f"SELECT model_metrics(kprototypes(f, {k})) AS r FROM s",
                         f"SELECT feature_set(t) AS f FROM (SELECT {columns} FROM quality_mixed) AS t")
    rows = np.concatenate([((x - x.mean(axis=0)) / x.std(axis=0)).astype(object), words], axis=1)
    began = time.perf_counter()
    theirs = min(KPrototypes(k, init=init, n_init=PROTOTYPE_STARTS, gamma=0.5, random_state=number).fit(
        rows, categorical=list(range(d, d + c))).cost_ for init in ("Huang", "Cao"))
    seconds = time.perf_counter() - began
    print(f"{number:3} n={n} numbers={d} categories={c} k={k}  " + tally.add(compare(result["cost"], theirs), ours, seconds), flush=True)


def timed(sql, rows="SELECT feature_set(VARIADIC x) AS f FROM quality_set"):
    """The result of a function over a set, and the seconds in the server."""
    text = psql(f"""
        SET jit = off;
        CREATE TEMP TABLE s AS {rows};
        CREATE TEMP TABLE m AS SELECT clock_timestamp() AS t;
        CREATE TEMP TABLE r AS {sql};
        SELECT (SELECT extract(epoch FROM clock_timestamp() - t) FROM m), (SELECT r FROM r)""")
    seconds, result = text.split("|", 1)
    return float(seconds), json.loads(result)


def compare(ours, theirs):
    return (ours - theirs) / abs(theirs)


# the gap statistic as in the paper, its references in the box of the points, as choose_k has them
CLUS_GAP = """
library(cluster)
arguments <- commandArgs(TRUE)
z <- as.matrix(read.csv(arguments[1], header = FALSE))
set.seed(as.integer(arguments[2]))
began <- proc.time()[["elapsed"]]
found <- suppressWarnings(clusGap(z, kmeans, K.max = as.integer(arguments[3]), B = as.integer(arguments[4]), d.power = 2,
    spaceH0 = "original", nstart = 10, iter.max = 100, verbose = FALSE))
k <- maxSE(found$Tab[, "gap"], found$Tab[, "SE.sim"], method = "Tibs2001SEmax")
cat(k, proc.time()[["elapsed"]] - began)
"""


def first_enough(gap, error):
    """The first k that k + 1 does not exceed by more than its standard error; from 1."""
    for k in range(len(gap) - 1):
        if gap[k] >= gap[k + 1] - error[k + 1]:
            return k + 1
    return len(gap)


def compare_true_k(number, z, k, tally):
    ours, rows = timed(f"""SELECT jsonb_agg(c ORDER BY k) AS r FROM s, LATERAL choose_k(f, 1, {MOST_K}, n_references => {REFERENCES},
        n_resamples => 0) AS c""")
    by_silhouette = next(row["k"] for row in rows if row["recommended"])
    by_gap = first_enough([row["gap"] for row in rows], [row["gap_se"] for row in rows])
    began = time.perf_counter()
    theirs = [silhouette_score(z, KMeans(c, n_init=SILHOUETTE_STARTS, random_state=number).fit_predict(z),
                               sample_size=min(SILHOUETTE_ROWS, len(z)), random_state=number) for c in range(2, MOST_K + 1)]
    sklearn = int(np.argmax(theirs)) + 2
    seconds = time.perf_counter() - began
    r, r_seconds = None, 0.0
    if shutil.which("Rscript"):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as points:
            np.savetxt(points, z, delimiter=",")
            points.flush()
            done = subprocess.run(["Rscript", "-e", CLUS_GAP, points.name, str(number), str(MOST_K), str(REFERENCES)],
                                  stdout=subprocess.PIPE, check=True)
        r, r_seconds = done.stdout.decode().split()
        r, r_seconds = int(r), float(r_seconds)
    return tally.add(k, {"silhouette": by_silhouette, "scikit-learn": sklearn, "gap": by_gap, "clusGap": r}, ours, seconds, r_seconds)


class TrueK:
    """How often each way finds the number of groups that a set was made of."""

    def __init__(self):
        self.sets, self.found, self.near, self.seconds = 0, {}, {}, np.zeros(3)

    def add(self, k, answers, *seconds):
        self.sets += 1
        self.seconds += seconds
        for way, answer in answers.items():
            self.found[way] = self.found.get(way, 0) + (answer == k)
            self.near[way] = self.near.get(way, 0) + (answer is not None and abs(answer - k) <= 1)
        return "true_k " + " ".join(f"{way} {answer}" for way, answer in answers.items()) + " (%.2f, %.2f, %.2f s)" % seconds

    def __str__(self):
        ways = ", ".join(f"{way} {self.found[way]} ({self.near[way]} within one)" for way in self.found)
        return f"true_k of {self.sets} sets: {ways}; choose_k {self.seconds[0]:.1f} s, silhouettes {self.seconds[1]:.1f} s, clusGap {self.seconds[2]:.1f} s"


class Tally:
    def __init__(self, what):
        self.what, self.differences, self.ours, self.theirs = what, [], 0.0, 0.0

    def add(self, difference, ours, theirs):
        self.differences.append(difference)
        self.ours += ours
        self.theirs += theirs
        return f"{self.what} {difference:+.1e} ({ours:.3f} s, {ours / theirs:.3f})"

    def __str__(self):
        d = np.array(self.differences)
        return (f"{self.what}: better in {(d < -EQUAL).sum()}, equal in {(abs(d) <= EQUAL).sum()}, worse in {(d > EQUAL).sum()}"
                f" (by up to {max(d.max(), 0):.1e}), in {self.ours / self.theirs:.3f} of the time")


def main():
    warnings.filterwarnings("ignore")
    wanted = os.environ.get("QUALITY", "kmeans,choose_k,true_k,mixture,kprototypes").split(",")
    tallies = {name: TrueK() if name == "true_k" else Tally(name) for name in wanted}
    numbers = [int(n) for n in sys.argv[1].split(",")]
    numbers = numbers if len(numbers) > 1 else range(1, numbers[0] + 1)
    if KPrototypes is None and "kprototypes" in tallies:
        print("kprototypes is not compared: kmodes is not installed")
        del tallies["kprototypes"]
    for number in numbers if "kprototypes" in tallies else []:
        compare_prototypes(number, tallies["kprototypes"])
    for number in numbers if set(tallies) - {"kprototypes"} else []:
        x, k = make_set(number)
        n, d = x.shape
        psql("SET client_min_messages = warning; DROP TABLE IF EXISTS quality_set; CREATE TABLE quality_set (x float8[])")
        rows = "\n".join("{" + ",".join(repr(float(v)) for v in row) + "}" for row in x)
        psql("COPY quality_set FROM STDIN", rows.encode())
        z = (x - x.mean(axis=0)) / x.std(axis=0)
        line = [f"{number:3} n={n} d={d} k={k}"]
        if "kmeans" in tallies:
            ours, result = timed(f"SELECT model_metrics(kmeans(f, {k})) AS r FROM s")
            began = time.perf_counter()
            theirs = KMeans(k, n_init=KMEANS_STARTS, random_state=number).fit(z)
            line.append(tallies["kmeans"].add(compare(result["inertia"], theirs.inertia_), ours, time.perf_counter() - began))
        if "choose_k" in tallies:
            ours, result = timed("""SELECT jsonb_build_object('k', k, 'inertia', inertia) AS r FROM s, LATERAL choose_k(f, 2, 8,
                n_references => 0, n_resamples => 0) WHERE recommended""")
            began = time.perf_counter()
            theirs = [KMeans(c, n_init=KMEANS_STARTS, random_state=number).fit(z).inertia_ for c in range(2, 9)]
            line.append(tallies["choose_k"].add(compare(result["inertia"], theirs[result["k"] - 2]), ours, time.perf_counter() - began))
        if "true_k" in tallies:
            line.append(compare_true_k(number, z, k, tallies["true_k"]))
        if "mixture" in tallies:
            ours, result = timed(f"SELECT model_metrics(gaussian_mixture(f, {k})) AS r FROM s")
            began = time.perf_counter()
            theirs = GaussianMixture(k, n_init=MIXTURE_STARTS, tol=1e-6, max_iter=500, random_state=number).fit(z)
            seconds = time.perf_counter() - began
            line.append(tallies["mixture"].add(-compare(result["log_likelihood"] / n, theirs.score(z)), ours, seconds)
                        + f" collapsed {result['n_collapsed']}")
        print("  ".join(line), flush=True)
    for tally in tallies.values():
        print(tally)


main()
