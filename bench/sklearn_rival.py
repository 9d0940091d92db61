"""The rival of bench/clustering: scikit-learn's KMeans on a table of PostgreSQL.

    sklearn_rival.py versions
    sklearn_rival.py fit TABLE FEATURES K MAX_ITER
    sklearn_rival.py members TABLE FEATURES K MAX_ITER csv|binary

TABLE has a key id and the features f1, f2, ... "fit" starts from the first K
rows, "members" from k-means++, and writes a table TABLE_labels.
psql reaches the server by its usual variables.  Prints a line "phase
seconds" for each phase; interpreter and imports are not counted.

Both have n_init 1, tol 0 and all threads they ask for.  numpy's BLAS should be
OpenBLAS with the kernel of this CPU: see scripts/deps.
"""

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import sklearn
import threadpoolctl
from sklearn.cluster import KMeans

COPY_HEADER = 19  # bytes before the first row of COPY BINARY
COPY_TRAILER = 2
MAX_ITER_SHORT = 1  # what is left then is not iterations


def psql(*options, **how):
    return subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *options], **how)


def finish(process):
    if process.wait() != 0:
        sys.exit("psql failed")


class Clock:
    def __init__(self):
        self.last = time.perf_counter()

    def phase(self, name):
        now = time.perf_counter()
        print(name, f"{now - self.last:.6f}")
        self.last = time.perf_counter()


def copy_out(table, features, form):
    """Ids and a matrix: by a fast reader of CSV, or from the wire's own format."""
    columns = ", ".join(["id"] + [f"f{j}" for j in range(1, features + 1)])
    process = psql("-c", f"COPY (SELECT {columns} FROM {table}) TO STDOUT (FORMAT {form})", stdout=subprocess.PIPE)
    if form == "csv":
        frame = pd.read_csv(process.stdout, header=None, engine="c", dtype={0: np.int32})
        ids, x = frame[0].to_numpy(), frame.iloc[:, 1:].to_numpy(dtype=float)
    else:
        fields = [("n", ">i2"), ("id_size", ">i4"), ("id", ">i4")]
        fields += [(f"{part}{j}", kind) for j in range(features) for part, kind in (("size", ">i4"), ("f", ">f8"))]
        data = np.frombuffer(process.stdout.read()[COPY_HEADER:-COPY_TRAILER], dtype=np.dtype(fields))
        ids = data["id"].astype(np.int32)
        x = np.empty((len(data), features))
        for j in range(features):
            x[:, j] = data[f"f{j}"]
    finish(process)
    return ids, np.ascontiguousarray(x)


def copy_back(table, ids, labels):
    process = psql(
        "-c", f"CREATE TABLE {table}_labels (id integer, segment integer)",
        "-c", f"COPY {table}_labels FROM STDIN (FORMAT csv)", stdin=subprocess.PIPE)
    pd.DataFrame({"id": ids, "segment": labels}).to_csv(process.stdin, header=False, index=False)
    process.stdin.close()
    finish(process)


def fit(table, features, k, max_iter):
    ids, x = copy_out(table, features, "binary")
    start = x[np.argsort(ids, kind="stable")[:k]]
    # threads come up, code is loaded
    KMeans(k, init=start, n_init=1, max_iter=MAX_ITER_SHORT, tol=0).fit(x[: max(10000, k)]).predict(x[:1000])
    clock = Clock()
    KMeans(k, init=start, n_init=1, max_iter=MAX_ITER_SHORT, tol=0).fit(x)
    clock.phase("fit_one")
    model = KMeans(k, init=start, n_init=1, max_iter=max_iter, tol=0).fit(x)
    clock.phase("fit")
    model.predict(x)
    clock.phase("predict")
    print("iterations", model.n_iter_)
    print("inertia", repr(model.inertia_))


def members(table, features, k, max_iter, form):
    clock = Clock()
    ids, x = copy_out(table, features, form)
    clock.phase("copy_out_and_parse")
    model = KMeans(k, n_init=1, max_iter=max_iter, tol=0, random_state=1).fit(x)
    clock.phase("fit")
    labels = model.predict(x)
    clock.phase("predict")
    copy_back(table, ids, labels)
    clock.phase("copy_back")
    print("iterations", model.n_iter_)
    print("inertia", repr(model.inertia_))


def versions():
    pools = [" ".join(str(pool.get(key) or "") for key in ("internal_api", "architecture", "num_threads")) + " threads"
             for pool in threadpoolctl.threadpool_info()]
    print("scikit-learn", sklearn.__version__ + ", numpy", np.__version__ + ",", ", ".join(pools))


if __name__ == "__main__":
    if sys.argv[1] == "versions":
        versions()
    else:
        command, table_name, n_features, n_clusters, n_steps, *rest = sys.argv[1:]
        {"fit": fit, "members": members}[command](table_name, int(n_features), int(n_clusters), int(n_steps), *rest)
