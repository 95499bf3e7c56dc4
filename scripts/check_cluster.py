#!/usr/bin/env python3
"""Checks the files of docs/cluster without a cluster: the batch scripts and the Job's shell run with stand-ins for srun,
scontrol and contig-gpu; the Job's fields that matter are read; the page holds the files as they are.

Needs bash, and PyYAML for the Job, which is skipped with a message where it is absent. Exits 1 if anything is wrong.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLUSTER = ROOT / "docs" / "cluster"
failures = []


def check(ok, what):
    if not ok:
        failures.append(what)


class Folder:
    """A folder of stand-ins that write their arguments to a log, with a run folder beside."""

    def __init__(self, resumed):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.run = self.dir / "run"
        if resumed:
            self.run.mkdir()
            (self.run / "config.toml").touch()

    def put(self, name, body):
        path = self.dir / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> "{self.dir}/log"\n{body}\n')
        path.chmod(0o755)

    def env(self, **more):
        return {**os.environ, "PATH": f"{self.dir}:{os.environ['PATH']}", "RUN": str(self.run), **more}

    def log(self):
        path = self.dir / "log"
        return path.read_text() if path.exists() else ""


def batch(resumed, srun, terminate=False):
    """Runs the batch script; returns its exit status and what the stand-ins were called with."""
    f = Folder(resumed)
    f.put("srun", srun)
    f.put("scontrol", "")
    p = subprocess.Popen(["bash", CLUSTER / "train.sbatch"], env=f.env(DATA="/cohort", SLURM_JOB_ID="17"))
    if terminate:
        time.sleep(0.5)
        p.send_signal(signal.SIGTERM)
    return p.wait(timeout=20), f.log()


def check_batch():
    script = CLUSTER / "train.sbatch"
    check(subprocess.run(["bash", "-n", script]).returncode == 0, "train.sbatch: bash cannot read it")
    status, log = batch(False, "exit 0")
    check(status == 0 and "--images /cohort/images.tsv" in log and "--resume" not in log, f"a new run: {status}, {log}")
    check("requeue" not in log, f"a run that is done is queued again: {log}")
    status, log = batch(True, "exit 143")
    check(status == 143 and "--resume" in log and "--images" not in log, f"a run that was stopped: {status}, {log}")
    check("scontrol requeue 17" in log, f"a run that was stopped is not queued again: {log}")
    status, log = batch(True, "exit 1")
    check(status == 1 and "requeue" not in log, f"a run that failed: {status}, {log}")
    status, log = batch(True, 'sleep 1.5; echo over >> "$(dirname "$0")/log"; exit 143', terminate=True)
    check(status == 143 and "over\nscontrol requeue 17" in log, f"a signal to the shell ends it before the program: {status}, {log}")


def array(done=(), srun="exit 0", more=(), **env):
    """Runs the array script as task 3 of 16; returns its exit status and what the stand-ins were called with."""
    f = Folder(True)
    f.put("srun", srun)
    out = f.dir / "shards"
    for name in done:
        (out / name).mkdir(parents=True)
        (out / name / "begun.json").touch()
    p = subprocess.run(["bash", CLUSTER / "array.sbatch", *more], stdout=subprocess.DEVNULL,
                       env=f.env(DATA="/cohort", OUT=str(out), SLURM_ARRAY_TASK_ID="3", SLURM_ARRAY_TASK_COUNT="16", **env))
    return p.returncode, f.log().replace(str(f.dir), "")


def check_array():
    script = CLUSTER / "array.sbatch"
    text = script.read_text()
    check("#SBATCH --array=1-" in text, "array.sbatch: the array is not counted from 1")
    status, log = array()
    check(status == 0 and log == "srun contig-gpu embed --device cuda --run /run --images /cohort/images.tsv --data /cohort/data.toml --shard 3/16 --out /shards/3-of-16\n", f"a task of an array: {status}, {log}")
    status, log = array(done=["3-of-16"])
    check(status == 0 and log == "", f"a task whose shard is there: {status}, {log}")
    status, log = array(done=["4-of-16", ".3-of-16.explain-unfinished"], VERB="explain", more=["--method", "ig"])
    check(status == 0 and "contig-gpu explain " in log and log.endswith("--out /shards/3-of-16 --resume --method ig\n"), f"an explain that was stopped: {status}, {log}")
    for code in (1, 143):
        status, log = array(srun=f"exit {code}")
        check(status == code, f"a task that failed with {code}: {status}, {log}")


def check_job():
    try:
        import yaml
    except ImportError:
        print("check_cluster: docs/cluster/job.yaml was not parsed: pip install pyyaml")
        return
    job = yaml.safe_load((CLUSTER / "job.yaml").read_text())
    pod = job["spec"]["template"]["spec"]
    train = pod["containers"][0]
    check((job["apiVersion"], job["kind"]) == ("batch/v1", "Job"), "job.yaml: it is no batch/v1 Job")
    check(pod["restartPolicy"] == "Never", "job.yaml: podFailurePolicy wants restartPolicy Never")
    check(pod["terminationGracePeriodSeconds"] >= 60, "job.yaml: there is no time to write a checkpoint")
    check(train["resources"]["limits"]["nvidia.com/gpu"] == 1, "job.yaml: it asks for other than one GPU")
    mounts = {m["name"]: m for m in train["volumeMounts"]}
    check(set(mounts) == {v["name"] for v in pod["volumes"]}, "job.yaml: volumes and mounts differ")
    check(mounts["data"].get("readOnly") is True, "job.yaml: the data can be written to")
    names = {r["onExitCodes"]["containerName"] for r in job["spec"]["podFailurePolicy"]["rules"] if "onExitCodes" in r}
    check(names == {train["name"]}, "job.yaml: podFailurePolicy names another container")
    for resumed in (False, True):
        f = Folder(resumed)
        f.put("contig-gpu", "exit 7")
        p = subprocess.run([*train["command"], *train["args"]], env=f.env())
        check(p.returncode == 7, f"job.yaml: the shell exits with {p.returncode}, the program with 7")
        check(("--resume" in f.log()) == resumed and ("--images" in f.log()) != resumed, f"job.yaml: resumed {resumed}: {f.log()}")


def check_page():
    blocks = re.findall(r"```[^\n]*\n(.*?)```", (ROOT / "docs" / "cluster.md").read_text(), re.S)
    for name in ("job.yaml", "train.sbatch", "array.sbatch"):
        check((CLUSTER / name).read_text() in blocks, f"docs/cluster.md: it does not hold docs/cluster/{name} as it is")


check_batch()
check_array()
check_job()
check_page()
for f in failures:
    print("check_cluster:", f)
if failures:
    sys.exit(1)
print("check_cluster: the files of docs/cluster do what the page says")
