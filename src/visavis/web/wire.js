// The wire schema of gateway/events.py as the page needs it: binary headers and epochs.

export const VERSION = 1;
export const RATE = 48000; // Hz, of the media clock
export const SOUND = 1;
export const PICTURE = 2;
const HEADER = 16; // bytes: kind u8, zero, epoch u16, count u32, start f64

/** {kind, epoch, count, start, payload} of a binary message, or null if it is none. */
export function parse(buffer) {
  if (buffer.byteLength < HEADER) return null;
  const view = new DataView(buffer);
  return {
    kind: view.getUint8(0),
    epoch: view.getUint16(2, true),
    count: view.getUint32(4, true),
    start: view.getFloat64(8, true),
    payload: new Uint8Array(buffer, HEADER),
  };
}

/** The samples of a SOUND message as float32 in [-1, 1). */
export function samplesOf({ payload, count }) {
  // little-endian, as every machine is that runs a browser; a view that swaps bytes is ten times slower
  const given = new Int16Array(payload.buffer, payload.byteOffset, payload.byteLength >> 1);
  const samples = new Float32Array(Math.min(count, given.length));
  for (let i = 0; i < samples.length; i += 1) samples[i] = given[i] / 32768;
  return samples;
}

/** A SOUND message: float32 samples as s16le, `start` samples after the microphone was opened. */
export function soundMessage(samples, start) {
  const buffer = new ArrayBuffer(HEADER + 2 * samples.length);
  const view = new DataView(buffer);
  view.setUint8(0, SOUND);
  view.setUint32(4, samples.length, true);
  view.setFloat64(8, start, true);
  for (let i = 0; i < samples.length; i += 1) {
    view.setInt16(HEADER + 2 * i, Math.max(-1, Math.min(1, samples[i])) * 32767, true);
  }
  return buffer;
}

/** Whether an epoch lies before another; they count to 65,535 and begin again. */
export function older(epoch, current) {
  return ((epoch - current) & 0xffff) >= 0x8000;
}
