// @ts-check
// What a user has chosen, and how it stands in the address.
"use strict";

/** A drug: nM in a dish from an hour on and for so many (0: to the end); and mg for a patient, on
 * the first days of a cycle.
 * @typedef {{name: string, dose: number, from: number, hours: number, amount: number, on: number,
 *   of: number}} Chosen */

/** @typedef {{place: string, drugs: (Chosen|null)[], line: string, tumour: string, days: number,
 *   structure: string,
 *   parameters: Record<string, number>, hours: number, closed: number, opened: boolean,
 *   band: boolean, fold: boolean, read: string, at: number}} State */

const STATE = (() => {
  const POINTS = 145;
  const LONGEST = 480,
    SHORTEST = 1; // h
  const HIGHEST = 1e6; // nM
  const LONGEST_DAYS = 168;
  const HEAVIEST = 10000; // mg
  const PLACES = ["dish", "patient"];
  /** @type {Record<string, Omit<Chosen, "name">>} */
  const USUAL = {
    inhibitor: { dose: 100, from: 0, hours: 24, amount: 260, on: 3, of: 14 },
    degrader: { dose: 0.3, from: 0, hours: 24, amount: 10, on: 1, of: 21 },
  };

  /** @param {Data} data @returns {State} */
  function first(data) {
    const drug = data.drugs.find((one) => one.name === "KT-253") || data.drugs[0];
    return {
      place: PLACES[0],
      drugs: [chosen(data, drug.name), null],
      line: data.lines[0].name,
      tumour: data.patients.line,
      days: 56,
      structure: data.structures[0].name,
      parameters: {},
      hours: 72,
      closed: 0,
      opened: true,
      band: data.draws !== null,
      fold: true,
      read: "p53_active",
      at: 24,
    };
  }

  /** A drug as it is first given. @param {Data} data @param {string} name @returns {Chosen} */
  function chosen(data, name) {
    const mechanism = data.drugs.find((one) => one.name === name)?.mechanism || "inhibitor";
    return { name, ...USUAL[mechanism] };
  }

  /** What the engine is asked for of a patient. @param {State} state @returns {Treatment} */
  function treatment(state) {
    const drugs = state.drugs.flatMap((one) =>
      one ? [{ name: one.name, amount: one.amount, on: Math.min(one.on, one.of), of: one.of }] : [],
    );
    return { drugs, line: state.tumour, parameters: state.parameters, days: state.days };
  }

  /** What the engine is asked for. @param {State} state @returns {Setting} */
  function setting(state) {
    const { line, structure, parameters, hours } = state;
    const drugs = state.drugs.flatMap((one) =>
      one
        ? [
            {
              name: one.name,
              dose: one.dose,
              from: state.closed ? 0 : one.from,
              hours: one.hours && !state.closed ? one.hours : Infinity,
            },
          ]
        : [],
    );
    return { drugs, line, structure, parameters, hours, points: POINTS, closed: state.closed };
  }

  /** The state as the part of an address behind #. @param {State} state */
  function written(state) {
    const found = new URLSearchParams();
    state.drugs.forEach((one, i) => {
      if (one)
        found.set(
          `drug${i + 1}`,
          [one.name, one.dose, one.from, one.hours, one.amount, one.on, one.of].join(" "),
        );
    });
    for (const name of /** @type {const} */ (["place", "line", "tumour", "structure", "read"]))
      found.set(name, state[name]);
    for (const name of /** @type {const} */ (["hours", "closed", "at", "days"]))
      found.set(name, String(state[name]));
    for (const name of /** @type {const} */ (["opened", "band", "fold"]))
      found.set(name, state[name] ? "1" : "0");
    for (const [name, value] of Object.entries(state.parameters))
      found.set(`p.${name}`, String(value));
    return found.toString();
  }

  /** The state of an address, and what of it was left out because it means nothing here.
   * @param {Data} data @param {string} text */
  function read(data, text) {
    const state = first(data),
      left = /** @type {string[]} */ ([]);
    const given = new URLSearchParams(text.replace(/^#/, ""));
    if (given.has("drug1") || given.has("drug2")) state.drugs = [null, null];
    const known = (/** @type {{name: string}[]} */ list, /** @type {string} */ name) =>
      list.some((one) => one.name === name);
    /** @param {string} value @param {number} least @param {number} most */
    const number = (value, least, most) => {
      const found = value.trim() === "" ? NaN : Number(value);
      return found >= least && found <= most ? found : NaN;
    };
    for (const [name, value] of given) {
      const drug = name.match(/^drug([12])$/);
      if (drug) {
        const [what, ...rest] = value.split(" ");
        const [dose, from, hours, amount, on, of] = [
          [0, HIGHEST],
          [0, LONGEST],
          [0, LONGEST],
          [0, HEAVIEST],
          [1, LONGEST_DAYS],
          [1, LONGEST_DAYS],
        ].map(([least, most], i) => number(rest[i] || "", least, most));
        if (known(data.drugs, what) && ![dose, from, hours, amount, on, of].some(Number.isNaN)) {
          state.drugs[Number(drug[1]) - 1] = {
            name: what,
            dose,
            from,
            hours,
            amount,
            on: Math.round(on),
            of: Math.round(of),
          };
        } else left.push(name);
      } else if (name === "place" && PLACES.includes(value)) state.place = value;
      else if (name === "tumour" && data.patients.lines.includes(value)) state.tumour = value;
      else if (name === "days" && number(value, 1, LONGEST_DAYS)) {
        state.days = Math.round(Number(value));
      } else if (name === "line" && known(data.lines, value)) state.line = value;
      else if (name === "structure" && known(data.structures, value)) state.structure = value;
      else if (name === "read" && /^\w+$/.test(value)) state.read = value;
      else if (name === "opened" || name === "band" || name === "fold") state[name] = value === "1";
      else if (name === "hours" && number(value, SHORTEST, LONGEST)) state.hours = Number(value);
      else if (name === "at" && number(value, 0.5, LONGEST)) state.at = Number(value);
      else if (name === "closed" && !Number.isNaN(number(value, 0, 1e6)))
        state.closed = Number(value);
      else if (name.startsWith("p.") && !Number.isNaN(number(value, 0, 1e9))) {
        state.parameters[name.slice(2)] = Number(value);
      } else left.push(name);
    }
    settle(data, state, left);
    return { state, left };
  }

  /** Put right what does not go together; `left` gets the names of what is left out.
   * @param {Data} data @param {State} state @param {string[]} [left] */
  function settle(data, state, left = []) {
    if (state.place === "patient") {
      state.drugs.forEach((drug, i) => {
        if (!drug || drug.name in data.patients.masses) return;
        state.drugs[i] = null;
        left.push(`drug${i + 1}`);
      });
      if (!state.drugs[0] && !state.drugs[1])
        state.drugs[0] = chosen(data, Object.keys(data.patients.masses)[0]);
    }
    const [one, other] = state.drugs;
    if (!one) state.drugs = [other || first(data).drugs[0], null];
    const mechanisms = state.drugs.map(
      (drug) => drug && data.drugs.find((each) => each.name === drug.name)?.mechanism,
    );
    if (mechanisms[0] === mechanisms[1]) {
      state.drugs[1] = null;
      left.push("drug2");
    }
    const group = mechanisms
      .slice(0, state.drugs[1] ? 2 : 1)
      .sort()
      .join("+");
    const kind = data.kinds[`${state.structure}|${group}`];
    const rows =
      state.place === "dish"
        ? kind.rows
        : { ...data.bodies[`marrow|${group}`].rows, ...data.bodies[`tumour|${group}`].rows };
    for (const name of Object.keys(state.parameters)) {
      if (Object.hasOwn(rows, name) && changeable(name, rows[name])) continue;
      delete state.parameters[name];
      left.push(`p.${name}`);
    }
    if (!Object.hasOwn(kind.system.readouts, state.read)) state.read = "p53_active";
    state.at = Math.min(state.at, state.hours);
    if (state.structure !== data.structures[0].name || !data.draws) state.band = false;
  }

  /** Whether a user can change a parameter by itself. @param {string} name @param {Row} row */
  function changeable(name, row) {
    return row[3] === "input" ? name === "DSB" : row[3] !== "computed" && name !== "medium";
  }

  return {
    changeable,
    chosen,
    setting,
    treatment,
    written,
    read,
    settle,
    LONGEST,
    LONGEST_DAYS,
    HIGHEST,
    HEAVIEST,
  };
})();
