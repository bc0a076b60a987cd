// The avatars: pictures to choose from, and a door for one's own.

import { announce, at, element, icon } from "./dom.js";

const PATIENCE = 120_000; // ms for the server to make a face

export class Avatars {
  /** `on` has chosen(name), secret(): what an upload shows to be let in. */
  constructor(on) {
    this.on = on;
    this.list = at("avatars");
    this.choices = [];
    this.current = null;
    this.maximum = Infinity; // bytes
    this.request = null;
    this.picker = at("upload");
    this.picker.onchange = () => {
      if (this.picker.files[0]) this.upload(this.picker.files[0]);
      this.picker.value = "";
    };
    at("upload-cancel").onclick = () => this.request?.abort();
    at("upload-button").onclick = () => this.picker.click();
    this._acceptDrops();
  }

  /** Where an avatar's picture is. */
  static picture(name) {
    return `/avatars/${encodeURIComponent(name)}.jpg`;
  }

  set(choices, current, maximum) {
    this.choices = choices;
    this.maximum = maximum;
    this.list.replaceChildren(...choices.map((choice) => this._tile(choice)));
    this.select(current);
  }

  select(name) {
    this.current = name;
    // after a reload: one's own, whose picture this page does not have any more
    this._add({ name, isOwn: true, about: "", label: "yours", picture: null });
    for (const input of this.list.querySelectorAll("input")) input.checked = input.value === name;
  }

  /** Send a picture or a video; the face that comes of it is chosen. */
  upload(file) {
    if (this.request) return this._fail("One picture at a time: the last one is still on its way.");
    if (!/^(image|video)\//.test(file.type)) {
      return this._fail(`“${file.name}” is neither a picture nor a video. A JPEG, PNG, WebP, MP4 or WebM will do.`);
    }
    if (file.size > this.maximum) {
      return this._fail(`“${file.name}” has ${megabytes(file.size)}. At most ${megabytes(this.maximum)} will do.`);
    }
    const request = new XMLHttpRequest(); // fetch tells nobody how far an upload is
    this.request = request;
    request.open("POST", "/avatars");
    request.setRequestHeader("Content-Type", file.type);
    request.setRequestHeader("X-Visavis-Session", this.on.secret() ?? "");
    request.timeout = PATIENCE;
    request.upload.onprogress = ({ loaded, total }) => this._progress(loaded / total);
    request.onload = () => this._loaded(request, file);
    request.onerror = () => this._fail("The upload broke off. Is the server still there? Try again.");
    request.ontimeout = () => this._fail("The server took too long to make a face of it. Try a smaller picture.");
    request.onabort = () => this._fail("Upload cancelled.");
    request.onloadend = () => {
      this.request = null;
      at("uploading").hidden = true;
    };
    at("upload-error").textContent = "";
    at("uploading").hidden = false;
    this._progress(0);
    request.send(file);
    return undefined;
  }

  _loaded({ status, responseText }, file) {
    const answer = parsed(responseText);
    if (status >= 200 && status < 300 && answer?.name) {
      this._forgetOwn(); // the server keeps the last one only
      this._add({
        name: answer.name,
        isOwn: true,
        about: answer.note ?? "",
        label: file.name.replace(/\.[^.]*$/, ""),
        picture: file.type.startsWith("image/") ? URL.createObjectURL(file) : null, // the server shows it to nobody
      });
      announce("The new face is ready.");
      this.on.chosen(answer.name);
      return;
    }
    const reason = [answer?.message, answer?.error?.message, answer?.error, answer?.detail].find(
      (each) => typeof each === "string",
    );
    if (reason) this._fail(reason);
    else if (status === 413) this._fail(`The file is too large: at most ${megabytes(this.maximum)} can be taken.`);
    else if (status === 429) this._fail("Too many uploads at once. Wait a minute and try again.");
    else this._fail(`The server could not use this picture (${status}). A clear photo of one face works best.`);
  }

  _progress(part) {
    const bar = at("upload-progress");
    if (part < 1) bar.value = part;
    else bar.removeAttribute("value"); // all is there; the face is being made
    at("upload-words").textContent = part < 1 ? `Sending, ${Math.round(part * 100)} %` : "Making the face …";
  }

  _fail(reason) {
    at("upload-error").textContent = reason;
  }

  _add(choice) {
    if (this.choices.some(({ name }) => name === choice.name)) return;
    this.choices.push(choice);
    this.list.append(this._tile(choice));
  }

  _forgetOwn() {
    for (const { name, isOwn } of this.choices) {
      if (isOwn) this.list.querySelector(`[value="${name}"]`).parentElement.remove();
    }
    this.choices = this.choices.filter(({ isOwn }) => !isOwn);
  }

  _tile({ name, about, label = name, picture: source = Avatars.picture(name) }) {
    const initial = element("span", { class: "initial", text: label[0]?.toUpperCase() ?? "?" });
    const picture = source ? element("img", { src: source, alt: "", width: 96, height: 96 }) : initial;
    picture.onerror = () => picture.replaceWith(initial);
    const input = element("input", { type: "radio", name: "avatar", value: name, "aria-label": `${label} ${about}` });
    input.onchange = () => {
      at("upload-error").textContent = "";
      this.on.chosen(name);
    };
    return element("label", { class: "tile", title: about || null }, input, picture, element("span", { text: label }));
  }

  _acceptDrops() {
    const area = at("drop");
    area.append(icon("upload-sign"), element("p", { text: "Let go, and this face will talk" }));
    let depth = 0;
    const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
    const show = (change) => {
      depth = Math.max(0, depth + change);
      area.hidden = depth === 0;
    };
    addEventListener("dragenter", (event) => carriesFile(event) && show(1));
    addEventListener("dragleave", (event) => carriesFile(event) && show(-1));
    addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      show(-depth);
      this.on.dropped();
      if (event.dataTransfer.files[0]) this.upload(event.dataTransfer.files[0]);
    });
  }
}

function megabytes(bytes) {
  const size = bytes / 1e6;
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} MB`;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
