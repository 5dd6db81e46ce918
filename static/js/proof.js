/* A moment's work for the browser: looks for a number whose digest with the challenge begins with enough zeros, and sends the form.
   Without this script the payer waits some seconds and presses the button. */
"use strict";

(() => {
  const form = document.querySelector("form[data-proof]");
  if (!form) return;
  const { challenge, bits } = form.dataset;
  const target = Number(bits);
  const byHand = form.querySelector("[data-by-hand]");
  const byScript = form.querySelector("[data-by-script]");
  byHand.hidden = true;
  byScript.hidden = false;

  // SHA-256 of one block, as FIPS 180-4 describes it: the challenge and a number are never longer than 55 signs.
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (root) => ((root - Math.floor(root)) * 4294967296) | 0;
  const K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
  const H = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
  const w = new Int32Array(64);
  const turn = (x, n) => (x >>> n) | (x << (32 - n));

  function firstWord(text) {
    w.fill(0, 0, 16);
    for (let i = 0; i < text.length; i += 1) w[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
    w[text.length >> 2] |= 0x80 << (24 - (text.length % 4) * 8);
    w[15] = text.length * 8;
    for (let i = 16; i < 64; i += 1) {
      const a = w[i - 15];
      const b = w[i - 2];
      w[i] = (w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
    }
    let [a, b, c, d, e, f, g, h] = H;
    for (let i = 0; i < 64; i += 1) {
      const s = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const t = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + s) | 0; d = c; c = b; b = a; a = (s + t) | 0;
    }
    return (H[0] + a) | 0;
  }

  // In small portions, so that the page stays awake. No more than 32 zeros are ever asked for: the first word says all.
  let number = 0;
  (function work() {
    const until = performance.now() + 12;
    while (performance.now() < until) {
      for (let i = 0; i < 200; i += 1, number += 1) {
        if (Math.clz32(firstWord(`${challenge}:${number}`)) < target) continue;
        form.elements.nonce.value = String(number);
        form.requestSubmit();
        return;
      }
    }
    setTimeout(work, 0);
  })();
})();
