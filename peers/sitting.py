"""A sitting: engines as processes that answer one after the other, never two at once."""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

PEERS = pathlib.Path(__file__).parent
VENVS = pathlib.Path(os.environ.get("ELMAN_PEERS_VENVS", pathlib.Path.home() / ".cache" / "elman-peers"))
RECORDS = PEERS.parent / "docs" / "records"


def python(venv):
    """The interpreter of a virtual environment that setup.sh made."""
    return str(VENVS / venv / "bin" / "python")


def target(workspace, name):
    """A program that Cargo built in release mode."""
    return str(pathlib.Path(os.environ.get("CARGO_TARGET_DIR", workspace / "target")) / "release" / name)


def rust(name):
    """A program of the crate in peers/rust."""
    return target(PEERS / "rust", name)


def build_rust(workspace=PEERS / "rust"):
    """Builds a workspace's programs, so that they are of the commit that the record names."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--manifest-path", workspace / "Cargo.toml"], check=True)


def commit():
    """The repository's commit, and whether it was changed since."""
    git = ["git", "-C", PEERS, "describe", "--always", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()


def parse_engine(engine, commands):
    """The command of NAME@KEY=VALUE@…, and its options; a value is JSON, or else text."""
    name, *settings = engine.split("@")
    options = {}
    for key, value in (setting.split("=", 1) for setting in settings):
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return commands[name], options


class Engine:
    """A process that reads a job and then answers each line with a line."""

    def __init__(self, name, command, job):
        self.errors = (pathlib.Path(job["folder"]) / f"{name}.log").open("w+")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=os.environ | {"PYTHONPATH": str(PEERS)},
        )
        self.ready = self.ask(json.dumps(job))

    def ask(self, line="round"):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: what it said is read below
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            self.errors.seek(0)
            raise RuntimeError(f"{self.process.args} ended with {self.process.returncode}:\n{self.errors.read()[-3000:]}")
        return json.loads(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def use_cores(count):
    """Keeps this process and all engines to so many of the processors that it may use."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def machine():
    """The processor's name, as the system gives it."""
    info = pathlib.Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    return names[0].strip() if names else platform.processor()


def record(name, rows):
    """Writes rows, all with the same keys, as docs/records/NAME-DATE-MACHINE.csv; adds to a record of the same day."""
    slug = re.sub(r"[^a-z0-9]+", "-", machine().lower()).strip("-")
    path = RECORDS / f"{name}-{datetime.date.today()}-{slug}.csv"
    lines = [",".join(map(str, row.values())) for row in rows]
    if not path.exists():
        lines.insert(0, ",".join(rows[0]))
    with path.open("a") as file:
        file.write("\n".join(lines) + "\n")
    print(f"record: {path}", file=sys.stderr)
