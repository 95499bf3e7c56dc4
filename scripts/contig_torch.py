"""The single-pass ContIG step in PyTorch, as a contestant for `contig-gpu bench step`, and as its reference.

Model, loss and optimiser are those of docs/design.md: a ResNet v1.5 (torchvision's layout, written out here so that
torchvision is not needed), a pair of heads and a genetics encoder per modality, the two-way loss over the rows that have
the modality, Adam with coupled L2. Absent rows are masked, by the modality's name, so that shapes are fixed and nothing
waits for the device; where nothing is missing there are no masks at all. Weights and batches come from the file that
`contig-gpu bench step --dump` writes.
"""
import contextlib, json, os, struct, sys, time

import torch, torch.nn as nn, torch.nn.functional as F

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}


def read_safetensors(path):
    """Tensors by name, and the metadata."""
    types = {"F32": torch.float32, "F64": torch.float64}
    raw = torch.UntypedStorage.from_file(path, shared=False, nbytes=os.path.getsize(path))
    data = torch.tensor([], dtype=torch.uint8).set_(raw)
    n = struct.unpack("<Q", bytes(data[:8].tolist()))[0]
    head = json.loads(bytes(data[8:8 + n].tolist()))
    meta = head.pop("__metadata__", {})
    part = lambda e: data[8 + n + e["data_offsets"][0]:8 + n + e["data_offsets"][1]].view(types[e["dtype"]]).reshape(e["shape"])
    return {k: part(e) for k, e in head.items()}, meta


def to_torch(t):
    """Ours is [K, R, S, C], PyTorch's [K, C, R, S]."""
    return t.permute(0, 3, 1, 2) if t.dim() == 4 else t


class Block(nn.Module):
    def __init__(self, cin, width, stride, bottleneck):
        super().__init__()
        cout = width * (4 if bottleneck else 1)
        shapes = [(cin, width, 1, 1), (width, width, 3, stride), (width, cout, 1, 1)] if bottleneck else [(cin, width, 3, stride), (width, cout, 3, 1)]
        self.n = len(shapes)
        for i, (a, b, k, s) in enumerate(shapes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, k, s, k // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)) if stride != 1 or cin != cout else None

    def forward(self, x):
        y = x
        for i in range(1, self.n + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i < self.n:
                y = F.relu(y, inplace=True)
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet(nn.Module):
    def __init__(self, name):
        super().__init__()
        bottleneck = name in ("resnet50", "resnet101")
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        cin = 64
        for i, n in enumerate(BLOCKS[name]):
            layers = []
            for j in range(n):
                layers.append(Block(cin, 64 << i, 2 if i > 0 and j == 0 else 1, bottleneck))
                cin = (64 << i) * (4 if bottleneck else 1)
            setattr(self, f"layer{i + 1}", nn.Sequential(*layers))
        self.width = cin

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
        return x.mean((2, 3))


class RowNorm(nn.BatchNorm1d):
    """BatchNorm of a table whose absent rows leave the statistics and come out as 0."""

    def forward(self, x, present=None):
        if present is None:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            kind, x, m = x.dtype, x.to(self.weight.dtype), present[:, None].to(self.weight.dtype)
            n = m.sum()
            mean = (x * m).sum(0) / n
            var = ((x - mean).square() * m).sum(0) / n
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * (n / (n - 1)), self.momentum)
            return (((x - mean) * torch.rsqrt(var + self.eps) * self.weight + self.bias) * m).to(kind)


class Encoder(nn.Sequential):
    def forward(self, x, present=None):
        for layer in self:
            x = layer(x, present) if isinstance(layer, RowNorm) else layer(x)
        return x


def head(width, hidden, dim):
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, dim))


