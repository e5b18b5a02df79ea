// Tables sort by a click on a column's title: once upwards, twice downwards. Cells without a value stay last.
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const value = (row) => row.cells[column].dataset.sort;
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => {
        const x = value(a), y = value(b);
        if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
        const order = head.classList.contains("number") ? Number(x) - Number(y) : x.localeCompare(y);
        return down ? -order : order;
      });
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      table.tBodies[0].append(...rows);
    });
  });
}
// Maps: a list chooses the answer, what is pointed at is told below, and a focused map zooms and moves.
for (const figure of document.querySelectorAll("figure.map")) {
  const map = figure.querySelector("svg"), told = figure.querySelector("output");
  const whole = map.getAttribute("viewBox").split(" ").map(Number);
  let view = [...whole], drag = null;
  const show = () => {
    map.setAttribute("viewBox", view.map((side) => side.toFixed(2)).join(" "));
    map.style.setProperty("--zoom", view[2] / whole[2]);
  };
  figure.querySelector("select")?.addEventListener("change", (event) => {
    for (const answer of map.querySelectorAll(".answer"))
      answer.style.display = answer.dataset.answer === event.target.value ? "" : "none";
  });
  map.addEventListener("pointerover", (event) => {
    const title = event.target === map ? null : event.target.querySelector(":scope > title");
    if (told) told.textContent = title ? title.textContent : "";
  });
  map.addEventListener("wheel", (event) => {
    if (document.activeElement !== map) return;
    event.preventDefault();
    const box = map.getBoundingClientRect(), width = view[2];
    view[2] = Math.min(whole[2], Math.max(whole[2] / 64, width * Math.exp(event.deltaY / 500)));
    view[3] = view[2] * whole[3] / whole[2];
    const shrink = width - view[2];
    view[0] += shrink * (event.clientX - box.left) / box.width;
    view[1] += shrink * whole[3] / whole[2] * (event.clientY - box.top) / box.height;
    show();
  }, { passive: false });
  map.addEventListener("pointerdown", (event) => {
    if (document.activeElement !== map) return;
    drag = [event.clientX, event.clientY, view[0], view[1]];
    map.setPointerCapture(event.pointerId);
  });
  map.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const step = view[2] / map.getBoundingClientRect().width;
    view[0] = drag[2] - (event.clientX - drag[0]) * step;
    view[1] = drag[3] - (event.clientY - drag[1]) * step;
    show();
  });
  for (const end of ["pointerup", "pointercancel"]) map.addEventListener(end, () => { drag = null; });
  map.addEventListener("dblclick", () => { view = [...whole]; show(); });
}
