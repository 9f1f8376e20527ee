// Sends files to be imported straight to the API, one after the other, and tells how far each is.
//   <input type="file" data-import-files>   sends what is chosen
//   <div data-import-drop>                  sends what is dropped on it
//   <select|input data-import-option="key"> goes along as that parameter of the request
//   data-import-most, data-import-too-large  on it: the most bytes of a file, and what is said of one that has more
//   <div id="import-sending">               shows a line for each file until the server has it
(() => {
  "use strict";

  const options = () => {
    const found = {};
    for (const field of document.querySelectorAll("[data-import-option]")) {
      if (field.value.trim()) found[field.dataset.importOption] = field.value.trim();
    }
    return found;
  };

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const line = (file) => {
    const row = element("div", "progress");
    const words = element("div", "row");
    const note = element("span", "muted small push", "Waiting to be sent");
    words.append(element("span", "", file.name), note);
    const track = element("div", "track");
    const bar = element("span", "");
    bar.style.width = "0%";
    track.append(bar);
    row.append(words, track);
    document.getElementById("import-sending")?.append(row);
    return {
      sent: (share) => {
        bar.style.width = `${Math.round(share * 100)}%`;
        note.textContent = share < 1 ? `Sending, ${Math.round(share * 100)} %` : "Sent";
      },
      done: () => row.remove(),
      failed: (message) => {
        const again = element("button", "button quiet", "Close");
        again.type = "button";
        again.addEventListener("click", () => row.remove());
        note.textContent = message;
        note.className = "bad small push";
        track.replaceWith(again);
      },
    };
  };

  const send = (file, shown) =>
    new Promise((resolve) => {
      const query = new URLSearchParams({ ...options(), fileName: file.name });
      const request = new XMLHttpRequest();
      request.open("POST", `/api/v1/imports?${query}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", (event) => shown.sent(event.total ? event.loaded / event.total : 0));
      request.addEventListener("load", () => {
        if (request.status < 300) shown.done();
        else {
          let message = "The server refused the file.";
          try {
            message = JSON.parse(request.responseText).error || message;
          } catch {
            // Whoever answered was not the API.
          }
          shown.failed(message);
        }
        resolve();
      });
      request.addEventListener("error", () => {
        shown.failed("The connection broke. Nothing was imported; send it again.");
        resolve();
      });
      request.send(file);
    });

  let queue = Promise.resolve();
  const take = (files) => {
    // The server refuses it too, but a browser that sends two gigabytes listens only afterwards.
    const { importMost, importTooLarge } = document.querySelector("[data-import-drop]").dataset;
    for (const file of files) {
      const shown = line(file);
      if (Number(importMost) && file.size > Number(importMost)) shown.failed(importTooLarge);
      else queue = queue.then(() => send(file, shown));
    }
  };

  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-import-files]")) return;
    take([...event.target.files]);
    event.target.value = "";
  });
  for (const kind of ["dragover", "drop", "dragleave"]) {
    document.addEventListener(kind, (event) => {
      const place = event.target.closest?.("[data-import-drop]");
      if (!place) return;
      event.preventDefault();
      place.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take([...event.dataTransfer.files]);
    });
  }
})();
