#!/usr/bin/env python3
"""Checks the files of docs/cluster without a cluster: the batch scripts and the shells of the manifests run with stand-ins for srun,
squeue, scontrol, mpirun and contig-gpu; the manifests' fields that matter are read, and every field is one of the published schemas of
JobSet, which holds those of a Job, and of MPIJob; the page holds the files as they are.

Needs bash, PyYAML for the manifests, and go with its module proxy for the schemas; what is absent is said. Exits 1 if anything is wrong.
"""
import json
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


def batch(script, resumed, srun, signalled=None, state="RUNNING"):
    """Runs a batch script in a job of that state; returns its exit status and what the stand-ins were called with."""
    f = Folder(resumed)
    f.put("srun", 'echo "secret ${CONTIG_SECRET-none}" >> "$(dirname "$0")/log"\n' + srun)
    f.put("scontrol", "")
    f.put("squeue", f"echo {state}")
    job = {"SLURM_JOB_ID": "17", "SLURM_CPUS_PER_TASK": "8", "SLURM_NTASKS": "16"}
    p = subprocess.Popen(["bash", CLUSTER / script], env=f.env(DATA="/cohort", **job))
    if signalled:
        time.sleep(0.5)
        p.send_signal(signalled)
    return p.wait(timeout=20), f.log()


def check_batch(script, code, signalled):
    """The batch script whose program ends with code after its signal."""
    check(subprocess.run(["bash", "-n", CLUSTER / script]).returncode == 0, f"{script}: bash cannot read it")
    status, log = batch(script, False, "exit 0")
    check(status == 0 and "--images /cohort/images.tsv" in log and "--resume" not in log, f"{script}, a new run: {status}, {log}")
    check("requeue" not in log, f"{script}: a run that is done is queued again: {log}")
    check("--cpus-per-task=8" in log, f"{script}: srun gets one processor a task: {log}")
    status, log = batch(script, True, f"exit {code}")
    check(status == code and "--resume" in log and "--images" not in log, f"{script}, a run that was stopped: {status}, {log}")
    check("scontrol requeue 17" in log, f"{script}: a run that was stopped is not queued again: {log}")
    status, log = batch(script, True, f"exit {code}", state="COMPLETING")
    check(status == code and "scontrol" not in log, f"{script}: a job that scancel ended is queued again: {log}")
    status, log = batch(script, True, "exit 1")
    check(status == 1 and "requeue" not in log, f"{script}, a run that failed: {status}, {log}")
    status, log = batch(script, True, f'sleep 1.5; echo over >> "$(dirname "$0")/log"; exit {code}', signalled)
    check(status == code and "over" in log and "scontrol requeue 17" in log.partition("over")[2], f"{script}: a signal to the shell ends it before the program: {status}, {log}")


def check_multi():
    """What several ranks need besides."""
    logs = [batch("train-multi.sbatch", False, "exit 0")[1] for _ in range(2)]
    secrets = [re.search(r"secret ([0-9a-f]{32})\n", log) for log in logs]
    check(all(secrets) and len({m[1] for m in secrets}) == 2, f"train-multi.sbatch: no secret, or always the same: {logs}")
    check("--ranks 16" in logs[0] and "--kill-on-bad-exit=1" in logs[0] and "--mpi=none" in logs[0], f"train-multi.sbatch: srun gets other words: {logs[0]}")
    for code in (138, 143):
        check("scontrol requeue 17" in batch("train-multi.sbatch", True, f"exit {code}")[1], f"train-multi.sbatch: not queued again after {code}")
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)", (CLUSTER / "train-multi.sbatch").read_text(), re.M))
    check(options["signal"].startswith("USR1@"), "train-multi.sbatch: not every launcher hands on its signal")
    check(options["ntasks-per-node"] == options["gpus-per-node"] and options["gpu-bind"] == "none", "train-multi.sbatch: ranks and GPUs differ")


