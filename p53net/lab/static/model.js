// @ts-check
// The page of a model from a file.
"use strict";

(async () => {
  const POINTS = 201;
  const FIRST = 9; // figures and sliders at first
  const LONGEST = 1e9;

  /** @param {string} id */
  const by = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const { made, slider, box, group, list } = ELEMENTS,
    { plain } = FIGURES;
  const unitOf = (/** @type {string} */ unit) => ELEMENTS.shownUnit(unit) || "no unit";
  const opened = await PACKED.unpacked(by("data").textContent || "");
  by("data").remove();
  const { data } = opened,
    about = /** @type {AboutFile} */ (/** @type {any} */ (data).file);
  const readouts = data.kinds.file.system.readouts;
  const lab = new CELLS.Lab(data, opened.blobs),
    single = new Calculator(opened, lab);
  document.title = `${about.name}: p53net lab`;
  by("title").textContent = about.name;
  by("subtitle").textContent = "A model from a file, run by the batch engine of p53net. ";
  by("about").textContent = `Version ${data.version}. Units are those of the file.`;
  by("sbml").remove();
  by("footer").textContent = "Nothing is sent anywhere: the page may open no connection.";

  /** @type {{parameters: Record<string, number>, end: number, shown: string[]}} */
  const state = { parameters: {}, end: 100, shown: about.variables.slice(0, FIRST) };
  let left = read(location.hash),
    turn = 0,
    running = false,
    frame = 0;
  /** @type {null | {times: Float64Array, curves: Curves}} */
  let own = null;
  /** @type {null | {times: Float64Array, curves: Curves}} */
  let file = null;

  /** What of an address means nothing here. @param {string} text */
  function read(text) {
    const lost = [];
    for (const [name, value] of new URLSearchParams(text.replace(/^#/, ""))) {
      const number = value.trim() === "" ? NaN : Number(value),
        parameter = name.slice(2);
      if (name === "end" && number > 0 && number <= LONGEST) state.end = number;
      else if (name === "show")
        state.shown = about.variables.filter((one) => value.split(" ").includes(one));
      else if (
        name.startsWith("p.") &&
        Object.hasOwn(about.free, parameter) &&
        Number.isFinite(number)
      )
        state.parameters[parameter] = number;
      else lost.push(name);
    }
    return lost;
  }

  function written() {
    const found = new URLSearchParams({ end: String(state.end), show: state.shown.join(" ") });
    for (const [name, value] of Object.entries(state.parameters))
      found.set(`p.${name}`, String(value));
    return found.toString();
  }

  /** @param {boolean} again */
  function changed(again) {
    history.replaceState(null, "", `#${written()}`);
    if (again) fill();
    run();
  }

  function fill() {
    const form = by("controls"),
      open = ELEMENTS.opened(form),
      focused = document.activeElement?.id;
    const names = Object.keys(about.free),
      first = names.slice(0, FIRST);
    const sliders = [
      ...first,
      ...Object.keys(state.parameters).filter((name) => !first.includes(name)),
    ];
    form.replaceChildren(
      group(
        "Run",
        open,
        true,
        slider(
          {
            id: "end",
            label: "Length of the run",
            unit: unitOf(about.time),
            value: state.end,
            low: -2,
            high: 5,
            step: 0.01,
            log: true,
            most: LONGEST,
          },
          (value) => {
            if (value > 0) state.end = value;
            changed(false);
          },
        ),
      ),
      group(
        "Parameters",
        open,
        true,
        ...sliders.map(parameter),
        list(
          "more",
          "Another parameter",
          [
            ["", "choose one"],
            ...names
              .filter((name) => !sliders.includes(name))
              .map((name) => /** @type {[string, string]} */ ([name, name])),
          ],
          "",
          (name) => {
            if (name) state.parameters[name] = about.free[name][0];
            changed(true);
          },
        ),
      ),
      group(
        "Show",
        open,
        false,
        ...about.variables.map((name) =>
          box(`show-${name}`, name, state.shown.includes(name), false, "", (on) => {
            state.shown = about.variables.filter((one) =>
              one === name ? on : state.shown.includes(one),
            );
            changed(false);
          }),
        ),
      ),
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  /** @param {string} name */
  function parameter(name) {
    const [usual, unit] = about.free[name],
      log = usual > 0;
    const [low, high] = log
      ? [Math.log10(usual) - 1, Math.log10(usual) + 1]
      : usual < 0
        ? [2 * usual, 0]
        : [0, 1];
    return slider(
      {
        id: `p-${name}`,
        label: name,
        unit: unitOf(unit),
        value: state.parameters[name] ?? usual,
        low,
        high,
        step: log ? 0.01 : (high - low) / 100,
        log,
        least: -1e300,
        most: 1e300,
        note: `${plain(usual)} in the file`,
      },
      (value) => {
        if (value === usual) delete state.parameters[name];
        else state.parameters[name] = value;
        changed(false);
      },
      name in state.parameters
        ? () => {
            delete state.parameters[name];
            changed(true);
          }
        : undefined,
    );
  }

  /** Show what is chosen now; the last choice counts. */
  async function run() {
    turn += 1;
    document.body.dataset.turn = String(turn);
    if (running) return;
    running = true;
    let mine = 0;
    while (mine !== turn) {
      mine = turn;
      const { end, parameters } = state,
        other = Object.keys(parameters).length > 0;
      try {
        own = await single.ask("file", { parameters, end, points: POINTS });
        file = other ? await single.ask("file", { parameters: {}, end, points: POINTS }) : null;
        problem(
          left.length
            ? `The link has parts that mean nothing here and were left out: ${left.join(", ")}.`
            : "",
        );
        left = [];
        draw();
      } catch (error) {
        problem(
          `${/** @type {Error} */ (error).message}. Set a parameter back, or shorten the run.`,
        );
      }
    }
    running = false;
    document.body.dataset.rested = String(mine);
  }

  /** @param {string} text */
  function problem(text) {
    by("problem").hidden = !text;
    by("problem").textContent = text && text[0].toUpperCase() + text.slice(1);
  }

  function draw() {
    if (!own) return;
    const now = own,
      figures = by("figures"),
      columns = Math.max(Math.floor(figures.clientWidth / 300), 1);
    const width = Math.floor(figures.clientWidth / columns) - 12;
    figures.replaceChildren(
      ...state.shown.map((name) => {
        const values = now.curves[name],
          unit = unitOf(readouts[name].unit);
        const low = values.reduce((a, b) => Math.min(a, b)),
          high = values.reduce((a, b) => Math.max(a, b));
        const meaning =
          readouts[name].meaning === name ? name : `${name}: ${readouts[name].meaning}`;
        const said = `${meaning}, from ${plain(low)} to ${plain(high)} ${unit}, at the end ${plain(values[values.length - 1])}`;
        const picture = FIGURES.plainCurve(
          now.times,
          values,
          file && file.curves[name],
          width,
          unitOf(about.time),
          unit,
          said,
        );
        const whole = made("figure", {}, made("figcaption", {}, meaning), picture);
        whole.style.width = `${picture.getAttribute("width")}px`;
        return whole;
      }),
    );
    by("summary").textContent =
      `${state.shown.length} of ${about.variables.length} quantities, until ${plain(state.end)} ${about.time}.`;
    by("legend").replaceChildren(
      file ? made("span", {}, "thin, dashed: with the parameters of the file") : "",
    );
    assumptions();
  }

  function assumptions() {
    const details = /** @type {HTMLDetailsElement} */ (by("assumptions"));
    if (!details.open) return;
    const rows = Object.entries(about.free).map(([name, [value, unit]]) =>
      made(
        "tr",
        {},
        made("th", { scope: "row" }, name),
        ...[
          plain(value),
          name in state.parameters ? plain(state.parameters[name]) : "",
          unitOf(unit),
        ].map((one) => made("td", {}, one)),
      ),
    );
    const head = ["parameter", "in the file", "yours", "unit"].map((one) =>
      made("th", { scope: "col" }, one),
    );
    details.lastElementChild?.replaceChildren(
      made(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": "Parameters" },
        made("table", {}, made("thead", {}, made("tr", {}, ...head)), made("tbody", {}, ...rows)),
      ),
    );
  }

  function csv() {
    if (!own) return "";
    const now = own,
      names = about.variables;
    const lines = Array.from(now.times, (time, i) =>
      [time, ...names.map((name) => now.curves[name][i])].join(","),
    );
    return `${["time", ...names].join(",")}\n${lines.join("\n")}\n`;
  }

  function python() {
    const changed = Object.entries(state.parameters)
      .map(([name, value]) => `${JSON.stringify(name)}: ${value}`)
      .join(", ");
    return [
      "import numpy as np",
      "import p53net as pn",
      "",
      `model = pn.read_sbml(${JSON.stringify(about.name)}, accuracy=1e-8)`,
      `times = np.linspace(0, ${state.end}, ${POINTS})  # ${about.time}`,
      `run = model.simulate(times${changed ? `, parameters={${changed}}` : ""}, engine="batch")`,
      "",
    ].join("\n");
  }

  /** @param {string} title @param {string} text */
  function show(title, text) {
    by("text-title").textContent = title;
    /** @type {HTMLElement} */ (by("text").querySelector("pre")).textContent = text;
    /** @type {HTMLDialogElement} */ (by("text")).showModal();
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

  const picture = () => EXPORTS.svg(by("figures"), by("legend"), about.name);
  const actions = /** @type {Record<string, () => void>} */ ({
    link: () => copy(location.href),
    python: () => show("The same run in Python", python()),
    csv: () => EXPORTS.download("p53net_lab.csv", csv(), "text/csv"),
    svg: () => EXPORTS.download("p53net_lab.svg", picture().text, "image/svg+xml"),
    png: async () =>
      EXPORTS.download("p53net_lab.png", await EXPORTS.png(picture(), 2), "image/png"),
  });
  for (const [name, action] of Object.entries(actions)) by(name).addEventListener("click", action);
  by("text-copy").addEventListener("click", () =>
    copy(by("text").querySelector("pre")?.textContent || ""),
  );
  by("text-close").addEventListener("click", () =>
    /** @type {HTMLDialogElement} */ (by("text")).close(),
  );
  const summary = by("assumptions").querySelector("summary");
  if (summary) summary.textContent = "Parameters of the file";
  by("assumptions").addEventListener("toggle", assumptions);
  by("numbers").remove();
  by("controls").addEventListener("submit", (event) => event.preventDefault());
  new ResizeObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }).observe(by("results"));
  Object.assign(window, { p53lab: { single, csv, python } });
  fill();
  run();
})().catch(ELEMENTS.broken);
