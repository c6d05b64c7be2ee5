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