class ContIG(nn.Module):
    def __init__(self, meta, features):
        super().__init__()
        hidden, dim = int(meta["hidden"]), int(meta["embedding"])
        self.names = [meta[f"modality/{i}"] for i in range(int(meta["modalities"]))]
        self.tau, self.lam = float(meta["tau"]), float(meta["lambda"])
        self.trunk = ResNet(meta["encoder"])
        self.image_head, self.encoder, self.head = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for name in self.names:
            layers, w = [], features[name]
            if meta["genetics"] == "linear":
                layers, w = [nn.Linear(w, hidden)], hidden
            for _ in range({"h1": 1, "h12": 2}.get(meta["genetics"], 0)):
                layers, w = layers + [nn.Linear(w, hidden), nn.ReLU(), RowNorm(hidden)], hidden
            self.image_head[name], self.encoder[name], self.head[name] = head(self.trunk.width, hidden, dim), Encoder(*layers), head(w, hidden, dim)

    def term(self, h, name, batch):
        """The loss of one modality, of image features h."""
        present = batch["present"].get(name)
        x = batch["table"][name]
        if present is not None:
            x = torch.where(present[:, None], x, torch.zeros((), dtype=x.dtype, device=x.device))
        z = self.image_head[name](h)
        w = self.head[name](self.encoder[name](x, present))
        with torch.autocast(z.device.type, enabled=False):
            return info_nce(z, w, present, self.tau, self.lam)

    def forward(self, batch):
        h = self.trunk(batch["image"])
        return sum(batch["scale"][i] * self.term(h, name, batch) for i, name in enumerate(self.names))


def info_nce(z, w, present, tau, lam):
    kind = torch.promote_types(z.dtype, torch.float32)
    s = F.normalize(z.to(kind), dim=1, eps=1e-12) @ F.normalize(w.to(kind), dim=1, eps=1e-12).T / tau
    if present is None:
        t = torch.arange(len(s), device=s.device)
        return lam * F.cross_entropy(s, t) + (1 - lam) * F.cross_entropy(s.T, t)
    inf = torch.full((), float("-inf"), dtype=s.dtype, device=s.device)
    m, n = present.to(s.dtype), present.sum()
    rows = torch.where(present[None, :], s, inf).logsumexp(1) - s.diagonal()
    cols = torch.where(present[:, None], s, inf).logsumexp(0) - s.diagonal()
    return ((lam * rows + (1 - lam) * cols) * m).sum() / n


def load(path, device, dtype=torch.float32):
    """The model with the file's weights, and its batches."""
    tensors, meta = read_safetensors(path)
    names = [meta[f"modality/{i}"] for i in range(int(meta["modalities"]))]
    model = ContIG(meta, {m: tensors[f"batch/0/table/{m}"].shape[1] for m in names})
    state = {k.split("/", 1)[1]: to_torch(v) for k, v in tensors.items() if k.split("/")[0] in ("param", "buffer")}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or any(not m.endswith("num_batches_tracked") for m in missing):
        raise SystemExit(f"{path} is not this model: missing {missing}, unexpected {unexpected}")
    count = sum(k.endswith("/image") for k in tensors)
    whole = {m: all(bool((tensors[f"batch/{b}/present/{m}"] > 0).all()) for b in range(count)) for m in names}
    batches = []
    for b in range(count):
        get = lambda name: tensors[f"batch/{b}/{name}"].to(device)
        batches.append({
            "image": get("image").permute(0, 3, 1, 2).to(dtype).contiguous(memory_format=torch.channels_last), "scale": get("scale").to(dtype),
            "table": {m: get(f"table/{m}").to(dtype) for m in names}, "present": {m: get(f"present/{m}") > 0 for m in names if not whole[m]}})
    return ready(model, device, dtype), batches


def ready(model, device, dtype):
    return model.to(device=device, dtype=dtype).to(memory_format=torch.channels_last).train()


def draw(meta, features, size, batch, missing, device):
    """A model and a batch of random numbers: to measure speed by."""
    torch.manual_seed(1)
    data = {"image": torch.rand(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last),
            "scale": torch.full((len(features),), 1 / len(features), device=device), "table": {m: torch.randn(batch, f, device=device) for m, f in features.items()},
            "present": {m: torch.rand(batch, device=device) >= missing for m in features if missing > 0}}
    return ready(ContIG(meta, features), device, torch.float32), [data]


def amp(kind):
    """torch.autocast's type for one of our precisions; None: none."""
    return {"bf16": torch.bfloat16, "f16": torch.float16}.get(kind)


def autocast(device, kind):
    return torch.autocast(device, dtype=amp(kind)) if amp(kind) else contextlib.nullcontext()


