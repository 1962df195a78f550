"""The information plane: what holds exactly of binned layers, and what its recorder says."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import fastinfo
from fastinfo.torch import InformationPlane, perceptron, plot_information_plane

# The plane tells of saturation itself, in words of its own; here the judge is a plain measure.
pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


def data(n=300, dimension=3):
    torch.manual_seed(0)
    x = torch.randn(n, dimension)
    return x, (x[:, 0] + 0.5 * torch.randn(n) > 0).long()


def network(activation=nn.Tanh, widths=(3, 4, 3, 2)):
    torch.manual_seed(1)
    layers = []
    for n_inputs, n_outputs in pairwise(widths):
        layers += [nn.Linear(n_inputs, n_outputs), activation()]
    return nn.Sequential(*layers)


HIDDEN = ["1", "3", "5"]


def informations(records):
    return [(record.about_input, record.about_target) for record in records]


# --- the numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 300, 10_000])
def test_records_are_the_information_of_binned_activations(batch_size):
    """Beside NumPy's bins and plain counting of rows, however the samples are batched."""
    x, y = data()
    x = torch.cat([x, x[:50]])  # some values of X come twice
    y = torch.cat([y, 1 - y[:50]])
    net = network()
    plane = InformationPlane(net, HIDDEN, x, y, bins=5, range=(-1, 1), batch_size=batch_size)
    found = plane.record(3)
    activations, inputs = x, np.unique(x.numpy(), axis=0, return_inverse=True)[1]
    for layer, record in zip((net[:2], net[2:4], net[4:]), found, strict=True):
        activations = layer(activations)
        codes = np.digitize(activations.detach().numpy(), np.linspace(-1, 1, 6)[1:-1])
        rows = np.unique(codes, axis=0, return_inverse=True)[1]
        assert record.n_cells == rows.max() + 1
        assert record.about_input == pytest.approx(fastinfo.mutual_information(inputs, rows))
        assert record.about_input == pytest.approx(fastinfo.entropy(rows))  # a function of X
        assert record.about_target == pytest.approx(fastinfo.mutual_information(rows, y.numpy()))
        assert (record.epoch, record.low, record.high) == (3, -1, 1)
    assert plane.input_entropy == pytest.approx(fastinfo.entropy(inputs))
    assert plane.target_entropy == pytest.approx(fastinfo.entropy(y))
    assert plane.records == found


@pytest.mark.parametrize("batch_size", [11, 300])
def test_bins_that_span_the_layer_do_so_over_all_batches(batch_size):
    x, y = data()
    net = network(nn.ReLU)
    plane = InformationPlane(net, ["1"], x, y, bins=4, batch_size=batch_size)
    record = plane.record(0)[0]
    activations = net[:2](x).detach()
    assert (record.low, record.high) == (activations.min(), activations.max())
    codes = np.digitize(activations.numpy(), np.linspace(record.low, record.high, 5)[1:-1])
    rows = np.unique(codes, axis=0, return_inverse=True)[1]
    assert record.about_target == pytest.approx(fastinfo.mutual_information(rows, y.numpy()))


def test_a_range_for_each_layer():
    x, y = data()
    ranges = {"1": (-1, 1), "3": "layer", "5": (-2, 2)}
    records = InformationPlane(network(), HIDDEN, x, y, range=ranges).record(0)
    assert (records[0].low, records[2].high) == (-1, 2)
    assert -1 < records[1].low < records[1].high < 1


