// What the pages gain from a script; each works without it. Loaded in the head, before first paint, so that a
// remembered theme doesn't flash; everything else waits for the document and for what htmx brings later.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (where, what) => [...(where.matches?.(what) ? [where] : []), ...where.querySelectorAll(what)];
  const make = (tag, props = {}, ...children) => {
    const it = Object.assign(document.createElement(tag), props);
    it.append(...children);
    return it;
  };

  // ---- theme: the system's unless the reader chose ----
  const remember = { get: () => { try { return localStorage.theme; } catch { return null; } }, set: (t) => { try { localStorage.theme = t; } catch { /* private window: not remembered */ } } };
  const chosen = remember.get();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  root.classList.add("js");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

  // ---- dialogs: confirm and key help ----
  const dialog = (title, body, ...buttons) => {
    const box = make("dialog", {}, make("h2", { textContent: title }), ...body, make("div", { className: "actions" }, ...buttons));
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
    return box;
  };
  const button = (label, kind, click) => {
    const it = make("button", { type: "button", className: "btn", textContent: label });
    if (kind) it.dataset.kind = kind;
    it.addEventListener("click", click);
    return it;
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const asking = event.submitter?.dataset.confirm ? event.submitter : form.dataset.confirm ? form : null;
    if (!asking || form.sure) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    const box = dialog(asking.dataset.confirm, [],
      button("Cancel", "quiet", () => box.close()),
      button(asking.dataset.confirmButton || submitter?.textContent.trim() || "Yes", "danger", () => {
        box.close();
        form.sure = true;
        form.requestSubmit(submitter ?? undefined);
        form.sure = false;
      }));
  }, true);

  // ---- on paper nothing can be opened: all findings are, and then again as they were ----
  addEventListener("beforeprint", () => document.querySelectorAll("details.finding:not([open])").forEach((it) => { it.open = true; it.dataset.shut = ""; }));
  addEventListener("afterprint", () => document.querySelectorAll("details[data-shut]").forEach((it) => { it.open = false; delete it.dataset.shut; }));
  // A link to a finding opens it.
  const opened = () => { const it = document.getElementById(decodeURIComponent(location.hash.slice(1))); if (it?.matches("details")) it.open = true; };
  addEventListener("hashchange", opened);
  document.addEventListener("DOMContentLoaded", opened);

  // ---- clicks ----
  const copy = async (from) => {
    const source = from.dataset.copy ? document.querySelector(from.dataset.copy) : from.closest("figure, .code, .excerpt")?.querySelector("pre, table");
    if (!source) return;
    const whole = (source.value ?? source.textContent).replace(/\n$/, "");
    // A console listing mixes commands and output: what one wants on the clipboard is the commands.
    const commands = whole.split("\n").filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
    const words = commands.length ? commands.join("\n") : whole;
    try {
      await navigator.clipboard.writeText(words);
    } catch { // plain http off loopback has no clipboard: select it, so that Ctrl+C is enough
      getSelection().selectAllChildren(source);
      return;
    }
    const label = [...from.childNodes].find((n) => n.nodeType === 3 && n.data.trim());
    const before = label?.data;
    from.dataset.done = "";
    if (label) label.data = "Copied";
    setTimeout(() => { delete from.dataset.done; if (label) label.data = before; }, 1600);
  };
  document.addEventListener("click", (event) => {
    const on = (what) => event.target.closest?.(what);
    const copying = on("[data-copy]");
    if (copying) copy(copying);
    const fold = on("[data-fold]");
    if (fold) fold.closest("section").querySelectorAll("details.finding").forEach((it) => { it.open = fold.dataset.fold === "open"; });
    if (on("[data-print]")) print();
    if (on("[data-theme-toggle]")) {
      root.dataset.theme = dark() ? "light" : "dark";
      remember.set(root.dataset.theme);
    }
    // A click on a line's number writes it into the remark form of that file.
    const line = on(".review .source th");
    const into = line?.textContent.trim() && line.closest(".excerpt")?.parentElement.querySelector("input[name=line]");
    if (into) {
      for (let fold = into.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      into.value = line.textContent.trim();
      into.form.querySelector("[name=words]")?.focus();
    }
    on("[data-dismiss]")?.closest(".flash, .toast, .tour, .note")?.remove();
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("change", (event) => event.target.matches?.("[data-submit]") && event.target.form?.requestSubmit());

  // ---- keys: whatever says data-key, and rows by j and k ----
  const typing = (it) => it.closest?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable=true], .cm-editor, dialog");
  const step = (by) => {
    const rows = [...document.querySelectorAll("[data-row]")];
    if (!rows.length) return false;
    const at = rows.findIndex((r) => r.getAttribute("aria-selected") === "true");
    const to = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    for (const row of rows) row.toggleAttribute("aria-selected", false);
    to.setAttribute("aria-selected", "true");
    to.scrollIntoView({ block: "nearest" });
    return true;
  };
  const help = () => {
    const list = make("dl");
    const say = (key, words) => list.append(make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: words }));
    if (document.querySelector("[data-row]") && !document.querySelector("[data-key=j]")) { say("j", "next row"); say("k", "previous row"); say("Enter", "open the row"); }
    for (const it of document.querySelectorAll("[data-key]")) {
      const own = [...it.childNodes].filter((n) => n.nodeName !== "KBD").map((n) => n.textContent).join(" ");
      say(it.dataset.key, it.dataset.keyLabel || it.labels?.[0]?.textContent || own.trim());
    }
    say("?", "this help");
    const box = dialog("Keys", [list], button("Close", "", () => box.close()));
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target)) {
      if (event.key === "Escape" && !event.target.closest(".cm-editor, dialog")) event.target.blur();
      return;
    }
    const it = [...document.querySelectorAll("[data-key]")].find((x) => x.dataset.key === event.key);
    if (it) {
      event.preventDefault();
      for (let fold = it.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      if (it.matches("a[href], button, summary")) it.click(); else it.focus();
    } else if (event.key === "?" && document.querySelector("[data-key], [data-row]")) help();
    else if (event.key === "j" || event.key === "k") { if (step(event.key === "j" ? 1 : -1)) event.preventDefault(); }
    else if (event.key === "Enter" && event.target === document.body) document.querySelector('[data-row][aria-selected="true"] a[href]')?.click();
  });

  // ---- files: a list under the drop zone, more drops add to it ----
  const size = (n) => (n < 1024 ? `${n} B` : n < 1048576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`);
  const dropZone = (zone) => {
    const input = zone.querySelector("input[type=file]");
    if (!input || typeof DataTransfer === "undefined") return;
    const list = make("ul", { className: "files", hidden: true });
    list.setAttribute("aria-live", "polite");
    zone.after(list);
    let files = [];
    const show = () => {
      const carrier = new DataTransfer();
      for (const f of files) carrier.items.add(f);
      input.files = carrier.files;
      list.hidden = !files.length;
      list.replaceChildren(...files.map((f) => {
        const away = make("button", { type: "button", className: "icon-btn", textContent: "✕" });
        away.setAttribute("aria-label", `Remove ${f.name}`);
        away.addEventListener("click", () => { files = files.filter((x) => x !== f); show(); (list.querySelector("button") ?? input).focus(); });
        return make("li", {}, make("span", { className: "name", textContent: f.name }), make("span", { className: "size", textContent: size(f.size) }), away);
      }));
    };
    const add = (more) => {
      more = [...more];
      files = [...(input.multiple ? files.filter((f) => !more.some((m) => m.name === f.name)) : []), ...more];
      show();
    };
    input.addEventListener("change", () => add(input.files));
    for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (e) => { e.preventDefault(); zone.dataset.over = ""; });
    for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => delete zone.dataset.over);
    zone.addEventListener("drop", (e) => { e.preventDefault(); add(e.dataTransfer.files); });
    add(input.files);
  };

  // ---- editors: one tab a file; a <template> inside offers a new one ----
  const editors = (box) => {
    const bar = make("div");
    bar.setAttribute("role", "tablist");
    const strip = make("div", { className: "tabs" }, bar);
    const panels = () => [...box.querySelectorAll(":scope > .editor")];
    const name = (panel) => panel.querySelector("[data-filename]")?.value || panel.querySelector("[data-file]")?.dataset.file || "new file";
    const open = (panel) => {
      for (const p of panels()) p.hidden = p !== panel;
      for (const t of bar.querySelectorAll("[role=tab]")) {
        t.setAttribute("aria-selected", t.panel === panel);
        t.tabIndex = t.panel === panel ? 0 : -1;
      }
    };
    const tab = (panel) => {
      const it = make("button", { type: "button", textContent: name(panel), panel });
      it.setAttribute("role", "tab");
      it.addEventListener("click", () => open(panel));
      panel.setAttribute("role", "tabpanel");
      panel.querySelector("[data-filename]")?.addEventListener("input", () => { it.textContent = name(panel); });
      return it;
    };
    bar.append(...panels().map(tab));
    const blank = box.querySelector(":scope > template");
    if (blank) {
      const plus = make("button", { type: "button", textContent: "+ file" });
      plus.addEventListener("click", () => {
        blank.before(blank.content.cloneNode(true));
        const panel = panels().at(-1);
        bar.append(tab(panel));
        open(panel);
        document.dispatchEvent(new CustomEvent("groundcrew:editors", { detail: panel }));
        panel.querySelector("[data-filename], textarea")?.focus();
      });
      strip.append(plus);
    }
    bar.addEventListener("keydown", (e) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      const tabs = [...bar.querySelectorAll("[role=tab]")];
      if (by) { const to = tabs[(tabs.indexOf(document.activeElement) + by + tabs.length) % tabs.length]; to.focus(); to.click(); }
    });
    box.prepend(strip);
    if (panels().length) open(panels()[0]);
  };

  // ---- times ----
  const ago = (time) => {
    const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
    const [unit, length] = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]].find(([, l]) => Math.abs(seconds) >= l * 1.5) ?? ["second", 1];
    time.title ||= time.textContent.trim();
    time.textContent = new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / length), unit);
  };
  const local = (time) => {
    const at = new Date(time.dateTime);
    const say = (timeZone) => new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit", timeZone }).format(at);
    const there = time.dataset.zone ? say(time.dataset.zone) : null;
    const here = say();
    if (there ? there === here : time.textContent.includes(here.slice(-5))) return;
    time.after(" ", make("span", { className: "muted nowrap", textContent: `(${here} where you are)` }));
  };

  const ready = (where) => {
    all(where, "[data-drop]").forEach(dropZone);
    all(where, "[data-editors]").forEach(editors);
    all(where, "time[data-relative]").forEach(ago);
    all(where, "time[data-local]").forEach(local);
    // What scrolls sideways must be reachable by keyboard.
    for (const box of all(where, ".scroll, .excerpt, .diff-box, pre")) if (box.scrollWidth > box.clientWidth && !box.querySelector("a, button, input")) box.tabIndex = 0;
  };
  document.addEventListener("DOMContentLoaded", () => {
    ready(document.body);
    setInterval(() => document.querySelectorAll("time[data-relative]").forEach(ago), 30000);
    document.body.addEventListener("htmx:load", (event) => event.detail.elt !== document.body && ready(event.detail.elt));
    const links = [...document.querySelectorAll(".toc a[href^='#']")];
    if (links.length && "IntersectionObserver" in window) {
      const seen = new IntersectionObserver((entries) => {
        const top = entries.find((e) => e.isIntersecting);
        if (top) links.forEach((a) => (a.hash === `#${top.target.id}` ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current")));
      }, { rootMargin: "0px 0px -70% 0px" });
      links.map((a) => document.getElementById(decodeURIComponent(a.hash.slice(1)))).filter(Boolean).forEach((h) => seen.observe(h));
    }
  });
})();
