// @ts-check
// The batch engine in a page: memory, calls, and formulas. It knows no biology.
"use strict";

/** A formula as data: kind, value, and parts with a multiple or an exponent beside each.
 * @typedef {[string, (number|string)?, [any, number][]?]} Tree */

/** What is known of a system beside its module.
 * @typedef {{id: string, states: string[], parameters: string[], values: number[], space: number,
 *   slopes: [number, number][], resting: number[], volumes: string[],
 *   starts: Record<string, string>, dosed: Record<string, string>, computed: Record<string, Tree>,
 *   readouts: Record<string, Readout>, inputs: string[], begins: Record<string, number>,
 *   scale?: number, begin?: [string, Tree][]}} About */

/** A sum of multiples of states, or a formula of states and parameters.
 * @typedef {{terms?: Record<string, number>, tree?: Tree, states?: string[], unit: string,
 *   meaning: string}} Readout */

/** Runs of one system, a row of `table` and `starts` for each.
 * @typedef {{table: Float64Array[], starts: Float64Array[], stops: number[], names: string[],
 *   changes: (number|null)[][][], times: Float64Array, outputs: string[], nominal: number,
 *   added?: boolean}} Problem `added`: changes are added to what is there. */

const ENGINE = (() => {
  const PAGE = 65536; // bytes
  const STACK = 1 << 20; // bytes, below everything else
  const ALIGNMENT = 64;
  const MOST_STEPS = 100000;
  const SETTLED = 1e-10; // of the last step at rest, relative to the state
  const SETTLING_TIME = 2000; // h
  const NEGATIVE = -1e-6,
    NOTHING = 1e-12;
  const STILL = 1e-6; // per h: growth faster than this leaves a state at rest
  const LOOSER = 100; // tolerances here over nominal ones, as in the engine
  const ABSOLUTE = 1e-7; // tolerance over the relative one
  const DOUBLINGS = 36;
  const CERTAIN = -30; // logarithm of the length of a power that only shrinks
  const WHY = [
    "",
    `takes more than ${MOST_STEPS} steps`,
    "has steps that become too small",
    "has rates that are not finite",
  ];

  /** @type {Record<string, (x: number, y: number, z: number) => number>} */
  const FUNCTIONS = {
    exp: Math.exp,
    ln: Math.log,
    sin: Math.sin,
    cos: Math.cos,
    atan: Math.atan,
    sinh: Math.sinh,
    cosh: Math.cosh,
    tanh: Math.tanh,
    floor: Math.floor,
    // The engine's x^n is x times the power with n - 1, of which 0 counts as the least number.
    power: (x, n) => (x === 0 ? 2.2250738585072014e-308 : x) ** n,
    less: (x, y) => Number(x < y),
    same: (x, y) => Number(x === y),
    choose: (condition, yes, no) => (condition > 0.5 ? yes : no),
  };

  /** @param {Tree} tree @param {(name: string) => number} known @returns {number} */
  function valueOf(tree, known) {
    const [kind, value, parts = []] = tree;
    if (kind === "number") return Number(value);
    if (kind === "symbol") return known(String(value));
    if (kind === "sum") {
      return parts.reduce((sum, [part, how]) => sum + how * valueOf(part, known), Number(value));
    }
    if (kind === "product") {
      return parts.reduce((all, [part, how]) => all * valueOf(part, known) ** how, Number(value));
    }
    const found = parts.map(([part]) => valueOf(part, known)),
      apply = FUNCTIONS[kind];
    if (!apply) throw new Error(`the page does not know the function ${kind}`);
    return apply(found[0], found[1], found[2]);
  }

  /** Whether something grows near a state at rest. States that influence each other in a circle
   * are looked at by themselves.
   * @param {[number, number][]} entries @param {Float64Array} slopes @param {number[]} resting */
  function leaves(entries, slopes, resting) {
    const size = resting.length,
      matrix = new Float64Array(size * size);
    const reach = new Uint8Array(size * size),
      seen = new Uint8Array(size);
    for (let i = 0; i < size; i++) reach[i * size + i] = 1;
    entries.forEach(([row, column], i) => {
      if (!resting[row] || !resting[column] || slopes[i] === 0) return;
      matrix[row * size + column] = slopes[i];
      reach[row * size + column] = 1;
    });
    for (let k = 0; k < size; k++) {
      for (let i = 0; i < size; i++) {
        if (reach[i * size + k])
          for (let j = 0; j < size; j++) reach[i * size + j] |= reach[k * size + j];
      }
    }
    for (let i = 0; i < size; i++) {
      if (seen[i] || !resting[i]) continue;
      const inside = /** @type {number[]} */ ([]);
      for (let j = 0; j < size; j++) if (reach[i * size + j] && reach[j * size + i]) inside.push(j);
      inside.forEach((j) => (seen[j] = 1));
      const block = new Float64Array(inside.length ** 2);
      inside.forEach((row, k) =>
        inside.forEach((column, l) => (block[k * inside.length + l] = matrix[row * size + column])),
      );
      if (growth(block, inside.length) > STILL) return true;
    }
    return false;
  }

  /** The largest real part of an eigenvalue: what powers of (1 - A/2)^-1 (1 + A/2) grow by. Where
   * they shrink beyond doubt it is below zero, and not worked out further.
   * @param {Float64Array} block row by row @param {number} size */
  function growth(block, size) {
    if (size === 1) return block[0];
    let power = cayley(block, size),
      other = new Float64Array(size * size),
      logarithm = 0;
    for (let k = 0; k < DOUBLINGS; k++) {
      const length = largest(power);
      if (length === 0) return -Infinity;
      if (!Number.isFinite(length)) return Infinity;
      logarithm += Math.log(length);
      if (logarithm < CERTAIN) return logarithm / 2 ** k;
      logarithm *= 2;
      for (let i = 0; i < power.length; i++) power[i] /= length;
      other.fill(0);
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          const factor = power[i * size + j];
          if (factor !== 0)
            for (let l = 0; l < size; l++) other[i * size + l] += factor * power[j * size + l];
        }
      }
      [power, other] = [other, power];
    }
    return (logarithm + Math.log(largest(power))) / 2 ** DOUBLINGS;
  }

  /** @param {Float64Array} values */
  function largest(values) {
    let found = 0;
    for (const value of values) {
      const size = Math.abs(value);
      if (!(size <= found)) found = size; // also where it is no number
    }
    return found;
  }

  /** (1 - A/2)^-1 (1 + A/2), by elimination with pivots. @param {Float64Array} block
   * @param {number} size */
  function cayley(block, size) {
    const rows = Array.from({ length: size }, (_, i) => {
      const row = new Float64Array(2 * size);
      for (let j = 0; j < size; j++) {
        row[j] = (i === j ? 1 : 0) - block[i * size + j] / 2;
        row[size + j] = (i === j ? 1 : 0) + block[i * size + j] / 2;
      }
      return row;
    });
    for (let k = 0; k < size; k++) {
      let best = k;
      for (let i = k + 1; i < size; i++)
        if (Math.abs(rows[i][k]) > Math.abs(rows[best][k])) best = i;
      [rows[k], rows[best]] = [rows[best], rows[k]];
      for (let i = 0; i < size; i++) {
        const factor = i === k ? 0 : rows[i][k] / rows[k][k];
        if (factor) for (let j = k; j < 2 * size; j++) rows[i][j] -= factor * rows[k][j];
      }
    }
    const found = new Float64Array(size * size);
    rows.forEach((row, i) => {
      for (let j = 0; j < size; j++) found[i * size + j] = row[size + j] / row[i];
    });
    return found;
  }

  /** One system: its module and what is known of it. */
  class System {
    /** @param {About} about @param {WebAssembly.Module} module
     * @param {{integrate: string[], rest: string[], lanes: number}} layouts */
    constructor(about, module, layouts) {
      this.about = about;
      this.layouts = layouts;
      this.memory = new WebAssembly.Memory({ initial: 64 });
      this.top = STACK;
      const stack = new WebAssembly.Global({ value: "i32", mutable: true }, STACK);
      const env = { __linear_memory: this.memory, __stack_pointer: stack };
      this.calls = /** @type {Record<string, Function>} */ (
        /** @type {unknown} */ (new WebAssembly.Instance(module, { env }).exports)
      );
      this.place = new Map(about.parameters.map((name, i) => [name, i]));
      this.row = new Map(about.states.map((name, i) => [name, i]));
    }

    /** All parameters with these values: one row of a table.
     * @param {Record<string, number>} values */
    parameters(values) {
      const row = Float64Array.from(this.about.values);
      for (const [name, value] of Object.entries(values)) {
        const at = this.place.get(name);
        if (at !== undefined) row[at] = value;
      }
      return row;
    }

    /** Curves of each run: output, time. Also how each ended, and its steps.
     * @param {Problem} problem */
    integrate(problem) {
      const { table, starts, stops, names, changes, times, outputs, nominal, added } = problem;
      const size = starts.length,
        rows = times.length,
        lanes = this.layouts.lanes;
      const width = rows + lanes,
        count = stops.length;
      this._clear();
      const known = [...this.about.states, ...this.about.parameters];
      const ends = /** @type {number[]} */ ([]),
        states = /** @type {number[]} */ ([]);
      const weights = /** @type {number[]} */ ([]);
      for (const name of outputs) {
        for (const [state, weight] of Object.entries(this._terms(name))) {
          states.push(/** @type {number} */ (this.row.get(state)));
          weights.push(weight);
        }
        ends.push(states.length);
      }
      const padded = new Float64Array(width).fill(Infinity);
      padded.set(times);
      const flat = new Float64Array(size * (count - 1) * names.length).fill(NaN);
      changes.forEach((run, i) =>
        run.forEach((stop, k) =>
          stop.forEach((value, c) => {
            if (value !== null) flat[(i * (count - 1) + k) * names.length + c] = value;
          }),
        ),
      );
      const found = this._room(size * outputs.length * width);
      const status = this._room(size),
        steps = this._room(size);
      const job = {
        starts: this._rows(starts),
        parameters: this._rows(table),
        absolute: this._rows(table.map((row) => this._absolute(row, nominal))),
        stops: this._doubles(starts.flatMap(() => stops)),
        counts: this._integers(starts.map(() => count)),
        changes: this._doubles(flat),
        slots: this._integers(names.map((name) => known.indexOf(name))),
        keeps: this._doubles(names.map(() => (added ? 1 : 0))),
        times: this._doubles(padded),
        found,
        status,
        steps,
        output_ends: this._integers(ends),
        output_states: this._integers(states),
        output_weights: this._doubles(weights),
        dense: this._room(outputs.length * 5 * lanes),
        first: 0,
        last: size,
        most_stops: count,
        slot_count: names.length,
        times_stride: 0,
        time_count: rows,
        output_count: outputs.length,
      };
      this._call("integrate", job, { relative: nominal * LOOSER, most_steps: MOST_STEPS });
      const view = new Float64Array(this.memory.buffer);
      const curves = starts.map((_, i) =>
        outputs.map((_, o) => {
          const at = found / 8 + (i * outputs.length + o) * width;
          return view.slice(at, at + rows);
        }),
      );
      const ended = starts.map((_, i) => view[status / 8 + i]);
      const why = curves.map(
        (curve, i) =>
          WHY[ended[i]] || (curve.every((one) => one.every(Number.isFinite)) ? "" : WHY[3]),
      );
      return { curves, why, steps: starts.map((_, i) => view[steps / 8 + i]) };
    }

    /** States at rest from states near them, and why a row has none.
     * @param {Float64Array[]} table @param {Float64Array[]} near */
    rest(table, near) {
      const size = near.length,
        n = this.about.states.length,
        count = this.about.slopes.length;
      this._clear();
      const found = this._room(size * n),
        slopes = this._room(size * count);
      const largest = this._room(size);
      const job = {
        starts: this._rows(near),
        parameters: this._rows(table),
        resting: this._doubles(this.about.resting),
        found,
        slopes,
        largest,
        first: 0,
        last: size,
      };
      this._call("rest", job, {});
      const view = new Float64Array(this.memory.buffer);
      const states = near.map((_, i) => view.slice(found / 8 + i * n, found / 8 + (i + 1) * n));
      const why = states.map((state, i) => {
        const last = view[largest / 8 + i];
        if (!(last < SETTLED ** 2) || !state.every((x) => x > NEGATIVE)) return "no rest was found";
        const own = view.slice(slopes / 8 + i * count, slopes / 8 + (i + 1) * count);
        const moves = leaves(this.about.slopes, own, this.about.resting);
        return moves ? "the cell moves away from its rest" : "";
      });
      return { states: states.map((state) => state.map((x) => (x < NOTHING ? 0 : x))), why };
    }

    /** States at rest, from a start far away.
     * @param {Float64Array[]} table @param {Float64Array[]} starts */
    restFrom(table, starts) {
      const end = SETTLING_TIME;
      const followed = this.integrate({
        table,
        starts,
        stops: [end],
        names: [],
        changes: [],
        times: Float64Array.of(end),
        outputs: this.about.states,
        nominal: 1e-7,
      });
      return this.rest(
        table,
        followed.curves.map((curve) => Float64Array.from(curve, (x) => x[0])),
      );
    }

    /** @param {string} name @returns {Record<string, number>} */
    _terms(name) {
      return this.row.has(name) ? { [name]: 1 } : this.about.readouts[name].terms || {};
    }

    /** Absolute tolerances [nM] of a row: those of amounts over volumes.
     * @param {Float64Array} row @param {number} nominal */
    _absolute(row, nominal) {
      return Float64Array.from(this.about.states, (_, i) => {
        const volume = this.about.volumes[i];
        return volume === undefined
          ? 1
          : (nominal * LOOSER * ABSOLUTE * (this.about.scale ?? 1)) /
              (volume ? row[/** @type {number} */ (this.place.get(volume))] : 1);
      });
    }

    _clear() {
      this.top = STACK;
    }

    /** Memory for doubles: its address. @param {number} doubles */
    _room(doubles) {
      const at = (this.top + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
      this.top = at + 8 * doubles + ALIGNMENT;
      const missing = this.top - this.memory.buffer.byteLength;
      if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
      return at;
    }

    /** @param {ArrayLike<number>} values */
    _doubles(values) {
      const at = this._room(values.length);
      new Float64Array(this.memory.buffer, at, values.length).set(values);
      return at;
    }

    /** @param {Float64Array[]} rows */
    _rows(rows) {
      const width = rows[0].length,
        at = this._room(rows.length * width);
      rows.forEach((row, i) =>
        new Float64Array(this.memory.buffer, at + 8 * i * width, width).set(row),
      );
      return at;
    }

    /** @param {number[]} values */
    _integers(values) {
      const at = this._room(values.length);
      new BigInt64Array(this.memory.buffer, at, values.length).set(values.map(BigInt));
      return at;
    }

    /** @param {"integrate"|"rest"} name @param {Record<string, number>} integers
     * @param {Record<string, number>} doubles */
    _call(name, integers, doubles) {
      const layout = this.layouts[name];
      const space = this._room(this.about.space * this.layouts.lanes),
        job = this._room(layout.length);
      const view = new DataView(this.memory.buffer);
      // The code reads zeros where nothing has been written.
      new Float64Array(this.memory.buffer, space, this.about.space * this.layouts.lanes).fill(0);
      layout.forEach((word, i) => {
        if (word in doubles) view.setFloat64(job + 8 * i, doubles[word], true);
        else view.setBigInt64(job + 8 * i, BigInt(integers[word]), true);
      });
      this.calls[name](space, job);
    }
  }

  return { System, valueOf, leaves, growth };
})();
