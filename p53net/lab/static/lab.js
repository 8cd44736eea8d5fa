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
  const { made, shownUnit } = CONTROLS, { plain, nameOf } = FIGURES;

  /** One worker, which does the latest of each kind of job; in a browser that allows none, this
   * very page works. */
  class Calculator {
    /** @param {{data: Data, blobs: Uint8Array[]}} opened */
    constructor(opened) {
      /** @type {Map<string, {id: number, given: any[], done: Function, failed: Function}>} */
      this.waiting = new Map();
      this.busy = /** @type {null | {id: number, done: Function, failed: Function}} */ (null);
      this.count = 0;
      this.lab = new CELLS.Lab(opened.data, opened.blobs);
      try {
        const text = `${by("engine").textContent}\n${by("worker").textContent}`;
        this.worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
        this.worker.onmessage = ({ data }) => this._answered(data);
        this.worker.onerror = () => this._alone();
        this.worker.postMessage({ open: opened });
      } catch {
        this.worker = null;
      }
    }

    /** @param {string} call @param {any[]} given @returns {Promise<any>} */
    ask(call, ...given) {
      return new Promise((done, failed) => {
        this.waiting.get(call)?.failed(new Error("overtaken"));
        this.waiting.set(call, { id: ++this.count, given, done, failed });
        this._next();
      });
    }

    _next() {
      const [call] = this.waiting.keys();
      const job = this.waiting.get(call);
      if (this.busy || !job) return;
      this.waiting.delete(call);
      this.busy = job;
      if (this.worker) this.worker.postMessage({ id: job.id, call, given: job.given });
      else setTimeout(() => this._here(call, job), 0);
    }

    /** @param {string} call @param {{id: number, given: any[]}} job */
    _here(call, job) {
      try {
        this._answered({ id: job.id, result: CELLS.answer(this.lab, call, job.given) });
      } catch (error) {
        this._answered({ id: job.id, error: /** @type {Error} */ (error).message });
      }
    }

    _alone() {
      this.worker = null;
      this.busy?.failed(new Error("this browser allows no workers; the page works without them now"));
      this.busy = null;
      this._next();
    }

    /** @param {{id: number, result?: any, error?: string}} answer */
    _answered({ result, error }) {
      const job = this.busy;
      this.busy = null;
      if (error) job?.failed(new Error(error));
      else job?.done(result);
      this._next();
    }
  }

  const opened = await PACKED.unpacked(by("data").textContent || "");
  by("data").remove();
  const { data } = opened;
  by("about").textContent = `Version ${data.version}: the package's own engine, compiled for this page.`;
  const lab = new CELLS.Lab(data, opened.blobs);
  const single = new Calculator(opened), many = new Calculator(opened);
  let { state, left } = STATE.read(data, location.hash);
  /** @type {Shown | null} */
  let shown = null;
  let turn = 0, rest = 0, frame = 0;

  /** @param {string} text */
  function problem(text) {
    by("problem").hidden = !text;
    by("problem").textContent = text;
  }

  /** @param {State} now */
  function unitOf(now) {
    return data.kinds[lab.key(STATE.setting(now))].system.readouts[now.read].unit;
  }

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

  /** Ask for everything that is shown; what has been overtaken is dropped. */
  async function run() {
    const mine = ++turn, setting = STATE.setting(state), began = performance.now();
    const drug = /** @type {Chosen} */ (state.drugs[0]);
    document.body.dataset.turn = String(mine); // for those who wait until it has rested
    clearTimeout(rest);
    const band = state.band ? many.ask("band", setting, LIVE.draws, FIGURES.SHARES, LIVE.nominal, state.fold) : null;
    const range = lab.mechanism(drug.name) === "degrader" ? [-3, 3] : [0, 5];
    const doses = Array.from({ length: DOSES }, (_, i) => 10 ** (range[0] + ((range[1] - range[0]) * i) / (DOSES - 1)));
    const curves = single.ask("curves", setting);
    const response = single.ask("response", setting, state.read, state.at, doses);
    const [found, spread, dosed] = await Promise.all([curves, band, response].map(ended));
    if (mine !== turn) return;
    const error = [found, spread, dosed].map((one) => one.error).find((one) => one && one.message !== "overtaken");
    problem(error ? `${error.message[0].toUpperCase()}${error.message.slice(1)}. Set a parameter back, or choose another cell.` : "");
    if (!found.value) return;
    shown = { found: found.value, band: spread.value, response: dosed.value };
    draw();
    const took = performance.now() - began;
    Object.assign(document.body.dataset, { took: took.toFixed(1), drawn: String(mine) });
    document.body.dataset.loaded ??= performance.now().toFixed(0);
    if (state.band) rest = window.setTimeout(() => whole(mine, setting), REST);
    else document.body.dataset.rested = String(mine);
  }

  /** The band of all draws, once nothing moves. @param {number} mine @param {Setting} setting */
  async function whole(mine, setting) {
    try {
      const band = await many.ask("band", setting, WHOLE.draws, FIGURES.SHARES, WHOLE.nominal, state.fold);
      if (mine !== turn || !shown) return;
      shown = { ...shown, band };
      draw();
      document.body.dataset.rested = String(mine);
    } catch (error) {
      if (mine === turn) problem(`The band cannot be made: ${/** @type {Error} */ (error).message}`);
    }
  }

  function draw() {
    cancelAnimationFrame(frame);
    if (!shown) return;
    const now = shown, box = by("figures"), { found } = now;
    const readouts = data.kinds[lab.key(STATE.setting(state))].system.readouts;
    const columns = Math.max(Math.floor(box.clientWidth / 300), 1);
    const width = Math.floor(box.clientWidth / columns) - 12;
    const drug = /** @type {Chosen} */ (state.drugs[0]);
    const made_ = FIGURES.panels(found.closed).map(({ title, names }) => {
      const said = `${title} over ${state.hours} h: ${names.map((name) => sentence(name)).join("; ")}`;
      return panel(title, FIGURES.curves(names, now, state, width, readouts[names[0]].unit, said), names);
    });
    if (now.response) {
      const title = `${nameOf(state.read)} at ${plain(state.at)} h, by dose of ${drug.name}`;
      const last = now.response.closed.length - 1;
      const said = `${title}: from ${plain(now.response.closed[0])} to ${plain(now.response.closed[last])} ${unitOf(state)}` +
        `, with the loop opened to ${plain(now.response.opened[last])}; untreated ${plain(now.response.untreated)}`;
      made_.push(panel(title, FIGURES.response(now.response, state, width, drug.name, unitOf(state), said), []));
    }
    box.replaceChildren(...made_);
    legend();
    by("summary").textContent = summary();
    numbers();
    assumptions();
  }

  /** @param {string} title @param {SVGSVGElement} picture @param {string[]} names */
  function panel(title, picture, names) {
    const key = names.length > 1 ? made("span", { class: "key" }, ...names.map((name, i) => made("span", {},
      line(FIGURES.COLOURS[i], FIGURES.DASHES[i], 2.2), nameOf(name)))) : "";
    const whole = made("figure", {}, made("figcaption", {}, title), key, picture);
    whole.style.width = `${picture.getAttribute("width")}px`;
    return whole;
  }

  /** A piece of a line, for keys. @param {string} colour @param {string} dash @param {number} thick */
  function line(colour, dash, thick) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const one = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [name, value] of Object.entries({ width: 28, height: 10, "aria-hidden": "true" })) svg.setAttribute(name, String(value));
    for (const [name, value] of Object.entries({ x1: 0, x2: 28, y1: 5, y2: 5, stroke: colour,
      "stroke-width": thick, "stroke-dasharray": dash })) one.setAttribute(name, String(value));
    svg.append(one);
    return svg;
  }

  function legend() {
    const parts = [made("span", {}, line("#333", "none", 2.4), "thick: loop closed, as in the cell")];
    if (state.opened) parts.push(made("span", {}, line("#333", "4 3", 1), "thin, dashed: loop opened, the p53-driven MDM2 promoter held"));
    if (shown?.band) {
      const { count, failed } = shown.band;
      const lost = failed ? `, ${failed} without a run` : "";
      parts.push(made("span", {}, made("i", { class: "swatch" }), `95 % of ${count} draws of the shipped ensemble${lost}`));
    }
    if (!state.closed) parts.push(made("span", {}, made("i", { class: "swatch grey" }), `${state.drugs[0]?.name} in the medium`));
    by("legend").replaceChildren(...parts);
  }

  /** Highest value, and when. @param {Float64Array} values */
  function peak(values) {
    const at = values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
    return { value: values[at], time: shown ? shown.found.times[at] : 0 };
  }

  /** @param {string} name */
  function sentence(name) {
    if (!shown) return "";
    const { value, time } = peak(shown.found.closed[name]), before = shown.found.untreated[name];
    const fold = before > 0 ? `, ${plain(value / before)} times untreated` : "";
    return `${nameOf(name)} at most ${plain(value)} nM at ${plain(time)} h${fold}`;
  }

  function summary() {
    if (!shown) return "";
    const { closed, opened: other, untreated } = shown.found, before = untreated.p53_active;
    if (!(before > 0)) return "There is no active p53 in this cell.";
    const one = peak(closed.p53_active).value / before, two = peak(other.p53_active).value / before;
    const end = closed.MDM2_total[closed.MDM2_total.length - 1] / untreated.MDM2_total;
    return `Active p53 rises to ${plain(one)} times untreated, with the loop opened to ${plain(two)} times. ` +
      `At ${plain(state.hours)} h all MDM2 is at ${plain(end)} times untreated.`;
  }

  function numbers() {
    if (!shown) return;
    const { closed, opened: other, untreated } = shown.found;
    const head = ["", "untreated [nM]", "highest [nM]", "at [h]", "times untreated", "highest, loop opened [nM]", "at the end [nM]"];
    const rows = Object.keys(closed).map((name) => {
      const top = peak(closed[name]), before = untreated[name];
      return [nameOf(name), plain(before), plain(top.value), plain(top.time), before > 0 ? plain(top.value / before) : "",
        plain(peak(other[name]).value), plain(closed[name][closed[name].length - 1])];
    });
    by("numbers").lastElementChild?.replaceChildren(table(head, rows));
  }

  /** @param {string[]} head @param {string[][]} rows */
  function table(head, rows) {
    return made("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table" }, made("table", {},
      made("thead", {}, made("tr", {}, ...head.map((one) => made("th", { scope: "col" }, one)))),
      made("tbody", {}, ...rows.map(([first, ...others]) => made("tr", {}, made("th", { scope: "row" }, first),
        ...others.map((one) => made("td", {}, one)))))));
  }

  function assumptions() {
    const box = /** @type {HTMLDetailsElement} */ (by("assumptions"));
    const setting = STATE.setting(state), rows = Object.entries(lab.rows(setting)).filter(([, row]) => row[3] !== "computed");
    const guessed = rows.filter(([, row]) => row[3] === "assumed").length;
    const summaryText = box.querySelector("summary");
    if (summaryText) summaryText.textContent = `Assumptions: ${guessed} of ${rows.length} values are assumed; every value with its source`;
    if (!box.open) return;
    const one = data.structures.find(({ name }) => name === state.structure);
    const about = made("p", {}, `Structure ${state.structure}${one?.choices ? ` (${one.choices})` : ""}${one?.note ? `: ${one.note}` : ""}. ` +
      `Cell line ${state.line}: ${data.lines.find(({ name }) => name === state.line)?.about}.`);
    const body = rows.map(([name, [value, unit, source, kind]]) => [name, plain(value),
      name in state.parameters ? plain(state.parameters[name]) : "", shownUnit(unit), kind, data.sources[source]]);
    box.lastElementChild?.replaceChildren(about, table(["parameter", "value", "yours", "unit", "kind", "source"], body));
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
    const given = STATE.setting(state).drugs.map((one) => `${one.name} ${plain(one.dose)} nM`).join(" and ");
    return `${given}, ${state.line}, structure ${state.structure}`;
  };

  const actions = /** @type {Record<string, () => void>} */ ({
    link: () => copy(location.href),
    python: () => show("The same run in Python", EXPORTS.python(STATE.setting(state))),
    csv: () => shown && EXPORTS.download("p53net_lab.csv", EXPORTS.csv(shown, state), "text/csv"),
    svg: () => EXPORTS.download("p53net_lab.svg", EXPORTS.svg(by("figures"), title()).text, "image/svg+xml"),
    png: async () => EXPORTS.download("p53net_lab.png", await EXPORTS.png(EXPORTS.svg(by("figures"), title()), 2), "image/png"),
    sbml: async () => EXPORTS.download("p53net_lab.xml", await model(), "application/xml"),
  });

  async function model() {
    const setting = STATE.setting(state), kind = data.kinds[lab.key(setting)];
    const text = new TextDecoder().decode(opened.blobs[kind.sbml]), start = await single.ask("start", setting);
    return EXPORTS.sbml(text, setting, start, kind.system.dosed, (name) => lab.mechanism(name), title());
  }

  for (const [name, action] of Object.entries(actions)) by(name).addEventListener("click", action);
  by("text-copy").addEventListener("click", () => copy(by("text").querySelector("pre")?.textContent || ""));
  by("text-close").addEventListener("click", () => /** @type {HTMLDialogElement} */ (by("text")).close());
  by("assumptions").addEventListener("toggle", assumptions);
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
  const picture = () => EXPORTS.svg(by("figures"), title());
  Object.assign(window, { p53lab: { single, many, draw, model, svg: picture, png: () => EXPORTS.png(picture(), 2),
    csv: () => shown && EXPORTS.csv(shown, state), python: () => EXPORTS.python(STATE.setting(state)) } });

  function start() {
    CONTROLS.fill(by("controls"), lab, state, changed);
    run().then(() => {
      if (left.length) problem(`The link has parts that mean nothing here and were left out: ${left.join(", ")}.`);
    });
  }
  start();
})();
