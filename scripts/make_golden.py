#!/usr/bin/env python3
"""Golden cases: what PyTorch computes in float64, which `go test -run Golden ./...` compares with.

  python3 -m venv venv && venv/bin/pip install torch torchvision safetensors numpy
  venv/bin/python scripts/make_golden.py [--seed contig-gpu] [--out gpu/gputest/golden/testdata] [--only loss,layers,...]

The files in the repository come from this command without options; about.json names the versions. Another seed gives other
values and the same shapes: CONTIG_GOLDEN=OUT go test -run Golden ./... compares with them, too. It runs on the CPU, in a minute; torch of
the default index loads the CUDA libraries it was built with even there, so they must be installed with it. float32 runs beside
float64, and float64 runs with another order of its sums, so that each case states what rounding alone does to PyTorch.
"""
import argparse, json, math, os, platform

import numpy as np, torch, torch.nn as nn, torch.nn.functional as F, torchvision
from torchvision.transforms import v2

from golden_torch import (OPTIMIZERS, ContIG, SimCLR, Store, apart, choose, digest, digest_error, fill, fnv1a64, gradients, info_nce, load, nt_xent,
                          nt_xent_by_cross_entropy, total_loss, tree_digest, trunk, uniform24, worst_error)

HERE = os.path.dirname(os.path.abspath(__file__))
# A whole curve is held to 1e-8: a case is of use only where PyTorch agrees with itself far better than that.
SELF = 1e-9
F32, F64, F64_OTHER_ORDER = (torch.float32, False), (torch.float64, False), (torch.float64, True)


def leaf(name, shape, lo=-1.0, hi=1.0):
    return fill(name, shape, lo, hi).requires_grad_()


def cast(model, kind):
    """The model in a type; channels last sums in another order."""
    dtype, channels_last = kind
    model = model.to(dtype).train()
    return model.to(memory_format=torch.channels_last) if channels_last else model


# ---------------------------------------------------------------- the loss
def make_loss(out, seed):
    st = Store(out, "loss")
    for b, d, tau, lam, how in [(1, 5, .1, .75, "avoid"), (2, 1, .1, .75, "avoid"), (5, 3, 1., .5, "avoid"), (8, 12, .07, 1., "avoid"), (8, 12, .07, 0., "avoid"),
                                (31, 65, .1, .9, "avoid"), (66, 20, .05, .6, "avoid"), (9, 7, .1, .75, "mask"), (11, 6, .1, .75, "positive"),
                                (35, 17, .2, .3, "mask"), (34, 16, .3, .8, "positive")]:
        name = f"b{b}_d{d}_tau{tau:g}_lambda{lam:g}_{how}"
        z, w = fill(f"{seed}/loss/{name}/z", (b, d), -2, 2), fill(f"{seed}/loss/{name}/w", (b, d), -2, 2)
        if b >= 8:
            z[1] *= 1e-14  # below the norm's floor of 1e-12
            w[2] *= 1e4
            z[3] = w[3]
        z.requires_grad_(), w.requires_grad_()
        person = torch.arange(b) if how == "avoid" else choose(f"{seed}/loss/{name}/person", b, b / 2)
        loss, rows, cols = info_nce(z, w, tau, lam, person, how)
        dz, dw = torch.autograd.grad(loss, (z, w))
        st.case(name, dict(z=z, w=w, dz=dz, dw=dw, person=person), tau=tau, **{"lambda": lam}, same_person=how, loss=loss.item(),
                image_to_genetics=rows.item(), genetics_to_image=cols.item())
    st.close()


