// The player of an attendee page.
//
// Three ways, the least delay first: µ-law into an AudioWorklet (needs a secure page), WebM with Opus into Media Source
// Extensions, MP3 into the browser's own player. A way that does not work gives way to the next. A stream that breaks is fetched
// again after a pause that grows from half a second to eight, never the same for two listeners; whether it is worth trying, the
// page asks first. What it measures it says in `window.trunkcast`.
"use strict";

(() => {
  const part = (id) => document.getElementById(id);
  const player = part("player"), state = part("state"), button = part("play"), volume = part("volume");
  const level = part("level"), elapsed = part("elapsed"), way = part("way");
  const facts = (window.trunkcast = { way: null, clickedAt: 0, firstSoundMs: null, broke: 0, state: state.dataset.state });

  const SHORTEST = 500, LONGEST = 8000, ASK = 3000;
  let wanted = false, current = null, pause = SHORTEST, heardAt = 0, heardFor = 0, left = [];

  const WORDS = {
    live: "Live now.", waiting: "Nobody speaks yet.", reserved: "Nobody speaks yet.", idle: "A pause: everybody has hung up.",
    ended: "This event has ended. Its archive will be here.", over: "This event has ended. Its archive will be here.",
    archived: "This event has ended. Its archive will be here.", cancelled: "This event was cancelled.",
  };
  const isOver = (word) => ["ended", "over", "archived", "cancelled"].includes(word);

  function say(text) {
    if (state.textContent !== text) state.textContent = text;
  }

  function heard() {
    if (facts.firstSoundMs === null) facts.firstSoundMs = performance.now() - facts.clickedAt;
    if (!heardAt) heardAt = performance.now();
    pause = SHORTEST;
    say("Live. You are listening.");
  }

  async function ask() {
    const answer = await fetch("state", { cache: "no-store" });
    if (answer.status === 410) return { state: "ended", formats: [] };
    if (!answer.ok) throw new Error("state " + answer.status);
    return answer.json();
  }

  function over(word) {
    facts.state = word;
    state.dataset.state = word;
    stop();
    say(WORDS[word]);
    button.disabled = true;
  }

  // ---- the three ways ----

  async function fetched(address, signal, each) {
    const answer = await fetch(address, { cache: "no-store", signal });
    if (!answer.ok) throw Object.assign(new Error("answer " + answer.status), { status: answer.status });
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      await each(value);
    }
  }

  // One for the page: a browser wants it made at a click, and allows only so many.
  let context = null, node = null, gain = null;

  const pcmu = {
    name: "µ-law, least delay", fits: () => window.isSecureContext && "AudioWorkletNode" in window, format: "pcmu",
    async prepare() {
      if (context) return context.resume();
      context = new AudioContext({ latencyHint: "interactive" });
      await context.audioWorklet.addModule("/assets/pcmu.js");
      gain = context.createGain();
      node = new AudioWorkletNode(context, "pcmu", { numberOfInputs: 0, outputChannelCount: [1] });
      node.connect(gain).connect(context.destination);
      node.port.onmessage = ({ data }) => {
        if (data.level === undefined) return;
        level.value = Math.min(1, data.level * 3);
        if (data.playing) heard();
      };
      await context.resume();
    },
    loud: (part) => gain && (gain.gain.value = part),
    play: (signal) => fetched("live.ulaw", signal, (octets) => node.port.postMessage(octets)),
    rest: () => context && context.suspend(),
  };

  const audio = new Audio();
  audio.preload = "none";
  audio.addEventListener("playing", heard);

  const webm = {
    name: "Opus, low bit rate", format: "webm",
    fits: () => "MediaSource" in window && MediaSource.isTypeSupported('audio/webm; codecs="opus"'),
    async prepare() {},
    loud: (part) => (audio.volume = part),
    async play(signal) {
      const source = new MediaSource();
      audio.src = URL.createObjectURL(source);
      const started = audio.play();
      await new Promise((done) => source.addEventListener("sourceopen", done, { once: true }));
      const buffer = source.addSourceBuffer('audio/webm; codecs="opus"');
      buffer.mode = "sequence";
      const settled = () => new Promise((done) => buffer.addEventListener("updateend", done, { once: true }));
      started.catch(() => {});
      await fetched("live.webm", signal, async (octets) => {
        buffer.appendBuffer(octets);
        await settled();
        const ranges = buffer.buffered;
        if (!ranges.length) return;
        const end = ranges.end(ranges.length - 1);
        // Nearer to the live edge when it has drifted off; what was heard goes.
        if (end - audio.currentTime > 1) audio.currentTime = end - 0.2;
        if (ranges.start(0) < end - 60) {
          buffer.remove(0, end - 30);
          await settled();
        }
      });
    },
    rest: () => audio.pause(),
  };

  const mp3 = {
    name: "MP3", format: "mp3", fits: () => audio.canPlayType("audio/mpeg") !== "",
    async prepare() {},
    loud: (part) => (audio.volume = part),
    play: (signal) => new Promise((done, failed) => {
      audio.src = "live.mp3?" + Date.now();
      audio.onended = done;
      audio.onerror = () => failed(new Error("the player has given up"));
      signal.addEventListener("abort", () => done());
      audio.play().catch(failed);
    }),
    rest: () => {
      audio.pause();
      audio.removeAttribute("src");
      audio.load();
    },
  };

  // ---- what is done with them ----

  async function run(mine) {
    left = [pcmu, webm, mp3].filter((candidate) => candidate.fits());
    while (wanted && current === mine) {
      try {
        const now = await ask();
        facts.state = now.state;
        if (isOver(now.state)) return over(now.state);
        const offered = left.filter((candidate) => now.formats.includes(candidate.format));
        if (now.state !== "live" || !offered.length) {
          say(WORDS[now.state] || WORDS.reserved);
          await sleep(SHORTEST * 2 * (0.75 + Math.random() / 2), mine);
          continue;
        }
        const chosen = offered[0];
        facts.way = chosen.format;
        way.textContent = chosen.name;
        try {
          await chosen.prepare();
          chosen.loud(volume.value / 100);
          await chosen.play(mine.signal);
        } catch (error) {
          // Not the line's fault: the way itself does not work here.
          if (wanted && !(error instanceof TypeError) && error.status === undefined && offered.length > 1) {
            left = left.filter((candidate) => candidate !== chosen);
            continue;
          }
          throw error;
        }
      } catch {
        // Told below, tried again.
      }
      if (!wanted || current !== mine) return;
      facts.broke += 1;
      rest();
      say("Interrupted. Trying again.");
      await sleep(pause * (0.5 + Math.random()), mine);
      pause = Math.min(LONGEST, pause * 2);
    }
  }

  function sleep(ms, mine) {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      mine.signal.addEventListener("abort", () => { clearTimeout(timer); done(); });
    });
  }

  function rest() {
    if (heardAt) heardFor += performance.now() - heardAt;
    heardAt = 0;
    level.value = 0;
  }

  function stop() {
    wanted = false;
    if (current) current.abort();
    current = null;
    rest();
    for (const one of [pcmu, webm, mp3]) one.rest();
    button.textContent = "Listen";
    way.textContent = "not yet";
  }

  button.addEventListener("click", () => {
    if (wanted) {
      stop();
      say(WORDS[facts.state] || WORDS.reserved);
      return;
    }
    wanted = true;
    facts.clickedAt = performance.now();
    facts.firstSoundMs = null;
    button.textContent = "Stop";
    say("One moment.");
    current = new AbortController();
    run(current);
  });

  volume.addEventListener("input", () => [pcmu, webm, mp3].forEach((one) => one.loud(volume.value / 100)));

  setInterval(() => {
    const seconds = Math.floor((heardFor + (heardAt ? performance.now() - heardAt : 0)) / 1000);
    elapsed.textContent = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
  }, 1000);

  // While nobody listens, the page still says when it begins and ends; while somebody does, that it has ended.
  setInterval(async () => {
    if (button.disabled || document.hidden) return;
    try {
      const now = await ask();
      facts.state = now.state;
      state.dataset.state = now.state;
      if (isOver(now.state)) over(now.state);
      else if (!wanted) say(WORDS[now.state] || WORDS.reserved);
    } catch {
      // The next one may get through.
    }
  }, ASK);

  player.hidden = false;
})();
