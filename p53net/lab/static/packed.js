// @ts-check
// The data of the page: unpacked from one text.
"use strict";

const PACKED = (() => {
  /** @param {string} text in base 64 */
  async function unpacked(text) {
    const binary = atob(text.trim()),
      bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return opened(new Uint8Array(await new Response(stream).arrayBuffer()));
  }

  /** JSON and pieces, each from a multiple of eight on.
   * @param {Uint8Array} whole @returns {{data: Data, blobs: Uint8Array[]}} */
  function opened(whole) {
    const length = Number(new DataView(whole.buffer).getBigUint64(0, true));
    const data = JSON.parse(new TextDecoder().decode(whole.subarray(8, 8 + length)));
    let at = 8 + padded(length);
    /** @type {Uint8Array[]} */
    const blobs = [];
    for (const size of data.lengths) {
      blobs.push(whole.subarray(at, at + size));
      at += padded(size);
    }
    return { data, blobs };
  }

  /** @param {number} size */
  function padded(size) {
    return Math.ceil(size / 8) * 8;
  }

  return { unpacked, opened };
})();
