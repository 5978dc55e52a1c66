"""Somebody with a browser: logs in, agrees, and is sent back to the client."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class Form(HTMLParser):
    """The form of a page."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.buttons, self.leads_to = None, {}, [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "meta" and given.get("http-equiv") == "refresh":
            self.leads_to = given["content"].split("url=", 1)[1]
        elif tag == "form" and self.action is None:
            self.action = given.get("action") or ""
        elif tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value") or ""
        elif tag == "button" and "name" in given:
            self.buttons.append((given["name"], given.get("value") or ""))


class Person:
    """Logged in, with a session's cookie."""

    def __init__(self, given):
        self.issuer, self.credentials = given["issuer"], given["user"]
        self.browser = requests.Session()
        self.browser.headers.update({"Accept": "text/html", "Origin": self.issuer})
        self.browser.post(f"{self.issuer}/login", json=self.credentials).raise_for_status()

    def visit(self, url, typed=None):
        """Goes there, types what is asked for, says yes, and ends where the client waits, or on a page that asks nothing."""
        answer = self.browser.get(url, allow_redirects=False)
        for _ in range(10):
            if answer.is_redirect:
                url = urljoin(url, answer.headers["Location"])
                if not url.startswith(f"{self.issuer}/"):
                    return url
                answer = self.browser.get(url, allow_redirects=False)
                continue
            if answer.status_code != 200:
                raise AssertionError(f"{url} answers {answer.status_code}: {answer.text}")
            form = Form(answer.text)
            if form.action is None:
                return form.leads_to
            known = self.credentials | (typed or {})
            fields = {name: known.get(name, value) for name, value in form.fields.items()} | dict(form.buttons[:1])
            url = urljoin(url, form.action)
            answer = self.browser.post(url, data=fields, allow_redirects=False)
        raise AssertionError(f"there is no end at {url}")
