#!/usr/bin/env python3
"""Drives the HTTP contestants side by side.

  run.py serve  [--modes a,b] [--rounds N] [--secs N] [--conns N] [--no-pin]
  run.py flood  [--clients N] [--rounds N] [--secs N] [--rate N]

All servers stay up for the whole run and are loaded in alternating rounds, so
that a noisy machine slows them alike; read the ratios. `serve` keeps the server
on CPU 0 and the load on CPU 1. Needs wrk, and redis-server for the Redis modes.
"""

import argparse, contextlib, os, re, shutil, socket, statistics, subprocess, sys, tempfile, time
import urllib.request

BENCHES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(BENCHES, "target")), "release")
FIRST_PORT = 18300
# To add a contestant: give the http binary a mode and name it here.
MODES = [
    "bare", "lean", "auth-memory", "auth-sqlite", "auth-redis", "auth-jwt", "jwt", "axum-session",
    "axum-login-memory", "axum-login-moka", "axum-login-sqlite", "axum-login-redis",
]
# No loopback name: cookies are called and guarded as in production.
HOST = {"Host": "bench"}
TICK = os.sysconf("SC_CLK_TCK")


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Server:
    """One contestant, and what it needs; stopped by the stack it was made with."""

    def __init__(self, stack, mode, port, pin, tmp, hash_place="blocking"):
        self.name, self.port = mode, port
        env = dict(os.environ)
        if mode.endswith("redis"):
            env["STORE"] = redis(stack, port + 1000, pin, tmp)
        if mode.endswith("sqlite"):
            env["STORE"] = os.path.join(tmp, f"{port}.sqlite")
        cmd = on_cpu(0, pin) + [os.path.join(BIN, "http"), mode, str(port), hash_place]
        self.process = start(stack, cmd, port, env=env)
        self.header = "X-None: 1" if mode == "bare" else self.login()

    def login(self):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/login", b"username=alice&password=secret", HOST)
        with urllib.request.urlopen(request) as answer:
            cookies = [c.split(";")[0] for c in answer.headers.get_all("Set-Cookie", [])]
            body = answer.read().decode()
        return f"Cookie: {'; '.join(cookies)}" if cookies else f"Authorization: Bearer {body}"

    def refuses_strangers(self):
        try:
            urllib.request.urlopen(urllib.request.Request(
                f"http://127.0.0.1:{self.port}/protected", headers=HOST))
            return False
        except urllib.error.HTTPError as e:
            return e.code == 401

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def peak_rss_mib(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) / 1024


def start(stack, cmd, port, **options):
    if listens(port):
        raise SystemExit(f"port {port} is taken, perhaps by an earlier run")
    child = subprocess.Popen(cmd, **options)
    stack.callback(child.wait)
    stack.callback(child.terminate)
    for _ in range(100):
        if listens(port):
            return child
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}: {' '.join(cmd)}")


def redis(stack, port, pin, tmp):
    """A server of our own; it is stopped with the stack."""
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmp]
    start(stack, on_cpu(1, pin) + command, port, stdout=subprocess.DEVNULL)
    return f"redis://127.0.0.1:{port}"


def on_cpu(cpu, pin):
    return ["taskset", "-c", str(cpu)] if pin else []


def wrk(server, conns, secs, pin):
    cmd = on_cpu(1, pin) + ["wrk", "-t1", f"-c{conns}", f"-d{secs}s", "--latency", "-H",
                            "Host: bench", "-H", server.header, f"http://127.0.0.1:{server.port}/protected"]
    for _ in range(3):
        before = server.cpu_seconds()
        out = subprocess.run(cmd, capture_output=True, text=True, check=True).stdout
        used = server.cpu_seconds() - before
        if "Non-2xx" in out:
            raise SystemExit(f"{server.name} refuses its user:\n{out}")
        requests = int(re.search(r"(\d+) requests in", out)[1])
        # A machine that was paused in between leaves timeouts or nothing at all.
        if requests and "Socket errors" not in out:
            break
        print(f"# {server.name}: disturbed, trying again", file=sys.stderr)
    else:
        raise SystemExit(f"{server.name}:\n{out}")
    return {
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
        "p50": percentile(out, 50),
        "p99": percentile(out, 99),
        "cpu": used / requests * 1e6,
    }


