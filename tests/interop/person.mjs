// Somebody with a browser: logs in, agrees, and is sent back to the client.

export class Person {
  #cookies = new Map();
  #issuer;
  #user;

  static async logIn({ issuer, user }) {
    const person = new Person();
    person.#issuer = issuer;
    person.#user = user;
    const answer = await person.send(`${issuer}/login`, JSON.stringify(user), "application/json");
    if (!answer.ok) throw new Error(`a login is answered ${answer.status}`);
    return person;
  }

  async send(url, body, type = "application/x-www-form-urlencoded") {
    const cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
    const headers = { accept: "text/html", origin: this.#issuer, cookie };
    if (body !== undefined) headers["content-type"] = type;
    const method = body === undefined ? "GET" : "POST";
    const answer = await fetch(url, { method, headers, body, redirect: "manual" });
    for (const set of answer.headers.getSetCookie()) {
      const [pair] = set.split(";");
      const [name, value] = pair.split(/=(.*)/s);
      if (/max-age=0/i.test(set)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return answer;
  }

  // Goes there, types what is asked for, says yes, and ends where the client waits, or on a page that asks nothing.
  async visit(url, typed = {}) {
    let answer = await this.send(url);
    for (let steps = 0; steps < 10; steps += 1) {
      const location = answer.headers.get("location");
      if (location) {
        url = new URL(location, url).href;
        if (!url.startsWith(`${this.#issuer}/`)) return url;
        answer = await this.send(url);
        continue;
      }
      const page = await answer.text();
      if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}: ${page}`);
      const attribute = (tag, name) => unescaped(new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? "");
      const form = /<form[^>]*>/.exec(page);
      if (!form) return attribute(/<meta http-equiv="refresh"[^>]*>/.exec(page)?.[0] ?? "", "content").split("url=")[1];
      const fields = new URLSearchParams();
      for (const [input] of page.matchAll(/<input[^>]*>/g)) {
        const name = attribute(input, "name");
        if (name) fields.set(name, { ...this.#user, ...typed }[name] ?? attribute(input, "value"));
      }
      const button = [...page.matchAll(/<button[^>]*>/g)].find(([tag]) => attribute(tag, "name"));
      if (button) fields.set(attribute(button[0], "name"), attribute(button[0], "value"));
      url = new URL(attribute(form[0], "action"), url).href;
      answer = await this.send(url, fields.toString());
    }
    throw new Error(`there is no end at ${url}`);
  }
}

function unescaped(text) {
  const named = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => named[name]);
}