def array(done=(), srun="exit 0", more=(), **env):
    """Runs the array script as task 3 of 16; returns its exit status and what the stand-ins were called with."""
    f = Folder(True)
    f.put("srun", srun)
    out = f.dir / "shards"
    for name in done:
        (out / name).mkdir(parents=True)
        (out / name / "begun.json").touch()
    p = subprocess.run(["bash", CLUSTER / "array.sbatch", *more], stdout=subprocess.DEVNULL,
                       env=f.env(DATA="/cohort", OUT=str(out), SLURM_ARRAY_TASK_ID="3", SLURM_ARRAY_TASK_COUNT="16", SLURM_CPUS_PER_TASK="8", **env))
    return p.returncode, f.log().replace(str(f.dir), "")


def check_array():
    script = CLUSTER / "array.sbatch"
    text = script.read_text()
    check("#SBATCH --array=1-" in text, "array.sbatch: the array is not counted from 1")
    status, log = array()
    check(status == 0 and log == "srun --cpus-per-task=8 contig-gpu embed --device cuda --run /run --images /cohort/images.tsv --data /cohort/data.toml --shard 3/16 --out /shards/3-of-16\n", f"a task of an array: {status}, {log}")
    status, log = array(done=["3-of-16"])
    check(status == 0 and log == "", f"a task whose shard is there: {status}, {log}")
    status, log = array(done=["4-of-16", ".3-of-16.explain-unfinished"], VERB="explain", more=["--method", "ig"])
    check(status == 0 and "contig-gpu explain " in log and log.endswith("--out /shards/3-of-16 --resume --method ig\n"), f"an explain that was stopped: {status}, {log}")
    for code in (1, 143):
        status, log = array(srun=f"exit {code}")
        check(status == code, f"a task that failed with {code}: {status}, {log}")


SCHEMAS = {  # module, version, file; of a Job, JobSet's is that of its template
    "jobset.yaml": ("sigs.k8s.io/jobset", "v0.8.0", "config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml"),
    "mpijob.yaml": ("github.com/kubeflow/mpi-operator", "v0.6.0", "manifests/base/kubeflow.org_mpijobs.yaml"),
}


def schema(yaml, name):
    """The published schema of the kind of docs/cluster/name, with its group, kind and versions; None where it cannot be had."""
    module, version, path = SCHEMAS[name]
    with tempfile.TemporaryDirectory() as outside:  # of this module, whose go.mod it is not to change
        try:
            p = subprocess.run(["go", "mod", "download", "-json", f"{module}@{version}"], cwd=outside, capture_output=True, text=True, timeout=300)
        except (FileNotFoundError, subprocess.TimeoutExpired) as e:
            print(f"check_cluster: docs/cluster/{name} was not held to its schema: {e}")
            return None
    if p.returncode:
        print(f"check_cluster: docs/cluster/{name} was not held to its schema: {p.stdout}{p.stderr}")
        return None
    load = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((pathlib.Path(json.loads(p.stdout)["Dir"]) / path).read_text(), load)["spec"]


def misfits(value, s, at):
    """What of value does not fit the schema s: unknown and missing fields, types, values of a list."""
    if s.get("x-kubernetes-int-or-string"):
        return [] if isinstance(value, (int, str)) else [f"{at}: {value!r} is neither a number nor a text"]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "number": (int, float)}
    kind = s.get("type", "object")
    if not isinstance(value, kinds[kind]) or kind == "integer" and isinstance(value, bool):
        return [f"{at}: {value!r} is no {kind}"]
    bad = [] if value in s.get("enum", [value]) else [f"{at}: {value!r} is none of {s['enum']}"]
    if kind == "array":
        return bad + [m for i, v in enumerate(value) for m in misfits(v, s["items"], f"{at}[{i}]")]
    if kind != "object":
        return bad
    fields, others = s.get("properties", {}), s.get("additionalProperties")
    bad += [f"{at}: {k} is missing" for k in s.get("required", []) if k not in value]
    for k, v in value.items():
        if k in fields or others:
            bad += misfits(v, fields.get(k, others), f"{at}.{k}")
        elif fields and not s.get("x-kubernetes-preserve-unknown-fields"):
            bad.append(f"{at}: there is no field {k}")
    return bad


