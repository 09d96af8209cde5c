"""A real Chromium without a window, driven over a pipe by the DevTools protocol: what a page shows, says and asks the
network for."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Browser:
    """One tab. After `open`: `errors` holds what the console and the page's policy complained of, `requests` every
    address asked for.

    Raises RuntimeError where no Chromium is installed, or where a script of `value` fails.
    """

    def __enter__(self) -> "Browser":
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if not program:
            raise RuntimeError("The tests of the dashboard need Chromium: install chromium, or google-chrome.")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self.writer = os.pipe()
        self.reader, from_browser = os.pipe()

        def place_pipes():
            # Chromium reads from 3 and writes to 4; either may be taken by the other until both are moved away.
            source, target = os.dup(to_browser), os.dup(from_browser)
            while min(source, target) < 5:
                source, target = os.dup(source), os.dup(target)
            os.dup2(source, 3)
            os.dup2(target, 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"],
            preexec_fn=place_pipes,
            pass_fds=(3, 4),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session = b"", 0, None
        self.errors, self.requests = [], []
        target = next(target for target in self.send("Target.getTargets")["targetInfos"] if target["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.reader)
        os.close(self.writer)
        self.profile.cleanup()

    def send(self, method: str, **parameters: object) -> dict:
        """Give a command and wait for its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters} | (
            {"sessionId": self.session} if self.session else {}
        )
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def receive(self) -> dict:
        """The next message, noted if it is an error or a request."""
        while b"\0" not in self.buffer:
            piece = os.read(self.reader, 1 << 20)
            if not piece:
                raise RuntimeError("Chromium has ended.")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(message)
        event = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(event["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(
                    event["exceptionDetails"].get("exception", {}).get("description")
                    or event["exceptionDetails"]["text"]
                )
            case "Runtime.consoleAPICalled" if event["type"] in ("error", "warning", "assert"):
                self.errors.append(" ".join(str(part.get("value", part.get("description"))) for part in event["args"]))
            case "Log.entryAdded" if event["entry"]["level"] in ("error", "warning"):
                self.errors.append(event["entry"]["text"])
        return message

    def open(self, page: Path, width: int = 1440, height: int = 900, is_dark: bool = False) -> None:
        """Open a file as on a screen of so many CSS pixels, and wait until it is drawn."""
        self.errors, self.requests = [], []
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}],
        )
        self.send("Page.navigate", url=page.resolve().as_uri())
        while self.receive().get("method") != "Page.loadEventFired":
            pass
        self.value("new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true))))")

    def value(self, script: str) -> object:
        """The value of an expression in the page, awaited if it is a promise."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(
                answer["exceptionDetails"].get("exception", {}).get("description") or answer["exceptionDetails"]["text"]
            )
        return answer["result"].get("value")

    def screenshot(self, path: Path, is_whole_page: bool = False) -> None:
        """A PNG of the screen, or of the whole page."""
        path.write_bytes(
            base64.b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=is_whole_page)["data"])
        )

    def pdf(self, path: Path) -> None:
        """The page as it is printed on A4."""
        path.write_bytes(base64.b64decode(self.send("Page.printToPDF", printBackground=False, preferCSSPageSize=True,
                                                    paperWidth=8.27, paperHeight=11.69)["data"]))
