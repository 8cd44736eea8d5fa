// @ts-check
// What a setting of the page means: whose values, which dose when, and what runs give.
"use strict";

/** A dose of one drug in the medium [nM], from an hour on and for so many hours.
 * @typedef {{name: string, dose: number, from: number, hours: number}} Given */

/** What a user has chosen. `closed` is the medium of a cell [pL] in a closed dish, or 0.
 * @typedef {{drugs: Given[], line: string, structure: string, parameters: Record<string, number>,
 *   hours: number, points: number, closed: number}} Setting */

/** Value, unit, number of the source, kind. @typedef {[number, string, number, string]} Row */

/** @typedef {{system: About, module: number, sbml: number, rows: Record<string, Row>,
 *   drugs: Record<string, Record<string, Row>>, lines: Record<string, Record<string, Row>>}} Kind */

/** @typedef {{version: string, layouts: {integrate: string[], rest: string[], lanes: number},
 *   structures: {name: string, note: string, choices: string}[],
 *   lines: {name: string, about: string}[], drugs: {name: string, mechanism: string}[],
 *   sources: string[], kinds: Record<string, Kind>, sliders: string[],
 *   tabled: Record<string, string[]>, bodies: Record<string, BodyKind>,
 *   patients: {line: string, lines: string[], masses: Record<string, number>, grade: number,
 *     limits: Record<string, number>, sliders: string[]},
 *   draws: null | {structures: string[], columns: string[], values: number, sha256: string}}} Data */

/** @typedef {Record<string, Float64Array>} Curves */

