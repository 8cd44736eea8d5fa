// @ts-check
// The page: what is chosen goes to workers, what comes back is drawn.
"use strict";

(async () => {
  const LIVE = { draws: 100, nominal: 1e-6 }; // while something moves
  const WHOLE = { draws: 500, nominal: 1e-7 }; // when it rests
  const REST = 250; // ms
  const DOSES = 25;

  /** @param {string} id */
  const by = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const { made, shownUnit } = ELEMENTS,
    { plain, nameOf } = FIGURES;

  const opened = await PACKED.unpacked(by("data").textContent || "");
  by("data").remove();
  const { data } = opened;
  by("about").textContent =
    `Version ${data.version}: the package's own engine, compiled for this page.`;
  const lab = new CELLS.Lab(data, opened.blobs);
  const single = new Calculator(opened, lab),
    many = new Calculator(opened, lab),
    slow = new Calculator(opened, lab);
  let { state, left } = STATE.read(data, location.hash);
  /** @type {Shown | null} */
  let shown = null;
  /** @type {Patient | null} */
  let patient = null;
  let turn = 0,
    rest = 0,
    frame = 0,
    running = false;

  /** @param {string} text */
  function problem(text) {
    by("problem").hidden = !text;
    by("problem").textContent = text && text[0].toUpperCase() + text.slice(1);
  }

  /** Read-outs of the dish. */
  const readouts = () => data.kinds[lab.key(STATE.setting(state))].system.readouts;

  /** Mechanisms of the drugs, as keys have them. */
  const group = () =>
    state.drugs
      .flatMap((one) => (one ? [lab.mechanism(one.name)] : []))
      .sort()
      .join("+");

  /** @param {boolean} again */
  function changed(again) {
    history.replaceState(null, "", `#${STATE.written(state)}`);
    if (again) CONTROLS.fill(by("controls"), lab, state, changed);
    run();
  }

  /** What a job gave, or why it gave nothing. @param {Promise<any> | null} job
   * @returns {Promise<{value: any, error: Error | null}>} */
  async function ended(job) {
    try {
      return { value: await job, error: null };
    } catch (error) {
      return { value: null, error: /** @type {Error} */ (error) };
    }
  }

  /** Show what is chosen now. While something is worked out, later choices wait, and only the last
   * of them counts: so the picture follows a slider that keeps moving. */
  async function run() {
    turn += 1;
    document.body.dataset.turn = String(turn); // for those who wait until it has rested
    clearTimeout(rest);
    if (running) return;
    running = true;
    let mine = 0;
    while (mine !== turn) {
      mine = turn;
      const began = performance.now();
      try {
        const errors = await (state.place === "dish" ? inDish() : inBody()),
          error = errors.find((one) => one);
        problem(error ? `${error.message}. Set a parameter back, or choose another cell.` : "");
        draw();
      } catch (error) {
        problem(`The page has a fault: ${/** @type {Error} */ (error).message}`);
      }
      Object.assign(document.body.dataset, {
        took: (performance.now() - began).toFixed(1),
        drawn: String(mine),
      });
      document.body.dataset.loaded ??= performance.now().toFixed(0);
    }
    running = false;
    if (state.place === "dish" && state.band)
      rest = window.setTimeout(() => whole(mine, STATE.setting(state)), REST);
    else document.body.dataset.rested = String(mine);
  }

  /** Curves, band and dose-response of a dish; why some are not there. */
  async function inDish() {
    const setting = STATE.setting(state),
      drug = /** @type {Chosen} */ (state.drugs[0]);
    const band = state.band
      ? many.ask("band", setting, LIVE.draws, FIGURES.SHARES, LIVE.nominal, state.fold)
      : null;
    const range = lab.mechanism(drug.name) === "degrader" ? [-3, 3] : [0, 5];
    const doses = Array.from(
      { length: DOSES },
      (_, i) => 10 ** (range[0] + ((range[1] - range[0]) * i) / (DOSES - 1)),
    );
    const curves = single.ask("curves", setting);
    const response = single.ask("response", setting, state.read, state.at, doses);
    const [found, spread, dosed] = await Promise.all([curves, band, response].map(ended));
    if (found.value) shown = { found: found.value, band: spread.value, response: dosed.value };
    return [found.error, spread.error, dosed.error];
  }

  /** Marrow and tumour of a patient; why they are not there. */
  async function inBody() {
    const found = await ended(single.ask("patient", STATE.treatment(state)));
    if (found.value) patient = found.value;
    return [found.error];
  }

  /** The band of all draws, once nothing moves. @param {number} mine @param {Setting} setting */
  async function whole(mine, setting) {
    try {
      const band = await slow.ask(
        "band",
        setting,
        WHOLE.draws,
        FIGURES.SHARES,
        WHOLE.nominal,
        state.fold,
      );
      if (mine !== turn || !shown) return;
      shown = { ...shown, band };
      draw();
      document.body.dataset.rested = String(mine);
    } catch (error) {
      if (mine === turn)
        problem(`The band cannot be made: ${/** @type {Error} */ (error).message}`);
    }
  }

  function draw() {
    cancelAnimationFrame(frame);
    const box = by("figures"),
      columns = Math.max(Math.floor(box.clientWidth / 300), 1);
    const width = Math.floor(box.clientWidth / columns) - 12;
    by("sbml").toggleAttribute("disabled", state.place !== "dish");
    if (state.place === "dish" && shown) box.replaceChildren(...dishPanels(shown, width));
    else if (state.place !== "dish" && patient)
      box.replaceChildren(...patientPanels(patient, width));
    else return;
    legend();
    by("summary").textContent = state.place === "dish" ? summary() : summaryOfPatient();
    numbers();
    assumptions();
  }

  /** @param {Shown} now @param {number} width */
  function dishPanels(now, width) {
    const { found } = now,
      about = readouts(),
      drug = /** @type {Chosen} */ (state.drugs[0]);
    const panels = FIGURES.panels(found.closed).map(({ title, names }) => {
      const said = `${title} over ${state.hours} h: ${names.map((name) => sentence(found, name, about[name].unit)).join("; ")}`;
      return panel(
        title,
        FIGURES.curves(names, now, state, width, about[names[0]].unit, said),
        names,
      );
    });
    if (!now.response) return panels;
    const { closed, opened, untreated } = now.response,
      last = closed.length - 1,
      { unit } = about[state.read];
    const title = `${nameOf(state.read)} at ${plain(state.at)} h, by dose of ${drug.name}`;
    const said =
      `${title}: from ${plain(closed[0])} to ${plain(closed[last])} ${unit}` +
      `, with the loop opened to ${plain(opened[last])}; untreated ${plain(untreated)}`;
    return [
      ...panels,
      panel(title, FIGURES.response(now.response, state, width, drug.name, unit, said), []),
    ];
  }

  /** @param {Patient} now @param {number} width */
  function patientPanels(now, width) {
    return FIGURES.BODY.map(([place, title, pattern]) => {
      const found = now[place],
        about = data.bodies[`${place}|${group()}`].system.readouts;
      const names = group()
        .split("+")
        .map((one) => pattern.replace("*", one));
      const own = [...new Set(names)].filter((name) => name in found.closed),
        { unit } = about[own[0]];
      const said = `${title} over ${state.days} days: ${own.map((name) => sentence(found, name, unit, true)).join("; ")}`;
      const limit = data.patients.limits[own[0]];
      return panel(title, FIGURES.course(found, own, state, width, unit, said, limit), own);
    });
  }

  /** @param {string} title @param {SVGSVGElement} picture @param {string[]} names */
  function panel(title, picture, names) {
    const key =
      names.length > 1
        ? made(
            "span",
            { class: "key" },
            ...names.map((name, i) =>
              made("span", {}, line(FIGURES.COLOURS[i], FIGURES.DASHES[i], 2.2), nameOf(name)),
            ),
          )
        : "";
    const whole = made("figure", {}, made("figcaption", {}, title), key, picture);
    whole.style.width = `${picture.getAttribute("width")}px`;
    return whole;
  }

  /** A piece of a line, for keys. @param {string} colour @param {string} dash @param {number} thick */
  function line(colour, dash, thick) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const one = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [name, value] of Object.entries({ width: 28, height: 10, "aria-hidden": "true" }))
      svg.setAttribute(name, String(value));
    for (const [name, value] of Object.entries({
      x1: 0,
      x2: 28,
      y1: 5,
      y2: 5,
      stroke: colour,
      "stroke-width": thick,
      "stroke-dasharray": dash,
    }))
      one.setAttribute(name, String(value));
    svg.append(one);
    return svg;
  }

  function legend() {
    const dish = state.place === "dish";
    const parts = [
      made("span", {}, line("#333", "none", 2.4), "thick: loop closed, as in the cell"),
    ];
    if (state.opened)
      parts.push(
        made(
          "span",
          {},
          line("#333", "4 3", 1),
          "thin, dashed: loop opened, the p53-driven MDM2 promoter held",
        ),
      );
    if (dish && shown?.band) {
      const { count, failed } = shown.band;
      const lost = failed ? `, ${failed} without a run` : "";
      parts.push(
        made(
          "span",
          {},
          made("i", { class: "swatch" }),
          `95 % of ${count} draws of the shipped ensemble${lost}`,
        ),
      );
    }
    if (!dish) {
      parts.push(
        made(
          "span",
          {},
          line("#D55E00", "2 3", 1),
          `below it: grade ${data.patients.grade} or more`,
        ),
      );
      parts.push(
        made(
          "span",
          {},
          "A typical patient. Read the tumour as a comparison, not as a forecast; KT-253's plasma in man is assumed.",
        ),
      );
    }
    if (dish && !state.closed)
      parts.push(
        made(
          "span",
          {},
          made("i", { class: "swatch grey" }),
          `${state.drugs[0]?.name} in the medium`,
        ),
      );
    by("legend").replaceChildren(...parts);
  }

  /** Highest value, and when. @param {Found} found @param {Float64Array} values */
  function peak(found, values) {
    const at = values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
    return { value: values[at], time: found.times[at] };
  }

  /** Lowest value, and when. @param {Found} found @param {Float64Array} values */
  function trough(found, values) {
    const at = values.reduce((best, value, i) => (value < values[best] ? i : best), 0);
    return { value: values[at], time: found.times[at] };
  }

  /** @param {Found} found @param {string} name @param {string} unit @param {boolean} [days] */
  function sentence(found, name, unit, days = false) {
    const high = peak(found, found.closed[name]),
      low = trough(found, found.closed[name]),
      before = found.untreated[name];
    const fold = before > 0 ? `, ${plain(high.value / before)} times untreated` : "";
    const when = (/** @type {number} */ time) =>
      days ? `on day ${plain(time / BODIES.DAY)}` : `at ${plain(time)} h`;
    return `${nameOf(name)} at most ${plain(high.value)} ${unit} ${when(high.time)}${fold}; at least ${plain(low.value)} ${when(low.time)}`;
  }

  function summaryOfPatient() {
    if (!patient) return "";
    const { marrow, tumour } = patient,
      low = trough(marrow, marrow.closed.platelets);
    const volume = tumour.closed.tumour_volume,
      end = volume[volume.length - 1] / volume[0];
    return (
      `Platelets fall to ${plain(low.value)} 1e9/L on day ${plain(low.time / BODIES.DAY)}, ` +
      `from ${plain(marrow.untreated.platelets)}; grade ${data.patients.grade} begins below ${data.patients.limits.platelets}. ` +
      `On day ${state.days} the tumour has ${plain(end)} times its first volume.`
    );
  }

  function summary() {
    if (!shown) return "";
    const { closed, opened: other, untreated } = shown.found,
      before = untreated.p53_active;
    if (!(before > 0)) return "There is no active p53 in this cell.";
    const one = peak(shown.found, closed.p53_active).value / before,
      two = peak(shown.found, other.p53_active).value / before;
    const end = closed.MDM2_total[closed.MDM2_total.length - 1] / untreated.MDM2_total;
    return (
      `Active p53 rises to ${plain(one)} times untreated, with the loop opened to ${plain(two)} times. ` +
      `At ${plain(state.hours)} h all MDM2 is at ${plain(end)} times untreated.`
    );
  }

  function numbers() {
    const box = /** @type {HTMLDetailsElement} */ (by("numbers"));
    if (!box.open) return;
    const places =
      state.place === "dish"
        ? [["", shown?.found]]
        : [
            ["marrow, ", patient?.marrow],
            ["tumour, ", patient?.tumour],
          ];
    const head = [
      "",
      "unit",
      "untreated",
      "highest",
      "at [h]",
      "times untreated",
      "highest, loop opened",
      "lowest",
      "at [h]",
      "at the end",
    ];
    const rows = places.flatMap(([place, one]) => {
      const found = /** @type {Found|undefined|null} */ (one);
      if (!found) return [];
      const key = String(place).replace(", ", ""),
        about = key ? data.bodies[`${key}|${group()}`].system.readouts : readouts();
      return Object.keys(found.closed).map((name) => {
        const top = peak(found, found.closed[name]),
          low = trough(found, found.closed[name]),
          before = found.untreated[name];
        return [
          `${place}${nameOf(name)}`,
          about[name].unit,
          plain(before),
          plain(top.value),
          plain(top.time),
          before > 0 ? plain(top.value / before) : "",
          plain(peak(found, found.opened[name]).value),
          plain(low.value),
          plain(low.time),
          plain(found.closed[name][found.times.length - 1]),
        ];
      });
    });
    box.lastElementChild?.replaceChildren(table(head, rows));
  }

  /** @param {string[]} head @param {string[][]} rows */
  function table(head, rows) {
    return made(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table" },
      made(
        "table",
        {},
        made("thead", {}, made("tr", {}, ...head.map((one) => made("th", { scope: "col" }, one)))),
        made(
          "tbody",
          {},
          ...rows.map(([first, ...others]) =>
            made(
              "tr",
              {},
              made("th", { scope: "row" }, first),
              ...others.map((one) => made("td", {}, one)),
            ),
          ),
        ),
      ),
    );
  }

  function assumptions() {
    const box = /** @type {HTMLDetailsElement} */ (by("assumptions"));
    const dish = state.place === "dish";
    const all = dish ? lab.rows(STATE.setting(state)) : BODIES.allRows(lab, STATE.treatment(state));
    const rows = Object.entries(all).filter(([, row]) => row[3] !== "computed");
    const guessed = rows.filter(([, row]) => row[3] === "assumed").length;
    const summaryText = box.querySelector("summary");
    if (summaryText)
      summaryText.textContent = `Assumptions: ${guessed} of ${rows.length} values are assumed; every value with its source`;
    if (!box.open) return;
    const one = data.structures.find(({ name }) => name === state.structure);
    const structure = dish ? state.structure : data.structures[0].name,
      line = dish ? state.line : state.tumour;
    const about = made(
      "p",
      {},
      `Structure ${structure}${one?.choices ? ` (${one.choices})` : ""}${one?.note ? `: ${one.note}` : ""}. ` +
        `Cell line ${line}: ${data.lines.find(({ name }) => name === line)?.about}.` +
        (dish
          ? ""
          : " The marrow is that of the line progenitor; where a value differs, the tumour's is shown."),
    );
    const body = rows.map(([name, [value, unit, source, kind]]) => [
      name,
      plain(value),
      name in state.parameters ? plain(state.parameters[name]) : "",
      shownUnit(unit),
      kind,
      data.sources[source],
    ]);
    box.lastElementChild?.replaceChildren(
      about,
      table(["parameter", "value", "yours", "unit", "kind", "source"], body),
    );
  }

  /** @param {string} title @param {string} text */
  function show(title, text) {
    const dialog = /** @type {HTMLDialogElement} */ (by("text"));
    by("text-title").textContent = title;
    /** @type {HTMLElement} */ (dialog.querySelector("pre")).textContent = text;
    dialog.showModal();
  }

  /** @param {string} text */
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      by("summary").textContent = "Copied.";
    } catch {
      show("Copy this", text);
    }
  }

  const title = () => {
    if (state.place !== "dish") {
      const given = STATE.treatment(state).drugs.map(
        (one) => `${one.name} ${plain(one.amount)} mg ${one.on}/${one.of}`,
      );
      return `${given.join(" and ")}, patient with ${state.tumour}`;
    }
    const given = STATE.setting(state)
      .drugs.map((one) => `${one.name} ${plain(one.dose)} nM`)
      .join(" and ");
    return `${given}, ${state.line}, structure ${state.structure}`;
  };

  /** The table of what is shown, if there is something. */
  function csv() {
    if (state.place === "dish") return shown && EXPORTS.csv(shown, state);
    return patient && EXPORTS.csvOfPatient(patient, state, data.bodies, group());
  }

  function python() {
    if (state.place === "dish") return EXPORTS.python(STATE.setting(state));
    const given = STATE.treatment(state);
    return EXPORTS.pythonOfPatient(given, {
      marrow: BODIES.rows(lab, "marrow", given),
      tumour: BODIES.rows(lab, "tumour", given),
    });
  }

  const picture = () => EXPORTS.svg(by("figures"), by("legend"), title());

  const actions = /** @type {Record<string, () => void>} */ ({
    link: () => copy(location.href),
    python: () => show("The same run in Python", python()),
    csv: () => EXPORTS.download("p53net_lab.csv", csv() || "", "text/csv"),
    svg: () => EXPORTS.download("p53net_lab.svg", picture().text, "image/svg+xml"),
    png: async () =>
      EXPORTS.download("p53net_lab.png", await EXPORTS.png(picture(), 2), "image/png"),
    sbml: async () => EXPORTS.download("p53net_lab.xml", await model(), "application/xml"),
  });

  async function model() {
    const setting = STATE.setting(state),
      kind = data.kinds[lab.key(setting)];
    const text = new TextDecoder().decode(opened.blobs[kind.sbml]),
      start = await single.ask("start", setting);
    return EXPORTS.sbml(
      text,
      setting,
      start,
      kind.system.dosed,
      (name) => lab.mechanism(name),
      title(),
    );
  }

  for (const [name, action] of Object.entries(actions)) by(name).addEventListener("click", action);
  by("text-copy").addEventListener("click", () =>
    copy(by("text").querySelector("pre")?.textContent || ""),
  );
  by("text-close").addEventListener("click", () =>
    /** @type {HTMLDialogElement} */ (by("text")).close(),
  );
  by("assumptions").addEventListener("toggle", assumptions);
  by("numbers").addEventListener("toggle", numbers);
  by("controls").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => {
    ({ state, left } = STATE.read(data, location.hash));
    start();
  });
  new ResizeObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }).observe(by("results"));
  // For tests: the same jobs, without the picture.
  Object.assign(window, {
    p53lab: {
      single,
      many,
      draw,
      model,
      svg: picture,
      png: () => EXPORTS.png(picture(), 2),
      csv,
      python,
    },
  });

  function start() {
    CONTROLS.fill(by("controls"), lab, state, changed);
    run().then(() => {
      if (left.length)
        problem(`The link has parts that mean nothing here and were left out: ${left.join(", ")}.`);
    });
  }
  start();
})().catch(ELEMENTS.broken);
