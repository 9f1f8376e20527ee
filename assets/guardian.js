// What the browser does by itself, without a round trip: modal dialogs, copy buttons, shortcuts, and the fading of
// figures that changed. Elements ask for it by data attributes:
//   <dialog data-open="true|false">        is shown modally; Esc and the backdrop click its [data-dismiss] button
//   <button data-copy="text">              copies the text; data-copy-table="id" copies that table as CSV,
//                                          data-copy-from="id" what stands in that field
//   <button data-save-table="id" data-filename="name"> saves that table as a CSV file
//   <button data-reload>                   loads the document anew
//   <button data-focus="id">               moves the focus to that element
//   <input type="hidden" data-query="name"> carries that parameter of the address along when its form is sent
//   <form data-closes>                     closes the menu that it is in when it is sent
//   <input data-filter>                    is focused by "/", a button pressed
//   <a data-stay>                          leaves the menu open that it is in
//   <input data-autofocus>                 is empty and focused when the menu opens that it is in
//   <a role="checkbox">                    is also followed by the space bar
//   <tr class="opens">                     leads where its <a class="into"> does, wherever it is clicked
//   <dialog id="palette">                  is opened by Ctrl K / ⌘ K
//   <time data-relative datetime>          keeps telling how long ago that is
//   <span data-live>                       fades once when its text changes while nothing is loading
(() => {
  "use strict";

  const fade = (element) => {
    element.classList.remove("flash");
    void element.offsetWidth; // restarts the animation
    element.classList.add("flash");
  };

  const obey = (dialog) => {
    const wanted = dialog.dataset.open === "true";
    if (wanted && !dialog.open) dialog.showModal();
    if (!wanted && dialog.open) dialog.close();
  };

  const dismiss = (dialog) => {
    const button = dialog.querySelector("[data-dismiss]");
    if (button) button.click();
    else dialog.close();
  };

  const observer = new MutationObserver((records) => {
    const changed = new Set();
    let loaded = false;
    let places = null;
    for (const record of records) {
      if (record.type === "attributes") {
        if (record.attributeName === "data-open") obey(record.target);
        else loaded = true;
      } else if (record.type === "characterData") {
        const element = record.target.parentElement?.closest("[data-live]");
        if (element) changed.add(element);
      } else {
        places ??= record.target.closest?.("#palette ul");
        for (const node of record.addedNodes) {
          if (node.nodeType !== Node.ELEMENT_NODE) continue;
          if (node.matches("dialog[data-open]")) obey(node);
          node.querySelectorAll("dialog[data-open]").forEach(obey);
        }
      }
    }
    if (places) narrow(places.closest("#palette"));
    // Figures that arrive because somebody chose another range are no news.
    if (!loaded) changed.forEach(fade);
  });
  observer.observe(document.documentElement, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ["data-open", "aria-busy"],
  });
  document.querySelectorAll("dialog[data-open]").forEach(obey);

  // The words of format.relative, which wrote the first ones. nodeValue, because React owns the text node.
  const relative = (moment) => {
    const seconds = Math.trunc((Date.now() - moment.getTime()) / 1000);
    const size = Math.abs(seconds);
    if (size < 60) return seconds >= 0 ? "just now" : "in a moment";
    const days = Math.floor(size / 86400);
    const span =
      size < 3600
        ? `${Math.floor(size / 60)}\u00a0min`
        : size < 86400
          ? `${Math.floor(size / 3600)}\u00a0h`
          : `${days}\u00a0day${days > 1 ? "s" : ""}`;
    return seconds > 0 ? `${span} ago` : `in ${span}`;
  };

  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-relative]")) {
      const text = element.firstChild;
      const words = relative(new Date(element.dateTime));
      if (text?.nodeType === Node.TEXT_NODE && text.nodeValue !== words) text.nodeValue = words;
    }
  }, 30_000);

  const csv = (table) =>
    [...table.rows]
      .map((row) =>
        [...row.cells]
          .map((cell) => (cell.dataset.csv ?? cell.textContent).trim())
          // A leading = + - @ would be run as a formula by a spreadsheet; a plain number may keep its sign.
          .map((text) => (/^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text))
          .map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
          .join(","),
      )
      .join("\n");

  const put = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Plain http on a name that is not the loopback has no clipboard.
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };

  const save = (button) => {
    const table = document.getElementById(button.dataset.saveTable);
    const url = URL.createObjectURL(new Blob([`${csv(table)}\n`], { type: "text/csv;charset=utf-8" }));
    Object.assign(document.createElement("a"), { href: url, download: button.dataset.filename }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };

  const copy = async (button) => {
    const table = button.dataset.copyTable && document.getElementById(button.dataset.copyTable);
    const field = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    await put(table ? csv(table) : field ? field.value : button.dataset.copy);
    button.dataset.copied = "true";
    const label = button.querySelector("[data-copy-label]");
    if (!label) return;
    const before = label.textContent;
    label.textContent = "Copied";
    setTimeout(() => {
      label.textContent = before;
      delete button.dataset.copied;
    }, 1500);
  };

  // Browsers without anchor positioning would show a popover in the corner of the window: put it below its button.
  document.addEventListener(
    "toggle",
    (event) => {
      const popover = event.target;
      const field = event.newState === "open" && popover.querySelector("[data-autofocus]");
      if (field) {
        field.value = "";
        field.focus();
      }
      if (event.newState !== "open" || CSS.supports("position-area", "bottom") || !popover.matches(".popover")) return;
      const button = document.querySelector(`[popovertarget="${popover.id}"]`)?.getBoundingClientRect();
      if (!button) return;
      popover.style.top = `${button.bottom + 4}px`;
      popover.style.left = `${Math.max(8, Math.min(button.left, window.innerWidth - popover.offsetWidth - 8))}px`;
    },
    true,
  );

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-table], [data-copy-from]");
    if (button) copy(button);
    const saver = event.target.closest("[data-save-table]");
    if (saver) save(saver);
    if (event.target.closest("[data-reload]")) window.location.reload();
    const row = event.target.closest("tr.opens");
    // Who marks a part of it to copy does not want to leave.
    if (row && !event.target.closest("a, button") && getSelection().isCollapsed) row.querySelector("a.into")?.click();
    const goal = event.target.closest("[data-focus]");
    if (goal) document.getElementById(goal.dataset.focus)?.focus();
    if (event.target instanceof HTMLDialogElement) {
      const box = event.target.getBoundingClientRect();
      const inside =
        event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!inside) dismiss(event.target);
    }
    const sheet = event.target.closest("a:not([data-stay])")?.closest("[popover]");
    if (sheet) sheet.hidePopover();
  });

  // What a page remembers on the server belongs to this document: one that is loaded anew, or by another person, begins
  // with nothing of it. Reflex keeps the name of it in the session's storage, and by itself in memory for as long as the
  // document lives, so that a connection that comes back finds it.
  window.addEventListener("pagehide", () => sessionStorage.removeItem("token"));

  // Who goes back while a dialog is open has left it.
  window.addEventListener("popstate", () => document.querySelectorAll("dialog[open]").forEach(dismiss));

  // A chart is as wide as the screen: on paper its picture is scaled to what there is.
  window.addEventListener("beforeprint", () => {
    for (const picture of document.querySelectorAll(".chart .main-svg")) {
      picture.setAttribute("viewBox", `0 0 ${picture.getAttribute("width")} ${picture.getAttribute("height")}`);
    }
  });
  window.addEventListener("afterprint", () => {
    document.querySelectorAll(".chart .main-svg").forEach((picture) => picture.removeAttribute("viewBox"));
  });

  document.addEventListener(
    "cancel",
    (event) => {
      if (!(event.target instanceof HTMLDialogElement)) return;
      event.preventDefault();
      dismiss(event.target);
    },
    true,
  );

  const openPalette = () => {
    const palette = document.getElementById("palette");
    if (!palette || palette.open) return;
    palette.showModal();
    const input = palette.querySelector("input");
    input.value = "";
    narrow(palette);
    input.focus();
  };

  const visible = (palette) => [...palette.querySelectorAll("li")].filter((item) => !item.hidden);

  const choose = (palette, item) => {
    palette.querySelectorAll("li").forEach((other) => other.setAttribute("aria-selected", String(other === item)));
    item?.scrollIntoView({ block: "nearest" });
  };

  const narrow = (palette) => {
    const words = palette.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
    palette.querySelectorAll("li").forEach((item) => {
      const text = item.textContent.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    });
    const found = visible(palette);
    choose(palette, found[0]);
    palette.querySelector(".none").hidden = found.length > 0;
  };

  // At the last moment: somebody may be faster than the page's own script.
  document.addEventListener(
    "submit",
    (event) => {
      const query = new URLSearchParams(location.search);
      for (const input of event.target.querySelectorAll("input[data-query]")) {
        input.value = query.get(input.dataset.query) ?? "";
      }
      if (event.target.matches("[data-closes]")) event.target.closest("[popover]")?.hidePopover();
    },
    true,
  );

  document.addEventListener("input", (event) => {
    const palette = event.target.closest?.("#palette");
    if (palette) narrow(palette);
  });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    const palette = event.target.closest?.("#palette");
    if (palette && ["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) {
      event.preventDefault();
      const found = visible(palette);
      const at = found.findIndex((item) => item.getAttribute("aria-selected") === "true");
      if (event.key === "Enter") {
        palette.close();
        found[at]?.querySelector("a").click();
        return;
      }
      choose(palette, found[(at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length]);
      return;
    }
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing) {
      const filter = document.querySelector("[data-filter]");
      if (filter) {
        event.preventDefault();
        filter.focus();
        if (filter instanceof HTMLButtonElement) filter.click();
      }
    }
    if (event.key === " " && event.target.matches?.('a[role="checkbox"]')) {
      event.preventDefault();
      event.target.click();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-opens-palette]")) openPalette();
    const palette = event.target.closest("#palette");
    if (palette && event.target.closest("a")) palette.close();
  });
})();
