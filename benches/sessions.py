#!/usr/bin/env python3
"""Sessions: us beside tower-sessions with axum-login, in one run.

  sessions.py [--quick] [PART ...]

The parts are route, calls, memory and cleanup; all of them, if none is named.
Contestants alternate. A ratio is how many times more the peer needs (of
requests a second: how many times more we serve); above 1 we are ahead.
"""

import argparse, contextlib, os, shutil, sqlite3, statistics, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "http"))
import run

STORES = ["memory", "sqlite"] + (["redis"] if shutil.which("redis-server") else [])
# Where performance.md means to stand: our figure, in the row's unit.
AIMS = {
    "memory route, of bare's requests": "0.90",
    "memory route, CPU over bare": "0.7 us",
    "sqlite route, CPU over bare": "8 us",
    "redis route, CPU over bare": "10 us",
    "session id": "40 ns",
    "10 keys, encode": "120 ns, typed",
    "10 keys, decode": "170 ns, typed",
    "memory of a session": "450 B",
}


def row(name, ours, theirs, unit="", digits=1, higher_is_better=False):
    better = (ours, theirs) if higher_is_better else (theirs, ours)
    # Over bare, a figure can drown in the noise.
    ratio = f"{better[0] / better[1]:.2f}" if min(better) > 0 else "–"
    shown = [f"{value:,.{digits}f} {unit}".strip() for value in (ours, theirs)]
    print(f"| {name} | {ratio} | {shown[0]} | {shown[1]} | {AIMS.get(name, '')} |", flush=True)


def output(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **options).stdout


def route(args, stack, tmp):
    """The protected route over sockets: server on one core, load on the other."""
    modes = ["bare"] + [f"{who}-{store}" for store in STORES for who in ("auth", "axum-login")]
    options = argparse.Namespace(modes=",".join(modes), conns=32, pin=True,
                                 rounds=3 if args.quick else 5, secs=1 if args.quick else 3)
    _, rounds = run.alternate(options, stack, tmp)
    middle = lambda mode, of: statistics.median(map(of, rounds[mode], rounds["bare"]))
    for store in STORES:
        pair = [f"auth-{store}", f"axum-login-{store}"]
        row(f"{store} route, requests a second", *(middle(m, lambda r, _: r["rps"]) for m in pair),
            digits=0, higher_is_better=True)
        row(f"{store} route, of bare's requests", *(middle(m, lambda r, b: r["rps"] / b["rps"]) for m in pair),
            digits=2, higher_is_better=True)
        row(f"{store} route, CPU over bare", *(middle(m, lambda r, b: r["cpu"] - b["cpu"]) for m in pair), "us")


def calls(args, stack, tmp):
    """In one process, without sockets: the route, then the sessions call by call."""
    quick = ["--quick"] if args.quick else []
    binary = os.path.join(run.BIN, "http")
    url = run.redis(stack, run.FIRST_PORT + 900, False, tmp) if "redis" in STORES else ""
    for store in STORES:
        env = dict(os.environ, STORE=url if store == "redis" else os.path.join(tmp, "calls.sqlite"))
        modes = f"bare,auth-{store},axum-login-{store}"
        table = output(binary, "calls", modes, *quick, env=env)
        bare, ours, theirs = (float(line.split("|")[2]) for line in table.splitlines()[-3:])
        row(f"{store} route called, over bare", ours - bare, theirs - bare, "ns", 0)
    for line in output(binary, "figures", tmp, *filter(None, [url]), *quick).splitlines():
        name, ours, theirs = line.split("\t")
        row(name, float(ours), float(theirs), "ns", 0)


def memory(args, stack, tmp):
    """A million sessions of 204 bytes in memory."""
    def bytes_each(store):
        table = output(os.path.join(run.BIN, "memory"), store, "typical", "1000000")
        return float(table.split("|")[4].split()[0])
    row("memory of a session", bytes_each("auth"), bytes_each("memory-store"), "B", 0)


FILL = {
    "auth-sqlite": """
        insert into auth_session (id, version, user_id, tie, login_at, created_at, seen_at, expires_at, ends_at, data, verifier)
        select lower(hex(randomblob(32))), 1, i % 1000, randomblob(32), 1, 1, 1, 1000 + i, 1000 + i, randomblob(205), randomblob(32)
        from numbers""",
    "axum-login-sqlite": """
        insert into tower_sessions (id, data, expiry_date)
        select substr(hex(randomblob(11)), 1, 22), randomblob(205), strftime('%Y-%m-%dT%H:%M:%SZ', i, 'unixepoch')
        from numbers""",
}


def cleanup(args, stack, tmp):
    """Expired rows in SQLite are removed while 400 requests a second are served and 40 write."""
    rows = 100_000 if args.quick else 1_000_000
    found = []
    for i, (mode, fill) in enumerate(FILL.items()):
        server = run.Server(stack, mode, run.FIRST_PORT + 800 + i, False, tmp)
        with contextlib.closing(sqlite3.connect(os.path.join(tmp, f"{server.port}.sqlite"))) as file:
            file.execute("pragma synchronous = off")
            file.execute("pragma cache_size = -1000000")
            numbers = "with recursive numbers (i) as (select 1 union all select i + 1 from numbers where i < ?)"
            file.execute(f"{numbers} {fill}", [rows])
            file.commit()
            file.execute("pragma wal_checkpoint(truncate)").fetchall()
            load = os.path.join(run.BIN, "load")
            line = output(load, "cleanup", str(server.port), server.header, "400")
            found.append([float(word) for word in line.split()])
            left = file.execute(f"select count(*) from {fill.split()[2]}").fetchone()[0]
            assert left == 1, f"{mode} left {left} rows"
    names = ["all of it", "route p50", "route p99", "route longest", "write p50", "write p99", "write longest", "writes refused"]
    for name, ours, theirs in zip(names, *found):
        unit = {"all of it": "s", "writes refused": ""}.get(name, "ms")
        row(f"{rows:,} expired rows, {name}", ours, theirs, unit, 0 if not unit else 2)


PARTS = {"route": route, "calls": calls, "memory": memory, "cleanup": cleanup}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="shorter rounds, fewer expired rows")
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    began = time.monotonic()
    print(f"load average {os.getloadavg()[0]:.1f}, {time.strftime('%d %B %Y %H:%M')}\n")
    print("| figure | ratio | auth | tower-sessions, axum-login | aim |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for part in args.parts or PARTS:
        with contextlib.ExitStack() as stack:
            PARTS[part](args, stack, stack.enter_context(tempfile.TemporaryDirectory()))
    print(f"\n{time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
