// Pictures wait for their sound: each is drawn when its media time is heard, and dropped if a later one is due.

import { RATE, older } from "./wire.js";

const LONGEST = 150; // pictures that wait, 6 s at 25 a second
const SMOOTH = 0.02; // of a new skew: about 0.8 s of pictures

export class Pictures {
  constructor(face) {
    this.face = face;
    this.waiting = []; // {start, epoch, bitmap}, in order
    this.decoding = 0;
    this.shown = 0;
    this.dropped = 0;
    this.skew = null; // s by which sound is later than its picture
    this.current = null; // start of the picture on the screen
    this.begin(0, 25);
  }

  begin(epoch, fps) {
    this.epoch = epoch;
    this.current = null;
    this.cut = null; // where the last flush was
    this.counted = 0; // earlier pictures may be late, which is no fault
    this.half = RATE / fps / 2;
    this.skew = null;
    this._drop(() => true);
  }

  /** A JPEG that appears at `start`. */
  async push(jpeg, start, epoch) {
    // nobody looks: pictures of a hidden page are not worth decoding
    if (older(epoch, this.epoch) || document.hidden || this.decoding > LONGEST) return;
    this.decoding += 1;
    try {
      const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
      if (older(epoch, this.epoch)) bitmap.close();
      else this._insert({ start, epoch, bitmap });
    } catch {
      this.dropped += 1; // a broken picture: the one before stays
    } finally {
      this.decoding -= 1;
    }
  }

  /** Pictures of `epoch` come instead, from `cut` on; those before media time `counted` may be too late. */
  flush(epoch, cut, counted) {
    this.epoch = epoch;
    this.cut = cut;
    this.counted = counted;
    this._drop((picture) => older(picture.epoch, epoch));
  }

  /** Draw the picture that belongs to what is heard. Call it once a screen refresh; true if it is a new one. */
  draw(heard) {
    let due = null;
    while (this.waiting.length && this.waiting[0].start <= heard) {
      if (due) {
        due.bitmap.close();
        if (!document.hidden && due.start >= this.counted) this.dropped += 1;
      }
      due = this.waiting.shift();
    }
    // nothing was shown yet: any face is better than none
    if (!due && this.current === null && this.waiting.length) due = this.waiting.shift();
    if (due) {
      this.face.show(due.bitmap, due.bitmap.width, due.bitmap.height);
      due.bitmap.close();
      this.current = due.start;
      this.shown += 1;
    }
    this._measure(heard);
    return due !== null;
  }

  _measure(heard) {
    if (this.current === null || heard < this.current || document.hidden) return; // a first one may be early
    const skew = (this.current + this.half - heard) / RATE;
    this.skew = this.skew === null ? skew : this.skew + (skew - this.skew) * SMOOTH;
  }

  _insert(picture) {
    let i = this.waiting.length;
    while (i > 0 && this.waiting[i - 1].start > picture.start) i -= 1;
    this.waiting.splice(i, 0, picture);
    if (this.waiting.length > LONGEST) this.waiting.shift().bitmap.close();
  }

  _drop(condition) {
    this.waiting = this.waiting.filter((picture) => {
      if (!condition(picture)) return true;
      picture.bitmap.close();
      return false;
    });
  }
}
