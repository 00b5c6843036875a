"""A real browser that shows a foreign page can't reach the queue, whatever the page tries.

The page tries the same on a server of the test that lets everything pass. What arrives there shows what the
browser was willing to send, so a page that fails to try at all can't make the test pass.
"""

import http.server
import json
import shutil
import subprocess
import threading
from urllib.parse import urlsplit

import pytest

# The browser is the client; the test's own client only looks.
PROTOCOLS = ["json"]

PAGE_TIMEOUT_SECS = 60

PAGE = """<!doctype html><title>foreign page</title><body><script>
const body = name => JSON.stringify({QueueName: name});
const tries = {
  plain: (url, name) => fetch(url, {method: 'POST', mode: 'no-cors', body: body(name)}),
  untyped: (url, name) => fetch(url, {method: 'POST', mode: 'no-cors', body: new Blob([body(name)])}),
  typed: (url, name) => fetch(url, {method: 'POST', body: body(name), headers: {
    'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': 'AmazonSQS.CreateQueue'}}),
  query: (url, name) => fetch(url, {method: 'POST', mode: 'no-cors',
    body: new URLSearchParams({Action: 'CreateQueue', QueueName: name, Version: '2012-11-05'})}),
  get: (url, name) => fetch(url + '?Action=CreateQueue&QueueName=' + name, {mode: 'no-cors'}),
  form: (url, name) => answered(submitted(document.createElement('iframe'), url, name), 'load'),
  image: (url, name) => answered(Object.assign(new Image(), {src: sending(url, name)}), 'load', 'error'),
  frame: (url, name) => answered(Object.assign(document.createElement('iframe'), {src: sending(url, name)}), 'load'),
};
const sending = (url, name) => url + $QUEUE + '?Action=SendMessage&MessageBody=' + name;
const answered = (element, ...events) => new Promise(resolve => {
  events.forEach(event => element.addEventListener(event, resolve));
  document.body.append(element);
});
const submitted = (frame, url, name) => {
  frame.name = url + name;
  const form = document.createElement('form');
  form.method = 'post';
  form.action = url + $QUEUE;
  form.target = frame.name;
  for (const [member, value] of Object.entries({Action: 'SendMessage', MessageBody: name})) {
    const input = document.createElement('input');
    [input.name, input.value] = [member, value];
    form.append(input);
  }
  document.body.append(form);
  // Once its frame is there.
  setTimeout(() => form.submit());
  return frame;
};
(async () => {
  for (const url of $ADDRESSES)
    for (const [kind, attempt] of Object.entries(tries))
      await attempt(url, $PREFIX + '-' + kind).catch(() => {});
  await fetch('/done', {method: 'POST'});
})();
</script>"""


class PageServer:
    """Serves the page, and notes what the browser sends to a second, all too friendly address."""

    def __init__(self):
        self.done = threading.Event()
        self.friendly_requests = []
        self.page = ""
        self.pages = serve(self._page_handler())
        self.friendly = serve(self._friendly_handler())

    def close(self):
        for server in (self.pages, self.friendly):
            server.shutdown()
            server.server_close()

    def _page_handler(self):
        owner = self

        class Handler(Quiet):
            def do_GET(self):
                self.answer(owner.page.encode())

            def do_POST(self):
                owner.done.set()
                self.answer(b"")

        return Handler

    def _friendly_handler(self):
        owner = self

        class Handler(Quiet):
            def do_OPTIONS(self):
                self.answer(b"")

            def do_GET(self):
                self.note()

            def do_POST(self):
                self.note()

            def note(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                owner.friendly_requests.append(self.path + " " + body)
                self.answer(b"")

        return Handler


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers with permission for every page, and logs nothing."""

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for what in ("Origin", "Headers", "Methods"):
            self.send_header(f"Access-Control-Allow-{what}", "*")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def page_server():
    server = PageServer()
    yield server
    server.close()


def browse(url, folder, done):
    """Opens a page in headless Chromium until it reports that it is done."""
    command = [
        shutil.which("chromium") or "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        f"--user-data-dir={folder}",
        "--remote-debugging-port=0",
        url,
    ]
    log = folder / "chromium.log"
    with log.open("wb") as output:
        browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        assert done.wait(PAGE_TIMEOUT_SECS), f"the page never finished\n{log.read_text(errors='replace')[-4000:]}"
    finally:
        browser.terminate()
        browser.wait()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_foreign_page_reaches_no_queue(sqs, endpoint, queue, page_server, unique_name, tmp_path, host):
    prefix = unique_name("browser")
    port = urlsplit(endpoint).port
    friendly = f"http://127.0.0.1:{page_server.friendly.server_port}/"
    urls = [friendly, f"{endpoint}/", f"http://localhost:{port}/"]
    path = urlsplit(queue).path.removeprefix("/")
    values = {"$ADDRESSES": urls, "$PREFIX": prefix, "$QUEUE": path}
    page_server.page = PAGE
    for name, value in values.items():
        page_server.page = page_server.page.replace(name, json.dumps(value))
    browse(f"http://{host}:{page_server.pages.server_port}/", tmp_path, page_server.done)
    sent = "\n".join(page_server.friendly_requests)
    for kind in ("plain", "untyped", "typed", "query", "get", "form", "image", "frame"):
        assert f"{prefix}-{kind}" in sent, f"the browser did not even try `{kind}`"
    created = sqs.list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    assert (created, [message["Body"] for message in received]) == ([], [])