# --- what holds exactly -------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.Sigmoid])
@pytest.mark.parametrize("bins", [1, 2, 4, 30, 300])
def test_no_layer_knows_more_than_there_is(activation, bins):
    """I(X;T) ≤ H(X), I(T;Y) ≤ H(Y), and I(T;Y) ≤ I(X;Y): Y – X – T is a Markov chain."""
    x, y = (torch.cat([value, value]) for value in data(150))
    y[:30] = 1 - y[:30]
    plane = InformationPlane(network(activation), HIDDEN, x, y, bins=bins, report=None)
    number = np.unique(x.numpy(), axis=0, return_inverse=True)[1]
    shared = fastinfo.mutual_information(number, y.numpy())
    assert shared < plane.target_entropy
    for record in plane.record(0):
        assert 0 <= record.about_input <= plane.input_entropy + 1e-12
        assert 0 <= record.about_target <= min(shared, record.about_input) + 1e-12
        assert (bins == 1) <= (record.about_input == 0) <= (bins < 30)


def test_finer_bins_tell_more():
    """2k bins split k bins, so that the data processing inequality orders them, exactly."""
    x, y = data()
    found = []
    for bins in (1, 2, 4, 8, 16):
        plane = InformationPlane(network(), ["3"], x, y, bins=bins, range=(-1, 1), report=None)
        found += informations(plane.record(0))
    for coarse, fine in pairwise(found):
        assert coarse[0] <= fine[0] + 1e-12
        assert coarse[1] <= fine[1] + 1e-12


class Sign(nn.Module):
    """Activations of two values: bins lose nothing of them."""

    def forward(self, x):
        return x.sign()


def test_discrete_layers_obey_the_data_processing_inequality_along_the_network():
    x, y = data()
    plane = InformationPlane(
        network(Sign, (3, 8, 5, 3, 2)), ["1", "3", "5", "7"], x, y, bins=2, range=(-1, 1)
    )
    found = informations(plane.record(0))
    for earlier, later in pairwise(found):
        assert later[0] <= earlier[0] + 1e-12
        assert later[1] <= earlier[1] + 1e-12
    assert found[0][0] > found[-1][0] > 0


def test_binned_layers_need_not():
    """A layer of small activations in one bin, magnified by the next: information "comes back"."""
    x, y = data()
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh())
    with torch.no_grad():
        net[0].weight.copy_(0.01 * torch.eye(3))
        net[0].bias.fill_(0.2)
        net[2].weight.copy_(100 * torch.eye(3))
        net[2].bias.fill_(-100 * math.tanh(0.2))
    records = InformationPlane(net, ["1", "3"], x, y, bins=4, range=(-1, 1)).record(0)
    assert records[0].about_input == 0
    assert records[1].about_input > 1


# --- the discreteness check ---------------------------------------------------------------------


def test_saturation_is_said_once_and_taken_back():
    x, y = data(100)
    net, told = network(), []
    plane = InformationPlane(net, HIDDEN[:1], x, y, bins=10**6, report=told.append)
    record = plane.record(0)[0]
    assert record.is_saturated
    assert record.about_input == pytest.approx(math.log(100))
    assert record.about_target == pytest.approx(plane.target_entropy)
    plane.record(1)
    assert len(told) == 1
    assert "epoch 0, layer 1" in told[0]
    assert (
        "100 rows of bins for 100 samples that differ, so that I(X;T) = 4.605 of at most" in told[0]
    )
    with torch.no_grad():
        net[0].weight.zero_()
    assert not plane.record(2)[0].is_saturated
    assert (
        "epoch 2, layer 1: 1 rows of bins for 100 samples that differ, saturated no more" in told[1]
    )


def test_saturation_is_printed(capsys):
    x, y = data(20)
    InformationPlane(network(), ["1"], x, y, bins=1000).record(0)
    assert "take more samples or fewer bins than 1000" in capsys.readouterr().out
    InformationPlane(network(), ["1"], x, y, bins=1000, report=None).record(0)
    assert capsys.readouterr().out == ""


# --- what it does to the network ----------------------------------------------------------------


def test_recording_leaves_no_trace():
    x, y = data()
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    net[1].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    plane = InformationPlane(net, ["2"], x, y)
    assert informations(plane.record(0)) == informations(plane.record(1))  # without dropout
    assert [module.training for module in net] == [True, False, True, True]
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
    assert not any(module._forward_hooks for module in net)
    assert all(weight.grad is None for weight in net.parameters())