def check_schemas(yaml):
    manifests = {n: yaml.safe_load((CLUSTER / n).read_text()) for n in ("job.yaml", "jobset.yaml", "mpijob.yaml")}
    for name in SCHEMAS:
        crd, m = schema(yaml, name), manifests[name]
        if not crd:
            continue
        group, _, version = m["apiVersion"].partition("/")
        versions = {v["name"]: v["schema"]["openAPIV3Schema"]["properties"] for v in crd["versions"]}
        check(group == crd["group"] and m["kind"] == crd["names"]["kind"] and version in versions, f"{name}: it is no {crd['group']} {crd['names']['kind']}")
        spec = versions[version]["spec"]
        for problem in misfits(m["spec"], spec, "spec"):
            check(False, f"{name}: {problem}")
        check("spec: there is no field nosuch" in misfits({**m["spec"], "nosuch": 1}, spec, "spec"), f"{name}: the check takes a field that is none")
        if name == "jobset.yaml":
            job = spec["properties"]["replicatedJobs"]["items"]["properties"]["template"]["properties"]["spec"]
            for problem in misfits(manifests["job.yaml"]["spec"], job, "spec"):
                check(False, f"job.yaml: {problem}")


def check_pod(name, pod, container, mounts=("data",)):
    """A pod in which training runs, or its launcher."""
    c = pod["containers"][0]
    check(c["name"] == container and len(pod["containers"]) == 1, f"{name}: other containers")
    mounted = {m["name"]: m for m in c["volumeMounts"]}
    check(set(mounted) == {v["name"] for v in pod["volumes"]}, f"{name}: volumes and mounts differ")
    for m in mounts:
        check(mounted[m].get("readOnly") is True, f"{name}: {m} can be written to")
    check(pod["securityContext"]["runAsNonRoot"] is True, f"{name}: it may run as root")
    return c


def check_shell(name, container, program, code=7):
    """The container's command starts program, which ends with code, as a new run and as one that goes on."""
    for resumed in (False, True):
        f = Folder(resumed)
        f.put(program, f"exit {code}")
        p = subprocess.run([*container["command"], *container["args"]], env=f.env())
        check(p.returncode == code, f"{name}: the shell exits with {p.returncode}, the program with {code}")
        check(("--resume" in f.log()) == resumed and ("--images" in f.log()) != resumed, f"{name}: resumed {resumed}: {f.log()}")
        check(f.log().startswith(program), f"{name}: {f.log()}")
    return f.log()


def check_job(yaml):
    job = yaml.safe_load((CLUSTER / "job.yaml").read_text())
    pod = job["spec"]["template"]["spec"]
    train = check_pod("job.yaml", pod, "train")
    check((job["apiVersion"], job["kind"]) == ("batch/v1", "Job"), "job.yaml: it is no batch/v1 Job")
    check(pod["restartPolicy"] == "Never", "job.yaml: podFailurePolicy wants restartPolicy Never")
    check(pod["terminationGracePeriodSeconds"] >= 60, "job.yaml: there is no time to write a checkpoint")
    check(train["resources"]["limits"]["nvidia.com/gpu"] == 1, "job.yaml: it asks for other than one GPU")
    names = {r["onExitCodes"]["containerName"] for r in job["spec"]["podFailurePolicy"]["rules"] if "onExitCodes" in r}
    check(names == {train["name"]}, "job.yaml: podFailurePolicy names another container")
    check_shell("job.yaml", train, "contig-gpu")


