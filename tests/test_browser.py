"""The dashboard in Chromium: charts, filters, the keyboard, and that nothing is asked for.

Chromium is a large program, which is why these are run by the soak (`ci/soak browser`).
"""

import json
from itertools import pairwise

import browser
import pytest
from benchmarked import history, measured
from test_dashboard import HOSTILE

from bench.__main__ import main

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """The page of some results."""
    assert browser.found(), "Chromium is not installed; on Debian: apt-get install chromium"

    def make(results):
        folder = tmp_path_factory.mktemp("results")
        for number, result in enumerate(results):
            (folder / f"{number}.json").write_text(json.dumps(result), encoding="utf-8")
        assert main(["dashboard", str(folder), "--out", str(folder / "site")]) == 0
        return folder / "site" / "index.html"

    return make


@pytest.fixture(scope="module")
def years(make):
    """Fifty runs, of which the last ones are slower."""
    return make(history(50, slow_from=40))


@pytest.fixture
def watched(years, request):
    """The page in a window of some width and colours; afterwards nobody has complained."""
    width, dark = getattr(request, "param", (1280, False))
    with browser.Browser(width, 900, dark) as page:
        page.open(years)
        yield page
        assert page.complaints == []
        assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []


DRAW = """(async () => {
    for (const chart of document.querySelectorAll('.chart')) draw(chart);
    await new Promise(resolve => setTimeout(resolve, 300));
    return [...document.querySelectorAll('.chart')].map(chart =>
        [chart.querySelectorAll('.point, .legendtoggle').length, chart.data.length]);
})()"""


def at_each_size(test):
    sizes = [(1280, False), (1280, True), (390, False), (390, True)]
    return pytest.mark.parametrize("watched", sizes, indirect=True)(test)