def test_training_is_seen():
    """The last layer of a network that learns comes to know the answer."""
    x, y = data()
    net = network()
    plane = InformationPlane(net, HIDDEN, x, y, bins=10)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for epoch in range(60):
        if epoch in (0, 59):
            plane.record(epoch)
        optimizer.zero_grad()
        nn.functional.cross_entropy(3 * net(x), y).backward()
        optimizer.step()
    assert plane.records[-1].about_target > plane.records[2].about_target + 0.05
    assert [record.epoch for record in plane.records] == [0] * 3 + [59] * 3


def test_it_can_be_drawn(tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    matplotlib.use("Agg")
    x, y = data()
    plane = InformationPlane(network(), HIDDEN, x, y, bins=8)
    with pytest.raises(ValueError, match=r"record\(epoch\)"):
        plot_information_plane(plane)
    for epoch in range(3):
        plane.record(epoch)
    axes = plot_information_plane(plane)
    points = np.concatenate([c.get_offsets() for c in axes.collections])
    assert np.allclose(sorted(points.tolist()), sorted(map(list, informations(plane.records))))
    axes.figure.savefig(tmp_path / "plane.png")
    assert plot_information_plane(plane, axes) is axes
    matplotlib.pyplot.close(axes.figure)


# --- what is refused ----------------------------------------------------------------------------


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(self.layer(x))


class Sums(nn.Module):
    def forward(self, x):
        return x.sum()


def record(net=None, layers=("1",), x=None, y=None, **settings):
    x, y = data(20)[0] if x is None else x, data(20)[1] if y is None else y
    return InformationPlane(net or network(), layers, x, y, **settings).record(0)


REFUSED = {
    "a layer": (lambda: record(layers=["2", "9"]), "'9'; accepted are the model's '0', '1'"),
    "no layer": (lambda: record(layers=[]), "at least one layer"),
    "a layer twice": (lambda: record(layers=["1", "1"]), "each once"),
    "samples": (lambda: record(y=torch.zeros(3)), r"x has shape \(20, 3\) and y \(3,\)"),
    "bins": (lambda: record(bins=0), "bins=0"),
    "a word": (lambda: record(range="unit"), "range='unit'; accepted are 'layer'"),
    "a number": (lambda: record(range=1), 'accepted are "layer" and .low, high.'),
    "backwards": (lambda: record(range=(1, -1)), "range=-1"),
    "a missing range": (lambda: record(range={"3": "layer"}), "range lacks layer '1'"),
    "outside": (lambda: record(range=(0, 0.5)), 'its range is .0, 0.5.; widen it, or pass range="'),
    "twice in a batch": (lambda: record(Twice(), ["layer"]), "ran twice in a batch"),
    "not a number": (
        lambda: record(x=torch.full((20, 3), math.nan)),
        "activations that are NaN or infinite",
    ),
    "not a number, in a range": (
        lambda: record(x=torch.full((20, 3), math.nan), range=(-1, 1)),
        "has activations from nan",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call()


def test_layers_that_give_no_row_a_sample_are_refused():
    with pytest.raises(ValueError, match="no row for each of 20 samples"):
        record(nn.Sequential(nn.Linear(3, 2), nn.Flatten(0), Sums()), ["1"])
    with pytest.raises(TypeError, match="the output of layer '1' is tuple"):
        record(nn.Sequential(nn.Linear(3, 2), nn.LSTM(2, 2)), ["1"])


def test_ways_through_one_perceptron_are_alike():
    """X as images, y as a list: the same records."""
    x, y = data(40, dimension=4)
    net = nn.Sequential(nn.Flatten(), *perceptron(4, 3, 2))
    flat = InformationPlane(net, ["2"], x, y, report=None).record(0)
    images = InformationPlane(net, ["2"], x.view(40, 2, 2), y.tolist(), report=None).record(0)
    assert flat == images
