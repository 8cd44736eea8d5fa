// @ts-check
// Jobs for the engine, in a worker.
"use strict";

/** @typedef {{id: number, call: string, given: any[], done: (value: any) => void,
 *   failed: (error: Error) => void}} Job */

/** One worker, which does one job after the other; in a browser that allows none, this very page
 * works. */
class Calculator {
  /** @param {{data: any, blobs: Uint8Array[]}} opened @param {Lab} lab the same, for this page */
  constructor(opened, lab) {
    /** @type {Job[]} */
    this.waiting = [];
    this.busy = /** @type {Job | null} */ (null);
    this.count = 0;
    this.lab = lab;
    try {
      const text = `${document.getElementById("engine")?.textContent}\n${document.getElementById("worker")?.textContent}`;
      this.worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
      this.worker.onmessage = ({ data }) => this._answered(data);
      this.worker.onerror = () => this._alone();
      this.worker.postMessage({ open: opened });
    } catch {
      this.worker = null;
    }
  }

  /** @param {string} call @param {any[]} given @returns {Promise<any>} */
  ask(call, ...given) {
    return new Promise((done, failed) => {
      this.waiting.push({ id: ++this.count, call, given, done, failed });
      this._next();
    });
  }

  _next() {
    if (this.busy) return;
    const job = this.waiting.shift();
    if (job) this._begin(job);
  }

  /** @param {Job} job */
  _begin(job) {
    this.busy = job;
    if (this.worker) this.worker.postMessage({ id: job.id, call: job.call, given: job.given });
    else setTimeout(() => this._here(job), 0);
  }

  /** @param {Job} job */
  _here(job) {
    try {
      this._answered({ id: job.id, result: CELLS.answer(this.lab, job.call, job.given) });
    } catch (error) {
      this._answered({ id: job.id, error: /** @type {Error} */ (error).message });
    }
  }

  /** Go on without a worker. */
  _alone() {
    this.worker = null;
    if (this.busy) this._begin(this.busy);
  }

  /** @param {{id: number, result?: any, error?: string}} answer */
  _answered({ result, error }) {
    const job = this.busy;
    this.busy = null;
    if (error) job?.failed(new Error(error));
    else job?.done(result);
    this._next();
  }
}
