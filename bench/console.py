"""The console in Debian's Chromium, on a platform with 2,000 clusters: what is loaded, painted and kept up with.

Called by the command. The platform is roost's own with its own API server; the browser runs on the same processors.
What a person waits for is measured in the page itself, up to the frame that shows it.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any, Final

from bench.console_side import Changes, longest_task, make_clusters
from bench.figures import Figure, figure
from bench.platform import BenchError, Platform, until
from tests.console.browser import Visitor, chromium, place

CLUSTERS: Final = 2000
KEYS: Final = ("1", "2", "3", "Backspace", "Backspace", "Backspace")
HOUR: Final = 3600
"""Changes of an hour, when each second one of the clusters changes."""
WARM: Final = 400
SCRIPT_LIMIT: Final = 250e3
PAINT_LIMIT: Final = 1500.0
ROW_LIMIT: Final = 500.0
KEY_LIMIT: Final = 50.0
TASK_LIMIT: Final = 50.0
GROWTH_LIMIT: Final = 5.0

# From the start of the navigation, in milliseconds: the largest paint, and the frame that shows the first row.
_WATCH: Final = """
window.seen = {paint: 0, row: 0};
window.painted = (then) => requestAnimationFrame(() => {
  const after = new MessageChannel();
  after.port1.onmessage = () => then(performance.now());
  after.port2.postMessage(0);
});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) seen.paint = Math.max(seen.paint, entry.startTime);
}).observe({type: "largest-contentful-paint", buffered: true});
new MutationObserver((_, self) => {
  if (!document.querySelector("tbody .name-link")) return;
  self.disconnect();
  painted((at) => { seen.row = at; });
}).observe(document, {childList: true, subtree: true});
"""
# Bytes as they came over the connection; scripts that are preloaded count as well.
_SCRIPTS: Final = """() => performance.getEntriesByType("resource")
  .filter((entry) => new URL(entry.name).pathname.endsWith(".js"))
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
# From a key's event to the frame that shows the new count of rows.
_LISTEN: Final = """() => {
  const count = document.querySelector(".toolbar [aria-live]");
  document.addEventListener("keydown", (event) => {
    window.key = undefined;
    const began = event.timeStamp;
    new MutationObserver((_, self) => {
      self.disconnect();
      painted((at) => { window.key = at - began; });
    }).observe(count, {childList: true, subtree: true, characterData: true});
  }, true);
}"""


def run(runs: int, *, work: Path, port_base: int) -> list[Figure]:
    platform = Platform(work / "console", port_base)
    platform.provide_bundle()
    platform.up()
    try:
        # `up` does not wait until the controllers are there.
        until(
            lambda: "1.31.4" in platform.kubectl("get", "kubernetesreleases"), seconds=60, what="a release is there"
        )
        with chromium() as browser:
            small = [_first_page(browser, platform) for _ in range(runs)]
            make_clusters(platform, CLUSTERS)
            found = [_list(browser, platform) for _ in range(runs)]
            growth = _hour(browser, platform)
    finally:
        platform.down()
    values = {key: [each[key] for each in (*small, *found) if key in each] for key in small[0] | found[0]}
    return [
        figure("console.script", "bytes", values["script"], limit=SCRIPT_LIMIT),
        figure("console.first-paint", "ms", values["first-paint"], limit=PAINT_LIMIT),
        figure("console.paint", "ms", values["paint"], limit=PAINT_LIMIT),
        figure("console.row", "ms", values["row"], limit=ROW_LIMIT),
        figure("console.key", "ms", values["key"], limit=KEY_LIMIT),
        figure("console.scroll", "ms", values["scroll"], limit=TASK_LIMIT),
        figure("console.memory", "percent", [growth], limit=GROWTH_LIMIT),
    ]


def _first_page(browser: Any, platform: Platform) -> dict[str, float]:
    """Nothing in the browser's cache: sign in, and the list behind it."""
    person = Visitor(browser, place(platform.data_dir))
    person.page.add_init_script(_WATCH)
    person.open("/sign-in")
    person.until("seen.paint > 0")
    paint = _number(person, "seen.paint")
    person.page.fill("#user", "admin")
    person.page.fill("#password", person.where.password)
    person.page.keyboard.press("Enter")
    person.page.wait_for_selector("tbody .name-link")
    person.page.wait_for_load_state("networkidle")
    script = float(person.page.evaluate(_SCRIPTS))
    person.close()
    return {"script": script, "first-paint": paint}


def _list(browser: Any, platform: Platform) -> dict[str, float]:
    """The list of 2,000 as somebody opens it who was here before: the scripts are in the browser's cache."""
    person = Visitor(browser, place(platform.data_dir))
    person.page.add_init_script(_WATCH)
    person.sign_in()
    person.open("/clusters")
    person.until("seen.row > 0")
    row = _number(person, "seen.row")
    person.page.wait_for_timeout(500)
    paint = _number(person, "seen.paint")
    keys = _keys(person)
    browser.start_tracing(page=person.page, categories=["toplevel", "disabled-by-default-devtools.timeline"])
    for number in range(80):
        person.page.mouse.move(680, 500)
        person.page.mouse.wheel(0, 900 if number < 60 else -2500)
        person.page.wait_for_timeout(16)
    person.page.wait_for_timeout(200)
    scroll = longest_task(browser.stop_tracing())
    person.close()
    return {"row": row, "paint": paint, "key": max(keys), "scroll": scroll}


def _keys(person: Visitor) -> list[float]:
    """Milliseconds of each key."""
    person.page.locator(".toolbar input").first.click()
    person.page.evaluate(_LISTEN)
    found: list[float] = []
    for key in KEYS:
        person.page.keyboard.press(key)
        person.until("window.key !== undefined")
        found.append(_number(person, "window.key"))
        person.page.wait_for_timeout(200)
    return found


def _hour(browser: Any, platform: Platform) -> float:
    """By how much the memory in use grows while an hour's changes pass, in percent of what it was after the first."""
    person = Visitor(browser, place(platform.data_dir))
    person.sign_in()
    page = person.context.new_cdp_session(person.page)

    def used() -> float:
        for _ in range(3):
            page.send("HeapProfiler.collectGarbage")
        return float(page.send("Runtime.getHeapUsage")["usedSize"])

    changes = Changes(platform.data_dir / "admin.kubeconfig", CLUSTERS)

    def pass_by(count: int) -> None:
        """The browser's loop must turn meanwhile."""
        worker = threading.Thread(target=changes.make, args=(count,), daemon=True)
        worker.start()
        while worker.is_alive():
            person.page.wait_for_timeout(200)
        person.until(f"document.querySelector('tbody').innerText.includes({json.dumps(changes.last)})")
        time.sleep(1)

    pass_by(WARM)
    before = used()
    pass_by(HOUR)
    after = used()
    if person.complaints:
        raise BenchError(f"the browser complains: {person.complaints[:3]}")
    person.close()
    return max(0.0, (after / before - 1) * 100)


def _number(person: Visitor, expression: str) -> float:
    return float(person.page.evaluate(expression))
