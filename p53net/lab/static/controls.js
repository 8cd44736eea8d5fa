// @ts-check
// The controls of our models: from the state, and back to it.
"use strict";

const CONTROLS = (() => {
  const DECADES = /** @type {Record<string, [number, number]>} */ ({
    inhibitor: [0, 5],
    degrader: [-3, 3],
  });
  const { STEP, made, list, slider, box, group, opened, shownUnit } = ELEMENTS;

  /** All controls of a state. `changed` is called with the state after every change, and whether
   * the controls have to be made again.
   * @param {HTMLElement} form @param {InstanceType<typeof CELLS.Lab>} lab @param {State} state
   * @param {(again: boolean) => void} changed */
  function fill(form, lab, state, changed) {
    const { data } = lab,
      focused = document.activeElement?.id,
      open = opened(form);
    const wide = matchMedia("(min-width: 761px)").matches;
    const again = () => changed(true),
      once = () => changed(false),
      dish = state.place === "dish";
    const rows = dish
      ? lab.rows(STATE.setting(state))
      : BODIES.allRows(lab, STATE.treatment(state));
    form.replaceChildren(
      list(
        "place",
        "Where",
        [
          ["dish", "cells in a dish"],
          ["patient", "a patient: marrow and tumour"],
        ],
        state.place,
        (value) => {
          state.place = value;
          STATE.settle(data, state);
          again();
        },
      ),
      group(
        "Drugs",
        open,
        true,
        ...state.drugs.flatMap((_, i) => drug(lab, state, i, again, once)),
      ),
      ...(dish
        ? inDish(lab, state, rows, open, wide, again, once)
        : inBody(data, state, open, wide, again, once)),
      group("Parameters", open, false, ...parameters(lab, state, rows, again, once)),
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  /** A cell line to choose, and what it is. @param {Data} data @param {State} state
   * @param {"line"|"tumour"} id @param {string} label @param {string[]} names
   * @param {() => void} again */
  const lines = (data, state, id, label, names, again) => [
    list(
      id,
      label,
      names.map((name) => [name, name]),
      state[id],
      (value) => {
        state[id] = value;
        again();
      },
    ),
    made("small", {}, data.lines.find((one) => one.name === state[id])?.about || ""),
  ];

  /** Groups of a dish. @param {InstanceType<typeof CELLS.Lab>} lab @param {State} state
   * @param {Record<string, Row>} rows @param {Map<string, boolean>} open @param {boolean} wide
   * @param {() => void} again @param {() => void} once */
  function inDish(lab, state, rows, open, wide, again, once) {
    const { data } = lab,
      setting = STATE.setting(state),
      drawn = state.structure === data.structures[0].name;
    return [
      group(
        "Cell",
        open,
        wide,
        ...lines(data, state, "line", "Cell line", data.lines.map(({ name }) => name), again),
        list(
          "structure",
          "Structure",
          data.structures.map(({ name, choices, note }) => [
            name,
            choices ? `${name}: ${choices}` : note ? `${name}: ${note}` : name,
          ]),
          state.structure,
          (value) => {
            state.structure = value;
            state.band = state.band || (value === data.structures[0].name && data.draws !== null);
            STATE.settle(data, state);
            again();
          },
        ),
      ),
      group(
        "Run",
        open,
        wide,
        slider(
          {
            id: "hours",
            label: "Length of the run",
            unit: "h",
            value: state.hours,
            low: 6,
            high: 240,
            step: 1,
            least: 1,
            most: STATE.LONGEST,
          },
          (value) => {
            state.hours = value;
            state.at = Math.min(state.at, value);
            once();
          },
        ),
        box(
          "closed",
          "Closed dish: cells take the drug out of the medium",
          state.closed > 0,
          false,
          "",
          (on) => {
            state.closed = on ? rows.medium[0] : 0;
            again();
          },
        ),
        ...(state.closed
          ? [
              slider(
                {
                  id: "medium",
                  label: "Medium for each cell",
                  unit: "pL",
                  value: state.closed,
                  low: 0,
                  high: 4,
                  step: STEP,
                  log: true,
                  least: 1e-3,
                  most: 1e6,
                },
                (value) => {
                  state.closed = value;
                  once();
                },
              ),
            ]
          : []),
      ),
      group(
        "Show",
        open,
        wide,
        box("fold", "Over what it is untreated (else nM)", state.fold, false, "", (on) => {
          state.fold = on;
          once();
        }),
        loop(state, once),
        box(
          "band",
          "95 % of the draws of the shipped ensemble",
          state.band,
          !data.draws || !drawn,
          data.draws && !drawn ? "each draw has a structure of its own: choose the first one" : "",
          (on) => {
            state.band = on;
            once();
          },
        ),
        list(
          "read",
          "Dose–response of",
          Object.keys(data.kinds[lab.key(setting)].system.readouts).map((name) => [
            name,
            FIGURES.nameOf(name),
          ]),
          state.read,
          (value) => {
            state.read = value;
            once();
          },
        ),
        slider(
          {
            id: "at",
            label: "read at",
            unit: "h",
            value: state.at,
            low: 1,
            high: 240,
            step: 1,
            least: 0.5,
            most: STATE.LONGEST,
          },
          (value) => {
            state.at = Math.min(value, state.hours);
            once();
          },
        ),
      ),
    ];
  }

  /** Groups of a patient. @param {Data} data @param {State} state @param {Map<string, boolean>} open
   * @param {boolean} wide @param {() => void} again @param {() => void} once */
  function inBody(data, state, open, wide, again, once) {
    return [
      group(
        "Patient",
        open,
        wide,
        ...lines(data, state, "tumour", "Cell line of the tumour", data.patients.lines, again),
        slider(
          {
            id: "days",
            label: "Treated for",
            unit: "d",
            value: state.days,
            low: 7,
            high: STATE.LONGEST_DAYS,
            step: 7,
            least: 1,
            most: STATE.LONGEST_DAYS,
          },
          (value) => {
            state.days = Math.round(value);
            once();
          },
        ),
        loop(state, once),
      ),
    ];
  }

  /** @param {State} state @param {() => void} once */
  function loop(state, once) {
    return box("opened", "The loop opened beside it (dashed)", state.opened, false, "", (on) => {
      state.opened = on;
      once();
    });
  }

  /** @param {InstanceType<typeof CELLS.Lab>} lab @param {State} state @param {number} i
   * @param {() => void} again @param {() => void} changed */
  function drug(lab, state, i, again, changed) {
    const { data } = lab,
      one = state.drugs[i],
      other = state.drugs[0];
    const taken = i && other ? lab.mechanism(other.name) : "",
      dish = state.place === "dish";
    const names = data.drugs.filter(
      (each) => each.mechanism !== taken && (dish || each.name in data.patients.masses),
    );
    const options = /** @type {[string, string][]} */ (
      names.map((each) => [each.name, `${each.name} (${each.mechanism})`])
    );
    const id = `drug${i + 1}`;
    const chooser = list(
      id,
      i ? "and" : "Drug",
      i ? [["", "no other drug"], ...options] : options,
      one?.name || "",
      (name) => {
        const same = name && one && lab.mechanism(name) === lab.mechanism(one.name);
        state.drugs[i] = same ? { ...one, name } : name ? STATE.chosen(data, name) : null;
        STATE.settle(data, state);
        again();
      },
    );
    if (!one) return [chooser];
    if (!dish) return [chooser, ...regimen(one, id, changed)];
    const [low, high] = DECADES[lab.mechanism(one.name)] || [-3, 5];
    const dose = slider(
      {
        id: `${id}-dose`,
        label: `Dose of ${one.name}`,
        unit: "nM",
        value: one.dose,
        low,
        high,
        step: STEP,
        log: true,
        most: STATE.HIGHEST,
      },
      (value) => {
        one.dose = value;
        changed();
      },
    );
    if (state.closed) return [chooser, dose];
    const from = slider(
      {
        id: `${id}-from`,
        label: "given at",
        unit: "h",
        value: one.from,
        low: 0,
        high: 120,
        step: 1,
        most: STATE.LONGEST,
      },
      (value) => {
        one.from = value;
        changed();
      },
    );
    const hours = slider(
      {
        id: `${id}-hours`,
        label: "washed out after",
        unit: "h",
        value: one.hours,
        low: 0,
        high: 240,
        step: 1,
        most: STATE.LONGEST,
        note: "0: never",
      },
      (value) => {
        one.hours = value;
        changed();
      },
    );
    return [chooser, dose, from, hours];
  }

  /** @param {Chosen} one @param {string} id @param {() => void} changed */
  function regimen(one, id, changed) {
    return [
      slider(
        {
          id: `${id}-amount`,
          label: `Dose of ${one.name}`,
          unit: "mg",
          value: one.amount,
          low: 0,
          high: 3,
          step: STEP,
          log: true,
          most: STATE.HEAVIEST,
        },
        (value) => {
          one.amount = value;
          changed();
        },
      ),
      slider(
        {
          id: `${id}-on`,
          label: "once a day on the first",
          unit: "d",
          value: one.on,
          low: 1,
          high: 28,
          step: 1,
          least: 1,
          most: STATE.LONGEST_DAYS,
        },
        (value) => {
          one.on = Math.round(value);
          changed();
        },
      ),
      slider(
        {
          id: `${id}-of`,
          label: "of every",
          unit: "d",
          value: one.of,
          low: 1,
          high: 42,
          step: 1,
          least: 1,
          most: STATE.LONGEST_DAYS,
        },
        (value) => {
          one.of = Math.round(value);
          changed();
        },
      ),
    ];
  }

  /** @param {InstanceType<typeof CELLS.Lab>} lab @param {State} state @param {Record<string, Row>} rows
   * @param {() => void} again @param {() => void} changed */
  function parameters(lab, state, rows, again, changed) {
    const free = Object.keys(rows).filter((name) => STATE.changeable(name, rows[name]));
    const usualOnes = state.place === "dish" ? lab.data.sliders : lab.data.patients.sliders;
    const first = usualOnes.filter((name) => free.includes(name));
    const shown = [
      ...first,
      ...Object.keys(state.parameters).filter((name) => !first.includes(name)),
    ];
    const sliders = shown.map((name) => {
      const [usual, unit, , kind] = rows[name],
        value = state.parameters[name] ?? usual;
      const share =
        usual === 0 || (unit === "dimensionless" && usual <= 1 && !name.startsWith("n_"));
      const log = usual > 0 && !name.startsWith("n_");
      const [low, high] = log
        ? [
            Math.log10(usual) - 1,
            share && usual <= 1 ? Math.min(Math.log10(usual) + 1, 0) : Math.log10(usual) + 1,
          ]
        : usual === 0
          ? [0, 1]
          : [Math.max(usual - 2, 0.5), usual + 2];
      return slider(
        {
          id: `p-${name}`,
          label: name,
          unit: shownUnit(unit),
          value,
          low,
          high: Math.max(high, low + 0.3),
          step: 0.01,
          log,
          note: `${kind}, ${FIGURES.plain(usual)} in the model`,
        },
        (moved) => {
          if (moved === usual) delete state.parameters[name];
          else state.parameters[name] = moved;
          changed();
        },
        name in state.parameters
          ? () => {
              delete state.parameters[name];
              again();
            }
          : undefined,
      );
    });
    const others = free.filter((name) => !shown.includes(name));
    const more = list(
      "more",
      "Another parameter",
      [["", "choose one"], ...others.map((name) => /** @type {[string, string]} */ ([name, name]))],
      "",
      (name) => {
        if (name) state.parameters[name] = rows[name][0];
        again();
      },
    );
    const back = made("button", { type: "button", class: "small" }, "Set all parameters back");
    back.addEventListener("click", () => {
      state.parameters = {};
      again();
    });
    return [...sliders, more, back];
  }

  return { fill };
})();
