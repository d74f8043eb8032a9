"""Multiply-adds, sizes and training speed of the parts on this machine."""

import time

import torch

from model import D, Codec, multiply_adds

torch.set_num_threads(1)
codec = Codec()
step = torch.full((1, 1, 1, 1), 0.2)
prompt, picture, known = torch.randn(1, D, 16, 16), torch.rand(1, 3, 256, 256), torch.ones(1, 1, 16, 16)
for name, module, inputs in (("encoder", codec.encoder, (picture, step)),
                             ("generator", codec.generator, (prompt, step)),
                             ("prior", codec.prior, (prompt, step, prompt, known))):
    size = sum(p.numel() for p in module.parameters())
    print(f"{name}: {multiply_adds(module, *inputs) / 1e9:.3f} GMAC, {size / 1e6:.3f} M values")
B = 12
x, step, known = torch.rand(B, 3, 128, 128), torch.full((B, 1, 1, 1), 0.2), torch.ones(B, 1, 8, 8)
for _ in range(3):
    t = [time.process_time()]
    y = codec.encoder(x, step)
    t.append(time.process_time())
    q, bits = codec.prior(y, step, y.detach(), known)
    t.append(time.process_time())
    out = codec.generator(q, step)
    t.append(time.process_time())
    ((out - x).square().mean() + bits.mean()).backward()
    t.append(time.process_time())
    print("ms a crop: encoder, prior, generator, backward:",
          " ".join(f"{(b - a) * 1000 / B:.1f}" for a, b in zip(t, t[1:])))
