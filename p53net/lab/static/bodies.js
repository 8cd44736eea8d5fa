// @ts-check
// The patient: one plasma that drives the marrow and a tumour, under a schedule.
"use strict";

/** Doses of one drug [mg]: on the first `on` of every `of` days.
 * @typedef {{name: string, amount: number, on: number, of: number}} Regimen */

/** @typedef {{drugs: Regimen[], line: string, parameters: Record<string, number>, days: number}}
 *   Treatment */

/** @typedef {Kind & {cell: {system: About, module: number},
 *   volumes: Record<string, string>}} BodyKind */

const BODIES = (() => {
  const NOMINAL = 1e-9;
  const DAY = 24; // h
  const ROWS = 4; // of output, a day
  const NANOMOLES = 1e6; // in a mg, over g/mol
  const PLACES = ["marrow", "tumour"];

  /** Hours of all doses. @param {Regimen} given @param {number} days */
  function hoursOf({ on, of }, days) {
    const found = [];
    for (let start = 0; start < days; start += of) {
      for (let day = start; day < Math.min(start + on, days); day++) found.push(day * DAY);
    }
    return found;
  }

  /** Times of output [h]. @param {number} days */
  function grid(days) {
    return Float64Array.from({ length: days * ROWS + 1 }, (_, i) => i * (DAY / ROWS));
  }

  /** @param {Lab} lab @param {Treatment} given */
  function mechanismsOf(lab, given) {
    return given.drugs
      .map((one) => lab.mechanism(one.name))
      .sort()
      .join("+");
  }

  /** Every parameter before a user's changes. @param {Lab} lab @param {string} place
   * @param {Treatment} given @returns {Record<string, Row>} */
  function rows(lab, place, given) {
    const kind = lab.data.bodies[`${place}|${mechanismsOf(lab, given)}`];
    return Object.assign(
      {},
      kind.rows,
      ...given.drugs.map((one) => kind.drugs[one.name] || {}),
      kind.lines[given.line] || {},
    );
  }

  /** Curves of one place, with the loop closed and opened.
   * @param {Lab} lab @param {string} place @param {Treatment} given @param {number} [nominal] */
  function run(lab, place, given, nominal = NOMINAL) {
    const key = `${place}|${mechanismsOf(lab, given)}`,
      kind = lab.data.bodies[key];
    const outer = lab.system(key),
      inner = lab.system(`${key}|cell`),
      { about } = outer;
    const own = Object.entries(rows(lab, place, given)).map(([name, row]) => [name, row[0]]);
    const base = Object.fromEntries(own),
      values = { ...base };
    for (const [name, value] of Object.entries(given.parameters))
      if (name in base) values[name] = value;
    const usual = [key, given.line, ...given.drugs.map((one) => one.name)].join("|");
    const rested = lab.rest(inner, usual, base, [values], given.parameters),
      [cell] = rested.states;
    if (rested.why[0]) throw new Error(`the ${place} has no untreated state: ${rested.why[0]}`);
    const row = outer.parameters(values);
    const at = (/** @type {string} */ name) => /** @type {number} */ (outer.place.get(name));
    /** @param {string} name */
    const known = (name) => {
      const state = inner.row.get(name);
      return state === undefined ? row[at(name)] : cell[state];
    };
    for (const [name, tree] of Object.entries(about.computed)) {
      if (!(name in given.parameters)) row[at(name)] = ENGINE.valueOf(tree, known);
    }
    const start = Float64Array.from(about.states, (name) => {
      const state = inner.row.get(name);
      if (state !== undefined) return cell[state];
      return name in about.starts ? values[about.starts[name]] : (about.begins[name] ?? 0);
    });
    const courses = given.drugs.map((one) => {
      const mechanism = lab.mechanism(one.name),
        volume = row[at(kind.volumes[mechanism])];
      const level = (one.amount * NANOMOLES) / lab.data.patients.masses[one.name] / volume;
      return { species: about.dosed[mechanism], level, hours: new Set(hoursOf(one, given.days)) };
    });
    for (const { species, level, hours } of courses) {
      if (hours.has(0)) start[/** @type {number} */ (outer.row.get(species))] = level;
    }
    const stops = [...new Set(courses.flatMap(({ hours }) => [...hours]))].filter(
      (hour) => hour > 0,
    );
    stops.sort((a, b) => a - b);
    const changes = stops.map((hour) =>
      courses.map(({ level, hours }) => (hours.has(hour) ? level : null)),
    );
    const { outputs, curves } = outputsOf(about);
    const table = [1, 0].map((loop) => {
      const one = row.slice();
      one[at("feedback")] = loop;
      return one;
    });
    const times = grid(given.days);
    const found = outer.integrate({
      table,
      starts: [start, start],
      stops: [...stops, times[times.length - 1]],
      names: courses.map(({ species }) => species),
      changes: [changes, changes],
      times,
      outputs,
      nominal,
      added: true,
    });
    const [closed, opened] = found.curves.map((one, i) => {
      if (found.why[i]) throw new Error(`the run of the ${place} ${found.why[i]}`);
      return curves(one, (name) => row[at(name)]);
    });
    const before = Object.fromEntries(Object.keys(closed).map((name) => [name, closed[name][0]]));
    return { times, closed, opened, untreated: before };
  }

  /** What is asked of the engine, and how read-outs follow from it. @param {About} about */
  function outputsOf(about) {
    const all = Object.entries(about.readouts);
    const outputs = [
      ...new Set(all.flatMap(([name, one]) => (one.terms ? [name] : one.states || []))),
    ];
    /** @param {Float64Array[]} found @param {(name: string, row: number) => number} parameter
     * @param {number} [rowsOf] @returns {Curves} */
    const curves = (found, parameter, rowsOf = found[0].length) =>
      Object.fromEntries(
        all.map(([name, { terms, tree }]) => {
          const place = outputs.indexOf(name);
          if (terms || !tree) return [name, found[place]];
          return [
            name,
            Float64Array.from({ length: rowsOf }, (_, i) =>
              ENGINE.valueOf(tree, (one) => {
                const state = outputs.indexOf(one);
                return state >= 0 ? found[state][i] : parameter(one, i);
              }),
            ),
          ];
        }),
      );
    return { outputs, curves };
  }

  /** Every parameter of both places, the tumour's where they differ. @param {Lab} lab
   * @param {Treatment} given @returns {Record<string, Row>} */
  function allRows(lab, given) {
    return Object.assign({}, ...PLACES.map((place) => rows(lab, place, given)));
  }

  /** Marrow and tumour of one patient. @param {Lab} lab @param {Treatment} given */
  function patient(lab, given) {
    return Object.fromEntries(PLACES.map((place) => [place, run(lab, place, given)]));
  }

  return { patient, rows, allRows, outputsOf, DAY };
})();

/** @typedef {InstanceType<typeof CELLS.Lab>} Lab */