def percentile(out, n):
    number, unit = re.search(rf"^\s+{n}%\s+([\d.]+)(us|ms|s)$", out, re.M).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def middle(rounds, key):
    return statistics.median(r[key] for r in rounds)


def alternate(args, stack, tmp):
    """The servers of these modes, and what each round measured of each."""
    servers = [Server(stack, m, FIRST_PORT + i, args.pin, tmp)
               for i, m in enumerate(args.modes.split(","))]
    for s in servers:
        assert s.name == "bare" or s.refuses_strangers(), f"{s.name} lets strangers in"
        wrk(s, args.conns, 1, args.pin)
    rounds = {s.name: [] for s in servers}
    for _ in range(args.rounds):
        for s in servers:
            rounds[s.name].append(wrk(s, args.conns, args.secs, args.pin))
    return servers, rounds


def serve(args, stack, tmp):
    servers, rounds = alternate(args, stack, tmp)
    print("| mode | req/s (min..max) | vs first | p50 us | p99 us | server CPU us/req "
          "| CPU over first | peak RSS MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    first = rounds[servers[0].name]
    for s in servers:
        r = rounds[s.name]
        ratio = statistics.median(a["rps"] / b["rps"] for a, b in zip(r, first))
        over = statistics.median(a["cpu"] - b["cpu"] for a, b in zip(r, first))
        low, high = min(x["rps"] for x in r), max(x["rps"] for x in r)
        print(f"| {s.name} | {middle(r, 'rps'):.0f} ({low:.0f}..{high:.0f}) | {ratio:.2f} "
              f"| {middle(r, 'p50'):.0f} | {middle(r, 'p99'):.0f} | {middle(r, 'cpu'):.2f} "
              f"| {over:+.2f} | {s.peak_rss_mib():.1f} |", flush=True)


def flood(args, stack, tmp):
    load = os.path.join(BIN, "load")
    # Ours hashes where it always does; a peer, wherever it can be told to.
    places = ["ours", "inline", "blocking", "bounded", "nice"]
    servers = [Server(stack, "auth-memory" if p == "ours" else args.mode, FIRST_PORT + i, False, tmp,
                      "inline" if p == "ours" else p) for i, p in enumerate(places)]

    def probe(s):
        out = subprocess.check_output(
            [load, "probe", str(s.port), s.header, str(args.rate), str(args.secs)], text=True)
        return [float(x) for x in out.split()]

    def flooded(s):
        attack = subprocess.Popen(
            [load, "flood", str(s.port), str(args.clients), str(args.secs + 2)],
            stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        p50, p99, top = probe(s)
        rate, took = map(float, attack.communicate()[0].split())
        return {"p50": p50, "p99": p99, "max": top, "logins": rate, "login": took}

    quiet, rounds = [], {p: [] for p in places}
    for _ in range(args.rounds):
        quiet.append(probe(servers[0]))
        for s, place in zip(servers, places):
            rounds[place].append(flooded(s))
    mid = [statistics.median(column) for column in zip(*quiet)]
    print("| hashing | probe p50 ms | p99 ms | max ms | logins/s | login p50 ms | peak RSS MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    print(f"| no flood | {mid[0]:.2f} | {mid[1]:.2f} | {mid[2]:.2f} | | | |")
    for s, place in zip(servers, places):
        r = rounds[place]
        print(f"| {place} | {middle(r, 'p50'):.2f} | {middle(r, 'p99'):.2f} "
              f"| {middle(r, 'max'):.2f} | {middle(r, 'logins'):.1f} | {middle(r, 'login'):.0f} "
              f"| {s.peak_rss_mib():.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("serve")
    p.add_argument("--modes", default=",".join(m for m in MODES if not m.endswith("redis")
                                               or shutil.which("redis-server")))
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--secs", type=int, default=4)
    p.add_argument("--conns", type=int, default=32)
    p.add_argument("--no-pin", dest="pin", action="store_false")
    p.set_defaults(run=serve)
    p = commands.add_parser("flood")
    p.add_argument("--mode", default="axum-login-memory")
    p.add_argument("--clients", type=int, default=16)
    p.add_argument("--rate", type=int, default=400)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--secs", type=int, default=6)
    p.set_defaults(run=flood)
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        args.run(args, stack, stack.enter_context(tempfile.TemporaryDirectory()))


if __name__ == "__main__":
    main()