class Step:
    """A training step of one variant. step() queues it; losses are read with .loss, that of the very first step with .first."""

    def __init__(self, model, batches, variant, device, kind, lr):
        self.model, self.batches, self.variant, self.device, self.kind, self.turn = model, batches, variant, device, kind, 0
        adam = lambda params: torch.optim.Adam(params, lr=lr, weight_decay=1e-6, capturable=variant == "graph" and device == "cuda", **({"fused": True} if device == "cuda" else {}))
        self.opts = [adam(self.model.parameters())]
        self.scaler = torch.amp.GradScaler(device, enabled=kind == "f16")
        self.loss, self.first, self.slot, self.graph = None, None, self.batches[0], None
        self.forward = torch.compile(self.model, mode="max-autotune") if variant == "compile" else self.model
        self.take = self.once
        if variant == "published":
            m = self.model
            self.opts = [adam([*m.trunk.parameters(), *(p for part in (m.image_head, m.encoder, m.head) for p in part[name].parameters())]) for name in m.names]
            self.take = self.nine
        if variant == "graph":
            if len(batches) > 1:  # which are copied into what the graph reads
                self.slot = {k: v.clone() if torch.is_tensor(v) else {m: t.clone() for m, t in v.items()} for k, v in batches[0].items()}
            if device == "cuda":
                self.capture()
                self.take = self.graph.replay

    def once(self):
        self.opts[0].zero_grad(set_to_none=True)
        with autocast(self.device, self.kind):
            self.loss = self.forward(self.slot)
        self.first = self.loss.detach().clone() if self.first is None else self.first
        self.scaler.scale(self.loss).backward()
        self.scaler.step(self.opts[0])
        self.scaler.update()

    def nine(self):
        """The published loop: per modality a step of its own optimiser on the whole loss, for which every term runs the encoder."""
        for opt in self.opts:
            self.model.zero_grad(set_to_none=True)
            with autocast(self.device, self.kind):
                self.loss = sum(self.slot["scale"][i] * self.model.term(self.model.trunk(self.slot["image"]), name, self.slot) for i, name in enumerate(self.model.names))
            self.first = self.loss.detach().clone() if self.first is None else self.first
            self.scaler.scale(self.loss).backward()
            self.scaler.step(opt)
            self.scaler.update()

    def capture(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.once()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        self.opts[0].zero_grad(set_to_none=True)
        with torch.cuda.graph(self.graph):
            with autocast(self.device, self.kind):
                self.loss = self.model(self.slot)
            self.loss.backward()
            self.opts[0].step()

    def step(self):
        if len(self.batches) > 1:
            b = self.batches[self.turn % len(self.batches)]
            if self.variant == "graph":  # elsewhere than on a GPU too, where nothing is recorded: its tensors stay where they are
                self.copy(b)
            else:
                self.slot = b
        self.turn += 1
        self.take()

    def copy(self, b):
        for key in ("image", "scale"):
            self.slot[key].copy_(b[key])
        for key in ("table", "present"):
            for name, t in b[key].items():
                self.slot[key][name].copy_(t)

    def sync(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def window(self, seconds):
        """Steps for so long; the device is waited for every tenth, so that PyTorch may queue ahead."""
        self.sync()
        n, start = 0, time.perf_counter()
        while n == 0 or time.perf_counter() - start < seconds:
            self.step()
            n += 1
            if n % 10 == 0:
                self.sync()
        self.sync()
        return {"runs": n, "seconds": time.perf_counter() - start}

    def losses(self, n):
        out = []
        for _ in range(n):
            self.step()
            out.append(self.loss.item())
        return out


def gradient(path, device, dtype, kind):
    """Loss and gradient of the first batch, in PyTorch's layout, on the CPU in float64."""
    model, batches = load(path, device, dtype)
    scale = 2.0**16 if kind == "f16" else 1  # its gradients want one, the largest at which they are finite
    while True:
        model.zero_grad(set_to_none=True)
        with autocast(device, kind):
            loss = model(batches[0])
        (loss * scale).backward()
        # A parameter that no present row reaches has no gradient: 0.
        grads = {k: (torch.zeros_like(p) if p.grad is None else p.grad).double().cpu() / scale for k, p in model.named_parameters()}
        if scale == 1 or all(bool(g.isfinite().all()) for g in grads.values()):
            return loss.item(), grads
        scale /= 2


def serve(step, lines=sys.stdin, out=sys.stdout):
    """The protocol of `contig-gpu bench step --interactive`."""
    for line in lines:
        verb, number = line.split()
        answer = step.window(float(number)) if verb == "window" else step.losses(int(number))
        print(json.dumps(answer), file=out, flush=True)
