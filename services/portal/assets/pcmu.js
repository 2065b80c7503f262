// The part of the player that runs beside the page: µ-law octets become samples at the rate of the sound card.
//
// A store of a tenth of a second stands between the line and the card. When it has run dry it is filled again before anything is
// heard; when it holds three tenths, what is oldest goes, so that delay does not grow.
"use strict";

const RATE = 8000;
const FILL = 0.1 * RATE;
const MOST = 0.3 * RATE;

// G.711 table 2a: what each octet stands for, between -1 and 1.
const TABLE = new Float32Array(256);
for (let octet = 0; octet < 256; octet++) {
  const bits = ~octet & 0xff;
  const size = (((bits & 0x0f) << 3) + 0x84 << (bits >> 4 & 7)) - 0x84;
  TABLE[octet] = (bits & 0x80 ? -size : size) / 32768;
}

class Pcmu extends AudioWorkletProcessor {
  constructor() {
    super();
    this.store = new Float32Array(RATE);
    this.read = 0; // a place between samples
    this.written = 0;
    this.filling = true;
    this.energy = 0;
    this.blocks = 0;
    this.port.onmessage = (message) => this.take(message.data);
  }

  take(octets) {
    for (const octet of octets) {
      this.store[this.written % RATE] = TABLE[octet];
      this.written += 1;
    }
    if (this.written - this.read > MOST) {
      this.read = this.written - FILL;
      this.port.postMessage({ skipped: true });
    }
    if (this.filling && this.written - this.read >= FILL) this.filling = false;
  }

  process(_inputs, outputs) {
    const out = outputs[0][0];
    const step = RATE / sampleRate;
    for (let place = 0; place < out.length; place++) {
      if (this.filling || this.read + 1 >= this.written) {
        this.filling = true;
        out[place] = 0;
        continue;
      }
      const whole = Math.floor(this.read);
      const before = this.store[whole % RATE];
      const after = this.store[(whole + 1) % RATE];
      out[place] = before + (after - before) * (this.read - whole);
      this.energy += out[place] * out[place];
      this.read += step;
    }
    for (let channel = 1; channel < outputs[0].length; channel++) outputs[0][channel].set(out);
    this.blocks += 1;
    if (this.blocks === 16) {
      const level = Math.sqrt(this.energy / (16 * out.length));
      this.port.postMessage({ level, playing: !this.filling });
      this.energy = 0;
      this.blocks = 0;
    }
    return true;
  }
}

registerProcessor("pcmu", Pcmu);
