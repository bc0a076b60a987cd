// Put into a page before its own scripts: what the server told it, what it plays, and pictures of its face.
{
  const EVERY = 20; // ms between looks at the sound; one look hears 43 ms
  const told = (window.told = []);
  const analysers = [];
  const taps = new Map(); // audio context → the analyser that hears what goes to its loudspeaker
  const sound = (window.sound = []); // {at, rms, state, told}: told is how many events had come
  const peers = (window.peers = []); // configurations of RTCPeerConnections

  const connect = AudioNode.prototype.connect;
  function listen(context) {
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    analysers.push(analyser);
    return analyser;
  }
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      if (!taps.has(target.context)) taps.set(target.context, listen(target.context));
      connect.call(this, taps.get(target.context));
      window.loudspeaker?.(this, connect);
    }
    return connect.call(this, target, ...rest);
  };

  window.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address);
      this.addEventListener("message", ({ data }) => typeof data === "string" && told.push(JSON.parse(data)));
    }
  };

  const Peer = window.RTCPeerConnection;
  if (Peer) {
    window.RTCPeerConnection = class extends Peer {
      constructor(configuration) {
        super(configuration);
        peers.push(configuration);
        this.addEventListener("track", ({ track }) => {
          if (track.kind !== "audio") return;
          const context = new AudioContext();
          context.resume();
          connect.call(context.createMediaStreamSource(new MediaStream([track])), listen(context));
        });
      }
    };
  }

  const samples = new Float32Array(2048);
  setInterval(() => {
    let loudest = 0;
    for (const analyser of analysers) {
      analyser.getFloatTimeDomainData(samples);
      let power = 0;
      for (const sample of samples) power += sample * sample;
      loudest = Math.max(loudest, Math.sqrt(power / samples.length));
    }
    sound.push({ at: performance.now(), rms: loudest, state: window.visavis?.state, told: told.length });
  }, EVERY);

  /** `count` pictures of the face, `every` ms, as JPEG data URLs. */
  window.look = async (count, every) => {
    const pictures = [];
    while (pictures.length < count) {
      pictures.push(document.getElementById("face").toDataURL("image/jpeg", 0.95));
      await new Promise((resolve) => setTimeout(resolve, every));
    }
    return pictures;
  };
}