def presence(prefix, names, b, missing):
    """Who is present, by modality: all, some, or one or nobody in the first and some in the others, or nobody at all."""
    present = {}
    for j, m in enumerate(names):
        r = torch.from_numpy(uniform24(f"{prefix}/{m}/present", b) < .6)
        if missing == "none":
            r[:] = True
        if missing == "nobody" or missing == "one" and j == 0:
            r[:] = False
        if missing == "one" and j == 0:
            r[b // 2] = True
        present[m] = r
    return present


def make_multimodal(out, seed):
    """Every combination of who is missing, weights and pairs of one person, over lists of modalities in turn."""
    st, b, d = Store(out, "multimodal"), 11, 5
    orders = [["snps", "pgs", "burden"], ["burden", "snps"], ["pgs", "burden"], ["covariates"], ["burden", "covariates", "snps", "pgs"]]
    grid = [(missing, weights, how) for missing in ("none", "some", "one", "nobody") for weights in ("mean", "sum", "present") for how in ("avoid", "mask", "positive")]
    for k, (missing, weights, how) in enumerate(grid):
        names, tau, lam = orders[k % len(orders)], (.1, .25)[k % 2], (.75, .4)[k // 2 % 2]
        name = f"{'-'.join(names)}_{missing}_{weights}_{how}"
        prefix = f"{seed}/multi/{name}"
        pairs = {m: (leaf(f"{prefix}/{m}/z", (b, d)), leaf(f"{prefix}/{m}/w", (b, d))) for m in names}
        person, present = torch.arange(b) if how == "avoid" else choose(f"{prefix}/person", b, b / 2), presence(prefix, names, b, missing)
        terms = {m: info_nce(z[present[m]], w[present[m]], tau, lam, person[present[m]], how)[0] for m, (z, w) in pairs.items()}
        total, tensors = total_loss(terms, present, weights), dict(person=person)
        for m, (z, w) in pairs.items():
            dz, dw = torch.autograd.grad(total, (z, w), retain_graph=True)
            tensors |= {f"{m}/z": z, f"{m}/w": w, f"{m}/present": present[m].to(torch.uint8), f"{m}/dz": dz, f"{m}/dw": dw}
        st.case(name, tensors, modalities=names, weights=weights, same_person=how, tau=tau, **{"lambda": lam}, total=total.item(), terms={m: t.item() for m, t in terms.items()})
    st.close()


# ---------------------------------------------------------------- layers and optimisers
def make_layers(out, seed):
    st, prefix = Store(out, "layers"), f"{seed}/layers"
    for n, c, h, w, k, r, s, p in [(1, 3, 13, 17, 5, 7, 2, 3), (3, 5, 6, 7, 9, 3, 1, 1), (2, 9, 8, 7, 6, 3, 2, 1), (2, 12, 5, 6, 17, 1, 1, 0), (3, 7, 9, 5, 11, 1, 2, 0)]:
        name = f"conv_n{n}_c{c}_{h}x{w}_k{k}_r{r}_s{s}_p{p}"
        x, wt = leaf(f"{prefix}/{name}/x", (n, c, h, w)), leaf(f"{prefix}/{name}/w", (k, c, r, r))
        y = F.conv2d(x, wt, stride=s, padding=p)
        dy = fill(f"{prefix}/{name}/dy", y.shape)
        dx, dw = torch.autograd.grad(y, (x, wt), dy)
        st.case(name, dict(x=x, w=wt, y=y, dy=dy, dx=dx, dw=dw), op="conv2d", layout="NCHW", stride=s, pad=p)
    for shape in [(3, 5, 4, 7), (4, 3, 1, 1)]:
        batch_norm(st, prefix, f"batchnorm2d_n{shape[0]}_c{shape[1]}_{shape[2]}x{shape[3]}", nn.BatchNorm2d(shape[1]), shape)
    for b, f in [(19, 7), (4, 5)]:
        name = f"masked_batchnorm_b{b}_f{f}"
        present = torch.from_numpy(uniform24(f"{prefix}/{name}/present", b) < .7)
        present[0] = present[1] = True
        present[2] = False
        batch_norm(st, prefix, name, nn.BatchNorm1d(f), (b, f), present)
    x = leaf(f"{prefix}/maxpool/x", (3, 5, 7, 10))
    y = F.max_pool2d(x, 3, 2, 1)
    dy = fill(f"{prefix}/maxpool/dy", y.shape)
    st.case("maxpool", dict(x=x, y=y, dy=dy, dx=torch.autograd.grad(y, x, dy)[0]), op="maxpool", layout="NCHW", kernel=3, stride=2, pad=1)
    linear, x = load(nn.Linear(13, 9).double(), f"{prefix}/linear/"), leaf(f"{prefix}/linear/x", (7, 13))
    y = linear(x)
    dy = fill(f"{prefix}/linear/dy", y.shape)
    dx, dw, db = torch.autograd.grad(y, (x, linear.weight, linear.bias), dy)
    st.case("linear", dict(x=x, w=linear.weight, bias=linear.bias, y=y, dy=dy, dx=dx, dw=dw, dbias=db), op="linear")
    for name, kind, options in [("adam", "adam", dict(lr=1e-2, weight_decay=1e-3)), ("adam_betas", "adam", dict(lr=3e-3, betas=(.8, .95), eps=1e-6)), ("adamw", "adamw", dict(lr=1e-2, weight_decay=1e-1)),
                                ("sgd", "sgd", dict(lr=1e-1, momentum=.9, weight_decay=1e-2)), ("sgd_nesterov", "sgd", dict(lr=1e-1, momentum=.8, nesterov=True, weight_decay=1e-3))]:
        optimizer(st, f"{prefix}/{name}", name, kind, options)
    st.close()


def batch_norm(st, prefix, name, bn, shape, present=None):
    """One step of training; absent rows come out as 0 and leave no trace. Without absent rows evaluation, too."""
    bn = load(bn.double(), f"{prefix}/{name}/")
    x, before = leaf(f"{prefix}/{name}/x", shape, -1, 3), {k: v.clone() for k, v in bn.state_dict().items()}
    y = bn(x) if present is None else torch.zeros_like(x).masked_scatter(present[:, None].expand_as(x), bn(x[present]))
    dy = fill(f"{prefix}/{name}/dy", y.shape)
    dx, dg, db = torch.autograd.grad(y, (x, bn.weight, bn.bias), dy)
    more = dict(present=present.to(torch.uint8)) if present is not None else {}
    tensors = dict(x=x, y=y, dy=dy, dx=dx, weight=bn.weight, bias=bn.bias, dweight=dg, dbias=db, running_mean_before=before["running_mean"],
                   running_var_before=before["running_var"], running_mean=bn.running_mean.clone(), running_var=bn.running_var.clone(), **more)
    if present is None:
        tensors["y_eval"] = bn.eval()(x)
    st.case(name, tensors, op="batchnorm2d" if present is None else "masked_batchnorm", eps=bn.eps, momentum=bn.momentum)


def optimizer(st, prefix, name, kind, options):
    """Five steps, the third with gradient 0. `kind` tells coupled (adam) from decoupled weight decay (adamw)."""
    p = leaf(f"{prefix}/p", (17,))
    opt, tensors = OPTIMIZERS[kind]([p], **options), dict(p0=p.detach().clone())
    for t in range(1, 6):
        p.grad = fill(f"{prefix}/g{t}", (17,)) * (0 if t == 3 else 1)
        opt.step()
        tensors |= {f"g{t}": p.grad.clone(), f"p{t}": p.detach().clone()}
    g = opt.param_groups[0]
    st.case(name, tensors, op="optimizer", kind=kind, steps=5, **{k: g.get(k) for k in ("lr", "weight_decay", "betas", "eps", "momentum", "nesterov")})


# ---------------------------------------------------------------- networks and whole steps
def make_resnet(out, seed):
    """The trunk alone, in training: features, and gradients of sum(features x fill)."""
    st = Store(out, "resnet")
    for net, n, h, w in [("resnet18", 3, 48, 33), ("resnet50", 3, 33, 40)]:
        name, runs = f"{net}_n{n}_{h}x{w}", {}
        for kind in (F32, F64):
            m = cast(load(trunk(net)[0], f"{seed}/trunk."), kind)
            x = fill(f"{seed}/{name}/x", (n, 3, h, w), -2, 2).to(kind[0]).requires_grad_()
            y = m(x)
            (y * fill(f"{seed}/{name}/dy", y.shape).to(kind[0])).sum().backward()
            runs[kind] = dict(features=digest("features", y), dx=digest("dx", x.grad), gradients=gradients(m), buffers=tree_digest(m.named_buffers()))
        a, b = runs[F32], runs[F64]
        err = dict(features=digest_error(a["features"], b["features"]), dx=digest_error(a["dx"], b["dx"]), worst_gradient=worst_error(a["gradients"], b["gradients"]))
        st.case(name, {}, net=net, input=[n, 3, h, w], fill_prefix=f"{seed}/trunk.", float32_error_of_pytorch=err, **b)
        print(" ", name, "float32 is off by", err)
    st.close()


CONTIG = [dict(name="two", net="resnet18", features=dict(pgs=19, burden=31), genetics="h1", hidden=24, dim=12, batch=7, size=32, missing=.4, steps=8, batches=3,
               optimizer=("adam", dict(lr=1e-3, weight_decay=1e-6)), tau=.1, lam=.75),
          dict(name="three", net="resnet18", features=dict(snps=40, covariates=5, mrna=23), genetics="h12", hidden=20, dim=9, batch=8, size=33, missing=.25, steps=6, batches=2,
               optimizer=("sgd", dict(lr=1e-2, momentum=.9, weight_decay=1e-4)), tau=.2, lam=.6)]


def contig_batches(c, prefix):
    for t in range(c["batches"]):
        b = c["batch"]
        yield (fill(f"{prefix}image/{t}", (b, 3, c["size"], c["size"]), -2, 2), {m: fill(f"{prefix}{m}/{t}", (b, f), -1.7, 1.7) for m, f in c["features"].items()},
               {m: torch.from_numpy(uniform24(f"{prefix}{m}/present/{t}", b) >= c["missing"]) for m in c["features"]})


def contig_run(c, seed, data, kind):
    """The curve, and what the first step leaves. Every parameter is stepped, with gradient 0 where nothing reached it."""
    model = cast(load(ContIG(c["net"], c["features"], c["genetics"], c["hidden"], c["dim"]), f"{seed}/"), kind)
    opt, curve, first = OPTIMIZERS[c["optimizer"][0]](model.parameters(), **c["optimizer"][1]), [], {}
    for t in range(c["steps"]):
        image, tables, present = data[t % len(data)]
        terms = model.terms(image.to(kind[0]), {m: x.to(kind[0]) for m, x in tables.items()}, present, c["tau"], c["lam"])
        loss = total_loss({m: v[0] for m, v in terms.items()}, present, "mean")
        for p in model.parameters():
            p.grad = torch.zeros_like(p)
        loss.backward()
        if t == 0:
            first["gradients"] = gradients(model)
        opt.step()
        if t == 0:
            first |= dict(parameters=tree_digest(model.named_parameters()), buffers=tree_digest(model.named_buffers()))
        curve.append(dict(loss=loss.item(), **{m: [x.item() for x in v] for m, v in terms.items()}))
    return curve, first


def make_contig(out, seed):
    """Whole training steps over a few fixed batches, visited in turn."""
    st = Store(out, "contig")
    for c in CONTIG:
        prefix = f"{seed}/{c['name']}/"
        data = list(contig_batches(c, prefix))
        runs = {kind: contig_run(c, seed, data, kind) for kind in (F32, F64_OTHER_ORDER, F64)}
        curve, first = runs[F64]
        off = {kind: apart([s["loss"] for s in run[0]], [s["loss"] for s in curve]) for kind, run in runs.items()}
        assert max(off[F64_OTHER_ORDER]) < SELF, (c["name"], off[F64_OTHER_ORDER])
        (kind, options), tensors = c["optimizer"], {f"present/{m}/{t}": data[t][2][m].to(torch.uint8) for t in range(c["batches"]) for m in c["features"]}
        st.case(c["name"], tensors, **{k: c[k] for k in ("net", "features", "genetics", "hidden", "dim", "batch", "size", "missing", "steps", "batches")},
                optimizer=dict(name=kind, lr=options["lr"], weight_decay=options["weight_decay"], momentum=options.get("momentum")), tau=c["tau"], **{"lambda": c["lam"]}, weights="mean",
                fill_prefix=f"{seed}/", data_prefix=prefix, curve=curve, curve_float32_relative_error_of_pytorch=off[F32], curve_float64_relative_error_of_pytorch=off[F64_OTHER_ORDER],
                worst_gradient_float32_error_of_pytorch=worst_error(runs[F32][1]["gradients"], first["gradients"]), first_step=first)
        print(" ", c["name"], "float64 is off by", max(off[F64_OTHER_ORDER]))
    st.close()


# ---------------------------------------------------------------- self-supervision by two views
def make_ssl(out, seed):
    st = Store(out, "ssl")
    for b, d, tau in [(2, 4, .5), (3, 5, .1), (17, 12, .2), (34, 9, .07)]:
        name = f"ntxent_b{b}_d{d}_tau{tau:g}"
        z = [leaf(f"{seed}/ssl/{name}/z{v}", (b, d), -2, 2) for v in (0, 1)]
        loss, other = nt_xent(*z, tau), nt_xent_by_cross_entropy(*z, tau)
        dz, dother = torch.autograd.grad(loss, z), torch.autograd.grad(other, z)
        off = max([abs(other - loss).item() / loss.item()] + [((p - q).abs().max() / q.abs().max()).item() for p, q in zip(dother, dz)])
        assert off < 1e-12, (name, off)
        st.case(name, dict(z0=z[0], z1=z[1], dz0=dz[0], dz1=dz[1]), op="ntxent", loss=loss.item(), agreement={"torch cross_entropy": off}, tau=tau)
    st.close()


def simclr_run(c, prefix, data, kind):
    """The curve, the first step's gradients, and the model that is left."""
    model = cast(load(SimCLR(c["net"], c["hidden"], c["dim"]), prefix), kind)
    opt, curve, first = OPTIMIZERS[c["optimizer"]["name"]](model.parameters(), **{k: v for k, v in c["optimizer"].items() if k != "name"}), [], None
    for t in range(c["steps"]):
        loss = nt_xent(*model([v.to(kind[0]) for v in data[t % len(data)]]), c["tau"])
        opt.zero_grad()
        loss.backward()
        first = first or gradients(model)
        opt.step()
        curve.append(loss.item())
    return curve, first, model


def make_ssl_steps(out, seed):
    """Five whole steps of SimCLR. lambda, momentum, queue and prediction are other methods': the format is one for all."""
    st = Store(out, "ssl_steps")
    for name, size, optimizer in [("simclr_sgd", 32, dict(name="sgd", lr=.05, momentum=.9, weight_decay=1e-4)), ("simclr_adam", 40, dict(name="adam", lr=1e-3, weight_decay=1e-6))]:
        prefix = f"{seed}/ssl_steps/{name}/"
        c = dict(method="simclr", net="resnet18", batch=7, size=size, hidden=40, dim=12, projection="plain", prediction=None, optimizer=optimizer, steps=5, batches=3,
                 tau=.2, momentum=.99, queue=0, fill_prefix=prefix) | {"lambda": 5e-3}
        data = [[fill(f"{prefix}view{v}/{t}", (c["batch"], 3, size, size), -2, 2) for v in (0, 1)] for t in range(c["batches"])]
        (curve32, g32, _), (curve_other, _, other), (curve, g, model) = (simclr_run(c, prefix, data, kind) for kind in (F32, F64_OTHER_ORDER, F64))
        last, off = dict(parameters=tree_digest(model.named_parameters()), buffers=tree_digest(model.named_buffers())), apart(curve_other, curve)
        parameters = worst_error(tree_digest(other.named_parameters()), last["parameters"])
        assert max(*off, parameters) < SELF, (name, off, parameters)
        nothing = [k for k, v in g.items() if v["l2"] < 1e-11 * max(u["l2"] for u in g.values())]
        g = {k: v for k, v in g.items() if k not in nothing}
        st.case(name, {}, **c, curve=curve, first_step=dict(gradients=g), zero_gradient_up_to_rounding=nothing, last_step=last, curve_float64_relative_error_of_pytorch=off,
                parameters_float64_relative_error_of_pytorch=parameters, curve_float32_relative_error_of_pytorch=apart(curve32, curve), worst_gradient_float32_error_of_pytorch=worst_error(g32, g))
        print(" ", name, "float64 is off by", max(off), "and", parameters)
    st.close()


# ---------------------------------------------------------------- metrics
def retrieval(similarity, query, candidate, ks):
    """Own candidates are those of the query's person; where similarities are equal, expectations over all orders. hit: some own candidate is
    among the first k; recall: the share of them; rank: of the best. Queries without any are left out; None is undefined."""
    hit, recall, rank = {k: [] for k in ks}, {k: [] for k in ks}, []
    for row, person in zip(similarity, query):
        own = candidate == person
        if not own.any():
            continue
        best = row[own].max()
        above, tied, tied_own = (row > best).sum().item(), (row == best).sum().item(), (row[own] == best).sum().item()
        rank.append(1 + above + (tied - tied_own) / (tied_own + 1))
        for k in ks:
            room = min(max(k - above, 0), tied)
            hit[k].append(1 - math.comb(tied - room, tied_own) / math.comb(tied, tied_own))
            recall[k].append(np.mean([min(1, max(0, k - (row > v).sum().item()) / (row == v).sum().item()) for v in row[own]]))
    mean = lambda x: float(np.mean(x)) if len(x) else None
    return dict(hit={k: mean(hit[k]) for k in ks}, recall={k: mean(recall[k]) for k in ks}, median_rank=float(np.median(rank)) if rank else None,
                mean_rank=mean(rank), mrr=mean([1 / r for r in rank]), queries=len(rank))


def make_metrics(out, seed):
    """Retrieval: everybody once, with many equals, without some of the candidates, with several images and candidates of a person, and of strangers."""
    st = Store(out, "metrics")
    for name, q, c, persons, levels in [("once", 24, 24, None, None), ("once_equal", 21, 21, None, 3), ("without", 17, 12, None, 4), ("several", 20, 26, 9, None), ("several_equal", 15, 22, 7, 4),
                                        ("strangers", 6, 5, 0, None)]:
        p = f"{seed}/metrics/{name}"
        query, candidate = torch.arange(q), torch.arange(c) + (q if persons == 0 else 0)
        if persons:
            query, candidate = choose(p + "/query", q, persons), choose(p + "/candidate", c, persons)
        s = fill(p + "/similarity", (q, c), -.6, .6) + .4 * (query[:, None] == candidate)
        s = s if levels is None else (s * levels).round() / levels
        st.case(name, dict(similarity=s, person_query=query, person_candidate=candidate), op="retrieval", ks=[1, 3, 5, 10], metrics=retrieval(s, query, candidate, [1, 3, 5, 10]))
    st.close()


# ---------------------------------------------------------------- images and names
def make_images(out, seed):
    """Antialiased bilinear resize and ImageNet normalisation as torchvision does them, on uint8 in HWC order."""
    st = Store(out, "images")
    mean, std = torch.tensor([.485, .456, .406]).double()[:, None, None], torch.tensor([.229, .224, .225]).double()[:, None, None]
    for h, w, size in [(53, 71, 24), (24, 31, 40), (90, 62, 33)]:
        yy, xx = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        smooth = torch.stack([127 + 120 * torch.sin(xx / 9. + c) * torch.cos(yy / 7. - c) for c in range(3)])
        img = (smooth + fill(f"{seed}/images/{h}x{w}", (3, h, w), -8, 8)).clamp(0, 255).round().to(torch.uint8)
        r = v2.functional.resize(img, [size, size], antialias=True)
        st.case(f"{h}x{w}_to_{size}", dict(input=img.permute(1, 2, 0), resized=r.permute(1, 2, 0), normalised=((r.double() / 255 - mean) / std).permute(1, 2, 0)), layout="HWC")
    st.close()


def make_torchvision_names(out, seed):
    """State dicts of the networks: names, shapes and types, one network a line. No seed enters."""
    rows = []
    for net in ("resnet18", "resnet34", "resnet50", "resnet101"):
        m = getattr(torchvision.models, net)(weights=None)
        rows.append(f'"{net}": ' + json.dumps([[k, list(v.shape), str(v.dtype).removeprefix("torch.")] for k, v in m.state_dict().items() if not k.startswith("fc.")]))
    with open(os.path.join(out, "torchvision_names.json"), "w") as f:
        f.write("{\n" + ",\n".join(rows) + "\n}\n")


def make_about(out, seed):
    check = dict(name="test", fnv1a64=str(fnv1a64("test")), first8=uniform24("test", 8).tolist(), fill_minus2_3=fill("test", (8,), -2, 3).tolist())
    with open(os.path.join(out, "about.json"), "w") as f:
        json.dump(dict(seed=seed, python=platform.python_version(), numpy=np.__version__, torch=torch.__version__, torchvision=torchvision.__version__, fill_check=check), f, indent=1)
        f.write("\n")


MAKE = dict(about=make_about, loss=make_loss, multimodal=make_multimodal, layers=make_layers, resnet=make_resnet, contig=make_contig, ssl=make_ssl, ssl_steps=make_ssl_steps,
            metrics=make_metrics, images=make_images, torchvision_names=make_torchvision_names)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", default=os.path.join(HERE, "..", "gpu", "gputest", "golden", "testdata"))
    p.add_argument("--seed", default="contig-gpu", help="the name from which every value is derived")
    p.add_argument("--only", default=",".join(MAKE), help="files to make: " + ", ".join(MAKE))
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    for name in a.only.split(","):
        if name not in MAKE:
            p.error(f"--only {name}: there are {', '.join(MAKE)}")
        MAKE[name](a.out, a.seed)


if __name__ == "__main__":
    main()
