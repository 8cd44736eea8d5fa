// @ts-check
// The glue of a worker: jobs in, results out. Behind it stands the engine's text.
"use strict";

(() => {
  /** @type {InstanceType<typeof CELLS.Lab> | null} */
  let lab = null;
  self.onmessage = ({ data: job }) => {
    if (job.open) {
      lab = new CELLS.Lab(job.open.data, job.open.blobs);
      return;
    }
    try {
      if (!lab) throw new Error("the engine is not there yet");
      self.postMessage({ id: job.id, result: CELLS.answer(lab, job.call, job.given) });
    } catch (error) {
      self.postMessage({
        id: job.id,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  };
})();