@at_each_size
def test_every_chart_draws_within_the_window(watched):
    drawn = watched.run(DRAW)
    assert len(drawn) >= 8  # curves, ratios, limits, memory, errors, history of two kinds
    assert all(points >= 2 and traces >= 1 for points, traces in drawn)
    wide = watched.run("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_fifty_runs_open_in_two_seconds(years):
    """By the time of the page's own thread, for other processes may have the processor."""
    with browser.Browser() as page:
        page("Performance.enable", timeDomain="threadTicks")
        page.open(years)
        told = {m["name"]: m["value"] for m in page("Performance.getMetrics")["metrics"]}
        assert told["TaskDuration"] < 2


def test_a_chart_draws_by_itself_when_it_comes_near(watched):
    told = """(async () => {
        const chart = document.querySelector('#history .chart');
        const before = Boolean(chart.isDrawn);
        chart.scrollIntoView({behavior: 'instant'});
        for (let i = 0; i < 100 && !chart.isDrawn; i++) await new Promise(r => setTimeout(r, 50));
        return [before, Boolean(chart.isDrawn)];
    })()"""
    assert watched.run(told) == [False, True]


def test_hovering_tells_the_point(watched):
    watched.run(DRAW)
    x, y = watched.run("""(() => {
        const chart = document.querySelector('#backends .chart');
        chart.scrollIntoView({behavior: 'instant', block: 'center'});
        const box = chart.querySelector('.point').getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    })()""")
    watched.move(x - 3, y)
    watched.move(x, y)
    told = watched.run("""(async () => {
        for (let i = 0; i < 60; i++) {
            const found = document.querySelector('#backends .hoverlayer .hovertext');
            if (found) return found.textContent;
            await new Promise(resolve => setTimeout(resolve, 50));
        }
    })()""")
    assert "n = 100" in told
    assert "µs" in told


def test_arrow_keys_go_through_the_points_and_speak(watched):
    watched.run(DRAW)
    watched.run("document.querySelector('#peers .chart').focus()")
    spoken = []
    for _ in range(2):
        watched.press("ArrowRight")
        spoken.append(watched.run("document.getElementById('spoken').textContent"))
    assert spoken[0].startswith("np.bincount(x*B + y), one pair over n")
    assert spoken[1].startswith("sklearn.metrics.mutual_info_score, one pair")


COUNT = (
    "document.querySelectorAll('#{section} .chart')[0]?.data.reduce((n, t) => n + t.x.length, 0)"
)


def test_filters_leave_what_matches(watched):
    watched.run(DRAW)
    count = COUNT.format(section="peers")
    assert watched.run(count) == 12
    watched.run("document.getElementById('losses').click()")
    watched.run(DRAW)
    assert watched.run(count) == 6
    watched.run("document.getElementById('wins').click()")
    assert "No ratio matches" in watched.run("document.getElementById('peers').textContent")
    for box in ("wins", "losses"):
        watched.run(f"document.getElementById('{box}').click()")
    watched.run("""(async () => {
        const search = document.getElementById('search');
        search.value = 'sklearn n = 1000000';
        search.dispatchEvent(new Event('input'));
        await new Promise(resolve => setTimeout(resolve, 400));
    })()""")
    watched.run(DRAW)
    assert watched.run(count) == 1


def test_contenders_can_be_hidden(watched):
    watched.run(DRAW)
    count = "document.querySelector('#backends .chart').data.length"
    assert watched.run(count) == 5
    watched.run("document.querySelector('#backends-keys input').click()")
    watched.run(DRAW)
    assert watched.run(count) == 4
    assert "fastinfo, cupy: not measured" in watched.run(
        "document.getElementById('backends-keys').textContent"
    )


def test_the_machine_and_the_run_can_be_chosen_and_regressions_are_marked(watched):
    assert watched.run("document.querySelectorAll('#run option').length") == 25
    watched.run("""(() => {
        const machine = document.getElementById('machine');
        machine.value = 'generic-2-cores';
        machine.dispatchEvent(new Event('change'));
    })()""")
    watched.run(DRAW)
    told = watched.run("""[...document.querySelectorAll('#history .chart')].map(chart =>
        chart.data.flatMap(trace => trace.marker.symbol)
            .filter(symbol => symbol === 'triangle-down').length)""")
    assert told[0] == 2  # ratios to both peers
    assert watched.run("document.querySelectorAll('#regressions tbody tr').length") == 18
    assert "25 runs on generic-2-cores" in watched.run(
        "document.getElementById('history-text').textContent"
    )


def test_every_chart_has_its_table_and_zero_is_not_what_was_not_measured(watched):
    told = watched.run("""(async () => {
        for (const details of document.querySelectorAll('figure details')) details.open = true;
        await new Promise(resolve => setTimeout(resolve, 300));
        return [...document.querySelectorAll('figure')].map(figure =>
            figure.querySelectorAll('tbody tr').length);
    })()""")
    assert len(told) == watched.run("document.querySelectorAll('.chart').length")
    assert min(told) >= 6
    cells = watched.run(
        "[...document.querySelectorAll('#memory td:last-child')].map(cell => cell.textContent)"
    )
    assert "0 B" in cells
    assert "not measured" not in cells
    missing = watched.run("document.getElementById('missing').textContent")
    assert "there is no GPU" in missing


def test_every_control_has_a_name_and_headings_are_in_order(watched):
    watched.run(DRAW)
    nameless = watched.run("""
        [...document.querySelectorAll('select, input, button, .chart, .scroll')]
        .filter(e => !(e.labels?.[0]?.textContent.trim() || e.getAttribute('aria-label')))
        .map(e => e.outerHTML.slice(0, 80))""")
    assert nameless == []
    levels = watched.run(
        "[...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


CONTRAST = """(() => {
    const root = getComputedStyle(document.documentElement);
    const light = name => {
        const hex = root.getPropertyValue(name).trim();
        const parts = [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255)
            .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const names = ['--ink', '--soft', '--ours', '--loss', '--good', '--bad'];
    for (let i = 0; i < 7; i++) names.push(`--c${i}`);
    return Object.fromEntries(names.map(name => [name, ratio(light(name), light('--card'))]));
})()"""


@at_each_size
def test_colours_can_be_told_from_the_ground_and_can_be_changed(watched):
    """WCAG 2.2: 4.5 for text, 3 for what is drawn; text is written in some of the colours."""
    for _ in range(2):
        assert min(watched.run(CONTRAST).values()) >= 4.5
        before = watched.run("document.documentElement.dataset.theme")
        watched.run("document.getElementById('theme').click()")
        assert watched.run("document.documentElement.dataset.theme") != before


def test_hostile_names_are_text(make):
    result = measured()
    for entry in result["benchmarks"][:4]:
        entry["extra_info"] |= {"title": HOSTILE, "contender": HOSTILE + entry["name"]}
    result["machine_info"]["cpu"]["brand_raw"] = HOSTILE
    result["machine_info"]["id"] = HOSTILE
    result["machine_info"]["not_measured"][0]["reason"] = HOSTILE
    with browser.Browser() as page:
        page.open(make([result]))
        page.run(DRAW)
        page.run("""(async () => {
            for (const details of document.querySelectorAll('details')) details.open = true;
            await new Promise(resolve => setTimeout(resolve, 300));
        })()""")
        assert page.run("document.querySelectorAll('main img, header img, .chart a').length") == 0
        assert "<img src=x" in page.run("document.getElementById('missing').textContent")
        assert page.complaints == []
        assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
