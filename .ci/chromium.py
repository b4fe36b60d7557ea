"""For the parts whose pages are in Chromium: a browser, and the pages that it has open."""

import fcntl
import json
import os
import select
import signal
import subprocess
import time

# Seconds. A page may take so long for one thing.
LONGEST = 300

# It starts nothing of its own accord, and goes to nobody but this machine.
OPTIONS = [
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--disable-breakpad", "--disable-gpu",
    "--disable-domain-reliability", "--disable-client-side-phishing-detection",
    "--disable-field-trial-config", "--disable-dev-shm-usage", "--metrics-recording-only",
    "--disable-features=MediaRouter,OptimizationHints,Translate", "--no-proxy-server",
    "--password-store=basic", "--use-mock-keychain",
]


class Wrong(Exception):
    """What must not be."""


class Missing(Exception):
    """What this machine does not have."""


def demand(condition, *words):
    if not condition:
        raise Wrong(" ".join(map(str, words)))


class Browser:
    """Chromium, which is told what to do in JSON over two pipes, each message ended by NUL."""

    def __init__(self, profile, names):
        """`names` lead to this machine, beside `localhost`; no other leads anywhere."""
        rules = [f"MAP {name} 127.0.0.1" for name in names]
        rules += ["MAP * ~NOTFOUND", "EXCLUDE localhost", "EXCLUDE 127.0.0.1"]
        orders, self.orders = os.pipe()
        self.messages, messages = os.pipe()
        # Chromium has them as 3 and 4, which these may not be.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (orders, messages)]
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = ["chromium", *OPTIONS, *root, f"--user-data-dir={profile}"]
        command += [f"--host-resolver-rules={', '.join(rules)}", "about:blank"]
        profile.mkdir()
        self.errors = open(profile / "errors", "w+b")
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "chromium", *command],
            pass_fds=ends, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
            env={**os.environ, "HOME": str(profile)}, start_new_session=True)
        for end in (orders, messages, *ends):
            os.close(end)
        self.number, self.rest, self.arrived = 0, b"", []

    def __enter__(self):
        try:
            print(self.call("Browser.getVersion")["product"], flush=True)
        except (Wrong, OSError) as wrong:
            self.__exit__()
            raise Missing(f"Chromium does not start: {wrong}") from wrong
        return self

    def __exit__(self, *_):
        # All of its processes, until there is none.
        try:
            while True:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.poll()
                time.sleep(0.02)
        except ProcessLookupError:
            pass
        self.errors.close()

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.orders, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + LONGEST
        while True:
            answer = self.receive(method, end)
            if answer.get("id") == self.number:
                demand("error" not in answer, method, answer.get("error"))
                return answer["result"]

    def receive(self, method, end):
        while not self.arrived:
            ready = select.select([self.messages], [], [], max(0, end - time.monotonic()))[0]
            demand(ready, f"no answer to {method} in {LONGEST} s")
            some = os.read(self.messages, 1 << 20)
            if not some:
                self.errors.seek(0)
                raise Wrong(f"it has ended: {self.errors.read()[-2000:].decode(errors='replace')}")
            *self.arrived, self.rest = (self.rest + some).split(b"\0")
        return json.loads(self.arrived.pop(0))


class Tab:
    """A page that is open."""

    def __init__(self, browser, url):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = attached["sessionId"]
        self.open(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def open(self, url):
        opened = self.call("Page.navigate", url=url)
        demand("errorText" not in opened, url, opened.get("errorText"))
        self.run("document.readyState == 'complete' || new Promise(done => onload = done)"
                 ".then(() => true)")

    def slow(self, rate):
        """Has it send at most so many bytes a second."""
        self.call("Network.enable")
        self.call("Network.emulateNetworkConditions", offline=False, latency=0,
                  downloadThroughput=-1, uploadThroughput=rate)

    def choose(self, path):
        """The file, as its user would."""
        field = self.run("document.querySelector('input')", by_value=False)
        self.call("DOM.setFileInputFiles", files=[str(path)], objectId=field)

    def run(self, script, by_value=True):
        """The value of the script, or of what it promises."""
        ran = self.call("Runtime.evaluate", expression=script, awaitPromise=True,
                        returnByValue=by_value, userGesture=True)
        demand("exceptionDetails" not in ran, script, ran.get("exceptionDetails"))
        return ran["result"].get("value") if by_value else ran["result"]["objectId"]

    def does(self, function, *arguments):
        """What a function of the page gives. Arguments are values, but for scripts."""
        texts = [one if isinstance(one, Script) else json.dumps(one) for one in arguments]
        texts = [f"await {text}" if isinstance(text, Script) else text for text in texts]
        return self.run(f"(async () => {function}({', '.join(texts)}))()")


class Script(str):
    """An argument that the page has to compute."""
