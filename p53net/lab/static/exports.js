// @ts-check
// What can be taken out of the page: tables, pictures, models, and lines of Python.
"use strict";

const EXPORTS = (() => {
  const SBML = "http://www.sbml.org/sbml/level3/version1/core";
  const MATH = "http://www.w3.org/1998/Math/MathML";
  const CLOCK = "http://www.sbml.org/sbml/symbols/time";
  const GAP = 12;
  const LINE = 16; // of text

  /** @param {string} name @param {BlobPart} content @param {string} type */
  function download(name, content, type) {
    const address = URL.createObjectURL(new Blob([content], { type }));
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  /** All curves and bands. @param {Shown} shown @param {State} state @returns {string} */
  function csv({ found, band }, state) {
    const columns = /** @type {[string, Float64Array][]} */ ([["time_h", found.times]]);
    for (const name of Object.keys(found.closed)) {
      columns.push([`${name}_nM`, found.closed[name]]);
      if (state.opened) columns.push([`${name}_opened_nM`, found.opened[name]]);
      if (band && band.bands[name]) {
        FIGURES.SHARES.forEach((share, i) =>
          columns.push([`${name}_q${share}_${state.fold ? "fold" : "nM"}`, band.bands[name][i]]),
        );
      }
    }
    return table(columns);
  }

  /** All curves of a patient. @param {Patient} found @param {State} state
   * @param {Data["bodies"]} bodies @param {string} group */
  function csvOfPatient(found, state, bodies, group) {
    const columns = /** @type {[string, Float64Array][]} */ ([["time_h", found.marrow.times]]);
    for (const place of /** @type {const} */ (["marrow", "tumour"])) {
      const units = bodies[`${place}|${group}`].system.readouts;
      for (const [name, curve] of Object.entries(found[place].closed)) {
        const unit = units[name].unit.replace(/\W+/g, "_");
        columns.push([`${place}_${name}_${unit}`, curve]);
        if (state.opened)
          columns.push([`${place}_${name}_opened_${unit}`, found[place].opened[name]]);
      }
    }
    return table(columns);
  }

  /** @param {[string, Float64Array][]} columns */
  function table(columns) {
    const rows = Array.from(columns[0][1], (_, i) =>
      columns.map(([, values]) => values[i]).join(","),
    );
    return `${columns.map(([name]) => name).join(",")}\n${rows.join("\n")}\n`;
  }

  /** A text as Python writes it. @param {string} text */
  const quoted = (text) => JSON.stringify(text);

  /** Lines of Python that give the same run. @param {Setting} setting */
  function python(setting) {
    const names = setting.drugs.map((drug) => quoted(drug.name)).join(", ");
    const doses = setting.drugs
      .map(({ name, dose, from, hours }) => {
        const ends = from + hours < setting.hours;
        let given = String(dose);
        if (setting.closed) given = `pn.closed_dish(${dose}, medium_volume=${setting.closed})`;
        else if (ends) given = `pn.pulse(${dose}, hours=${hours}${from ? `, start=${from}` : ""})`;
        else if (from) given = `pn.course([(${from}, ${dose})])`;
        return from < setting.hours ? `${quoted(name)}: ${given}` : `${quoted(name)}: 0`;
      })
      .join(", ");
    const changed = Object.entries(setting.parameters).map(
      ([name, value]) => `${quoted(name)}: ${value}`,
    );
    const more = changed.length ? `, parameters={${changed.join(", ")}}` : "";
    return [
      "import numpy as np",
      "import p53net as pn",
      "",
      `model = pn.load(${names}, cell_line=${quoted(setting.line)}, structure=${quoted(setting.structure)}, accuracy=1e-8)`,
      `times = np.linspace(0, ${setting.hours}, ${setting.points})  # h`,
      `doses = {${doses}}  # nM`,
      `run = model.simulate(times, doses${more})`,
      `opened = model.simulate(times, doses${more}, feedback=False)`,
      "pn.plot(run)",
      "",
    ].join("\n");
  }

  /** Lines of Python that give the same patient. @param {Treatment} given
   * @param {Record<"marrow"|"tumour", Record<string, Row>>} rows */
  function pythonOfPatient(given, rows) {
    const names = given.drugs.map((drug) => quoted(drug.name)).join(", ");
    const doses = given.drugs
      .map(
        ({ name, amount, on, of }) =>
          `${quoted(name)}: pn.regimen(${amount}, "mg", "${on}/${of}", days=${given.days})`,
      )
      .join(", ");
    const runs = /** @type {const} */ (["marrow", "tumour"]).flatMap((place) => {
      const line = place === "tumour" ? `, cell_line=${quoted(given.line)}` : "";
      const changed = Object.entries(given.parameters)
        .filter(([name]) => name in rows[place])
        .map(([name, value]) => `${quoted(name)}: ${value}`)
        .join(", ");
      return [
        `${place} = pn.load(${names}, system="${place}"${line}, accuracy=1e-8)`,
        `${place}_run = ${place}.simulate(times, doses${changed ? `, parameters={${changed}}` : ""})`,
      ];
    });
    return [
      "import numpy as np",
      "import p53net as pn",
      "",
      `times = np.linspace(0, ${given.days} * 24, ${given.days} * 4 + 1)  # h`,
      `doses = {${doses}}`,
      ...runs,
      "pn.plot(marrow_run)",
      "",
    ].join("\n");
  }

  /** The run as SBML: start values, parameters and doses in the model's text.
   * @param {string} text @param {Setting} setting @param {{parameters: Record<string, number>,
   *   states: Record<string, number>}} start @param {Record<string, string>} dosed
   * @param {(drug: string) => string} mechanism @param {string} said */
  function sbml(text, setting, start, dosed, mechanism, said) {
    const file = new DOMParser().parseFromString(text, "application/xml");
    const model = file.getElementsByTagNameNS(SBML, "model")[0];
    model.setAttribute("id", "p53net_lab");
    model.setAttribute("name", said);
    /** @param {string} kind */
    const all = (kind) => Array.from(model.getElementsByTagNameNS(SBML, kind));
    /** @param {Element} element @param {string} name @param {number} value */
    const set = (element, name, value) =>
      element.setAttribute(name, String(Number(value.toPrecision(12))));
    for (const [kind, name, values] of /** @type {[string, string, Record<string, number>][]} */ ([
      ["parameter", "value", start.parameters],
      ["compartment", "size", start.parameters],
      ["species", "initialConcentration", start.states],
    ])) {
      for (const one of all(kind)) {
        const id = one.getAttribute("id") || "";
        if (id in values) set(one, name, values[id]);
      }
    }
    const events = file.createElementNS(SBML, "listOfEvents");
    for (const { name, dose, from, hours } of setting.closed ? [] : setting.drugs) {
      const steps = [
        [from, dose],
        [from + hours, 0],
      ];
      for (const [time, level] of steps.filter(([at]) => at > 0 && at < setting.hours)) {
        events.append(
          event(file, events.childElementCount + 1, time, dosed[mechanism(name)], level),
        );
      }
    }
    if (events.childElementCount) model.append(events);
    return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(file.documentElement)}\n`;
  }

  /** @param {Document} file @param {number} number @param {number} time @param {string} species
   * @param {number} level */
  function event(file, number, time, species, level) {
    /** @param {string} tag @param {Record<string, string>} attributes @param {(Node|string)[]} inside */
    const made = (tag, attributes, inside, space = SBML) => {
      const element = file.createElementNS(space, tag);
      for (const [name, value] of Object.entries(attributes)) {
        if (name === "units") element.setAttributeNS(SBML, "sbml:units", value);
        else element.setAttribute(name, value);
      }
      element.append(...inside);
      return element;
    };
    /** @param {string} tag @param {Record<string, string>} attributes @param {(Node|string)[]} inside */
    const math = (tag, attributes, inside) => made(tag, attributes, inside, MATH);
    const clock = math("csymbol", { encoding: "text", definitionURL: CLOCK }, [" time "]);
    const due = math("apply", {}, [
      math("geq", {}, []),
      clock,
      math("cn", { units: "hour" }, [String(time)]),
    ]);
    return made("event", { id: `dose_${number}`, useValuesFromTriggerTime: "true" }, [
      made("trigger", { initialValue: "true", persistent: "true" }, [math("math", {}, [due])]),
      made("listOfEventAssignments", {}, [
        made("eventAssignment", { variable: species }, [
          math("math", {}, [math("cn", { units: "nM" }, [String(level)])]),
        ]),
      ]),
    ]);
  }

  /** All figures in one picture, with their keys. @param {HTMLElement} box @param {Element} legend
   * @param {string} title */
  function svg(box, legend, title) {
    const parts = Array.from(box.querySelectorAll("figure")),
      pictures = parts.map(
        (one) => /** @type {SVGSVGElement} */ (one.querySelector("svg[role=img]")),
      );
    const width = Math.max(...pictures.map((one) => Number(one.getAttribute("width"))));
    const columns = Math.min(parts.length, 3),
      high = FIGURES.HEIGHT + 44;
    const rows = Math.ceil(parts.length / columns),
      top = 34;
    const size = {
      width: columns * (width + GAP),
      height: top + rows * (high + GAP) + LINE * legend.childElementCount + GAP,
    };
    const whole = drawn("svg", { ...size, viewBox: `0 0 ${size.width} ${size.height}` });
    whole.append(drawn("rect", { ...size, fill: "white" }), label(title, 8, 20, 13, 400));
    parts.forEach((part, i) => {
      const x = (i % columns) * (width + GAP),
        y = top + Math.floor(i / columns) * (high + GAP);
      const inner = /** @type {SVGSVGElement} */ (pictures[i].cloneNode(true));
      inner.setAttribute("x", String(x));
      inner.setAttribute("y", String(y + 36));
      whole.append(
        label(part.querySelector("figcaption")?.textContent || "", x + 8, y + 14, 13, 600),
      );
      whole.append(...keys(part.querySelectorAll(".key > span"), x + 8, y + 30), inner);
    });
    Array.from(legend.children).forEach((one, i) =>
      whole.append(...keys([one], 8, top + rows * (high + GAP) + LINE * (i + 1))),
    );
    return { text: new XMLSerializer().serializeToString(whole), ...size };
  }

  /** Lines, colours and their meanings in a row. @param {Iterable<Element>} spans @param {number} x
   * @param {number} y */
  function keys(spans, x, y) {
    const found = /** @type {Element[]} */ ([]);
    for (const span of spans) {
      const line = span.querySelector("svg")?.cloneNode(true),
        swatch = span.querySelector(".swatch");
      if (line instanceof SVGSVGElement) {
        line.setAttribute("x", String(x));
        line.setAttribute("y", String(y - 9));
        found.push(line);
      } else if (swatch) {
        found.push(
          drawn("rect", {
            x,
            y: y - 9,
            width: 28,
            height: 10,
            fill: getComputedStyle(swatch).backgroundColor,
          }),
        );
      }
      const begin = line || swatch ? x + 33 : x,
        text = span.textContent || "";
      found.push(label(text, begin, y, 11, 400));
      x = begin + 6.1 * text.length + 14;
    }
    return found;
  }

  /** @param {string} tag @param {Record<string, string|number>} attributes */
  function drawn(tag, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
    return made;
  }

  /** @param {string} text @param {number} x @param {number} y @param {number} size @param {number} weight */
  function label(text, x, y, size, weight) {
    const made = drawn("text", {
      x,
      y,
      "font-family": "system-ui, sans-serif",
      "font-size": size,
      "font-weight": weight,
    });
    made.textContent = text;
    return made;
  }

  /** @param {{text: string, width: number, height: number}} picture @param {number} scale
   * @returns {Promise<Blob>} */
  async function png({ text, width, height }, scale) {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = width * scale;
    canvas.height = height * scale;
    const ground = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ground.drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done, failed) =>
      canvas.toBlob(
        (blob) => (blob ? done(blob) : failed(new Error("the picture cannot be made"))),
        "image/png",
      ),
    );
  }

  return { download, csv, csvOfPatient, python, pythonOfPatient, sbml, svg, png };
})();
