"""The report as a page: how a test reads it, and the inputs that it is made from."""

import re
from html.parser import HTMLParser

from evaluation_example import example_details, write_example

from preference.report.inputs import read_report_inputs

EXPERIMENTS = ("baseline", "exp1")
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and the text of each class."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append((tag, dict(attributes), []))

    def handle_endtag(self, tag):
        opened, attributes, parts = self.open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        text = "".join(parts)
        self.texts.append((tag, attributes, text))
        if self.open:
            self.open[-1][2].append(text)

    def handle_data(self, data):
        if self.open:
            self.open[-1][2].append(data)

    def tags(self):
        return [tag for tag, _ in self.elements]

    def texts_of(self, tag, **attributes):
        return [
            text
            for found, values, text in self.texts
            if found == tag and attributes.items() <= values.items()
        ]


def inputs_of(folder, details=None, hardest=(), **options):
    write_example(folder, details or example_details(EXPERIMENTS), hardest, **options)
    return read_report_inputs(folder / "metrics", folder / "data/scored/hardest.json")


def numbers_in(text):
    return [float(each) for each in re.findall(r"[-+]?\d+\.\d+", text.replace("−", "-"))]


def markdown_rows(report):
    """Cells of the table, split at pipes that are not escaped."""
    lines = [line for line in report.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
