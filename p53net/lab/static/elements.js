// @ts-check
// Elements of a form, each with a label: lists, sliders with a box beside them, and boxes to tick.
"use strict";

const ELEMENTS = (() => {
  const STEP = 0.01; // decades, of a logarithmic slider

  /** An element with attributes and what is in it; text stays text.
   * @param {string} tag @param {Record<string, string|number|boolean>} attributes
   * @param {...(Node|string)} inside */
  function made(tag, attributes, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false) element.setAttribute(name, String(value));
    }
    element.append(...inside);
    return element;
  }

  /** A list to choose from. @param {string} id @param {string} label
   * @param {[string, string][]} options value and text @param {string} chosen
   * @param {(value: string) => void} changed */
  function list(id, label, options, chosen, changed) {
    const select = /** @type {HTMLSelectElement} */ (
      made(
        "select",
        { id },
        ...options.map(([value, text]) =>
          made("option", { value, selected: value === chosen }, text),
        ),
      )
    );
    select.addEventListener("change", () => changed(select.value));
    return made("div", { class: "row" }, made("label", { for: id }, label), select);
  }

  /** A slider with a box for the exact number beside it. On a logarithmic one the position is the
   * decade.
   * @param {{id: string, label: string, unit: string, value: number, low: number, high: number,
   *   step: number, log?: boolean, note?: string, least?: number, most?: number}} given
   * @param {(value: number) => void} moved @param {() => void} [reset] */
  function slider(given, moved, reset) {
    const { id, label, unit, value, low, high, step, log = false, note = "" } = given;
    const place = (/** @type {number} */ x) => (log ? Math.log10(Math.max(x, 10 ** low)) : x);
    const said = (/** @type {number} */ x) => `${FIGURES.plain(x)} ${unit}`;
    const range = /** @type {HTMLInputElement} */ (
      made("input", {
        type: "range",
        id,
        min: low,
        max: high,
        step: log ? STEP : step,
        value: place(value),
        "aria-valuetext": said(value),
      })
    );
    const box = /** @type {HTMLInputElement} */ (
      made("input", {
        type: "number",
        "aria-label": `${label} [${unit}], exact`,
        value,
        step: "any",
        min: given.least ?? 0,
        max: given.most ?? 1e9,
      })
    );
    range.addEventListener("input", () => {
      const at = Number(range.value),
        found = log ? Number((10 ** at).toPrecision(3)) : at;
      box.value = String(found);
      range.setAttribute("aria-valuetext", said(found));
      moved(found);
    });
    box.addEventListener("change", () => {
      const found = Number(box.value);
      if (box.value === "" || !box.checkValidity() || !Number.isFinite(found)) {
        box.setAttribute("aria-invalid", "true");
        return;
      }
      box.removeAttribute("aria-invalid");
      range.value = String(place(found));
      range.setAttribute("aria-valuetext", said(found));
      moved(found);
    });
    const row = made(
      "div",
      { class: "slider" },
      made("label", { for: id }, label, " ", made("span", { class: "unit" }, `[${unit}]`)),
      box,
      range,
    );
    if (note) row.append(made("small", {}, note));
    if (reset) {
      const back = made(
        "button",
        { type: "button", class: "small", "aria-label": `Set ${label} back` },
        "set back",
      );
      back.addEventListener("click", reset);
      row.append(back);
    }
    return row;
  }

  /** @param {string} id @param {string} label @param {boolean} checked @param {boolean} disabled
   * @param {string} why @param {(value: boolean) => void} changed */
  function box(id, label, checked, disabled, why, changed) {
    const input = /** @type {HTMLInputElement} */ (
      made("input", { type: "checkbox", id, checked, disabled })
    );
    input.addEventListener("change", () => changed(input.checked));
    return made(
      "div",
      { class: "check" },
      input,
      made("label", { for: id }, label),
      made("small", {}, why),
    );
  }

  /** Which groups are open. @param {HTMLElement} form @returns {Map<string, boolean>} */
  function opened(form) {
    return new Map(
      Array.from(form.querySelectorAll("details"), (one) => [
        one.querySelector("summary")?.textContent || "",
        one.open,
      ]),
    );
  }

  /** @param {string} title @param {Map<string, boolean>} open @param {boolean} usual
   * @param {...(Node|string)} inside */
  function group(title, open, usual, ...inside) {
    return made(
      "details",
      { open: open.get(title) ?? usual },
      made("summary", {}, title),
      ...inside,
    );
  }

  /** A unit as people write it. @param {string} unit */
  function shownUnit(unit) {
    return (
      /** @type {Record<string, string>} */ ({
        dimensionless: "1",
        per_hour: "1/h",
        per_nM: "1/nM",
        nM_per_hour: "nM/h",
        per_nM_per_hour: "1/(nM h)",
        hour: "h",
        L_per_hour: "L/h",
        mm3_per_hour: "mm3/h",
        giga_per_L: "1e9/L",
        g_per_dL: "g/dL",
      })[unit] || unit
    );
  }

  /** Say on the page that this browser cannot run it. @param {Error} error */
  function broken(error) {
    const box = /** @type {HTMLElement} */ (document.getElementById("problem"));
    box.hidden = false;
    box.textContent =
      `This browser cannot run the page (${error.message}). It needs WebAssembly with SIMD and ` +
      "DecompressionStream: Chrome 91, Firefox 113, Safari 16.4 or later.";
  }

  return { broken, STEP, made, list, slider, box, group, opened, shownUnit };
})();
