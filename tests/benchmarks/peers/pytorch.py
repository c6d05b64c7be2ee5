"""PyTorch, eager: the discriminator on real images and fakes, then the generator on other noise.

The networks are those of TensorFlow's tutorial. ``make_bfloat16`` computes under autocast with
channels last.
"""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tests.benchmarks.peers import Peer

LATENT_DIM = 100


def make(images: NDArray[np.uint8], width: float, batch_size: int) -> Peer:
    """In float32, channels first."""
    return _make(images, width, batch_size, bfloat16=False)


def make_bfloat16(images: NDArray[np.uint8], width: float, batch_size: int) -> Peer:
    """Products in bfloat16, channels last."""
    return _make(images, width, batch_size, bfloat16=True)


def _make(images: NDArray[np.uint8], width: float, batch_size: int, *, bfloat16: bool) -> Peer:
    layout = torch.channels_last if bfloat16 else torch.contiguous_format
    generator = _generator(width).to(memory_format=layout)
    discriminator = _discriminator(width).to(memory_format=layout)
    optimizers = [torch.optim.Adam(net.parameters(), 1e-4) for net in (generator, discriminator)]
    g_optimizer, d_optimizer = optimizers
    criterion = nn.BCEWithLogitsLoss()
    scaled = (images.astype(np.float32) - 127.5) / 127.5
    real = torch.from_numpy(scaled.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=layout)
    ones, zeros = torch.ones(batch_size, 1), torch.zeros(batch_size, 1)

    def step(real_images: torch.Tensor) -> None:
        with torch.autocast("cpu", torch.bfloat16) if bfloat16 else nullcontext():
            with torch.no_grad():
                fake_images = generator(torch.randn(batch_size, LATENT_DIM))
            d_optimizer.zero_grad()
            real_logits = discriminator(real_images).float()
            fake_logits = discriminator(fake_images).float()
            (criterion(real_logits, ones) + criterion(fake_logits, zeros)).backward()
            d_optimizer.step()
            g_optimizer.zero_grad()
            fake_images = generator(torch.randn(batch_size, LATENT_DIM))
            criterion(discriminator(fake_images).float(), ones).backward()
            g_optimizer.step()

    def train(steps: int) -> None:
        for _ in range(steps):
            step(real[torch.randint(len(real), (batch_size,))])

    return Peer(train, (generator, discriminator))


def _generator(width: float) -> nn.Module:
    first, second, third = (round(width * channels) for channels in (256, 128, 64))
    return nn.Sequential(
        nn.Linear(LATENT_DIM, 7 * 7 * first, bias=False),
        nn.BatchNorm1d(7 * 7 * first),
        nn.LeakyReLU(0.3),
        nn.Unflatten(1, (first, 7, 7)),
        nn.ConvTranspose2d(first, second, 5, 1, 2, bias=False),
        nn.BatchNorm2d(second),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(second, third, 5, 2, 2, output_padding=1, bias=False),
        nn.BatchNorm2d(third),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(third, 1, 5, 2, 2, output_padding=1, bias=False),
        nn.Tanh(),
    )


def _discriminator(width: float) -> nn.Module:
    first, second = (round(width * channels) for channels in (64, 128))
    return nn.Sequential(
        nn.Conv2d(1, first, 5, 2, 2),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.3),
        nn.Conv2d(first, second, 5, 2, 2),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(7 * 7 * second, 1),
    )
