"""Image registration by mutual information: where does a picture with other contrast belong?

Of a photograph a part is cut out twice, the second time shifted by a known amount that is no whole
number of pixels, with its contrast inverted and bent, and with noise. Where the two belong together
no pixel of the one equals a pixel of the other, but the one tells the other. The shift is found
by gradient ascent on their mutual information, from ten random starts, and so is the shift at which
squared differences are least, which is somewhere else.
"""

import math

import harness
import torch
from matplotlib import pyplot
from sklearn.datasets import load_sample_image
from torch.nn.functional import avg_pool2d, conv2d, grid_sample, mse_loss

from fastinfo.torch import MutualInformationLoss

FACTOR = 3
"""Pixels of the photograph that make one of our images: so a whole shift becomes a broken one."""

TRUE_SHIFT = (11 / FACTOR, -17 / FACTOR)
"""Pixels down and to the right."""

FARTHEST_START = 12.0
MARGIN = 24
"""Pixels between the window that is compared and the border of the image it moves in."""

TOLERANCE = 0.1
STAGES = ((6.0, 0.8, 60), (2.0, 0.3, 60), (0.5, 0.05, 80))
"""Blur of both images in pixels, first learning rate and number of steps, from coarse to fine."""


def scene(quick):
    """A part of a photograph, and the window that belongs into it, with its other contrast."""
    colours = torch.from_numpy(load_sample_image("china.jpg").copy()).float() / 255
    grey = (colours @ torch.tensor([0.299, 0.587, 0.114]))[None, None]
    height, width = (100, 100) if quick else (130, 190)

    def part(down, right):
        corner = 20 + round(FACTOR * down), 20 + round(FACTOR * right)
        rows, columns = (
            slice(begin, begin + FACTOR * size)
            for begin, size in zip(corner, (height, width), strict=True)
        )
        return avg_pool2d(grey[:, :, rows, columns], FACTOR)

    inner = slice(MARGIN, -MARGIN)
    return other_contrast(part(*TRUE_SHIFT)[:, :, inner, inner]), part(0, 0)


def other_contrast(image):
    """Inverted, bent, and noisy: dark is light, and light is not quite as dark."""
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    return 1 - image**0.6 + 0.15 * torch.sin(6 * image) + 0.03 * noise


def blurred(image, sigma):
    """An image smoothed by a Gaussian."""
    reach = int(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    line = line / line.sum()
    padded = torch.nn.functional.pad(image, (reach,) * 4, mode="replicate")
    return conv2d(conv2d(padded, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))


def window(image, shift):
    """What is seen through the window in the middle of an image when it moves by ``shift``."""
    height, width = image.shape[-2:]
    rows = torch.arange(MARGIN, height - MARGIN) + shift[0]
    columns = torch.arange(MARGIN, width - MARGIN) + shift[1]
    down, right = torch.meshgrid(
        rows * (2 / (height - 1)) - 1, columns * (2 / (width - 1)) - 1, indexing="ij"
    )
    where = torch.stack([right, down], dim=-1)[None]
    return grid_sample(image, where, mode="bicubic", padding_mode="border", align_corners=True)


def register(fixed, moving, start, loss):
    """The way of the window's shift to where it fits best."""
    shift = torch.tensor(start, requires_grad=True)
    way = [start]
    for sigma, rate, n_steps in STAGES:
        target, source = blurred(fixed, sigma), blurred(moving, sigma)
        optimizer = torch.optim.Adam([shift], lr=rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps, 0.02 * rate)
        for step in range(n_steps):
            optimizer.zero_grad()
            loss(window(source, shift), target).backward()
            optimizer.step()
            schedule.step()
            if step % 4 == 3:
                way.append(tuple(shift.tolist()))
    return way


def run(quick):
    """Ways and errors of the shift from random starts, by both losses."""
    fixed, moving = scene(quick)
    generator = torch.Generator().manual_seed(1)
    starts = FARTHEST_START * (2 * torch.rand(2 if quick else 10, 2, generator=generator) - 1)
    losses = {"mutual information": MutualInformationLoss(bins=32), "squared difference": mse_loss}
    ways = {
        name: [register(fixed, moving, tuple(start), loss) for start in starts.tolist()]
        for name, loss in losses.items()
    }
    errors = {name: [math.dist(way[-1], TRUE_SHIFT) for way in each] for name, each in ways.items()}
    return {"true shift": TRUE_SHIFT, "errors": errors, "ways": ways, "quick": quick}


def draw(results):
    """The two images, and the ways of the shift from all starts."""
    figure, axes = pyplot.subplots(1, 4, figsize=(11, 2.8), layout="constrained")
    fixed, moving = scene(results["quick"])
    names = "moving image", "fixed image"
    for axis, image, name in zip(axes, (moving, fixed), names, strict=False):
        axis.imshow(image[0, 0].numpy(), cmap="gray")
        axis.set_title(name)
        axis.set_axis_off()
    height, width = fixed.shape[-2:]
    axes[0].add_patch(pyplot.Rectangle((MARGIN, MARGIN), width, height, fill=False, color="red"))
    for axis, (name, ways) in zip(axes[2:], results["ways"].items(), strict=True):
        for way in ways:
            down, right = zip(*way, strict=True)
            axis.plot(right, down, linewidth=0.8)
            label = "starts" if way is ways[0] else None
            axis.plot(right[0], down[0], "ko", markersize=3, label=label)
        down, right = results["true shift"]
        axis.plot(right, down, "r+", markersize=14, markeredgewidth=2, label="true shift")
        axis.set_title(name)
        axis.invert_yaxis()  # down is down
        axis.set_xlabel("pixels to the right")
        axis.set_ylabel("pixels down")
        axis.grid(linewidth=0.4)
    axes[2].legend(fontsize="small")
    return figure


def table(results):
    """How far from the truth each loss ends."""
    lines = [
        [
            name,
            f"{max(errors):.3f}",
            f"{sum(error <= TOLERANCE for error in errors)} of {len(errors)}",
        ]
        for name, errors in results["errors"].items()
    ]
    return harness.rows(["loss", "largest error, pixels", f"within {TOLERANCE} pixel"], lines)


if __name__ == "__main__":
    harness.main("registration", run, draw, table)
