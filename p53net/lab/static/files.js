// @ts-check
// A model from a file: its start values, and runs with other parameters.
"use strict";

/** @typedef {{parameters: Record<string, number>, end: number, points: number}} FileRun */

/** @typedef {{name: string, time: string, variables: string[],
 *   free: Record<string, Row>}} AboutFile */

const FILES = (() => {
  const NOMINAL = 1e-9;
  const KEY = "file";

  /** Curves of all variables. @param {Lab} lab @param {FileRun} given @param {number} [nominal] */
  function run(lab, given, nominal = NOMINAL) {
    const system = lab.system(KEY),
      { about } = system;
    const row = system.parameters(given.parameters),
      start = new Float64Array(about.states.length);
    /** @param {string} name */
    const known = (name) => {
      const at = system.place.get(name);
      return at === undefined ? 0 : row[at]; // the time is 0
    };
    for (const [name, tree] of about.begin || []) {
      const value = ENGINE.valueOf(tree, known),
        state = system.row.get(name);
      if (state !== undefined) start[state] = value;
      else row[/** @type {number} */ (system.place.get(name))] = value;
    }
    const { outputs, curves } = BODIES.outputsOf(about);
    const times = Float64Array.from(
      { length: given.points },
      (_, i) => i * (given.end / (given.points - 1)),
    );
    times[given.points - 1] = given.end;
    const found = system.integrate({
      table: [row],
      starts: [start],
      stops: [given.end],
      names: [],
      changes: [[]],
      times,
      outputs,
      nominal,
    });
    if (found.why[0]) throw new Error(`this run ${found.why[0]}`);
    return {
      times,
      curves: curves(
        found.curves[0],
        (name, i) => (system.place.has(name) ? known(name) : times[i]),
        given.points,
      ),
    };
  }

  return { run };
})();
