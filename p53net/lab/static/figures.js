// @ts-check
// The figures: curves with their bands, and the dose-response.
"use strict";

/** @typedef {{times: Float64Array, closed: Curves, opened: Curves,
 *   untreated: Record<string, number>}} Found */
/** @typedef {{bands: Record<string, Float64Array[]>, count: number, failed: number}} Band */
/** @typedef {{doses: Float64Array, closed: Float64Array, opened: Float64Array,
 *   untreated: number}} Dosed */
/** @typedef {{found: Found, band: Band|null, response: Dosed|null}} Shown */
/** @typedef {{marrow: Found, tumour: Found}} Patient */

const FIGURES = (() => {
  // Okabe and Ito's palette.
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"];
  const DASHES = ["none", "9 3", "2 3", "12 3 2 3"];
  const OPENED = "#000000";
  const SHARES = [0.025, 0.25, 0.5, 0.75, 0.975];
  const HEIGHT = 236;
  const PANELS = /** @type {[string, string[]][]} */ ([
    ["p53", ["p53_total", "p53_active"]],
    ["MDM2 protein", ["MDM2_total", "MDM2_free"]],
    ["MDM2 mRNA", ["MDM2_mRNA"]],
    ["MDMX protein", ["MDMX_total"]],
    ["p21, a target of p53", ["p21"]],
    ["PUMA, a target of p53", ["PUMA"]],
    ["GDF15, a target of p53", ["GDF15"]],
  ]);
  const NAMES = /** @type {Record<string, string>} */ ({
    p53_total: "all p53",
    p53_active: "active p53",
    MDM2_total: "all MDM2",
    MDM2_free: "free MDM2",
    MDM2_mRNA: "MDM2 mRNA",
    MDMX_total: "all MDMX",
  });

  /** Panels of a patient: place, title and read-outs, where `*` stands for the mechanism. */
  const BODY = /** @type {["marrow"|"tumour", string, string][]} */ ([
    ["marrow", "Plasma", "*_plasma"],
    ["marrow", "Platelets", "platelets"],
    ["marrow", "Neutrophils", "neutrophils"],
    ["marrow", "Haemoglobin", "haemoglobin"],
    ["marrow", "GDF-15 in serum, over untreated", "GDF15_serum"],
    ["tumour", "Tumour", "tumour_volume"],
    ["tumour", "Active p53 in the tumour", "p53_active"],
    ["tumour", "MDM2 in the tumour", "MDM2_total"],
  ]);

  /** @param {string} name */
  const nameOf = (name) => NAMES[name] || name;

  /** Panels of a system, and the read-outs that each shows. @param {Curves} curves */
  function panels(curves) {
    const named = new Set(PANELS.flatMap(([, names]) => names));
    const others = Object.keys(curves).filter((name) => !named.has(name));
    return [
      ...PANELS.map(([title, names]) => ({ title, names: names.filter((one) => one in curves) })),
      ...others.map((name) => ({ title: name, names: [name] })),
    ].filter((one) => one.names.length);
  }

  /** @param {Float64Array} times @param {Float64Array} values */
  const points = (times, values) => Array.from(times, (x, i) => ({ x, y: values[i] }));

  /** Of the cell as it is. @param {{x: number, y: number}[]} rows @param {number} i */
  const closedLine = (rows, i) =>
    Plot.lineY(rows, {
      x: "x",
      y: "y",
      stroke: COLOURS[i],
      strokeWidth: 2.2,
      strokeDasharray: DASHES[i],
    });

  /** With the loop opened. @param {{x: number, y: number}[]} rows @param {number} i */
  const openedLine = (rows, i) =>
    Plot.lineY(rows, {
      x: "x",
      y: "y",
      stroke: COLOURS[i],
      strokeWidth: 1,
      strokeOpacity: 0.75,
      strokeDasharray: "4 3",
    });

  /** A curve as it is shown: in nM, or over what it is untreated. @param {Float64Array} values
   * @param {number} untreated @param {boolean} fold */
  const scaled = (values, untreated, fold) =>
    fold ? values.map((one) => one / untreated) : values;

  /** One panel of curves. @param {string[]} names @param {Shown} shown @param {State} state
   * @param {number} width @param {string} unit @param {string} said */
  function curves(names, shown, state, width, unit, said) {
    const { found, band } = shown,
      marks = [];
    const [drug] = state.drugs;
    if (drug && !state.closed) {
      const end = drug.hours ? Math.min(drug.from + drug.hours, state.hours) : state.hours;
      if (drug.from < state.hours) {
        marks.push(Plot.rect([0], { x1: drug.from, x2: end, fill: "#000", fillOpacity: 0.045 }));
      }
    }
    names.forEach((name, i) => {
      if (band && band.bands[name]) {
        const [low, , , , high] = band.bands[name];
        const rows = Array.from(found.times, (x, k) => ({ x, low: low[k], high: high[k] }));
        marks.push(
          Plot.areaY(rows, { x: "x", y1: "low", y2: "high", fill: COLOURS[i], fillOpacity: 0.16 }),
        );
      }
    });
    names.forEach((name, i) => {
      if (state.opened) {
        const seen = scaled(found.opened[name], found.untreated[name], state.fold);
        marks.push(openedLine(points(found.times, seen), i));
      }
      const seen = scaled(found.closed[name], found.untreated[name], state.fold);
      marks.push(closedLine(points(found.times, seen), i));
    });
    marks.push(Plot.ruleY([0], { stroke: "#777" }));
    if (state.fold) marks.push(Plot.ruleY([1], { stroke: "#777", strokeDasharray: "2 3" }));
    return figure({
      width,
      marks,
      said,
      x: { label: "time [h]", domain: [0, state.hours] },
      y: { label: state.fold ? "times untreated [1]" : `concentration [${unit}]`, zero: true },
    });
  }

  /** One panel of a patient, over days. @param {Found} found @param {string[]} names
   * @param {State} state @param {number} width @param {string} unit @param {string} said
   * @param {number|undefined} limit */
  function course(found, names, state, width, unit, said, limit) {
    const days = found.times.map((time) => time / BODIES.DAY),
      marks = [];
    if (limit) marks.push(Plot.ruleY([limit], { stroke: "#D55E00", strokeDasharray: "2 3" }));
    names.forEach((name, i) => {
      if (state.opened) marks.push(openedLine(points(days, found.opened[name]), i));
      marks.push(closedLine(points(days, found.closed[name]), i));
    });
    marks.push(Plot.ruleY([0], { stroke: "#777" }));
    return figure({
      width,
      marks,
      said,
      x: { label: "time [d]", domain: [0, state.days] },
      y: { label: `[${unit}]`, zero: true },
    });
  }

  /** One quantity of a model from a file, and as the file has it. @param {Float64Array} times
   * @param {Float64Array} own @param {Float64Array|null} file @param {number} width
   * @param {string} clock @param {string} unit @param {string} said */
  function plainCurve(times, own, file, width, clock, unit, said) {
    const marks = [];
    if (file) {
      marks.push(
        Plot.lineY(points(times, file), {
          x: "x",
          y: "y",
          stroke: OPENED,
          strokeWidth: 1,
          strokeDasharray: "4 3",
        }),
      );
    }
    marks.push(
      Plot.lineY(points(times, own), { x: "x", y: "y", stroke: COLOURS[0], strokeWidth: 2 }),
    );
    return figure({
      width,
      marks,
      said,
      x: { label: `time [${clock}]` },
      y: { label: `[${unit}]` },
    });
  }

  /** @param {Dosed} found @param {State} state @param {number} width @param {string} drug
   * @param {string} unit @param {string} said */
  function response(found, state, width, drug, unit, said) {
    const dose = /** @type {Chosen} */ (state.drugs[0]).dose,
      { untreated } = found;
    const marks = [
      Plot.ruleY([state.fold ? 1 : untreated], { stroke: "#777", strokeDasharray: "2 3" }),
    ];
    if (dose >= found.doses[0] && dose <= found.doses[found.doses.length - 1]) {
      marks.push(Plot.ruleX([dose], { stroke: "#999" }));
    }
    if (state.opened) {
      marks.push(
        Plot.lineY(points(found.doses, scaled(found.opened, untreated, state.fold)), {
          x: "x",
          y: "y",
          stroke: OPENED,
          strokeWidth: 1.2,
          strokeDasharray: "4 3",
        }),
      );
    }
    marks.push(
      Plot.lineY(points(found.doses, scaled(found.closed, untreated, state.fold)), {
        x: "x",
        y: "y",
        stroke: COLOURS[0],
        strokeWidth: 2.2,
      }),
    );
    return figure({
      width,
      marks,
      said,
      x: { type: "log", label: `${drug} [nM]`, ticks: 5, tickFormat: plain },
      y: {
        label: state.fold ? "times untreated [1]" : `${nameOf(state.read)} [${unit}]`,
        zero: true,
      },
    });
  }

  /** @param {{width: number, marks: any[], said: string, x: object, y: object}} given */
  function figure({ width, marks, said, x, y }) {
    const made = Plot.plot({
      width,
      height: HEIGHT,
      marginLeft: 52,
      marginRight: 18,
      marginBottom: 38,
      marginTop: 22,
      style: { fontSize: "12px", fontFamily: "system-ui, sans-serif", background: "white" },
      x: { ...x, labelAnchor: "center", labelArrow: "none" },
      y: { ...y, labelArrow: "none", grid: true, nice: true },
      marks,
      ariaLabel: said,
    });
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", said);
    return /** @type {SVGSVGElement} */ (made);
  }

  /** A number for people. @param {number} x */
  function plain(x) {
    if (x === 0 || !Number.isFinite(x)) return String(x);
    const size = Math.abs(x);
    if (size >= 1e5 || size < 1e-4) return x.toExponential(2).replace(/\.?0+e/, "e");
    return String(Number(x.toPrecision(3)));
  }

  return {
    BODY,
    COLOURS,
    DASHES,
    SHARES,
    HEIGHT,
    panels,
    curves,
    course,
    plainCurve,
    response,
    plain,
    nameOf,
  };
})();
