// node lab_in_node.cjs DATA JOBS: run settings in the page's own engine, and print what it gives as JSON.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const zlib = require("zlib");

const folder = path.join(__dirname, "../../p53net/lab/static");
const names = ["engine.js", "cells.js", "bodies.js", "files.js", "packed.js"];
const text = names.map((name) => fs.readFileSync(path.join(folder, name), "utf8")).join("\n");
const { BODIES, CELLS, ENGINE, FILES, PACKED } = vm.runInThisContext(
  `${text}\n({ BODIES, CELLS, ENGINE, FILES, PACKED })`,
);

const bytes = new Uint8Array(zlib.gunzipSync(fs.readFileSync(process.argv[2])));
const { data, blobs } = PACKED.opened(new Uint8Array(bytes));
const lab = new CELLS.Lab(data, blobs);
const calls = {
  curves: ([setting]) => lab.curves(setting),
  band: ([setting, ...rest]) => lab.band(setting, ...rest),
  response: ([setting, output, at, doses]) => lab.response(setting, output, at, doses),
  values: ([setting]) => lab.values(setting),
  patient: ([given]) => BODIES.patient(lab, given),
  file: ([given]) => FILES.run(lab, given),
  growth: ([block]) => ENGINE.growth(Float64Array.from(block.flat()), block.length),
};
const plain = (_, value) => (value instanceof Float64Array ? Array.from(value) : value);
const jobs = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
const found = jobs.map(([call, ...rest]) => {
  const began = performance.now();
  try {
    const result = calls[call](rest);
    return { result, ms: performance.now() - began };
  } catch (error) {
    return { error: error.message };
  }
});
fs.writeFileSync(1, JSON.stringify(found, plain));
