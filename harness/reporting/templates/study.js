"use strict";
// Sorting, filtering and copying, for pages that are complete without them. All text is set as
// text, so that nothing of a store is read as markup.
(() => {
  const FEW = 6; // rows that need no filter
  const missing = (value) => Number.isNaN(value);

  // The number that a cell begins with: "1,235", "2.1e-4", "3.1 (2.9 to 3.3)", "(4.5)", "2 min 5 s".
  const asNumber = (text) => {
    const time = text.match(/^(?:([\d,]+) h ?)?(?:(\d+) min ?)?(?:(\d+) s)?$/);
    if (text && time) {
      const [hours, minutes, seconds] = time.slice(1).map((t) => Number((t || "0").replace(/,/g, "")));
      return 3600 * hours + 60 * minutes + seconds;
    }
    return Number.parseFloat(text.replace(/,/g, "").replace("\u2212", "-").replace(/^\(/, ""));
  };

  const compare = (numeric, sign) => (one, other) => {
    if (!numeric) return sign * one.value.localeCompare(other.value, "en", { numeric: true });
    if (missing(one.value) || missing(other.value)) return missing(one.value) - missing(other.value);
    return sign * (one.value - other.value);
  };

  const sortBy = (table, index, header) => {
    const numeric = header.classList.contains("num");
    const down = header.getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => {
      const text = row.cells[index].textContent.trim();
      return { row, value: numeric ? asNumber(text) : text };
    });
    rows.sort(compare(numeric, down ? -1 : 1));
    body.append(...rows.map((one) => one.row));
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
  };

  const addFilter = (table) => {
    const rows = Array.from(table.tBodies[0].rows);
    if (rows.length <= FEW) return;
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("output");
    label.className = "filter";
    input.type = "search";
    input.placeholder = "part of a row, as rmsprop";
    label.append("Show rows with ", input, " ", count);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, index) => {
        row.hidden = !words.every((word) => texts[index].includes(word));
      });
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = words.length ? `${shown} of ${rows.length}` : "";
    });
    table.closest(".scroll").before(label);
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    Array.from(table.tHead.rows[0].cells).forEach((header, index) => {
      if (table.tBodies[0].rows[0]?.cells[index].querySelector("img")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sortBy(table, index, header));
      header.append(button);
    });
    addFilter(table);
  }

  // One trial through all plots: its marks, where a figure tells them, and its rows.
  const NEAR = 14; // CSS pixels from a mark
  const SVG = "http://www.w3.org/2000/svg";
  const made = (tag, attributes) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  const plots = Array.from(document.querySelectorAll(".plot"), (element) => {
    const marks = new Map();
    for (const one of element.dataset.marks.split("|")) {
      const [trial, ...places] = one.split(" ");
      marks.set(trial, places.map((place) => place.split(",").map(Number)));
    }
    const image = element.querySelector("img");
    const size = [Number(image.getAttribute("width")), Number(image.getAttribute("height"))];
    const layer = made("svg", { viewBox: `0 0 ${size[0]} ${size[1]}`, "aria-hidden": "true" });
    element.append(layer);
    // On a phone, a wide picture gives way to a narrow one, with its marks elsewhere.
    const narrow = element.querySelector("source[media*='max-width']");
    const told = () => !(narrow && matchMedia("(max-width: 40rem)").matches);
    return { element, marks, size, layer, told };
  });

  const rowsOf = new Map();
  for (const table of document.querySelectorAll("table.sortable")) {
    const names = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent.trim());
    const column = names.indexOf("trial");
    if (column < 0 || !plots.length || names.includes("study")) continue;
    for (const row of table.tBodies[0].rows) {
      const trial = String(Number.parseInt(row.cells[column].textContent, 10));
      rowsOf.set(trial, [...(rowsOf.get(trial) || []), row]);
      row.addEventListener("pointerenter", () => light(trial));
      row.addEventListener("pointerleave", () => light(null));
      if (!table.classList.contains("board")) continue;
      row.tabIndex = 0;
      row.addEventListener("focus", () => light(trial));
      row.addEventListener("blur", () => light(null));
    }
  }

  const light = (trial) => {
    for (const row of document.querySelectorAll("tr.lit")) row.classList.remove("lit");
    for (const row of rowsOf.get(trial) || []) row.classList.add("lit");
    for (const { marks, size, layer, told } of plots) {
      layer.replaceChildren();
      const places = marks.get(trial);
      if (!places || !told()) continue;
      layer.append(made("polyline", { points: places.map((place) => place.join(",")).join(" ") }));
      for (const [x, y] of places) layer.append(made("circle", { cx: x, cy: y, r: 5 }));
      const [x, y] = places[places.length - 1];
      const end = x > size[0] - 60 ? "end" : "start";
      const text = made("text", { x: x + (end === "end" ? -9 : 9), y: Math.max(14, y - 9), "text-anchor": end });
      text.textContent = `trial ${trial}`;
      layer.append(text);
    }
  };

  for (const { element, marks, size, told } of plots) {
    let shown = null;
    const nearest = (event) => {
      const box = element.getBoundingClientRect();
      const scale = size[0] / box.width;
      const at = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      let [found, least] = [null, NEAR * scale];
      for (const [trial, places] of marks) {
        for (const [x, y] of places) {
          const distance = Math.hypot(x - at[0], y - at[1]);
          if (distance < least) [found, least] = [trial, distance];
        }
      }
      return found;
    };
    const point = (trial) => {
      if (trial !== shown) light((shown = trial));
    };
    element.addEventListener("pointermove", (event) => point(told() ? nearest(event) : null));
    element.addEventListener("pointerleave", () => point(null));
  }

  for (const region of document.querySelectorAll(".scroll")) {
    const hint = document.createElement("p");
    hint.className = "more note";
    hint.textContent = "There is more to the right: scroll sideways.";
    const tell = () => {
      hint.hidden = region.scrollWidth <= region.clientWidth + 1;
    };
    region.after(hint);
    new ResizeObserver(tell).observe(region);
    tell();
  }

  for (const block of document.querySelectorAll("pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      getSelection().selectAllChildren(block);
      try {
        await navigator.clipboard.writeText(block.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Selected"; // where a page may not write to the clipboard
      }
    });
    block.before(button);
  }
})();