def check_jobset(yaml):
    jobset = yaml.safe_load((CLUSTER / "jobset.yaml").read_text())
    replicated = jobset["spec"]["replicatedJobs"][0]
    job = replicated["template"]["spec"]
    pod = job["template"]["spec"]
    train = check_pod("jobset.yaml", pod, "train")
    env = {e["name"]: e.get("value") for e in train["env"]}
    check(int(env["PET_NNODES"]) == job["completions"] == job["parallelism"], "jobset.yaml: nodes and pods differ")
    check(int(env["PET_NPROC_PER_NODE"]) == train["resources"]["limits"]["nvidia.com/gpu"], "jobset.yaml: ranks and GPUs of a node differ")
    ranks = int(env["PET_NNODES"]) * int(env["PET_NPROC_PER_NODE"])
    set_name = jobset["metadata"]["name"]
    check(env["PET_MASTER_ADDR"] == f"{set_name}-{replicated['name']}-0-0.{set_name}", "jobset.yaml: rank 0 is elsewhere")
    check((job["completionMode"], job["backoffLimit"], pod["restartPolicy"]) == ("Indexed", 0, "Never"), "jobset.yaml: the set does not start again as a whole")
    check(pod["terminationGracePeriodSeconds"] >= 60, "jobset.yaml: there is no time to write a checkpoint")
    log = check_shell("jobset.yaml", train, "contig-gpu")
    check(f"--ranks {ranks}" in log, f"jobset.yaml: other ranks than {ranks}: {log}")
    batch_size = int(re.search(r"--batch (\d+)", train["args"][0])[1])
    check(batch_size % ranks == 0, "jobset.yaml: the ranks cannot share the batch")


def check_mpijob(yaml):
    spec = yaml.safe_load((CLUSTER / "mpijob.yaml").read_text())["spec"]
    launcher, worker = (spec["mpiReplicaSpecs"][k] for k in ("Launcher", "Worker"))
    ranks = worker["replicas"] * spec["slotsPerWorker"]
    pod = launcher["template"]["spec"]
    c = check_pod("mpijob.yaml", pod, "launcher", ("runs",))
    check_pod("mpijob.yaml", worker["template"]["spec"], "worker")
    check(pod["terminationGracePeriodSeconds"] >= 60, "mpijob.yaml: there is no time to write a checkpoint")
    log = check_shell("mpijob.yaml", c, "mpirun", 138)
    check(f"-n {ranks} --bind-to none contig-gpu" in log and f"--ranks {ranks}" in log, f"mpijob.yaml: other ranks than {ranks}: {log}")
    batch_size = int(re.search(r"--batch (\d+)", c["args"][0])[1])
    check(batch_size % ranks == 0, "mpijob.yaml: the ranks cannot share the batch")
    # The hook, with another process in the place of the container's first: it gets SIGUSR1, and the hook ends after it.
    first = subprocess.Popen(["bash", "-c", "trap 'sleep 1; exit 138' USR1; while :; do sleep 0.1; done"])
    time.sleep(0.5)
    *shell, hook = c["lifecycle"]["preStop"]["exec"]["command"]
    stop = subprocess.Popen([*shell, re.sub(r"(kill -\w+) 1;", rf"\1 {first.pid};", hook)], stderr=subprocess.DEVNULL)
    check(first.wait(timeout=20) == 138, "mpijob.yaml: preStop sends another signal")
    stop.wait(timeout=20)


def check_manifests():
    try:
        import yaml
    except ImportError:
        print("check_cluster: the manifests of docs/cluster were not parsed: pip install pyyaml")
        return
    check_schemas(yaml)
    if not failures:  # what follows reads fields as if they were there
        check_job(yaml)
        check_jobset(yaml)
        check_mpijob(yaml)


def check_page():
    blocks = re.findall(r"```[^\n]*\n(.*?)```", (ROOT / "docs" / "cluster.md").read_text(), re.S)
    for name in sorted(f.name for f in CLUSTER.iterdir()):
        check((CLUSTER / name).read_text() in blocks, f"docs/cluster.md: it does not hold docs/cluster/{name} as it is")


check_batch("train.sbatch", 143, signal.SIGTERM)
check_batch("train-multi.sbatch", 138, signal.SIGUSR1)
check_multi()
check_array()
check_manifests()
check_page()
for f in failures:
    print("check_cluster:", f)
if failures:
    sys.exit(1)
print("check_cluster: the files of docs/cluster do what the page says")