const CELLS = (() => {
  const CURVES = 1e-10; // nominal tolerance of single curves: an order below what is promised
  const RESPONSES = 1e-7; // of a dose-response
  const BANDS = 1e-7; // of draws, which lie far apart

  /** Names of a column of draws: the entry and the parameter. @param {string} column */
  function split(column) {
    const at = column.indexOf(": ");
    return [column.slice(0, at), column.slice(at + 2)];
  }

  /** @param {Float64Array} values @param {number} share */
  function quantile(values, share) {
    const place = share * (values.length - 1),
      low = Math.floor(place);
    const part = place - low,
      left = values[low],
      right = values[Math.min(low + 1, values.length - 1)];
    return part < 0.5 ? left + (right - left) * part : right - (right - left) * (1 - part);
  }

  class Lab {
    /** @param {Data} data @param {Uint8Array[]} blobs */
    constructor(data, blobs) {
      this.data = data;
      this.blobs = blobs;
      /** @type {Map<string, System>} */
      this._systems = new Map();
      /** @type {Map<string, {states: Float64Array, why: string}>} */
      this._usual = new Map();
      /** @type {{key: string, rests: Map<string, Rested>}} */
      this._drawn = { key: "", rests: new Map() };
    }

    /** @param {Setting} setting @returns {string} */
    key(setting) {
      const mechanisms = setting.drugs.map((drug) => this.mechanism(drug.name)).sort();
      return `${setting.structure}|${mechanisms.join("+")}`;
    }

    /** @param {string} drug */
    mechanism(drug) {
      const found = this.data.drugs.find((one) => one.name === drug);
      if (!found) throw new Error(`there is no drug ${drug}`);
      return found.mechanism;
    }

    /** @param {string} key */
    system(key) {
      let found = this._systems.get(key);
      if (!found) {
        const [place, mechanisms, inside] = key.split("|"),
          body = this.data.bodies[`${place}|${mechanisms}`];
        const kind = inside ? body.cell : this.data.kinds[key] || body;
        const module = new WebAssembly.Module(/** @type {any} */ (this.blobs[kind.module]));
        found = new ENGINE.System(kind.system, module, this.data.layouts);
        this._systems.set(key, found);
      }
      return found;
    }

    /** Every parameter of a setting before a user's changes, with unit, source and kind.
     * @param {Setting} setting @returns {Record<string, Row>} */
    rows(setting) {
      const kind = this.data.kinds[this.key(setting)];
      const drugs = setting.drugs.map((drug) => kind.drugs[drug.name] || {});
      return Object.assign({}, kind.rows, ...drugs, kind.lines[setting.line] || {});
    }

    /** Values of a setting, with a user's changes. @param {Setting} setting */
    values(setting) {
      const rows = Object.entries(this.rows(setting)).map(([name, row]) => [name, row[0]]);
      return { ...Object.fromEntries(rows), ...setting.parameters };
    }

    /** Values of each draw of a structure, over those of the setting.
     * @param {Setting} setting @param {number[]} draws @returns {Record<string, number>[]} */
    drawn(setting, draws) {
      const { columns, values } = /** @type {NonNullable<Data["draws"]>} */ (this.data.draws);
      const bytes = this.blobs[values];
      const table = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
      const usual = this.rows(setting),
        names = columns.map(split);
      const base = Object.fromEntries(Object.entries(usual).map(([name, row]) => [name, row[0]]));
      /** @type {[number, string][]} */
      const order = [];
      for (const { name: drug } of setting.drugs) {
        const tabled = new Set([...this.data.tabled[drug], ...this.data.tabled[setting.line]]);
        for (const entry of ["model", drug, setting.line]) {
          names.forEach(([of, name], column) => {
            if (of === entry && name in usual && !(entry === "model" && tabled.has(name))) {
              order.push([column, name]);
            }
          });
        }
      }
      return draws.map((draw) => {
        const found = { ...base };
        for (const [column, name] of order) {
          const value = table[draw * columns.length + column];
          if (!Number.isNaN(value)) found[name] = value;
        }
        return { ...found, ...setting.parameters };
      });
    }

    /** When runs stop, what changes there, and what the medium has at the start.
     * @param {Setting} setting @param {System} system */
    stops(setting, system) {
      const courses = setting.drugs.map(({ name, dose, from, hours }) => {
        /** @type {[number, number][]} */
        const steps =
          from > 0
            ? [
                [0, 0],
                [from, dose],
              ]
            : [[0, dose]];
        if (from + hours < setting.hours) steps.push([from + hours, 0]);
        const species = system.about.dosed[this.mechanism(name)];
        return { species, steps: steps.filter(([time]) => time < setting.hours) };
      });
      const times = [...new Set(courses.flatMap((one) => one.steps.map(([time]) => time)))];
      times.sort((a, b) => a - b);
      /** @type {(number|null)[][]} */
      const changes = times
        .filter((time) => time > 0)
        .map((time) =>
          courses.map(({ steps }) => {
            const step = steps.find(([at]) => at === time);
            return step ? step[1] : null;
          }),
        );
      return {
        stops: [...times.filter((time) => time > 0), setting.hours],
        changes,
        names: courses.map((one) => one.species),
        first: courses.map((one) => one.steps[0][1]),
      };
    }

    /** Parameters and untreated states of cells of one system.
     * @param {System} system @param {string} usual @param {Record<string, number>} base
     * @param {Record<string, number>[]} cells @param {Record<string, number>} changed
     * @returns {Rested} */
    rest(system, usual, base, cells, changed) {
      const { about } = system,
        inputs = new Set(about.inputs);
      /** @param {Record<string, number>} values */
      const inside = (values) =>
        system.parameters(
          Object.fromEntries(Object.entries(values).filter(([name]) => !inputs.has(name))),
        );
      /** @param {Record<string, number>} values */
      const seed = (values) =>
        Float64Array.from(about.states, (name) =>
          name in about.starts ? values[about.starts[name]] : 0,
        );
      let known = this._usual.get(usual);
      if (!known) {
        const found = system.restFrom([inside(base)], [seed(base)]);
        known = { states: found.states[0], why: found.why[0] };
        if (this._usual.size > 300) this._usual.clear();
        this._usual.set(usual, known);
      }
      const own = known,
        zero = seed(base);
      const tables = cells.map(inside),
        seeds = cells.map(seed);
      const near = seeds.map((one) => one.map((x, i) => own.states[i] + (x - zero[i])));
      const found = own.why ? system.restFrom(tables, seeds) : system.rest(tables, near);
      const lost = found.why.flatMap((why, i) => (why ? [i] : []));
      if (lost.length && !own.why) {
        const again = system.restFrom(
          lost.map((i) => tables[i]),
          lost.map((i) => seeds[i]),
        );
        lost.forEach((i, k) => {
          found.states[i] = again.states[k];
          found.why[i] = again.why[k];
        });
      }
      const table = cells.map((values, i) => {
        const row = system.parameters(values);
        /** @param {string} name */
        const value = (name) =>
          system.row.has(name)
            ? found.states[i][/** @type {number} */ (system.row.get(name))]
            : row[/** @type {number} */ (system.place.get(name))];
        for (const [name, tree] of Object.entries(about.computed)) {
          const set = /** @type {number} */ (system.place.get(name));
          if (!(name in changed)) row[set] = ENGINE.valueOf(tree, value);
        }
        return row;
      });
      return { table, states: found.states, why: found.why };
    }

    /** Runs of cells that have come to rest.
     * @param {Setting} setting @param {string} key @param {Rested} rested @param {Run[]} runs
     * @param {number} nominal @param {Float64Array} times */
    run(setting, key, rested, runs, nominal, times) {
      const system = this.system(key),
        { about } = system;
      const { stops: all, names, changes: every, first } = this.stops(setting, system);
      const stops = lasting(all, times),
        changes = every.slice(0, stops.length - 1);
      /** @param {string} name */
      const place = (name) => /** @type {number} */ (system.place.get(name));
      const table = runs.map(({ cell, closed }) => {
        const row = rested.table[cell].slice();
        row[place("feedback")] = closed ? 1 : 0;
        if (setting.closed) {
          row[place("closed_dish")] = 1;
          row[place("medium")] = setting.closed;
        }
        return row;
      });
      /** @param {number} drug @param {Run} run */
      const scale = (drug, run) => (drug === 0 ? run.factor : 1);
      const starts = runs.map((run) => {
        const state = rested.states[run.cell].slice();
        names.forEach((name, drug) => {
          state[/** @type {number} */ (system.row.get(name))] = first[drug] * scale(drug, run);
        });
        return state;
      });
      const own = runs.map((run) =>
        changes.map((stop) =>
          stop.map((value, drug) => (value === null ? null : value * scale(drug, run))),
        ),
      );
      const outputs = Object.keys(about.readouts);
      return {
        outputs,
        ...system.integrate({
          table,
          starts,
          stops,
          names,
          changes: own,
          times,
          outputs,
          nominal,
        }),
      };
    }

    /** The curves of a setting, closed and opened, and its untreated cell. Raises where it has none.
     * @param {Setting} setting @param {number} [nominal] */
    curves(setting, nominal = CURVES) {
      const key = this.key(setting),
        times = grid(setting),
        rested = this.cell(setting);
      const runs = [true, false].map((closed) => ({ cell: 0, closed, factor: 1 }));
      const found = this.run(setting, key, rested, runs, nominal, times);
      const [closed, opened] = found.curves.map((curve, i) => {
        if (found.why[i]) throw new Error(`this run ${found.why[i]}`);
        return Object.fromEntries(found.outputs.map((name, o) => [name, curve[o]]));
      });
      return { times, closed, opened, untreated: this.untreated(key, rested) };
    }

    /** Parameters and states at the start of the run with the loop closed, for files.
     * @param {Setting} setting */
    start(setting) {
      const key = this.key(setting),
        system = this.system(key),
        rested = this.cell(setting);
      const { names, first } = this.stops(setting, system);
      const states = Object.fromEntries(
        system.about.states.map((name, i) => [name, rested.states[0][i]]),
      );
      names.forEach((name, i) => (states[name] = first[i]));
      const parameters = Object.fromEntries(
        system.about.parameters.map((name, i) => [name, rested.table[0][i]]),
      );
      if (setting.closed) Object.assign(parameters, { closed_dish: 1, medium: setting.closed });
      return { parameters: { ...parameters, feedback: 1 }, states };
    }

    /** @param {Setting} setting */
    cell(setting) {
      const key = this.key(setting),
        base = this.values({ ...setting, parameters: {} });
      const rested = this.rest(
        this.system(key),
        this.usualKey(setting),
        base,
        [this.values(setting)],
        setting.parameters,
      );
      if (rested.why[0]) throw new Error(`there is no untreated state: ${rested.why[0]}`);
      return rested;
    }

    /** @param {Setting} setting */
    usualKey(setting) {
      return [this.key(setting), setting.line, ...setting.drugs.map((one) => one.name)].join("|");
    }

    /** @param {string} key @param {Rested} rested @returns {Record<string, number>} */
    untreated(key, rested) {
      const system = this.system(key),
        state = rested.states[0];
      return Object.fromEntries(
        Object.entries(system.about.readouts).map(([name, { terms }]) => [
          name,
          Object.entries(terms || {}).reduce(
            (sum, [one, weight]) =>
              sum + weight * state[/** @type {number} */ (system.row.get(one))],
            0,
          ),
        ]),
      );
    }

    /** A read-out at one time over doses of the first drug, closed and opened.
     * @param {Setting} setting @param {string} output @param {number} at @param {number[]} doses */
    response(setting, output, at, doses) {
      const key = this.key(setting),
        rested = this.cell(setting);
      const unit = {
        ...setting,
        drugs: setting.drugs.map((drug, i) => (i ? drug : { ...drug, dose: 1 })),
      };
      const times = Float64Array.of(0, at);
      const runs = [true, false].flatMap((closed) =>
        doses.map((factor) => ({ cell: 0, closed, factor })),
      );
      const found = this.run(unit, key, rested, runs, RESPONSES, times);
      const place = found.outputs.indexOf(output);
      const values = Float64Array.from(found.curves, (one, i) =>
        found.why[i] ? NaN : one[place][1],
      );
      const closed = values.slice(0, doses.length),
        opened = values.slice(doses.length);
      return {
        doses: Float64Array.from(doses),
        closed,
        opened,
        untreated: this.untreated(key, rested)[output],
      };
    }

    /** Draws of a structure: their numbers among `count` that are evenly spaced.
     * @param {number} count */
    draws(count) {
      const all = /** @type {NonNullable<Data["draws"]>} */ (this.data.draws).structures;
      const most = Math.min(count, all.length);
      const chosen = new Set(
        Array.from({ length: most }, (_, i) =>
          rounded((i * (all.length - 1)) / Math.max(most - 1, 1)),
        ),
      );
      /** @type {Map<string, number[]>} */
      const found = new Map();
      for (const draw of chosen) found.set(all[draw], [...(found.get(all[draw]) || []), draw]);
      return found;
    }

    /** What holds 95 % and half of the draws, and their median; how many have no run.
     * With `fold` each is taken over what it is untreated, where that is more than nothing.
     * @param {Setting} setting @param {number} count @param {number[]} shares
     * @param {number} [nominal] @param {boolean} [fold] */
    band(setting, count, shares, nominal = BANDS, fold = false) {
      const times = grid(setting);
      /** @type {Float64Array[][]} */
      const curves = [];
      /** @type {string[]} */
      let outputs = [];
      let failed = 0;
      for (const [structure, draws] of this.draws(count)) {
        const own = { ...setting, structure },
          key = this.key(own);
        const rested = this.rested(own, key, draws);
        const runs = draws.map((_, cell) => ({ cell, closed: true, factor: 1 }));
        const found = this.run(own, key, rested, runs, nominal, times);
        outputs = found.outputs;
        found.curves.forEach((curve, i) => {
          if (rested.why[i] || found.why[i]) failed += 1;
          else curves.push(curve);
        });
      }
      if (!curves.length) throw new Error("no draw has a run");
      /** @type {Record<string, Float64Array[]>} */
      const bands = {};
      const all = new Float64Array(curves.length);
      outputs.forEach((name, o) => {
        const sound = fold ? curves.filter((one) => one[o][0] > 0) : curves;
        if (!sound.length) return;
        const values = all.subarray(0, sound.length);
        bands[name] = shares.map(() => new Float64Array(times.length));
        for (let t = 0; t < times.length; t++) {
          for (let i = 0; i < sound.length; i++)
            values[i] = sound[i][o][t] / (fold ? sound[i][o][0] : 1);
          values.sort();
          shares.forEach((share, k) => (bands[name][k][t] = quantile(values, share)));
        }
      });
      return { bands, count: curves.length, failed };
    }

    /** Untreated states of draws, which a change of doses leaves as they are.
     * @param {Setting} setting @param {string} key @param {number[]} draws */
    rested(setting, key, draws) {
      const { drugs, line, parameters } = setting;
      const whole = JSON.stringify([drugs.map((one) => one.name), line, parameters]);
      if (this._drawn.key !== whole) this._drawn = { key: whole, rests: new Map() };
      const own = `${key}|${draws.length}`;
      let found = this._drawn.rests.get(own);
      if (!found) {
        const base = this.values({ ...setting, parameters: {} });
        const cells = this.drawn(setting, draws);
        found = this.rest(this.system(key), this.usualKey(setting), base, cells, parameters);
        this._drawn.rests.set(own, found);
      }
      return found;
    }
  }

  /** Whole numbers as numpy rounds: halves to even. @param {number} x */
  function rounded(x) {
    const low = Math.floor(x);
    return x - low === 0.5 ? low + (low % 2) : Math.round(x);
  }

  /** Times of output [h]. @param {Setting} setting */
  function grid({ hours, points }) {
    const times = Float64Array.from({ length: points }, (_, i) => i * (hours / (points - 1)));
    times[points - 1] = hours;
    return times;
  }

  /** Stops until the last time of output. @param {number[]} stops @param {Float64Array} times */
  function lasting(stops, times) {
    const end = times[times.length - 1];
    return [...stops.filter((stop) => stop < end), end];
  }

  /** One job, as a worker gets it. @param {Lab} lab @param {string} call @param {any[]} given */
  function answer(lab, call, given) {
    const [setting, ...rest] = given;
    if (call === "curves") return lab.curves(setting, ...rest);
    if (call === "start") return lab.start(setting);
    if (call === "response") return lab.response(setting, rest[0], rest[1], rest[2]);
    if (call === "file") return FILES.run(lab, /** @type {any} */ (setting));
    if (call === "patient") return BODIES.patient(lab, /** @type {any} */ (setting));
    if (call === "band") return lab.band(setting, rest[0], rest[1], rest[2], rest[3]);
    throw new Error(`there is no job ${call}`);
  }

  return { Lab, answer, grid, CURVES };
})();

/** @typedef {InstanceType<typeof ENGINE.System>} System */
/** A cell, whether its loop is closed, and what the first drug's dose is multiplied by.
 * @typedef {{cell: number, closed: boolean, factor: number}} Run */
/** @typedef {{table: Float64Array[], states: Float64Array[], why: string[]}} Rested */
