"""The console as a browser shows it: on a phone everything fits without scrolling sideways, whatever the names are."""

import html
import json

import pytest

from architecture import Architecture, get
from test_browser import PageServer, browse

PHONE_WIDTH = 360
# Its reason is long, and its queue's name has the most letters that a name can have.
TEMPLATE = """Resources:
  Long:
    Type: AWS::SQS::Queue
    Properties: {QueueName: LONG}
  Rows:
    Type: Millpond::Sink::Table
    Properties:
      Name: backend
      Queue: !Ref Long
      Table: t
      DatabaseUrl: sqlite:///no/such/folder/anywhere/in/this/machine/customers.db
      Columns: [a]
""".replace("LONG", "q" * 80)

PAGE = """<!doctype html><body><iframe style="width:WIDTHpx;height:900px" srcdoc="CONSOLE"></iframe><script>
const frame = document.querySelector('iframe');
frame.onload = () => {
  const page = frame.contentDocument;
  const wide = [page.documentElement, ...page.querySelectorAll('.wide,pre')].filter(
    element => element.scrollWidth > element.clientWidth);
  fetch('/done', {method: 'POST', body: JSON.stringify({
    width: frame.contentWindow.innerWidth, cells: page.querySelectorAll('td').length,
    wide: wide.map(element => element.className || element.tagName)})});
};
</script>"""


class Measured(PageServer):
    """A page that shows the console in a frame and tells how wide it is."""

    def _page_handler(self):
        owner, base = self, super()._page_handler()

        class Handler(base):
            def do_POST(self):
                owner.measures = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                super().do_POST()

        return Handler


@pytest.fixture
def measured():
    server = Measured()
    yield server
    server.close()


@pytest.mark.parametrize("width", [PHONE_WIDTH, 1000])
def test_the_console_fits_its_screen(measured, tmp_path, width):
    template = tmp_path / "long.yaml"
    template.write_text(TEMPLATE)
    with Architecture(tmp_path, [template, "--auth", "off"]) as architecture:
        console = get(f"{architecture.endpoint}/console/")[2]
    assert "q" * 80 in console and "/no/such/folder" in console
    # The page asks to be loaded again, which a frame of its text can't be.
    text = console.replace('<meta http-equiv="refresh" content="2">', "")
    measured.page = PAGE.replace("WIDTH", str(width)).replace("CONSOLE", html.escape(text))
    profile = tmp_path / "browser"
    profile.mkdir()
    browse(f"http://127.0.0.1:{measured.pages.server_port}/", profile, measured.done)
    assert measured.measures.pop("cells") > 0, "it was shown"
    assert measured.measures == {"width": width, "wide": []}
