"""A browser for tests, by Chromium's own DevTools protocol over two pipes.

Nothing but Python's standard library and the distribution's Chromium: no node, no driver to download, no websocket. On a bare Debian 12
that is one package, where Playwright would bring node and 300 MB of packages to send the same messages.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

TIMEOUT_S = 60
# What Chromium answers to a question that is still open, or comes, while one page is left for another.
LEAVING = ("navigated or closed", "context was destroyed", "Cannot find default execution context", "Cannot find context")
KEY_CODES = {"Tab": 9, "Delete": 46, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


def find():
    """(path, None), or (None, why there is none). A stub that would install a snap is none."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        path = shutil.which(name)
        if path and "snap" not in os.path.realpath(path) and not is_snap_stub(path):
            return path, None
    return None, "no Chromium is installed (Debian's package is chromium)"


def is_snap_stub(path):
    with open(path, "rb") as file:
        head = file.read(4096)
    return head.startswith(b"#!") and b"snap" in head


class Browser:
    """One tab. Use as a context manager."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="filbert-chromium-")
        to_browser, self.send_end = os.pipe()
        self.receive_end, from_browser = os.pipe()

        def as_three_and_four():  # where --remote-debugging-pipe looks
            a, b = os.dup(to_browser), os.dup(from_browser)
            os.dup2(a, 3)
            os.dup2(b, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        flags = ["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                 "--force-color-profile=srgb", "--font-render-hinting=none", "--disable-background-networking", "--disable-component-update",
                 "--disable-lcd-text", "--disable-sync", "--no-default-browser-check",
                 # Each page is drawn, whatever was shown before it and whatever is in front of it.
                 "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding", "--disable-back-forward-cache", "--disable-features=PaintHolding",
                 f"--user-data-dir={self.profile}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium has none for root; every page here is our own
        self.log = open(os.path.join(self.profile, "log"), "wb")
        self.process = subprocess.Popen([path, *flags, "about:blank"], preexec_fn=as_three_and_four, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.next_id = 0
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            session, self.session = self.session, None
            self.call("Browser.close")
            self.session = session
            self.process.wait(10)
        except Exception:
            self.process.kill()
            self.process.wait()
        self.log.close()
        os.close(self.send_end)
        os.close(self.receive_end)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, patience_s=TIMEOUT_S, **parameters):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.send_end, data):]
        while True:
            answer = self.receive(patience_s)
            if answer.get("id") == self.next_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def receive(self, patience_s=TIMEOUT_S):
        """The next message; an event is kept as well."""
        deadline = time.monotonic() + patience_s
        while b"\0" not in self.buffer:
            if not select.select([self.receive_end], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"Chromium said nothing for {patience_s} s")
            piece = os.read(self.receive_end, 1 << 20)
            if not piece:
                raise RuntimeError("Chromium ended: " + open(self.log.name, errors="replace").read()[-2000:])
            self.buffer += piece
        data, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(data)
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, path):
        """Loads a file and waits for it. What the page did is in `events` from here on."""
        self.go(path.resolve().as_uri())

    def go(self, url):
        """The same of an address."""
        self.events = []
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.receive()
            if any(event["method"] == "Page.javascriptDialogOpening" for event in self.events):
                self.call("Page.handleJavaScriptDialog", accept=False)
                raise AssertionError(f"{url} opened a dialog")

    def wait(self, expression, seconds=60):
        """Waits until an expression is true; says what the page showed if it never is."""
        deadline = time.monotonic() + seconds
        while not self.is_true(expression):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {expression}\n" + self.evaluate("document.body.innerText")[:800])
            time.sleep(0.03)

    def is_true(self, expression):
        """Whether it is, on the page as it is now; not while one page is left for another."""
        try:
            return self.evaluate(f"Boolean({expression})")
        except RuntimeError as error:
            if any(words in str(error) for words in LEAVING):
                return False
            raise

    def insert(self, selector, text):
        """Puts a text into a box as if it were typed or pasted there, in the place of what it has."""
        self.evaluate(f"(() => {{ const box = document.querySelector({json.dumps(selector)}); box.focus(); box.select(); }})()")
        if text:
            self.call("Input.insertText", text=text)
        else:
            self.key("Delete")

    def evaluate(self, expression):
        """The value of an expression, awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def complaints(self, own=None):
        """Console messages, exceptions, violations of the policy, and requests beside that for the page itself and those to `own`."""
        self.evaluate("0")  # what the page has sent arrives before this answer
        found = []
        for event in self.events:
            method, parameters = event["method"], event["params"]
            if method == "Runtime.consoleAPICalled":
                found.append("console: " + str(parameters["args"]))
            elif method == "Runtime.exceptionThrown":
                found.append("exception: " + str(parameters["exceptionDetails"].get("exception", {}).get("description")))
            elif method == "Log.entryAdded":
                found.append("log: " + parameters["entry"]["text"])
            elif method == "Page.javascriptDialogOpening":
                found.append("dialog: " + parameters["message"])
            elif method == "Network.requestWillBeSent" and parameters["type"] != "Document" and parameters["request"]["url"] != "data:,":
                if own is None or not parameters["request"]["url"].startswith(own):
                    found.append("request: " + parameters["request"]["url"])
        documents = [event for event in self.events if event["method"] == "Network.requestWillBeSent" and event["params"]["type"] == "Document"]
        if len(documents) > 1:
            found.append(f"request: {len(documents)} documents")
        return found

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        """media(prefers_color_scheme="dark", type="print")"""
        kind = features.pop("type", "")
        self.call("Emulation.setEmulatedMedia", media=kind, features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def scripts(self, allowed):
        self.call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def key(self, name, code=None):
        text = {"Enter": "\r", " ": " "}.get(name, name if len(name) == 1 else None)
        more = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=name, code=code or name, windowsVirtualKeyCode=KEY_CODES.get(name, 0), **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=code or name)

    def point(self, selector, at=0):
        """Moves the mouse onto an element, scrolled into view."""
        x, y = self.evaluate(f"(() => {{ const element = document.querySelectorAll({json.dumps(selector)})[{at}]; element.scrollIntoView({{block: 'center'}}); "
                             "const box = element.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()")
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        return x, y

    def click(self, selector, at=0, times=1):
        x, y = self.point(selector, at)
        for count in range(1, times + 1):
            self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=count)
            self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=count)

    def screenshot(self, scale=1.0):
        """All of the page as PNG, within half a minute. A browser that has shown many pages now and then waits for a frame that it never draws: TimeoutError."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": scale}
        return base64.b64decode(self.call("Page.captureScreenshot", patience_s=30, format="png", clip=clip, captureBeyondViewport=True)["data"])
